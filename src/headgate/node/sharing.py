"""What a steward does because others share its store: tells them, and does what they changed."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterator
from functools import partial
from typing import Any, Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from headgate.ledger import store_fleet
from headgate.ledger.keeper import Keeper
from headgate.ledger.store_nodes import ELSEWHERE
from headgate.node.fleet import Fleet
from headgate.node.lending import Lending
from headgate.node.messages import GiveBack, Message, Recall, SpendUntil, pack
from headgate.units.errors import StoreError

RECALL_S = 0.06
"""So long other nodes may take; whoever waits for them has been answered by then."""


class Here(Protocol):
    """The steward, as sharing needs it; it is asked for nothing before it is whole."""

    keeper: Keeper
    lending: Lending

    def take_up_changes(self) -> None:
        """Take up what another node has changed in the store."""

    def tell_worker(self, journal: str, message: Message) -> None:
        """Send a message to a worker, if it is connected."""

    def tell_workers(self, data: bytes) -> None:
        """Send a packed message to every worker."""

    def fail(self, error: Exception) -> None:
        """End, for the books cannot be kept."""


class Sharing:
    """A steward's dealings with the other nodes; with none where it is alone.

    Args:
        engine: The store.
        node: The id of this node, empty when it is alone.
        here: The steward.
    """

    def __init__(self, engine: Engine, node: str, here: Here) -> None:
        self._engine = engine
        self.node = node
        self._here = here
        self._until_ns: int | None = None
        self._wanted: frozenset[str] = frozenset()
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

    def tell_lender(self, journal: str, message: Message) -> None:
        """Send a message to a worker, or ask the other nodes for what lies idle there.

        They answer by giving it back, and after a while have answered.
        """
        if journal != ELSEWHERE:
            self._here.tell_worker(journal, message)
            return
        assert isinstance(message, Recall), message
        assert self._fleet is not None
        self._fleet.want(message.windows)
        over = partial(self._lend_again, message.number)
        asyncio.get_running_loop().call_later(RECALL_S, over)

    def _lend_again(self, answered: int) -> None:
        try:
            self._here.lending.hear(GiveBack({}, answered), ELSEWHERE)
        except (StoreError, SQLAlchemyError) as error:
            self._here.fail(error)

    def returned(self, windows: Collection[str]) -> None:
        """A worker has returned money of some windows, which another node may lack."""
        if not self._wanted.isdisjoint(windows):
            self._here.keeper.return_idle(self._wanted.intersection(windows))

    def greeting(self) -> bytes:
        """Return what a worker that has just connected is told first."""
        return b"" if self._until_ns is None else pack(SpendUntil(self._until_ns))

    def journals_elsewhere(self) -> set[str]:
        """Return the journals of other nodes whose workers may live."""
        if self._fleet is None:
            return set()
        with self._engine.connect() as connection:
            return store_fleet.open_elsewhere(connection, self.node)

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
            self._here.keeper.return_idle(None)
            self._fleet.leave()

    # What the fleet tells.

    def wanted_elsewhere(self, windows: frozenset[str]) -> None:
        """Give back what others lack, and let the workers do so."""
        self._wanted = windows
        if windows:
            self._here.keeper.return_idle(windows)
            self._here.keeper.line.call_in(tuple(windows))
        self._here.lending.move()

    def changed_elsewhere(self) -> None:
        """Take up what others changed."""
        self._here.take_up_changes()

    def may_spend_until(self, monotonic_ns: int) -> None:
        """Tell the workers."""
        self._until_ns = monotonic_ns
        self._here.tell_workers(pack(SpendUntil(monotonic_ns)))
