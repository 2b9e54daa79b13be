"""Calls of a past period as columns: what a price needs of each, and its class of task."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headgate.economics.prices.bulk import Batch, Flags, Integers, Way
from headgate.units.usage import METERS

Kind = tuple[Way, str]
"""How it was served, and its class of task."""
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
    """

    batch: Batch
    classes: tuple[str, ...]
    class_of: Integers
    posted_nanos: Integers

    @property
    def total(self) -> int:
        """How many."""
        return len(self.class_of)

    def only(self, chosen: Flags) -> "Calls":
        """Return the calls that are chosen."""
        batch = self.batch
        kept = Batch(batch.ways, batch.way[chosen], batch.at_ns[chosen], batch.usage[chosen])
        return Calls(kept, self.classes, self.class_of[chosen], self.posted_nanos[chosen])

    def fingerprint(self) -> str:
        """Return what names these calls, in whatever order they are: 64 bits of each, summed."""
        batch = self.batch
        mixed = (
            _named(map(repr, batch.ways))[batch.way] + _named(self.classes)[self.class_of] * _ODD
        )
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
    return calls_of_table(tuple(kinds), table)


def calls_of_table(kinds: Sequence[Kind], table: Integers) -> Calls:
    """Return a table as columns, in its order.

    Args:
        kinds: Those that rows have; one may be there twice.
        table: A row for each call: the number of its kind, then as in `Row`.
    """
    ways = tuple(dict.fromkeys(way for way, _name in kinds))
    classes = tuple(sorted({name for _way, name in kinds}))
    way = np.array([ways.index(way) for way, _name in kinds] or [0], np.int64)
    class_of = np.array([classes.index(name) for _way, name in kinds] or [0], np.int64)
    kind = table[:, 0]
    batch = Batch(ways, way[kind], table[:, 1].copy(), table[:, 3:])
    return Calls(batch, classes, class_of[kind], table[:, 2].copy())
