"""Load that a worker cannot carry: told by how late the event loop comes back to its sweep; pure.

A loop that is behind makes every stream late that it carries already. So new calls are refused
while it is, and go elsewhere or come again; those that run have what there is.
"""

from typing import Final

from headgate.units import errors
from headgate.units.errors import Refusal

LOOKS: Final = 3
"""So many sweeps in a row must be late, or in time again, before anything changes."""

RETRY_S: Final = 2
BEHIND: Final = Refusal(
    errors.OVERLOADED, "This worker is behind its work and takes no new calls.", None, RETRY_S
)


class Lag:
    """How late the sweeps of a loop are.

    Attributes:
        late_ms: How late the last one was, 0 for in time.
        sheds: Whether new calls are refused.
    """

    __slots__ = ("_every_ms", "_in_a_row", "_last_ms", "_max_ms", "late_ms", "sheds")

    def __init__(self, max_ms: int, every_ms: int) -> None:
        """Know of no sweep yet.

        Args:
            max_ms: How late is too late; 0 for never.
            every_ms: How often the sweep should come.
        """
        self._max_ms = max_ms
        self._every_ms = every_ms
        self._last_ms: int | None = None
        self._in_a_row = 0
        self.late_ms = 0
        self.sheds = False

    def look(self, now_ms: int) -> None:
        """Note that the sweep comes now, in monotonic time."""
        last_ms, self._last_ms = self._last_ms, now_ms
        if last_ms is None or not self._max_ms:
            return
        self.late_ms = max(0, now_ms - last_ms - self._every_ms)
        if (self.late_ms > self._max_ms) == self.sheds:
            self._in_a_row = 0
            return
        self._in_a_row += 1
        if self._in_a_row == LOOKS:
            self.sheds = not self.sheds
            self._in_a_row = 0
