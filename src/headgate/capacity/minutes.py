"""What callers may take a minute, and what they took: one bucket for each limit; pure.

Each worker counts for itself, and is told by the steward what the others took: so whatever it
decides, it decides at once, and knows what is left. What it has not told yet is little beside what
is left, so what all workers let through beyond a limit is little as well, and is lacking later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from headgate.capacity.buckets import Bucket
from headgate.identity.settings import PerMinute
from headgate.records.minutes import LimitStanding, Taking, What

TOLD_PART: Final = 16
"""When what was not told yet is this part of what is left, it is told at once."""


class Limit:
    """A limit of a node, and what was taken of it.

    Attributes:
        node: Whose it is, such as `team:research`.
        what: What it limits.
        untold: What was taken here and not told yet; below 0 for what was given back.
    """

    __slots__ = ("bucket", "node", "untold", "what")

    def __init__(self, node: str, what: What, units: int) -> None:
        self.node, self.what = node, what
        self.bucket = Bucket(units)
        self.untold = 0

    def standing(self, now_ns: int) -> LimitStanding:
        """Return how it stands."""
        bucket = self.bucket
        left, full_ns = bucket.left(now_ns), bucket.full_ns(now_ns)
        return LimitStanding(self.what, bucket.limit, left, now_ns, full_ns)


class MinuteBook:
    """The limits of a configuration.

    Args:
        limited: What nodes may take, by node.

    Attributes:
        hurry: Called when something should be told at once.
    """

    def __init__(self, limited: Mapping[str, PerMinute]) -> None:
        self._limits: dict[tuple[str, str], Limit] = {}
        self.hurry: Callable[[], object] = lambda: None
        self.adopt(limited, 0)

    def adopt(self, limited: Mapping[str, PerMinute], now_ns: int) -> None:
        """Go by these limits from now on; what was taken of those that stay stays taken."""
        before, self._limits = self._limits, {}
        for node, limits in limited.items():
            self._adopt(before, node, "requests", limits.requests_per_minute, now_ns)
            self._adopt(before, node, "tokens", limits.tokens_per_minute, now_ns)

    def _adopt(
        self,
        before: Mapping[tuple[str, str], Limit],
        node: str,
        what: What,
        units: int | None,
        now_ns: int,
    ) -> None:
        if units is None:
            return
        limit = before.get((node, what))
        if limit is None:
            limit = Limit(node, what, units)
        elif limit.bucket.limit != units:
            limit.bucket.change(units, now_ns)
        self._limits[node, what] = limit

    def of(self, nodes: Iterable[str]) -> tuple[Limit, ...]:
        """Return the limits of nodes, in their order."""
        keys = [(node, what) for node in nodes for what in ("requests", "tokens")]
        return tuple(self._limits[key] for key in keys if key in self._limits)

    def take(self, limit: Limit, units: int, now_ns: int) -> int:
        """Take units of a limit, and see that the others hear of it; returns the take's number."""
        bucket = limit.bucket
        number = bucket.take(units, now_ns)
        limit.untold += units
        if limit.untold * TOLD_PART >= bucket.left_then:
            self.hurry()
        return number

    def give_back(self, limit: Limit, number: int, units: int, now_ns: int) -> None:
        """Give back units of a take that were not needed, and see that the others hear of it."""
        limit.untold -= limit.bucket.give_back(number, units, now_ns)

    # What is told, and heard.

    def news(self) -> tuple[Taking, ...]:
        """Return what was not told yet."""
        limits = self._limits.values()
        return tuple(Taking(each.node, each.what, each.untold) for each in limits if each.untold)

    def told(self) -> None:
        """All news were told."""
        for limit in self._limits.values():
            limit.untold = 0

    def hear(self, news: Iterable[Taking], now_ns: int) -> None:
        """Count what was taken elsewhere; what is limited here no more is no matter."""
        for each in news:
            limit = self._limits.get((each.node, each.what))
            if limit is not None:
                limit.bucket.hear(each.units, now_ns)

    def lacking(self, now_ns: int) -> tuple[Taking, ...]:
        """Return what is lacking of each limit, without what was not told yet."""
        rows = [
            Taking(limit.node, limit.what, limit.bucket.lacks(now_ns) - limit.untold)
            for limit in self._limits.values()
        ]
        return tuple(row for row in rows if row.units > 0)

    def take_up(self, lacking: Iterable[Taking], now_ns: int) -> None:
        """Take up what is lacking as others know it: whoever knows of more is believed."""
        for each in lacking:
            limit = self._limits.get((each.node, each.what))
            if limit is not None:
                limit.bucket.lack_at_least(each.units, limit.untold, now_ns)
