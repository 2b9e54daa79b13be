"""Numbers: what a journal names once and refers to from then on; a bounded memory of it."""

from collections.abc import Hashable

from headgate.records.journal import REFERENCES_MAX


class Numbers:
    """The numbers of the things of one kind, from 1, in the order they were named.

    Only the last `REFERENCES_MAX` are remembered, as by whoever reads the journal: what was
    forgotten is named anew, under a new number.

    Attributes:
        last: The number that was given last, 0 when none was.
    """

    __slots__ = ("_numbers", "last")

    def __init__(self) -> None:
        self.last = 0
        self._numbers: dict[Hashable, int] = {}

    def find(self, thing: Hashable) -> int:
        """Return the number of a thing, 0 when it has none."""
        return self._numbers.get(thing, 0)

    def remembers(self, number: int) -> bool:
        """Tell whether a number that was given still stands for what it was given to."""
        return number > self.last - REFERENCES_MAX

    def give(self, thing: Hashable) -> int:
        """Return the number a thing has from now on; it was written down with it before."""
        if len(self._numbers) >= REFERENCES_MAX:
            del self._numbers[next(iter(self._numbers))]
        self.last += 1
        self._numbers[thing] = self.last
        return self.last
