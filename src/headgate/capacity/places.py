"""Places at a deployment: a bounded number at once, then a queue by class and share; pure.

The classes come in order, so a higher one waits for no lower one; but of so many places one goes to
a call of a lower class that has waited for long, so that none waits for ever. Within a class the
teams share by weight: see `shares`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from headgate.capacity.shares import FairQueue, Share, Waiter
from headgate.records.priority import PRIORITIES

SERVICE_US_START: Final = 2_000_000
"""What a call is assumed to take before any has been served."""
AGED_EVERY: Final = 8
"""One of so many places goes to a lower class whose calls have waited for long."""
AGE_MS: Final = 10_000


class Places:
    """The places of one deployment.

    Attributes:
        lent: Places that may be used here; all of them, unless others have some.
        limit: How many of them calls are given: fewer while some are to be given back.
        on_change: Called when more are wanted, or some can be given back.
        taken: Calls being served.
        waiting: Calls that wait for a place.
        service_us: Running mean of how long a call takes.
    """

    __slots__ = (
        "_age_ms",
        "_passed",
        "_telling",
        "concurrency_max",
        "lent",
        "limit",
        "on_change",
        "queue_max",
        "queues",
        "service_us",
        "taken",
        "waiting",
    )

    def __init__(
        self,
        concurrency_max: int,
        queue_max: int,
        weights: Mapping[str, int] | None = None,
        age_ms: int = AGE_MS,
    ) -> None:
        """Make the places.

        Args:
            concurrency_max: How many there are.
            queue_max: How many calls may wait.
            weights: By team; those that are not named have 1.
            age_ms: How long a call is passed over by higher classes before it has its turn.
        """
        self.concurrency_max = self.lent = self.limit = concurrency_max
        self.on_change: Callable[[], None] | None = None
        self.queue_max = queue_max
        self._age_ms = age_ms
        self.taken = self.waiting = 0
        self._passed = 0
        self._telling = False
        self.service_us = SERVICE_US_START
        self.queues = [FairQueue(rank, weights or {}) for rank in range(len(PRIORITIES))]

    def take(self, rank: int, team: str) -> Share | None:
        """Take a place now; None when none is free or others wait already.

        Whoever has a place keeps what is returned, and gives it back.
        """
        if self.taken >= self.limit or self.waiting:
            return None
        return self._give(self.queues[rank].share_of(team))

    def wait(self, rank: int, team: str, waiter: Waiter) -> bool:
        """Join the queue; False when it is full.

        Who finds it full takes the room of the call that came last in the lowest class, of the
        team that waits most for its weight, unless it would itself be that call.
        """
        queue = self.queues[rank]
        share = queue.share_of(team)
        dropped: Waiter | None = None
        # What is not lent may come for the asking: who waits for that is in nobody's way.
        if self.waiting >= self.queue_max + self.concurrency_max - self.limit:
            last = self._last()
            if last is None or not _outranks(share, last):
                return False
            dropped = self.queues[last.rank].drop_last(last)
            self.waiting -= 1
        queue.add(share, waiter, self.service_us)
        self.waiting += 1
        if dropped is not None:
            dropped.resume(None)
        if self.on_change is not None:
            self.on_change()
        return True

    def eta_ms(self, rank: int, team: str) -> int:
        """Return when a call that comes now may expect its place, if no higher class comes."""
        ahead = sum(queue.length for queue in self.queues[:rank]) + self.queues[rank].ahead(team)
        places = self.lent or self.concurrency_max
        return (ahead + 1) * self.service_us // (1_000 * places)

    def give_back(self, share: Share, held_us: int, now_ms: int, *, served: bool = True) -> None:
        """Return a place after it was held; whose turn it is gets it.

        Who is told may give its place back at once (it is refused, say): then it is not called
        deeper and deeper, but the loop that told it goes on.

        Args:
            share: What the place was taken with.
            held_us: For how long.
            now_ms: Coarse monotonic time.
            served: Whether the call was sent, so that its time says how long calls take.
        """
        if served:
            self.service_us += (held_us - self.service_us) // 8
        queue = self.queues[share.rank]
        queue.charge(share, held_us, self.service_us, now_ms)
        queue.running -= 1
        share.running -= 1
        self.taken -= 1
        assert share.running >= 0
        if self.waiting:
            self._serve(now_ms)
        if self.lent > self.limit and self.on_change is not None:
            self.on_change()

    def _serve(self, now_ms: int) -> None:
        if self._telling:
            return
        self._telling = True
        try:
            while self.waiting and self.taken < self.limit:
                self._give_next(now_ms)
        finally:
            self._telling = False

    @property
    def wanted(self) -> int:
        """How many would be used."""
        return self.taken + self.waiting

    def borrow(self, on_change: Callable[[], None]) -> None:
        """Use from now on only places that are lent; there are none yet."""
        self.lent = self.limit = 0
        self.on_change = on_change

    def lend(self, more: int, now_ms: int) -> None:
        """Take up more places."""
        self.lent += more
        self.limit = self.lent
        self._serve(now_ms)

    def keep(self, most: int) -> None:
        """Use no more than so many from now on; the rest is given back as calls end."""
        self.limit = min(self.lent, most)

    def surplus(self) -> int:
        """Take out, to be given back, what is not to be used and no call has."""
        returned = self.lent - max(self.limit, self.taken)
        self.lent -= returned
        return returned

    def leave(self, rank: int, team: str, resume: Callable[[Share | None], None]) -> None:
        """Leave the queue without being told, because the client went away."""
        queue = self.queues[rank]
        before = queue.length
        queue.leave(queue.share_of(team), resume)
        self.waiting -= before - queue.length

    def count_from(self, since_ms: int, at_ms: int) -> None:
        """Count who began to wait at one time, the last so far, as of a later one."""
        if self.waiting:
            for queue in self.queues:
                queue.count_from(since_ms, at_ms)

    def expired(self, before_ms: int) -> list[Waiter]:
        """Take out those who began to wait before an instant, for them to be sent away."""
        if not self.waiting:
            return []
        gone = [waiter for queue in self.queues for waiter in queue.expired(before_ms)]
        self.waiting -= len(gone)
        return gone

    def _give(self, share: Share) -> Share:
        self.taken += 1
        self.queues[share.rank].running += 1
        share.running += 1
        return share

    def _give_next(self, now_ms: int) -> None:
        queue = self.queues[self._turn(now_ms)]
        places = self.limit - (self.taken - queue.running)
        share, waiter = queue.take_next(places, self.service_us)
        self.waiting -= 1
        waiter.resume(self._give(share))

    def _turn(self, now_ms: int) -> int:
        """Return the class whose turn it is; some call must wait."""
        ranks = [rank for rank, queue in enumerate(self.queues) if queue.length]
        since = {rank: self.queues[rank].oldest_ms() for rank in ranks[1:]}
        oldest = min(since, key=lambda rank: since[rank], default=ranks[0])
        if oldest == ranks[0] or now_ms - since[oldest] < self._age_ms:
            return ranks[0]
        self._passed += 1
        if self._passed < AGED_EVERY:
            return ranks[0]
        self._passed = 0
        return oldest

    def _last(self) -> Share | None:
        """Return the share whose last call is the first to make room."""
        shares = (queue.longest() for queue in reversed(self.queues))
        return next((share for share in shares if share is not None), None)


def _outranks(share: Share, last: Share) -> bool:
    """Tell whether one more call of a share comes before the last call of another."""
    if share.rank != last.rank:
        return share.rank < last.rank
    return (len(share.queue) + 1) * last.weight < len(last.queue) * share.weight
