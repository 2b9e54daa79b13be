"""Numbers: what a journal names once and refers to from then on; a bounded memory of it."""

from collections.abc import Hashable

from headgate.records.journal import REFERENCES_MAX


class Numbers:
    """The numbers of the things of one kind, from 1, in the order they were named.

    Only the last `REFERENCES_MAX` are remembered, as by whoever reads the journal: what was
    forgotten is named anew, under a new number.
    """

    __slots__ = ("_last", "_numbers")

    def __init__(self) -> None:
        self._last = 0
        self._numbers: dict[Hashable, int] = {}

    def find(self, thing: Hashable) -> int:
        """Return the number of a thing, 0 when it has none."""
        return self._numbers.get(thing, 0)

    def give(self, thing: Hashable) -> int:
        """Return the number a thing has from now on, which the caller writes down."""
        if len(self._numbers) >= REFERENCES_MAX:
            del self._numbers[next(iter(self._numbers))]
        self._last += 1
        self._numbers[thing] = self._last
        return self._last
