"""Guards against runs that run away: what a run does is counted, and one that does too much stops.

Each worker counts what it sees itself and tells the others at once, each its own sums, so that no
call counts twice; what a worker that is gone has counted still counts. Between a call at one
worker and the moment at which another knows of it lies the way over the steward. What was stopped
stays so wherever its calls come, as the steward freezes it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import msgspec

from headgate.budgets.settings import RunLimits
from headgate.caches.prompt import digest_of
from headgate.gateway.learning.run_counts import Count
from headgate.records.control import Control, ControlReply, ControlRequest
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.money import format_usd

if TYPE_CHECKING:
    from headgate.experience.rows import Key, Value
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.learning.notebook import Notebook

RUNS_MAX: Final = 65_536
"""So many runs are counted at once; then those that were met first are forgotten."""

RUN, ANEW = "run", "run.anew"
"""What is told, in the notebook: what a run did at a worker, and that it begins anew."""

NODE: Final = "run:"

Run = tuple[str, str]
"""A principal, and what it calls its run."""


class Guards:
    """Counts the calls of runs against the limits of the configuration.

    Args:
        limits: Those of the configuration.
        control: Has the steward freeze a run.
        notebook: Tells the other workers, and hears from them.
        worker: What this worker is called among all that ever counted.
    """

    def __init__(
        self, limits: RunLimits, control: Control, notebook: Notebook, worker: str
    ) -> None:
        self._limits = limits
        self._control = control
        self._notebook = notebook
        self._worker = worker
        self._counts: dict[Run, Count] = {}
        self._stopped: frozenset[str] = frozenset()
        notebook.latest(RUN, self._hear_run)
        notebook.latest(ANEW, self._hear_anew)

    def refuse(self, exchange: Exchange, now_ns: int) -> Refusal | None:
        """Count a call of a run; tell why it may not be made, None when it may."""
        credential = exchange.request.credential
        assert credential is not None
        assert exchange.run is not None
        run = (credential.principal, exchange.run)
        count = self._count(run)
        if not count.broken:
            count.broken = self._broken(count, exchange.body, now_ns)
            if not count.broken:
                count.calls += 1
                self._say(run, count, now_ns)
                return None
        if not count.frozen:
            self._tell(run, credential.team, count.broken)
        message = f"The run {exchange.run!r} is frozen: {count.broken}. A person may thaw it."
        return Refusal(errors.RUN_RUNAWAY, message, "x-headgate-run")

    def _count(self, run: Run) -> Count:
        count = self._counts.get(run)
        if count is None:
            if len(self._counts) >= RUNS_MAX:
                del self._counts[next(iter(self._counts))]
            count = self._counts[run] = Count()
        return count

    def _broken(self, count: Count, body: bytes, now_ns: int) -> str:
        limits = self._limits
        if limits.calls_max is not None and count.calls_of_all >= limits.calls_max:
            return f"calls_max is {limits.calls_max}"
        if limits.repeats_max is not None:
            count.sent(digest_of(body))
            if count.repeats > limits.repeats_max:
                return f"repeats_max is {limits.repeats_max}, and the same body came again"
        most = limits.spend_per_minute_nanos_max
        if most is not None:
            spent_nanos = count.spent_of_all(now_ns)
            if spent_nanos > most:
                return (
                    f"spend_usd_per_minute_max is ${format_usd(most)},"
                    f" and it spent ${format_usd(spent_nanos)}"
                )
        return ""

    def spent(self, exchange: Exchange, amount_nanos: int, at_ns: int) -> None:
        """Count what an attempt of a run cost."""
        credential = exchange.request.credential
        assert credential is not None
        assert exchange.run is not None
        run = (credential.principal, exchange.run)
        count = self._counts.get(run)
        if count is not None:
            count.spend(amount_nanos, at_ns)
            self._say(run, count, at_ns)

    def thawed(self, frozen: Collection[str]) -> None:
        """Let runs begin anew that were frozen and are so no more.

        Args:
            frozen: The nodes of the tree that are frozen now.
        """
        stopped = frozenset(node for node in frozen if node.startswith(NODE))
        for node in stopped:
            count = self._counts.get(_run_of(node))
            if count is not None:
                count.frozen = True
        for node in self._stopped - stopped:
            run = _run_of(node)
            count = self._counts.get(run)
            if count is not None:
                at_ns = count.begin_anew()
                self._notebook.note((ANEW, *run), at_ns, ())
                self._notebook.hurry()
        self._stopped = stopped

    def _say(self, run: Run, count: Count, now_ns: int) -> None:
        """Tell the other workers what this one has counted of a run, before its turn is over."""
        self._notebook.note((RUN, *run, self._worker), count.stamp(now_ns), count.told())
        self._notebook.hurry()

    def _hear_run(self, key: Key, at_ns: int, value: Value) -> None:
        _, principal, run, worker = key
        if worker != self._worker:
            self._count((principal, run)).hear(worker, at_ns, value)

    def _hear_anew(self, key: Key, at_ns: int, _value: Value) -> None:
        self._count((key[1], key[2])).hear_anew(at_ns)

    def _tell(self, run: Run, team: str, broken: str) -> None:
        """Have the steward freeze a run; told again with the next call if that fails."""
        principal, name = run
        body = msgspec.json.encode({"action": "frozen", "reason": broken}).decode()
        self._control.send(
            ControlRequest("GUARD", "runs", name, principal, team, "guard", body=body), _done
        )


def _run_of(node: str) -> Run:
    """Return the run of a node of the tree."""
    principal, _, run = node.removeprefix(NODE).partition("/")
    return principal, run


def _done(_reply: ControlReply | None) -> None:
    """The state that follows says whether it is frozen."""
