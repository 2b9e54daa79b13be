"""DBOS (https://docs.dbos.dev, 3.4) as the engine, on SQLite or PostgreSQL.

DBOS keeps each step's result, and goes on behind the last one. What it does not do here, we do:
taking over the work of a node that died (`leases`), for which one of its private methods is
called, and settings under which SQLite serves hundreds of workflows at once.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from dbos import DBOS, DBOSClient, DBOSConfig, SetWorkflowID
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from headgate.store.database import driver
from headgate.units.errors import StoreError
from headgate.workflows.leases import Lease, Leases
from headgate.workflows.port import Flow, FlowState

APPLICATION = "headgate"
SQLITE_MIN = (3, 42, 0)
"""DBOS asks for `unixepoch('subsec')`."""
PRAGMAS = ("PRAGMA busy_timeout=30000", "PRAGMA journal_mode=WAL", "PRAGMA foreign_keys=ON")
BEAT_S = 1.0
TTL_MS = 10_000
POLL_S = 0.1
RUNNING = ("PENDING", "ENQUEUED", "DELAYED")
_STATES = {"SUCCESS": "done", "CANCELLED": "cancelled"}


def open_engine(url: str) -> Engine:
    """Return a database's engine as DBOS is given it.

    SQLite takes one writer: with a log that readers need not wait for, and one connection whose
    users queue in the process, nobody finds it locked.

    Raises:
        StoreError: This Python's SQLite is too old.
    """
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_size=10)
    sqlite = driver()
    if sqlite.sqlite_version_info < SQLITE_MIN:
        raise StoreError("Workflows need SQLite 3.42: install pysqlite3, or use PostgreSQL.")
    engine = create_engine(url, module=sqlite, pool_size=1, max_overflow=0, pool_timeout=60)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in PRAGMAS:
            connection.execute(pragma)

    return engine


class DbosEngine:
    """A node that runs workflows; DBOS allows one in a process.

    Args:
        url: `sqlite:///FILE` (a file of its own) or `postgresql+psycopg://...`.
        node: Its name: one process at a time; who starts under it takes over what the last left.
        ttl_ms: How long a node may be silent until others take its work over.

    Attributes:
        refused: Workflows that were not taken up again, as their code changed: cancelled.
        fenced: Whether somebody has taken this node's work over: it begins no further step.
    """

    def __init__(self, url: str, node: str = "local", ttl_ms: int = TTL_MS) -> None:
        self._engine = open_engine(url)
        self._node = node
        self._ttl_ms = ttl_ms
        self._leases = Leases(self._engine, ttl_ms)
        self._lease = Lease(node, 0)
        self._flows: dict[str, Any] = {}
        self._code = ""
        self._stop = threading.Event()
        self._beating: threading.Thread | None = None
        self.refused: list[FlowState] = []
        self.fenced = False

    def define(self, name: str, function: Flow) -> None:
        """Make a workflow known."""

        async def flow(_code: str, *args: Any) -> Any:
            return await function(*args)

        flow.__name__ = flow.__qualname__ = name
        self._flows[name] = DBOS.workflow(name=name)(flow)

    def launch(self, code: str) -> None:
        """Start, and renew the lease from now on."""
        self._code = code
        self._lease = self._leases.start(self._node)
        config: DBOSConfig = {
            "name": APPLICATION,
            "application_version": APPLICATION,
            "executor_id": str(self._lease),
            "system_database_engine": self._engine,
            "notification_listener_polling_interval_sec": POLL_S,
            "log_level": "ERROR",
            "run_migrations": True,
        }
        if self._engine.dialect.name == "sqlite":
            config["system_database_url"] = str(self._engine.url)
        DBOS(config=config)
        DBOS.launch()
        self._leases.fence(self._lease)
        self.recover()
        self._beating = threading.Thread(target=self._beat, name="headgate-lease", daemon=True)
        self._beating.start()

    def _beat(self) -> None:
        """Renew the lease, and take over from nodes that have not renewed theirs."""
        renewed_ms = time.monotonic_ns() // 1_000_000
        while not self.fenced and not self._stop.wait(BEAT_S):
            now_ms = time.monotonic_ns() // 1_000_000
            try:
                self.fenced = not self._leases.renew(self._lease)
                renewed_ms = now_ms
                if not self.fenced and self._leases.fence(self._lease):
                    self.recover()
            except SQLAlchemyError:
                # Others take over what was silent for so long, so this node must not go on.
                self.fenced = now_ms - renewed_ms > self._ttl_ms

    def close(self) -> None:
        """Stop; what runs is taken up again by the next launch."""
        self._stop.set()
        if self._beating is not None:
            self._beating.join()
        DBOS.destroy()
        self._engine.dispose()

    async def start(self, id: str, name: str, args: Sequence[Any]) -> None:
        """Start a workflow, or leave the one of this id as it is."""
        with SetWorkflowID(id):
            await DBOS.start_workflow_async(self._flows[name], self._code, *args)

    async def spawn(self, name: str, args: Sequence[Any]) -> str:
        """Start a workflow below the one that runs."""
        handle = await DBOS.start_workflow_async(self._flows[name], self._code, *args)
        return handle.workflow_id

    async def result(self, id: str) -> Any:
        """Wait for what a workflow returns."""
        handle: Any = await DBOS.retrieve_workflow_async(id)
        return await handle.get_result(polling_interval_sec=POLL_S)

    async def step(self, name: str, function: Callable[[str], Awaitable[Any]]) -> Any:
        """Run a function once, kept."""

        async def run() -> Any:
            if self.fenced:
                # Raising would be kept as the result of a step that somebody else does now.
                await asyncio.Future()
            return await function(f"{DBOS.workflow_id}/{DBOS.step_id}")

        return await DBOS.run_step_async({"name": name}, run)

    async def wait(self, topic: str, timeout_s: int) -> Any:
        """Wait for a signal."""
        return await DBOS.recv_async(topic, timeout_s)

    async def signal(self, id: str, topic: str, value: Any) -> None:
        """Send a signal."""
        await DBOS.send_async(id, value, topic)

    async def cancel(self, id: str) -> None:
        """Stop a workflow and those below it."""
        await DBOS.cancel_workflow_async(id, cancel_children=True)

    def list(self) -> Sequence[FlowState]:
        """Return all workflows."""
        return [_state(each) for each in DBOS.list_workflows(load_output=False)]

    def recover(self) -> None:
        """Take over what dead nodes left; it is done at each launch, and when one falls silent.

        It may be called by several nodes at once: DBOS gives each workflow to one of them.
        """
        living = self._leases.current()
        found = DBOS.list_workflows(status=["PENDING"], load_output=False)
        left = [_state(each) for each in found if each.executor_id not in living]
        changed = [each for each in left if each.code != self._code]
        for each in changed:
            DBOS.cancel_workflow(each.id)
        dead = sorted({each.node for each in left if each.node is not None})
        if dead:
            DBOS._recover_pending_workflows(dead)
        self.refused += changed


def send_signal(url: str, id: str, topic: str, value: Any) -> None:
    """Send a workflow a signal from outside any node."""
    engine = open_engine(url)
    client = DBOSClient(system_database_engine=engine)
    try:
        client.send(id, value, topic)
    finally:
        client.destroy()
        engine.dispose()


def _state(status: Any) -> FlowState:
    given = status.input["args"] if status.input else ("",)
    state = "running" if status.status in RUNNING else _STATES.get(status.status, "failed")
    return FlowState(status.workflow_id, status.name, state, status.executor_id, str(given[0]))
