"""Guards against runs that run away: what a run does is counted, and one that does too much stops.

A worker counts what it sees, in memory: of several workers each counts its own, and a new one
starts at nothing. What was stopped stays so wherever its calls come, as the steward freezes it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec

from headgate.budgets.settings import RunLimits
from headgate.records.control import Control, ControlReply, ControlRequest
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.money import format_usd

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange

RUNS_MAX = 65_536
"""So many runs are counted at once; then those that were met first are forgotten."""
MINUTE_NS = 60_000_000_000


class Count:
    """What one run did.

    Attributes:
        minute_ns: When the minute began that `spent_nanos` is of.
        body: Hash of the last body; `repeats`: how many of the same came in a row.
        broken: The guard that it broke, in words; empty for none.
        frozen: Whether the steward has frozen it for that.
    """

    __slots__ = ("body", "broken", "calls", "frozen", "minute_ns", "repeats", "spent_nanos")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.calls = 0
        self.minute_ns = 0
        self.spent_nanos = 0
        self.body = 0
        self.repeats = 0
        self.broken = ""
        self.frozen = False


class Guards:
    """Counts the calls of runs against the limits of the configuration."""

    def __init__(self, limits: RunLimits, control: Control) -> None:
        self._limits = limits
        self._control = control
        self._counts: dict[tuple[str, str], Count] = {}

    def refuse(self, exchange: Exchange, now_ns: int) -> Refusal | None:
        """Count a call of a run; tell why it may not be made, None when it may."""
        credential = exchange.request.credential
        assert credential is not None
        assert exchange.run is not None
        key = (credential.principal, exchange.run)
        count = self._counts.get(key)
        if count is None:
            if len(self._counts) >= RUNS_MAX:
                del self._counts[next(iter(self._counts))]
            count = self._counts[key] = Count()
        if not count.broken:
            count.broken = self._broken(count, exchange.body, now_ns)
            if not count.broken:
                count.calls += 1
                return None
        if not count.frozen:
            self._tell(key, credential.team, count.broken)
        message = f"The run {exchange.run!r} is frozen: {count.broken}. A person may thaw it."
        return Refusal(errors.RUN_RUNAWAY, message, "x-headgate-run")

    def _broken(self, count: Count, body: bytes, now_ns: int) -> str:
        limits = self._limits
        if limits.calls_max is not None and count.calls >= limits.calls_max:
            return f"calls_max is {limits.calls_max}"
        if limits.repeats_max is not None:
            same = hash(body)
            count.repeats = count.repeats + 1 if same == count.body else 1
            count.body = same
            if count.repeats > limits.repeats_max:
                return f"repeats_max is {limits.repeats_max}, and the same body came again"
        most = limits.spend_per_minute_nanos_max
        if most is not None and now_ns < count.minute_ns + MINUTE_NS and count.spent_nanos > most:
            return (
                f"spend_usd_per_minute_max is ${format_usd(most)},"
                f" and it spent ${format_usd(count.spent_nanos)}"
            )
        return ""

    def spent(self, exchange: Exchange, amount_nanos: int, at_ns: int) -> None:
        """Count what an attempt of a run cost."""
        credential = exchange.request.credential
        assert credential is not None
        assert exchange.run is not None
        count = self._counts.get((credential.principal, exchange.run))
        if count is None:
            return
        if at_ns >= count.minute_ns + MINUTE_NS:
            count.minute_ns = at_ns
            count.spent_nanos = 0
        count.spent_nanos += amount_nanos

    def thawed(self, frozen: Collection[str]) -> None:
        """Let runs begin anew that were stopped and are frozen no more."""
        for (principal, run), count in self._counts.items():
            if not count.broken:
                continue
            if f"run:{principal}/{run}" in frozen:
                count.frozen = True
            elif count.frozen:
                count.clear()

    def _tell(self, key: tuple[str, str], team: str, broken: str) -> None:
        """Have the steward freeze a run; told again with the next call if that fails."""
        principal, run = key
        body = msgspec.json.encode({"action": "frozen", "reason": broken}).decode()
        self._control.send(
            ControlRequest("GUARD", "runs", run, principal, team, "guard", body=body), _done
        )


def _done(_reply: ControlReply | None) -> None:
    """The state that follows says whether it is frozen."""
