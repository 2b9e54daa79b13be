"""What one run did: here, and at the other workers, each of which tells its own sums; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headgate.experience.rows import Value

MINUTE_NS: Final = 60_000_000_000
WORKERS_MAX: Final = 64
"""Of so many other workers the sums of a run are known; then the one that told last longest ago is
added up: it is gone, and what it told is not heard again."""


class Elsewhere:
    """What another worker has counted of a run.

    Attributes:
        at_ns: As of when.
        minute_ns: When the minute began that `spent_nanos` is of.
    """

    __slots__ = ("at_ns", "calls", "minute_ns", "spent_nanos")

    def __init__(self, at_ns: int, calls: int, minute_ns: int, spent_nanos: int) -> None:
        self.at_ns = at_ns
        self.calls = calls
        self.minute_ns = minute_ns
        self.spent_nanos = spent_nanos


class Count:
    """What one run did.

    Attributes:
        calls: Its calls at this worker.
        repeats: How many times the last body came in a row, anywhere.
        broken: The guard that it broke here, in words; empty for none.
        frozen: Whether the steward has frozen it.
    """

    __slots__ = (
        *("_anew_ns", "_at_ns", "_body", "_body_ns", "_calls_elsewhere", "_elsewhere", "_gone_ns"),
        *("_minute_ns", "_spent_nanos", "broken", "calls", "frozen", "repeats"),
    )

    def __init__(self) -> None:
        self._anew_ns = self._at_ns = self._gone_ns = 0
        self._calls_elsewhere = 0
        self._elsewhere: dict[str, Elsewhere] = {}
        self._clear()

    def _clear(self) -> None:
        """Forget what it did here."""
        self.calls = self.repeats = 0
        self._body = self._body_ns = 0
        self._minute_ns = self._spent_nanos = 0
        self.broken = ""
        self.frozen = False

    @property
    def calls_of_all(self) -> int:
        """Its calls at all workers, as far as they have told."""
        return self.calls + self._calls_elsewhere

    def spent_of_all(self, now_ns: int) -> int:
        """Return what it spent within the minute that runs at each worker."""
        own = self._spent_nanos if now_ns < self._minute_ns + MINUTE_NS else 0
        others = (
            each.spent_nanos
            for each in self._elsewhere.values()
            if now_ns < each.minute_ns + MINUTE_NS
        )
        return own + sum(others)

    def sent(self, body: int) -> None:
        """It sends a body, of which this is the hash."""
        self.repeats = self.repeats + 1 if body == self._body else 1
        self._body = body

    def spend(self, amount_nanos: int, at_ns: int) -> None:
        """An attempt of its cost so much."""
        if at_ns >= self._minute_ns + MINUTE_NS:
            self._minute_ns = at_ns
            self._spent_nanos = 0
        self._spent_nanos += amount_nanos

    def stamp(self, now_ns: int) -> int:
        """Return an instant for what is told now: later than for what was told before."""
        self._at_ns = max(now_ns, self._at_ns + 1)
        return self._at_ns

    def told(self) -> Value:
        """Return what this worker has counted, as the others are told of it."""
        return self.calls, self._minute_ns, self._spent_nanos, self._body, self.repeats

    def hear(self, worker: str, at_ns: int, value: Value) -> None:
        """Take what another worker has counted in all, in place of what it told before."""
        calls, minute_ns, spent_nanos, body, repeats = (int(each or 0) for each in value)
        before = self._elsewhere.get(worker)
        if at_ns <= self._anew_ns or (before is not None and at_ns <= before.at_ns):
            return
        if before is not None:
            self._calls_elsewhere -= before.calls
        elif at_ns <= self._gone_ns:
            # It is in the sum, and is told once more to whoever connects to a steward anew.
            return
        elif len(self._elsewhere) >= WORKERS_MAX:
            gone = min(self._elsewhere, key=lambda name: self._elsewhere[name].at_ns)
            # Its calls stay in the sum.
            self._gone_ns = max(self._gone_ns, self._elsewhere.pop(gone).at_ns)
        self._calls_elsewhere += calls
        self._elsewhere[worker] = Elsewhere(at_ns, calls, minute_ns, spent_nanos)
        if body == self._body:
            self.repeats = max(self.repeats, repeats)
        elif at_ns > max(self._at_ns, self._body_ns):
            self._body, self.repeats = body, repeats
        self._body_ns = max(self._body_ns, at_ns)

    def begin_anew(self) -> int:
        """Forget what it did; returns the instant up to which nothing counts any more."""
        heard = (each.at_ns for each in self._elsewhere.values())
        self.hear_anew(max(self._at_ns, self._anew_ns + 1, *heard))
        return self._anew_ns

    def hear_anew(self, at_ns: int) -> None:
        """Forget what it did up to an instant, whatever is heard in which order."""
        if at_ns <= self._anew_ns:
            return
        self._anew_ns = at_ns
        newer = {name: each for name, each in self._elsewhere.items() if each.at_ns > at_ns}
        self._elsewhere = newer
        self._calls_elsewhere = sum(each.calls for each in newer.values())
        if self._at_ns <= at_ns:
            self._at_ns = at_ns
            self._clear()
