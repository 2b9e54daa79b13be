"""Watching while the steward runs: whether deployments fail more often, or are slower than usual.

What is usual is kept in memory and learned anew after a start; what was told is in the store. Of
nodes that share one, one watches.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from sqlalchemy import Connection, Engine

from headgate.config.snapshot import Snapshot
from headgate.insights import quality
from headgate.insights.quality import Worse
from headgate.insights.watched import Running, now, sent
from headgate.node.rules import Rules
from headgate.routing.learning.learner import Drift
from headgate.routing.learning.watch import FAILURES, LATENCY, PACE, Seen, Watch
from headgate.units.instants import NANOS_PER_SECOND

SETTLE_NS = 60 * NANOS_PER_SECOND
"""Attempts are looked at so long after they were sent: most have ended, and are in the store. Those
that have not are looked at again until they have."""

LASTS_NS = 3_600 * NANOS_PER_SECOND
"""An alarm counts for so long at least: a provider that blips would fill the audit chain."""

ATTEMPTS_AT_ONCE = 1_000
"""Of a busier stretch the first ones stand for the others; likewise of those that run long."""

LOOK_S = 2
WATCHED = frozenset({FAILURES, LATENCY, PACE})


class Here(Protocol):
    """The steward, as watching needs it."""

    engine: Engine
    reading: Engine
    rules: Rules


async def watch_deployments(here: Here) -> None:
    """Watch, for ever.

    Raises:
        SQLAlchemyError: The store could not be written or read.
    """
    watching = Watching((here.engine, here.reading), lambda: here.rules.snapshot)
    while True:
        await asyncio.to_thread(watching.step, time.time_ns())
        await asyncio.sleep(LOOK_S)


class Watching:
    """Looks at what is in the store.

    Args:
        engines: The store, for writing, and the one beside it for reading.
        snapshot: Returns the configuration in force.
    """

    def __init__(self, engines: tuple[Engine, Engine], snapshot: Callable[[], Snapshot]) -> None:
        self._engine, self._reading = engines
        self._snapshot = snapshot
        self._watch = Watch()
        self._until_ns = self._begun_ns = 0
        self._anew_ns: dict[tuple[str, str], int] = {}
        self._running: dict[str, bool] = {}
        """Attempts that had not ended when they were looked at, and whether they count as such that
        hang."""

    def step(self, now_ns: int) -> None:
        """Look at the next attempts, and tell of what became worse or is known again."""
        since_ns, self._until_ns = self._until_ns, now_ns - SETTLE_NS
        if not since_ns:
            self._begun_ns = now_ns
            return
        with self._reading.connect() as connection:
            shown = self._shown(connection, since_ns)
            told = [each for each in quality.worse(connection) if each.source in WATCHED]
        found = [drift for id_, each in shown for drift in self._hear(id_, each, now_ns)]
        settled = self._settled(told, now_ns - LASTS_NS)
        if found or settled:
            self._tell(found, settled, told, now_ns)

    def _shown(self, connection: Connection, since_ns: int) -> list[tuple[str, Seen | Running]]:
        """Return what there is to be seen of those that ran, and of those sent since."""
        models = {name: each.priced_as for name, each in self._snapshot().deployments.items()}
        ran = list(now(connection, self._running, models)) if self._running else []
        # What is in the store no more, or says nothing, is looked at no more.
        self._running = {id_: self._running[id_] for id_, _ in ran}
        return [*ran, *sent(connection, since_ns, self._until_ns, models, ATTEMPTS_AT_ONCE)]

    def _hear(self, id_: str, shown: Seen | Running, now_ns: int) -> list[Drift]:
        """Learn from an attempt; one that hangs is a failure once, however it ends."""
        if isinstance(shown, Seen):
            if self._running.pop(id_, False):
                shown = shown._replace(served=None, waited_us=None)
            return self._watch.hear(shown)
        if id_ not in self._running and len(self._running) >= ATTEMPTS_AT_ONCE:
            return []
        hung = self._running.setdefault(id_, False)
        if hung or not self._watch.hangs(shown.deployment, (now_ns - shown.at_ns) // 1_000):
            return []
        self._running[id_] = True
        return self._watch.hear(Seen(shown.deployment, shown.model, served=False))

    def _settled(self, told: list[Worse], until_ns: int) -> set[tuple[str, str]]:
        """Return what is known again of all told until then, by what was learned since."""
        known = self._watch.settled()
        old = (each for each in told if each.since_ns <= until_ns)
        keys = ((each, (each.deployment, each.source)) for each in old)
        return {
            key
            for each, key in keys
            if key in known and self._anew_ns.get(key, self._begun_ns) >= each.since_ns
        }

    def _tell(
        self,
        found: list[Drift],
        settled: set[tuple[str, str]],
        told: list[Worse],
        now_ns: int,
    ) -> None:
        counted = {(each.deployment, each.source) for each in told}
        with self._engine.begin() as connection:
            quality.settle(connection, settled, now_ns)
            for drift in found:
                key = (drift.deployment, drift.source)
                self._anew_ns[key] = now_ns
                if key not in counted:
                    quality.raise_alarm(connection, drift, now_ns // NANOS_PER_SECOND, now_ns)
