"""Shares: which team's call gets the next place, by weight, within one priority class; pure.

What is shared is places held for a time, not calls: whoever sends long calls would otherwise get
more of a deployment than its share. Two rules, in integers:

1. A team that holds less than its share of the places goes first. So an idle share is lent to
   whoever comes, and is back with its owner as soon as calls end; none is cut short for it.
2. Otherwise, and where a share is no whole place, the team is next that has used least for its
   weight since calls began to wait. A team that comes later starts level with those who wait:
   neither is it owed what it did not ask for, nor do the others owe what nobody else wanted.

Rule 2 is start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996), with the time a place is
held as the length of a packet; what still runs counts at the mean until it has ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

SCALE: Final = 1_000
"""Virtual time is microseconds of a place times this, over the weight."""


class Waiter(NamedTuple):
    """A call in the queue.

    Attributes:
        resume: Called once, with the share a place was given from, None when the wait is over.
        since_ms: Coarse monotonic time at which it began to wait.
    """

    resume: Callable[[Share | None], None]
    since_ms: int


class Share:
    """What one team has of a deployment, within one class; who holds a place keeps its share.

    Attributes:
        rank: The class, 0 the highest.
        weight: What its share is in proportion to.
        running: Places it holds.
        queue: Its calls that wait, in the order they came.
        used: Its virtual time, of calls that have ended.
        period: Which time of waiting `used` is of.
    """

    __slots__ = ("period", "queue", "rank", "running", "team", "used", "weight")

    def __init__(self, team: str, rank: int, weight: int) -> None:
        self.team = team
        self.rank = rank
        self.weight = weight
        self.running = 0
        self.used = 0
        self.period = 0
        self.queue: deque[Waiter] = deque()

    def due(self, mean_us: int) -> int:
        """Return its virtual time, running calls at the mean; the lowest is served first."""
        return self.used + self.running * mean_us * SCALE // self.weight


class FairQueue:
    """The calls of one class that wait at a deployment, and what its teams have had.

    Attributes:
        length: Calls that wait.
        running: Places the class holds.
    """

    __slots__ = (
        "_period",
        "_rank",
        "_shares",
        "_since_ms",
        "_virtual",
        "_waiting",
        "_weights",
        "length",
        "running",
    )

    def __init__(self, rank: int, weights: Mapping[str, int]) -> None:
        self._rank = rank
        self._weights = weights
        self._shares: dict[str, Share] = {}
        self._waiting: dict[str, Share] = {}
        self._virtual = self._period = self._since_ms = 0
        self.length = self.running = 0

    def share_of(self, team: str) -> Share:
        """Return a team's share."""
        share = self._shares.get(team)
        if share is None:
            share = Share(team, self._rank, self._weights.get(team, 1))
            self._shares[team] = share
        return share

    def shares(self) -> list[Share]:
        """Return the shares of those who hold places or wait."""
        return [share for share in self._shares.values() if share.running or share.queue]

    def add(self, share: Share, waiter: Waiter, mean_us: int) -> None:
        """Let a call of a team wait."""
        if not self.length:
            self._period += 1
            self._virtual = 0
            self._since_ms = waiter.since_ms
        if not share.queue:
            self._renew(share)
            share.used += max(0, self._virtual - share.due(mean_us))
            self._waiting[share.team] = share
        share.queue.append(waiter)
        self.length += 1

    def take_next(self, places: int, mean_us: int) -> tuple[Share, Waiter]:
        """Take out the call that is to have the next place; some must wait.

        Args:
            places: How many there are for the class: those it holds and those that are free.
            mean_us: How long a call takes.
        """
        waiting = self._waiting.values()
        weights = sum(share.weight for share in self.shares())
        short = [each for each in waiting if (each.running + 1) * weights <= places * each.weight]
        chosen = min(short or waiting, key=lambda share: share.due(mean_us))
        self._virtual = max(self._virtual, min(share.due(mean_us) for share in waiting))
        waiter = chosen.queue.popleft()
        self._left(chosen)
        return chosen, waiter

    def charge(self, share: Share, held_us: int, mean_us: int, now_ms: int) -> None:
        """Count a call that has ended, as far as it ran while others waited."""
        if self.length:
            self._renew(share)
            counted_us = min(held_us, (now_ms - self._since_ms) * 1_000 + mean_us)
            share.used += max(0, counted_us) * SCALE // share.weight

    def leave(self, share: Share, resume: Callable[[Share | None], None]) -> None:
        """Take out a call whose client went away."""
        for waiter in share.queue:
            if waiter.resume == resume:
                share.queue.remove(waiter)
                self._left(share)
                return

    def drop_last(self, share: Share) -> Waiter:
        """Take out the call of a team that came last."""
        waiter = share.queue.pop()
        self._left(share)
        return waiter

    def expired(self, before_ms: int) -> list[Waiter]:
        """Take out those who began to wait before an instant."""
        gone: list[Waiter] = []
        for share in list(self._waiting.values()):
            while share.queue and share.queue[0].since_ms < before_ms:
                gone.append(share.queue.popleft())
                self._left(share)
        return gone

    def count_from(self, since_ms: int, at_ms: int) -> None:
        """Count who began to wait at one time, the last so far, as of a later one."""
        for share in self._waiting.values():
            for number in reversed(range(len(share.queue))):
                waiter = share.queue[number]
                if waiter.since_ms != since_ms:
                    break
                share.queue[number] = waiter._replace(since_ms=at_ms)

    def oldest_ms(self) -> int:
        """Return since when the call has waited that has waited longest; some must wait."""
        return min(share.queue[0].since_ms for share in self._waiting.values())

    def longest(self) -> Share | None:
        """Return the team that has most calls waiting for its weight, None when nobody waits."""
        waiting = self._waiting.values()
        return max(
            waiting, key=lambda share: len(share.queue) * SCALE // share.weight, default=None
        )

    def ahead(self, team: str) -> int:
        """Return about how many calls of this class go before one of a team that comes now."""
        own = self.share_of(team)
        mine = len(own.queue)
        return mine + sum(
            min(len(other.queue), (mine + 1) * other.weight // own.weight)
            for other in self._waiting.values()
            if other is not own
        )

    def _renew(self, share: Share) -> None:
        if share.period != self._period:
            share.period = self._period
            share.used = 0

    def _left(self, share: Share) -> None:
        self.length -= 1
        if not share.queue:
            del self._waiting[share.team]
