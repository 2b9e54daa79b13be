"""A coarse clock, so that nobody asks the system for the time all the time."""

from headgate.gateway.client.http_bytes import date_line
from headgate.units.instants import NANOS_PER_SECOND


class Coarse:
    """Moved on by the sweep a few times a second.

    Attributes:
        coarse_ms: Coarse monotonic time.
        second: Since 1970 UTC, as of the last sweep.
        date_line: The header line of every reply that says when it is sent, which is that second.
    """

    __slots__ = ("coarse_ms", "date_line", "second")

    def __init__(self, now_ns: int) -> None:
        self.coarse_ms = 0
        self.second = now_ns // NANOS_PER_SECOND
        self.date_line = date_line(self.second)

    def move(self, now_ms: int, now_ns: int) -> None:
        """Move on to a monotonic time, and to an instant."""
        self.coarse_ms = now_ms
        second = now_ns // NANOS_PER_SECOND
        if second != self.second:
            self.second = second
            self.date_line = date_line(second)
