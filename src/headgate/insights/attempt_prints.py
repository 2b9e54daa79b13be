"""Telling whether two sides have the same attempts, however many, in little memory.

Each side adds up a keyed hash of each of its attempts, apart for a few hundred parts. Sums that are
equal are of the same attempts, in whatever order they came: the interpreter's hash of a text is
SipHash with 64 bits, keyed anew in each process. Only where sums differ are attempts looked at
one by one, and those of differing parts alone.
"""

from collections.abc import Callable, Container, Iterable
from typing import NamedTuple

PARTS = 256
LOOKED_MAX = 500_000
"""So many attempts are kept to be looked at one by one, about."""


class End(NamedTuple):
    """How an attempt stands: its state as in the store, and what it posted."""

    state: str
    posted_nanos: int

    def __str__(self) -> str:
        return f"{self.state} at {self.posted_nanos} nanos"


Take = Callable[[str, End], None]
"""Takes one attempt."""


def part_of(attempt: str) -> int:
    """Return which part an attempt belongs to."""
    return hash(attempt) % PARTS


class Prints:
    """Sums of the hashes of attempts, by part."""

    __slots__ = ("_sums", "count")

    def __init__(self) -> None:
        self._sums = [0] * PARTS
        self.count = 0

    def add(self, attempt: str, end: End) -> None:
        """Add an attempt."""
        self._sums[part_of(attempt)] += hash(f"{attempt} {end.state} {end.posted_nanos}")
        self.count += 1

    def unlike(self, other: "Prints") -> frozenset[int]:
        """Return the parts that the other has not alike, as many as can be looked at at once."""
        parts = [part for part in range(PARTS) if self._sums[part] != other._sums[part]]
        each = max(self.count, other.count) // PARTS + 1
        return frozenset(parts[: max(1, LOOKED_MAX // each)])


class Some:
    """The attempts of a few parts, one by one.

    Attributes:
        ends: By attempt; the last one of each.
        twice: Those that came more than once.
    """

    __slots__ = ("_parts", "ends", "twice")

    def __init__(self, parts: Container[int]) -> None:
        self._parts = parts
        self.ends: dict[str, End] = {}
        self.twice: list[str] = []

    def add(self, attempt: str, end: End) -> None:
        """Add an attempt, if it is of these parts."""
        if part_of(attempt) not in self._parts:
            return
        if attempt in self.ends:
            self.twice.append(attempt)
        self.ends[attempt] = end


def differences(stored: Some, replayed: Some) -> Iterable[str]:
    """Yield a sentence for each attempt that store and journal have differently, by attempt."""
    for attempt in sorted(stored.ends.keys() | replayed.ends.keys()):
        here, there = stored.ends.get(attempt), replayed.ends.get(attempt)
        if here != there:
            yield (
                f"The attempt {attempt} differs: {here or 'missing'} in the store, "
                f"{there or 'missing'} in the journal."
            )
