"""A deployment on a simulated clock: teams whose calls come and take their time, and its places."""

import heapq
import itertools
from collections import Counter
from collections.abc import Callable

from headgate.capacity.places import Places
from headgate.capacity.shares import Share, Waiter
from headgate.records.priority import INTERACTIVE


class Deployment:
    """Places with calls that come and go on a clock of whole microseconds.

    Attributes:
        held_us: How long places were held, by team.
        waits_ms: How long each call waited before it had its place, in the order they got one.
        refused: Calls that found no room in the queue, or lost it.
    """

    def __init__(self, places: Places) -> None:
        self.places = places
        self.now_us = 0
        self.held_us: Counter[str] = Counter()
        self.waits_ms: list[tuple[str, int, int]] = []
        self.refused: list[str] = []
        self._numbers = itertools.count()
        self._events: list[tuple[int, int, Callable[[], None]]] = []

    def at(self, at_us: int, event: Callable[[], None]) -> None:
        """Let something happen."""
        heapq.heappush(self._events, (at_us, next(self._numbers), event))

    def call(
        self,
        team: str,
        service_us: int,
        rank: int = INTERACTIVE,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """A call comes now; `then` is called when it has been served."""
        came_us = self.now_us

        def placed(share: Share | None) -> None:
            if share is None:
                self.refused.append(team)
                return
            self.waits_ms.append((team, rank, (self.now_us - came_us) // 1_000))
            self.at(self.now_us + service_us, lambda: ended(share))

        def ended(share: Share) -> None:
            self.held_us[team] += service_us
            self.places.give_back(share, service_us, self.now_us // 1_000)
            self.assert_no_place_is_idle()
            then()

        share = self.places.take(rank, team)
        if share is not None:
            placed(share)
        elif not self.places.wait(rank, team, Waiter(placed, self.now_us // 1_000)):
            self.refused.append(team)

    def assert_no_place_is_idle(self) -> None:
        """No place may be free while a call waits."""
        places = self.places
        assert not places.waiting or places.taken == places.concurrency_max

    def run(self, until_us: int | None = None) -> None:
        """Let everything happen, up to an instant."""
        while self._events and (until_us is None or self._events[0][0] <= until_us):
            self.now_us, _, event = heapq.heappop(self._events)
            event()
