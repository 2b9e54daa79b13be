"""A steward among those of other nodes: it says that it lives, and does what they have changed.

It looks a few times a second, and at once when another tells it to (`LISTEN`, `NOTIFY`).
"""

import asyncio
import contextlib
import faulthandler
import time
from collections.abc import Collection, Coroutine
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, func, select

from headgate.ledger import store_fleet
from headgate.ledger.store_fleet import News
from headgate.node.listening import listen_always
from headgate.store.dialect import number_of
from headgate.store.postgresql import CONNECT
from headgate.units.errors import StoreError

LOOK_S = 0.25
GIVE_UP_LOOK_S = 5.0
ALONE_S = 15.0
HANG_S = 30.0
"""After so long the other nodes give this one up."""
SPEND_NS = 10_000_000_000
"""So long after it last said that it lives, counted from before it did, a node may spend."""


class Acting(Protocol):
    """Whoever does what the news are about."""

    def wanted_elsewhere(self, windows: frozenset[str]) -> None:
        """Give back what lies idle here of windows that others lack money of."""

    def changed_elsewhere(self) -> None:
        """Take up what was changed at another node."""

    def may_spend_until(self, monotonic_ns: int) -> None:
        """Tell the workers how long they may spend what they were lent."""


class Fleet:
    """This node among the others.

    Args:
        engine: The store.
        node: The id of this node.
        acting: Who acts.

    Attributes:
        leads: Set when this node does what only one of them has to do.
    """

    def __init__(self, engine: Engine, node: str, acting: Acting) -> None:
        self._engine = engine
        self._node = node
        self._acting = acting
        self._changes: int | None = None
        self._woken = asyncio.Event()
        # Locks of a connection last as long as it does: the node's own, and the leader's.
        self._held: Connection | None = None
        self.leads = asyncio.Event()

    def enter(self) -> None:
        """Be this node, alone.

        Raises:
            StoreError: Another process is, or the store cannot be reached.
        """
        held = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        until_s = time.monotonic() + ALONE_S
        while not _try_lock(held, f"node {self._node}"):
            if time.monotonic() > until_s:
                raise StoreError(
                    f"Another steward runs as node {self._node} on this store: if the data "
                    "directory was copied, remove `node-id` and `journal` from the copy."
                )
            time.sleep(LOOK_S)
        self._held = held

    def look(self) -> News:
        """Say that this node lives, see what is new, and act on it."""
        asked_ns = time.monotonic_ns()
        with self._engine.begin() as connection:
            came_back = store_fleet.beat(connection, self._node)
            news = store_fleet.look(connection, self._node, came_back=came_back)
        assert self._held is not None, "enter comes first"
        if self.leads.is_set():
            # Whoever has lost this connection has lost its locks: that ends the steward.
            self._held.execute(select(1))
        elif _try_lock(self._held, "leader"):
            self.leads.set()
        self._acting.may_spend_until(asked_ns + SPEND_NS)
        self._acting.wanted_elsewhere(news.wanted)
        if self._changes is not None and news.changes != self._changes:
            self._acting.changed_elsewhere()
        self._changes = news.changes
        return news

    def tell(self) -> None:
        """Let the other nodes look now."""
        with self._engine.begin() as connection:
            store_fleet.tell(connection, self._node)

    def want(self, windows: Collection[str]) -> None:
        """Ask the other nodes for what lies idle there."""
        with self._engine.begin() as connection:
            store_fleet.want(connection, self._node, windows)

    async def watch_always(self) -> None:
        """Look again and again; ends with an error when the store cannot be reached.

        A server that neither answers nor closes would be waited for without end, and with it the
        whole steward, while another may have taken that server's place: so the process is ended
        then, and says where it waited.
        """
        listening = asyncio.create_task(self._listen())
        given_up_s = 0.0
        try:
            while True:
                faulthandler.dump_traceback_later(HANG_S, exit=True)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), LOOK_S)
                self._woken.clear()
                self.look()
                if time.monotonic() > given_up_s + GIVE_UP_LOOK_S:
                    given_up_s = time.monotonic()
                    with self._engine.begin() as connection:
                        store_fleet.give_up_the_silent(connection, self._node, time.time_ns())
        finally:
            faulthandler.cancel_dump_traceback_later()
            listening.cancel()

    def _listen(self) -> Coroutine[Any, Any, None]:
        address = self._engine.url.set(drivername="postgresql")
        told = {name: str(value) for name, value in CONNECT.items() if name not in address.query}
        address = address.update_query_dict(told)
        driver = self._engine.dialect.dbapi
        return listen_always(driver, address.render_as_string(hide_password=False), self._heard)

    def _heard(self, node: str) -> None:
        if node != self._node:
            self._woken.set()

    def leave(self) -> None:
        """Be this node no more."""
        if self._held is not None:
            self._held.close()


def _try_lock(connection: Connection, name: str) -> bool:
    return bool(connection.scalar(select(func.pg_try_advisory_lock(number_of(name)))))
