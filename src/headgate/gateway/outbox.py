"""The outbox: what one turn of the event loop has to say is sent at its end, all at once.

A write wakes whoever sleeps at the other end, and that costs more than the write. When many
reads are ready at once, answering each with its own write wakes the same peers again and again;
at the end of the turn the first write wakes them and the others find them awake. A turn with
one read sends at once after it, so nobody waits who is alone.
"""

from collections.abc import Callable
from typing import Protocol


class Sender(Protocol):
    """A connection with something to send."""

    def flush(self) -> None:
        """Send what is pending."""


class Outbox:
    """The connections that have something to send at the end of this turn."""

    __slots__ = ("_call_soon", "_flush", "_is_due", "_senders")

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        """Have `call_soon`, the event loop's, call back at the end of a turn."""
        self._call_soon = call_soon
        self._flush = self.flush
        self._is_due = False
        self._senders: list[Sender] = []

    def soon(self, act: Callable[[], None]) -> None:
        """Have something done in the next turn, with whatever else has come until then."""
        self._call_soon(act)

    def add(self, sender: Sender) -> None:
        """Have a connection flushed at the end of this turn; once per turn is enough."""
        if not self._is_due:
            self._is_due = True
            self._call_soon(self._flush)
        self._senders.append(sender)

    def expect(self) -> None:
        """Have nothing flushed by itself: whoever says so flushes when it is through."""
        self._is_due = True

    def flush(self) -> None:
        """Send everything now: the turn is at its end."""
        senders, self._senders = self._senders, []
        self._is_due = False
        sent = 0
        try:
            while sent < len(senders):
                sent += 1
                senders[sent - 1].flush()
        finally:
            while sent < len(senders):
                # One before it has failed.
                self.add(senders[sent])
                sent += 1
