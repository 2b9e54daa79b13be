"""How a deployment is doing: a circuit breaker, and what it said of when to come back; pure.

    closed ── too many failures ──> open ── a time passes ──> one probe ── served ──> closed
                                     ^                            |
                                     └── failed, waits longer ────┘

Only attempts that began in the state as it is now count: a long stream from before an outage that
ends well does not end the outage.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

BREAKER_OPEN: Final = "breaker_open"
THROTTLED: Final = "throttled"
NO_CREDENTIAL: Final = "credential_unavailable"

WINDOW_NS: Final = 10_000_000_000
"""Rates of failure are of spans of this length, one after the other."""
CALLS_MIN: Final = 20
FAILED_PERCENT: Final = 50
"""So many calls in a span, of which so many failed, open the breaker."""
OPEN_FACTOR_MAX: Final = 12
"""How often the first pause the longest one is."""
NOT_BEFORE_MAX_NS: Final = 600_000_000_000
"""A time to come back that is further away is taken for this: it may be a mistake."""


class Breaker(NamedTuple):
    """When a breaker opens, and for how long.

    Attributes:
        failures: So many in a row open it; a high rate of failures does as well.
        open_ns: The first pause; each probe that fails doubles it, up to twelve times itself.
    """

    failures: int = 5
    open_ns: int = 5_000_000_000


def unnoticed() -> None:
    """Do nothing when a rule changes."""


class Health:
    """The state of one deployment.

    Attributes:
        open_until_ns: While the breaker is open, when the next probe may go; 0 while it is closed.
        not_before_ns: When the deployment wants to be asked again; 0 or past when it may be.
        barred: The rule by which it is passed over until somebody says otherwise, None for none.
        in_a_row: Failures since the last success.
        on_change: Called when `rule` may have changed otherwise than by time.
    """

    __slots__ = (
        "_breaker",
        "_calls",
        "_failed",
        "_mark",
        "_pause_ns",
        "_probing",
        "_window_ends_ns",
        "barred",
        "in_a_row",
        "not_before_ns",
        "on_change",
        "open_until_ns",
    )

    def __init__(self, breaker: Breaker, on_change: Callable[[], None] = unnoticed) -> None:
        self._breaker = breaker
        self.on_change = on_change
        self.open_until_ns = 0
        self.not_before_ns = 0
        self.barred: str | None = None
        self.in_a_row = 0
        self._mark = 0
        self._pause_ns = breaker.open_ns
        self._probing = False
        self._window_ends_ns = 0
        self._calls = self._failed = 0

    def rule(self, now_ns: int) -> str | None:
        """Return the rule by which the deployment is passed over now, None when it is not."""
        if self.barred is not None:
            return self.barred
        if now_ns < self.not_before_ns:
            return THROTTLED
        return BREAKER_OPEN if now_ns < self.open_until_ns else None

    def next_change_ns(self, now_ns: int) -> int | None:
        """Return when `rule` changes by time alone, None when it does not."""
        times = [at_ns for at_ns in (self.not_before_ns, self.open_until_ns) if at_ns > now_ns]
        return min(times, default=None)

    def well_ns(self) -> int:
        """Return when no rule speaks against it, as far as is known now."""
        return max(self.not_before_ns, self.open_until_ns)

    def begin(self, now_ns: int) -> int:
        """Begin an attempt; what is returned goes with its outcome.

        The first one after an open breaker's pause is its probe: until it has ended, or another
        pause is over, it stays the only one.
        """
        if self.open_until_ns and now_ns >= self.open_until_ns:
            self._probing = True
            self.open_until_ns = now_ns + self._pause_ns
            self.on_change()
        return self._mark

    def served(self, mark: int, now_ns: int) -> None:
        """An attempt was answered as it should be, if only with an error about the request."""
        if mark != self._mark:
            return
        self.in_a_row = 0
        if self.open_until_ns:
            self._enter(open_until_ns=0, pause_ns=self._breaker.open_ns)
        else:
            self._count(now_ns, failed=0)

    def failed(self, mark: int, now_ns: int) -> None:
        """An attempt failed for a reason that lies with the deployment."""
        if mark != self._mark:
            return
        self.in_a_row += 1
        if not self.open_until_ns:
            self._count(now_ns, failed=1)
            rate = self._calls >= CALLS_MIN and 100 * self._failed >= FAILED_PERCENT * self._calls
            if rate or self.in_a_row >= self._breaker.failures:
                self._enter(open_until_ns=now_ns + self._pause_ns, pause_ns=self._pause_ns)
        elif self._probing:
            pause_ns = min(2 * self._pause_ns, OPEN_FACTOR_MAX * self._breaker.open_ns)
            self._enter(open_until_ns=now_ns + pause_ns, pause_ns=pause_ns)

    def throttle(self, until_ns: int, now_ns: int) -> None:
        """Pass the deployment over until an instant it named; the latest one holds."""
        until_ns = min(until_ns, now_ns + NOT_BEFORE_MAX_NS)
        if until_ns > max(now_ns, self.not_before_ns):
            self.not_before_ns = until_ns
            self.on_change()

    def bar(self, rule: str | None) -> None:
        """Pass the deployment over by a rule until further notice; None ends it."""
        if rule != self.barred:
            self.barred = rule
            self.on_change()

    def heed(self, rule: str, until_ns: int, now_ns: int) -> None:
        """Pass the deployment over as somebody else does who has found it unwell.

        Its breaker opens until then, and its probe is sent from here as well.
        """
        if rule == THROTTLED:
            self.throttle(until_ns, now_ns)
        elif until_ns > max(now_ns, self.open_until_ns) and not self._probing:
            self._enter(open_until_ns=until_ns, pause_ns=self._pause_ns)

    def _enter(self, *, open_until_ns: int, pause_ns: int) -> None:
        self.open_until_ns = open_until_ns
        self._pause_ns = pause_ns
        self._probing = False
        self._calls = self._failed = 0
        self._mark += 1
        self.on_change()

    def _count(self, now_ns: int, *, failed: int) -> None:
        if now_ns >= self._window_ends_ns:
            self._window_ends_ns = now_ns + WINDOW_NS
            self._calls = self._failed = 0
        self._calls += 1
        self._failed += failed
