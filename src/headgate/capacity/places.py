"""Places at a deployment: a bounded number at once, then a first-come queue with an ETA; pure."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

SERVICE_US_START = 2_000_000
"""What a call is assumed to take before any has been served."""


class Waiter(NamedTuple):
    """A call in the queue.

    Attributes:
        resume: Called once, with True when a place is free, False when the wait is over.
        since_ms: Coarse monotonic time at which it began to wait.
    """

    resume: Callable[[bool], None]
    since_ms: int


class Places:
    """The places of one deployment.

    Attributes:
        taken: Calls being served.
        service_us: Running mean of how long a call takes.
    """

    __slots__ = ("_telling", "concurrency_max", "queue", "queue_max", "service_us", "taken")

    def __init__(self, concurrency_max: int, queue_max: int) -> None:
        self.concurrency_max = concurrency_max
        self.queue_max = queue_max
        self.taken = 0
        self._telling = False
        self.service_us = SERVICE_US_START
        self.queue: deque[Waiter] = deque()

    def take(self) -> bool:
        """Take a place now; False when none is free or others wait already."""
        if self.taken >= self.concurrency_max or self.queue:
            return False
        self.taken += 1
        return True

    def wait(self, waiter: Waiter) -> bool:
        """Join the queue; False when it is full."""
        if len(self.queue) >= self.queue_max:
            return False
        self.queue.append(waiter)
        return True

    def eta_ms(self, position: int) -> int:
        """Return when a call at a position of the queue (from 1) may expect its place."""
        return position * self.service_us // (1_000 * self.concurrency_max)

    def give_back(self, service_us: int) -> None:
        """Return a place after a call took `service_us`; the first in the queue gets it.

        Who is told may give its place back at once (it is refused, say): then it is not called
        deeper and deeper, but the loop that told it goes on.
        """
        self.service_us += (service_us - self.service_us) // 8
        self.taken -= 1
        assert self.taken >= 0
        if self._telling:
            return
        self._telling = True
        try:
            while self.queue and self.taken < self.concurrency_max:
                self.taken += 1
                self.queue.popleft().resume(True)
        finally:
            self._telling = False

    def leave(self, resume: Callable[[bool], None]) -> None:
        """Leave the queue without being told, because the client went away."""
        self.queue = deque(waiter for waiter in self.queue if waiter.resume != resume)

    def expire(self, before_ms: int) -> int:
        """Send away those who began to wait before an instant; returns how many."""
        count = 0
        while self.queue and self.queue[0].since_ms < before_ms:
            self.queue.popleft().resume(False)
            count += 1
        return count
