"""Calls of a past period as columns: what a price needs of each, and its class of task."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headgate.economics.prices.bulk import Batch, Integers, Way
from headgate.units.usage import METERS


class Who(NamedTuple):
    """Whose calls they were.

    Attributes:
        name: The seat of imported logs, the principal of the books.
        log: The kind of usage log that told of them, which a plan covers or does not; empty of the
            books, where the client is not known.
    """

    name: str
    log: str = ""


class Kind(NamedTuple):
    """What many calls have in common: how they were served, their class of task, and whose."""

    way: Way
    task: str
    who: Who = Who("")


Row = tuple[Kind, tuple[int, ...]]
"""A call: its kind, then instant, posted nano-dollars and the quantities by `METERS`."""

_ODD = np.uint64(0x9E3779B97F4A7C15)
"""The golden ratio in 64 bits: multiplied with it, near numbers are far apart (Knuth, 6.4)."""
_NAMES = ("kind", "at_ns", "posted", *METERS)
COLUMNS = len(_NAMES)
"""Of a row: its kind, instant, posted amount and quantities."""
_FIELDS = np.dtype([(name, np.int64) for name in _NAMES])


class Calls(NamedTuple):
    """Calls that were made.

    Attributes:
        batch: What a price needs.
        classes: Names of the classes of tasks, sorted.
        class_of: Of each call, which of `classes` it was.
        posted_nanos: What each was posted at.
        whos: Whose they were.
        who_of: Of each call, which of `whos`.
    """

    batch: Batch
    classes: tuple[str, ...]
    class_of: Integers
    posted_nanos: Integers
    whos: tuple[Who, ...]
    who_of: Integers

    @property
    def total(self) -> int:
        """How many."""
        return len(self.class_of)

    def fingerprint(self) -> str:
        """Return what names these calls, in whatever order they are: 64 bits of each, summed."""
        batch = self.batch
        mixed = _named(map(repr, batch.ways))[batch.way]
        for names, number in ((self.classes, self.class_of), (map(repr, self.whos), self.who_of)):
            mixed = mixed * _ODD + _named(names)[number]
        for column in (batch.at_ns, self.posted_nanos, *batch.usage.T):
            mixed = (mixed ^ (mixed >> np.uint64(29))) * _ODD + column.astype(np.uint64)
        mixed = (mixed ^ (mixed >> np.uint64(32))) * _ODD
        return f"{self.total}:{int(mixed.sum(dtype=np.uint64)):016x}"


def _named(names: Iterable[str]) -> NDArray[np.uint64]:
    """Return 64 bits of the hash of each name."""
    digests = [hashlib.sha256(name.encode()).digest()[:8] for name in names]
    return np.array([int.from_bytes(digest, "little") for digest in digests] or [0], np.uint64)


def sums(values: Integers, group: Integers, groups: int) -> tuple[int, ...]:
    """Return the exact sum of each group."""
    found = np.zeros(groups, np.int64)
    np.add.at(found, group, values)
    return tuple(found.tolist())


def calls_of(rows: Iterable[Row]) -> Calls:
    """Return rows as columns, in their order."""
    kinds: dict[Kind, int] = {}
    numbered = ((kinds.setdefault(kind, len(kinds)), *numbers) for kind, numbers in rows)
    table = np.fromiter(numbered, _FIELDS).view(np.int64).reshape(-1, COLUMNS)
    return calls_of_columns(tuple(kinds), np.ascontiguousarray(table.T))


def calls_of_columns(kinds: Sequence[Kind], columns: Integers) -> Calls:
    """Return calls of their columns, in their order.

    Args:
        kinds: Those that calls have; one may be there twice.
        columns: The numbers of their kinds, their instants, what they were posted at, and their
            quantities by `METERS`: an array each, all of one.
    """
    ways = {way: number for number, way in enumerate(dict.fromkeys(one.way for one in kinds))}
    whos = {who: number for number, who in enumerate(dict.fromkeys(one.who for one in kinds))}
    classes = tuple(sorted({one.task for one in kinds}))
    numbers = np.array(
        [(ways[one.way], classes.index(one.task), whos[one.who]) for one in kinds] or [(0, 0, 0)],
        np.int64,
    )
    kind, at_ns, posted_nanos = columns[:3]
    way, class_of, who_of = (column[kind] for column in numbers.T)
    batch = Batch(tuple(ways), way, at_ns, columns[3:].T)
    return Calls(batch, classes, class_of, posted_nanos, tuple(whos), who_of)
