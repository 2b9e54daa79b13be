"""What all workers have told, merged and bounded: what was told of longest ago goes first; pure."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import TypeVar

from headgate.capacity.pace import Faded, Fading
from headgate.experience.rows import (
    ROWS_MAX,
    CountRow,
    Experience,
    FadedRow,
    Key,
    LatestRow,
    is_newer,
)
from headgate.units.counts import Counts

COUNTED_MAX = 1_024
"""As many of one thing are counted before the older half counts half, as workers do."""

KEYS_MAX = 8_192
LATEST_MAX = 32_768
"""So many things are known of each form; a row of the last takes some 150 bytes as text."""

_Row = TypeVar("_Row")
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
        self._faded: OrderedDict[Key, tuple[int, Fading]] = OrderedDict()
        self._latest: OrderedDict[Key, LatestRow] = OrderedDict()

    def hear(self, told: Experience) -> None:
        """Take what a worker has learned since it last told, or what was kept."""
        if told.hashes != self.hashes:
            # Of another release of the interpreter, perhaps: nobody would find what it hashed.
            self.hashes = told.hashes
            self._latest.clear()
        for row in told.counts:
            _of(self._counts, row.key, lambda: Counts(COUNTED_MAX)).add(row.numbers)
        for each in told.faded:
            self._fade(each)
        for news in told.latest:
            before = self._latest.get(news.key)
            if before is None or is_newer(news, before):
                self._latest[news.key] = news
                self._latest.move_to_end(news.key)
        _bound(self._counts, KEYS_MAX)
        _bound(self._faded, KEYS_MAX)
        _bound(self._latest, LATEST_MAX)
        self.changes += 1

    def _fade(self, row: FadedRow) -> None:
        life = row.half_life_ns
        known, fading = _of(self._faded, row.key, lambda: (life, Fading(life)))
        if known == life:
            fading.absorb(Faded(row.at_ns, row.above, row.below, row.weight))

    def whole(self) -> Iterator[Experience]:
        """Yield all that is known, in as many messages as it takes; none when nothing is."""
        counts = [CountRow(key, dict(each.numbers)) for key, each in self._counts.items()]
        faded = [FadedRow(key, life, *each.faded()) for key, (life, each) in self._faded.items()]
        latest = list(self._latest.values())
        cut = zip_longest(_cut(counts), _cut(faded), _cut(latest), fillvalue=())
        for some_counts, some_faded, some_latest in cut:
            told = Experience(
                self.hashes, True, tuple(some_counts), tuple(some_faded), tuple(some_latest)
            )
            yield told

    def forget(self, key: Key) -> None:
        """Know nothing more of a thing that was told at an instant."""
        if self._latest.pop(key, None) is not None:
            self.changes += 1


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


def _cut(rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    for start in range(0, len(rows), ROWS_MAX):
        yield rows[start : start + ROWS_MAX]
