"""What all workers have told, merged and bounded: what was told of longest ago goes first; pure."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TypeVar

from headgate.capacity.pace import Faded, Fading
from headgate.experience.rows import (
    CountRow,
    Experience,
    FadedRow,
    Key,
    LatestRow,
    is_newer,
    told,
)
from headgate.units.counts import Counts

KEYS_MAX = 8_192
LATEST_MAX = 32_768
"""So many things are known of each form; a row of the last takes some 150 bytes as text."""

_K = TypeVar("_K")
_V = TypeVar("_V")


class Pool:
    """What is known.

    Attributes:
        changes: Goes up with whatever is heard.
        hashes: By what key texts were hashed, 0 before anything was.
    """

    def __init__(self) -> None:
        self.changes = 0
        self.hashes = 0
        self._counts: OrderedDict[Key, Counts] = OrderedDict()
        self._faded: OrderedDict[Key, Fading] = OrderedDict()
        self._latest: OrderedDict[Key, LatestRow] = OrderedDict()

    def hear(self, news: Experience) -> None:
        """Take what a worker has learned since it last told, or what was kept."""
        if news.hashes != self.hashes:
            # Of another release of the interpreter, perhaps: nobody would find what it hashed.
            self.hashes = news.hashes
            self._latest.clear()
        for counted in news.counts:
            self._count(counted)
        for faded in news.faded:
            self._fade(faded)
        for known in news.latest:
            before = self._latest.get(known.key)
            if before is None or is_newer(known, before):
                self._latest[known.key] = known
                self._latest.move_to_end(known.key)
        _bound(self._counts, KEYS_MAX)
        _bound(self._faded, KEYS_MAX)
        _bound(self._latest, LATEST_MAX)
        self.changes += 1

    def _count(self, row: CountRow) -> None:
        _of(self._counts, row.key, lambda: Counts(row.most)).add(row.numbers)

    def _fade(self, row: FadedRow) -> None:
        fading = _of(self._faded, row.key, lambda: Fading(row.half_life_ns))
        if fading.half_life_ns == row.half_life_ns:
            fading.absorb(Faded(row.at_ns, row.above, row.below, row.weight))

    def whole(self) -> Iterator[Experience]:
        """Yield all that is known; none when nothing is."""
        return told(self.hashes, self._counts, self._faded, self._latest, whole=True)


def _of(kept: OrderedDict[_K, _V], key: _K, make: Callable[[], _V]) -> _V:
    """Return what is kept under a key, made when nothing is; it was the last to be asked for."""
    found = kept.get(key)
    if found is None:
        found = kept[key] = make()
    kept.move_to_end(key)
    return found


def _bound(kept: OrderedDict[_K, _V], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
