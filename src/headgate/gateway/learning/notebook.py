"""What this worker has learned since it last told of it, and who hears what others have.

Each part that learns names what it learns and takes the others' by that name. Writing down costs a
look into a dictionary; the steward is told in good time, see `headgate.node.remembering`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Final

from headgate.capacity.pace import Faded, Fading
from headgate.experience.rows import (
    CountRow,
    Experience,
    FadedRow,
    Key,
    LatestRow,
    Value,
    is_newer,
    told,
)
from headgate.units.counts import Counts

NEWS_MAX: Final = 4_096
"""So many things of each form may be news at once; what is learned of more is not told."""

ODD: Final = (LookupError, OverflowError, TypeError, ValueError)
"""What is raised of a thing that is told in another way than it is told here."""

Row = CountRow | FadedRow | LatestRow
"""One thing that others have learned."""

HearCounts = Callable[[Key, dict[int, int], bool], None]
"""Takes the key, the counts, and whether they are all that is known, to be taken for less."""
HearFaded = Callable[[Key, Faded, bool], None]
HearLatest = Callable[[Key, int, Value], None]
"""Takes the key, the instant at which it was known, and what."""

_log = logging.getLogger(__name__)


def _in_good_time() -> None:
    """There is nobody to be told yet."""


class Notebook:
    """The news of one worker.

    Attributes:
        hashes: Tells by what key this process hashes texts.
        on_hurry: Called when something is to be told before this turn of the loop is over.
    """

    def __init__(self) -> None:
        self.hashes = hash("headgate")
        self.on_hurry: Callable[[], None] = _in_good_time
        self._counts: dict[Key, Counts] = {}
        self._faded: dict[Key, Fading] = {}
        self._latest: dict[Key, LatestRow] = {}
        self._hear_counts: dict[str, HearCounts] = {}
        self._most: dict[str, int] = {}
        self._hear_faded: dict[str, HearFaded] = {}
        self._hear_latest: dict[str, HearLatest] = {}

    # who hears

    def counts(self, part: str, hear: HearCounts, most: int) -> None:
        """Have what others count under the name of a part heard by it.

        Args:
            part: The first word of its keys.
            hear: The part.
            most: From so many of one thing on, what was seen before counts half.
        """
        self._hear_counts[part] = hear
        self._most[part] = most

    def faded(self, part: str, hear: HearFaded) -> None:
        """Have what fades heard."""
        self._hear_faded[part] = hear

    def latest(self, part: str, hear: HearLatest) -> None:
        """Have what was known at an instant heard; only from workers that hash as this one."""
        self._hear_latest[part] = hear

    # what is learned here

    def count(self, key: Key, number: int, times: int = 1) -> None:
        """Note that a number was seen."""
        news = self._counts.get(key)
        if news is None:
            if len(self._counts) >= NEWS_MAX:
                return
            news = self._counts[key] = Counts(self._most[key[0]])
        news.add({number: times})

    def fade(self, key: Key, half_life_ns: int, above: int, below: int, at_ns: int) -> None:
        """Note an observation of what fades; see `Fading.add`."""
        news = self._faded.get(key)
        if news is None:
            if len(self._faded) >= NEWS_MAX:
                return
            news = self._faded[key] = Fading(half_life_ns)
        news.add(above, below, at_ns)

    def note(self, key: Key, at_ns: int, value: Value) -> None:
        """Note what is known of a thing now, in place of what was."""
        if key in self._latest or len(self._latest) < NEWS_MAX:
            self._latest[key] = LatestRow(key, at_ns, value)

    def hurry(self) -> None:
        """Have all news told at once."""
        self.on_hurry()

    # what is told

    def take(self) -> Iterator[Experience]:
        """Return the news, each once, in as many messages as they take."""
        news = self._counts, self._faded, self._latest
        self._counts, self._faded, self._latest = {}, {}, {}
        return told(self.hashes, *news)

    def hear(self, news: Experience) -> None:
        """Hand what others have learned to whoever goes by it here, if anybody does.

        What cannot be read comes from another release, or from a file that one has kept. It is not
        known here, and the rest is: whoever tells it is who money is borrowed from.
        """
        latest = news.latest if news.hashes == self.hashes else ()
        rows: tuple[Row, ...] = (*news.counts, *news.faded, *latest)
        odd: list[Exception] = []
        for row in rows:
            try:
                self._hear(row, whole=news.whole)
            except ODD as error:
                odd.append(error)
        if odd:
            _log.warning("%d things that others have learned are not used: %r", len(odd), odd[0])

    def _hear(self, row: Row, *, whole: bool) -> None:
        part = row.key[0]
        if isinstance(row, CountRow):
            if part in self._hear_counts:
                self._hear_counts[part](row.key, row.numbers, whole)
        elif isinstance(row, FadedRow):
            if part in self._hear_faded:
                faded = Faded(row.at_ns, row.above, row.below, row.weight)
                self._hear_faded[part](row.key, faded, whole)
        elif part in self._hear_latest:
            own = self._latest.get(row.key)
            if own is None or is_newer(row, own):
                self._hear_latest[part](row.key, row.at_ns, row.value)
