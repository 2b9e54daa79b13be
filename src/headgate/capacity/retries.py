"""The retry budget: further attempts stay a fraction of the calls, lest a storm breaks out; pure.

Calls earn, attempts beyond the first spend; what is saved up is bounded. So a provider that dies
under many running calls is survived, and one that stays dead does not multiply the traffic.
"""

from typing import Final

_WHOLE: Final = 100


class RetryBudget:
    """How many further attempts may be made now.

    Args:
        percent: What a call earns, in hundredths of an attempt.
        burst: How many attempts can be saved up; it begins with as many.

    Attributes:
        denied: How often there was none left.
    """

    __slots__ = ("_most", "_percent", "_saved", "denied")

    def __init__(self, percent: int, burst: int) -> None:
        self._percent = percent
        self._most = burst * _WHOLE
        self._saved = self._most
        self.denied = 0

    @property
    def is_empty(self) -> bool:
        """Whether no further attempt may be made now."""
        return self._saved < _WHOLE

    def earn(self) -> None:
        """A call has come."""
        self._saved = min(self._most, self._saved + self._percent)

    def spend(self) -> bool:
        """Take one further attempt; False when none is left."""
        if self.is_empty:
            self.denied += 1
            return False
        self._saved -= _WHOLE
        return True
