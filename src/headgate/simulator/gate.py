"""A gate that holds requests until a test lets them go."""

import asyncio
from collections.abc import Callable
from threading import Condition


class Gate:
    """Open at first. While it is closed, requests that have been read wait in order.

    All methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting: dict[int, tuple[asyncio.AbstractEventLoop, Callable[[], None]]] = {}
        self._closed = False
        self._seen = 0

    @property
    def closed(self) -> bool:
        """Whether arriving requests have to wait."""
        return self._closed

    @property
    def waiting(self) -> int:
        """Requests that wait now."""
        return len(self._waiting)

    @property
    def seen(self) -> int:
        """Requests that ever arrived, whether they had to wait or not."""
        return self._seen

    def close(self) -> None:
        """Let arriving requests wait from now on."""
        with self._changed:
            self._closed = True

    def release(self, count: int | None = None) -> int:
        """Let the first `count` waiting requests go; None lets all go and opens the gate.

        Returns:
            How many were let go.
        """
        with self._changed:
            if count is None:
                self._closed = False
            tickets = list(self._waiting)[:count]
            released = [self._waiting.pop(ticket) for ticket in tickets]
            self._changed.notify_all()
        for loop, proceed in released:
            loop.call_soon_threadsafe(proceed)
        return len(released)

    def enter(self, proceed: Callable[[], None]) -> Callable[[], None] | None:
        """Call `proceed` at once if the gate is open, else when it lets the caller go.

        Returns:
            How to leave the queue, or None when there was no need to wait.
        """
        with self._changed:
            self._seen += 1
            ticket = self._seen
            if self._closed:
                self._waiting[ticket] = (asyncio.get_running_loop(), proceed)
            waits = self._closed
            self._changed.notify_all()
        if waits:
            return lambda: self._leave(ticket)
        proceed()
        return None

    def wait(self, waiting: int, timeout_s: float) -> bool:
        """Block the calling thread until `waiting` requests wait; False if that takes too long.

        In a coroutine use `asyncio.to_thread(gate.wait, ...)`.
        """
        with self._changed:
            return self._changed.wait_for(lambda: len(self._waiting) >= waiting, timeout_s)

    def wait_empty(self, timeout_s: float) -> bool:
        """Block the calling thread until no request waits; False if that takes too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout_s)

    def _leave(self, ticket: int) -> None:
        with self._changed:
            self._waiting.pop(ticket, None)
            self._changed.notify_all()
