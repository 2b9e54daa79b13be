"""What a steward does because others share its store: tells them, and does what they changed."""

from collections.abc import Callable, Collection, Coroutine, Iterator
from typing import Any, Protocol

from sqlalchemy import Engine

from headgate.ledger import store_fleet
from headgate.node.fleet import Fleet
from headgate.node.messages import SpendUntil, pack


class Here(Protocol):
    """The steward, as sharing needs it."""

    def return_idle(self, windows: Collection[str] | None) -> None:
        """Give back to the store what lies idle here of some windows, None for all."""

    def take_up_changes(self) -> None:
        """Take up what another node has changed in the store."""

    def tell_workers(self, data: bytes) -> None:
        """Send a packed message to every worker."""


class Sharing:
    """A steward's dealings with the other nodes; with none where it is alone.

    Args:
        engine: The store.
        node: The id of this node, empty when it is alone.
        here: The steward.
    """

    def __init__(self, engine: Engine, node: str, here: Here) -> None:
        self._engine = engine
        self._node = node
        self._here = here
        self._until_ns: int | None = None
        self._fleet = Fleet(engine, node, self) if node else None
        if self._fleet is not None:
            self._fleet.enter()

    def look(self) -> None:
        """See what is new."""
        if self._fleet is not None:
            self._fleet.look()

    def tell(self) -> None:
        """Let the other nodes look at what was changed here."""
        if self._fleet is not None:
            self._fleet.tell()

    def want(self, windows: Collection[str]) -> bool:
        """Ask the other nodes for what lies idle there; False when there are none to ask."""
        if self._fleet is None or not windows:
            return False
        self._fleet.want(windows)
        return True

    def greeting(self) -> bytes:
        """Return what a worker that has just connected is told first."""
        return b"" if self._until_ns is None else pack(SpendUntil(self._until_ns))

    def journals_elsewhere(self) -> set[str]:
        """Return the journals of other nodes whose workers may live."""
        if self._fleet is None:
            return set()
        with self._engine.connect() as connection:
            return store_fleet.open_elsewhere(connection, self._node)

    async def when_leading(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do what only one node has to do, as soon as it is this one."""
        if self._fleet is not None:
            await self._fleet.leads.wait()
        await work()

    def work(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield what goes on all the time."""
        if self._fleet is not None:
            yield self._fleet.watch_always()

    def leave(self) -> None:
        """Give back what is left: the workers have ended, and all they did is folded."""
        if self._fleet is not None:
            self._here.return_idle(None)
            self._fleet.leave()

    # What the fleet tells.

    def wanted_elsewhere(self, windows: frozenset[str]) -> None:
        """Give back what others lack."""
        self._here.return_idle(windows)

    def changed_elsewhere(self) -> None:
        """Take up what others changed."""
        self._here.take_up_changes()

    def may_spend_until(self, monotonic_ns: int) -> None:
        """Tell the workers."""
        self._until_ns = monotonic_ns
        self._here.tell_workers(pack(SpendUntil(monotonic_ns)))
