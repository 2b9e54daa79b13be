"""A node among others: borrows from the store what it lends to its workers, and gives back."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy
from sqlalchemy import Connection, Engine, select

from headgate.ledger import store_fleet
from headgate.ledger.book import COMFORT, Lease, LeaseBook, Used, Wanted
from headgate.ledger.fold import Movement
from headgate.ledger.line import is_small
from headgate.ledger.node_tables import node_lease
from headgate.ledger.source import Alone, Carver, Source
from headgate.ledger.store_pools import LENDING, Pools
from headgate.ledger.store_shared_allotments import SharedAllotments
from headgate.store.dialect import hold_lock, upsert, write

ELSEWHERE = "@elsewhere"
"""Stands in the book for the workers of all other nodes; no journal has that name."""

IDS_AT_ONCE = 1_000
BLOCKS = sqlalchemy.Sequence("reference_block")
"""Each number stands for so many ids of callers and routes."""


@dataclass(slots=True)
class NodeLease:
    """What this node was lent of a window, as it stands in the store."""

    granted_nanos: int = 0
    posted_nanos: int = 0
    lost_nanos: int = 0

    @property
    def counted_nanos(self) -> int:
        """What it takes from the window."""
        return max(self.granted_nanos, self.posted_nanos + self.lost_nanos)


class Among:
    """One of several nodes that share a store.

    Args:
        engine: The store.
        node: The id of this node.
        book: What is lent to workers; its limits are what this node was lent.
        configured: The limit of a budget's window.
    """

    def __init__(
        self, engine: Engine, node: str, book: LeaseBook, configured: Callable[[str], int]
    ) -> None:
        self.node = node
        self.lenders = frozenset({ELSEWHERE})
        self._engine = engine
        self._book = book
        shared = SharedAllotments(book, configured)
        self._pools = Pools(shared.find)
        shared.pools = self._pools
        self.shared = shared
        self.allotments: Carver = shared
        self._leases: dict[str, NodeLease] = {}

    def limit(self, window: str) -> int:
        """Return what this node was lent, and what may come back from others.

        It was lent no more than the limit, which may have become lower.
        """
        lease = self._leases.get(window)
        own = 0 if lease is None else min(lease.granted_nanos, self.allotments.limit(window))
        return own + self._elsewhere(window)

    def follow(self, beside: Callable[[str], Sequence[str]]) -> Callable[[str], int]:
        """Look at what all nodes have used of those windows, whenever something is borrowed."""
        self.shared.beside.of = beside
        return self.shared.beside.used

    def look(self, connection: Connection, windows: Collection[str]) -> None:
        """See what all nodes have used of some windows."""
        self.shared.beside.look(connection, windows)

    def _elsewhere(self, window: str) -> int:
        account = self._book.windows.get(window)
        found = None if account is None else account.leases.get(ELSEWHERE)
        return 0 if found is None else found.counted_nanos

    def ids(self, _connection: Connection) -> Iterator[int]:
        """Return ids in blocks that are this node's alone."""
        while True:
            with self._engine.begin() as taking:
                block = taking.scalar(BLOCKS)
            yield from range(block * IDS_AT_ONCE, (block + 1) * IDS_AT_ONCE)

    def used(self, connection: Connection) -> Iterable[Used]:
        """Return what this node has used of what it was lent."""
        self._leases = {}
        rows = connection.execute(select(node_lease).where(node_lease.c.node == self.node))
        for row in rows.all():
            lease = NodeLease(row.granted_nanos, row.posted_nanos, row.lost_nanos)
            self._leases[row.window] = lease
            yield Used(row.window, row.posted_nanos, row.lost_nanos)

    def lay_to_rest(self, window: str) -> None:
        """Keep it: of what was lent to this node the book tells what is idle."""

    def at_rest(self, window: str) -> Used:
        """Return nothing: what this node has used the book has an account of."""
        return Used(window, 0, 0)

    def lacks(self, wants: Mapping[str, Wanted]) -> bool:
        """Tell whether the book has too little, for comfort or at all."""
        return any(self._is_short(window, wanted) for window, wanted in wants.items())

    def _is_short(self, window: str, wanted: Wanted) -> bool:
        return self._free(window) < wanted.need_nanos + COMFORT * wanted.want_nanos

    def provide(self, connection: Connection, wants: Mapping[str, Wanted]) -> None:
        """Borrow what the book has too little of: amply while that is comfortable."""
        hold_lock(connection, LENDING)
        self.shared.refresh(connection)
        for window, wanted in wants.items():
            if self._is_short(window, wanted):
                self._borrow(connection, window, wanted)

    def _borrow(self, connection: Connection, window: str, wanted: Wanted) -> None:
        beside = self.shared.beside.of(window)
        # What lies idle here of those windows would be missing in this one.
        self.return_idle(connection, [each for each in beside if each in self._leases])
        free = self._pools.free_nanos(connection, window, self.shared.limit_now(connection, window))
        here = max(0, self._free(window))
        need = max(0, wanted.need_nanos - here)
        ample = max(0, wanted.need_nanos + COMFORT * wanted.want_nanos - here)
        if is_small(window) and need:
            # One node at a time owns all of it.
            ample = max(ample, free)
        comfortable = is_small(window) or free >= COMFORT * ample
        amount = min(ample, free) if comfortable else min(need, free)
        if amount > 0:
            lease = self._leases.setdefault(window, NodeLease())
            self._grant(connection, window, lease.counted_nanos + amount)
        self._see_elsewhere(connection, (window, *beside), short=free < need)

    def _see_elsewhere(
        self, connection: Connection, windows: Sequence[str], *, short: bool
    ) -> None:
        """Have the book say what may come back from others, as of one more worker."""
        idle: Mapping[str, tuple[int, int]] = {}
        if short:
            idle = store_fleet.idle_elsewhere(connection, self.node, windows)
        for window in windows:
            known = self._book.windows.get(window)
            if window in idle or (known is not None and ELSEWHERE in known.leases):
                lease = self._book.account(window, 0).leases.setdefault(ELSEWHERE, Lease())
                lease.granted_nanos, lease.held_nanos = idle.get(window, (0, 0))
            self._book.account(window, self.limit(window))

    def _free(self, window: str) -> int:
        return self._book.account(window, self.limit(window)).free_nanos

    def _grant(self, connection: Connection, window: str, granted_nanos: int) -> None:
        lease = self._leases[window]
        before = lease.counted_nanos
        lease.granted_nanos = granted_nanos
        row = upsert(node_lease).values(
            node=self.node, window=window, granted_nanos=granted_nanos, **NOTHING
        )
        keys = ["node", "window"]
        connection.execute(
            row.on_conflict_do_update(index_elements=keys, set_={"granted_nanos": granted_nanos})
        )
        self._pools.use(connection, window, counted_nanos=lease.counted_nanos - before)

    def return_idle(self, connection: Connection, windows: Collection[str] | None) -> None:
        """Give back what no worker was lent, and let the others look."""
        returned = False
        for window in list(self._leases) if windows is None else windows:
            lease = self._leases.get(window)
            idle = 0 if lease is None else min(self._unlent(window), lease.granted_nanos)
            if lease is not None and idle > 0:
                hold_lock(connection, LENDING)
                self._grant(connection, window, lease.granted_nanos - idle)
                self._book.account(window, self.limit(window))
                returned = True
        if returned:
            store_fleet.tell(connection, self.node)

    def _unlent(self, window: str) -> int:
        used = self._book.account(window, self.limit(window)).used_nanos
        return self._leases[window].granted_nanos - (used - self._elsewhere(window))

    def moved(self, connection: Connection, movements: Mapping[str, Movement]) -> None:
        """Count what was folded; where more was posted than was lent, that is used, too."""
        rows = [
            (self.node, window, movement.posted_nanos, movement.held_nanos)
            for window, movement in sorted(movements.items())
        ]
        write(connection, _MOVE, rows)
        for window, movement in sorted(movements.items()):
            lease = self._leases.setdefault(window, NodeLease())
            before = lease.counted_nanos
            lease.posted_nanos += movement.posted_nanos
            if lease.counted_nanos != before:
                over = lease.counted_nanos - before
                self._pools.use(connection, window, counted_nanos=over)

    def lost(self, connection: Connection, window: str, nanos: int) -> None:
        """Count as used what a power cut took sight of."""
        lease = self._leases[window]
        before = lease.counted_nanos
        lease.lost_nanos += nanos
        write(connection, _LOSE, [(nanos, self.node, window)])
        self._pools.use(connection, window, counted_nanos=lease.counted_nanos - before)


def source_of(
    engine: Engine, node: str, book: LeaseBook, configured: Callable[[str], int]
) -> Source:
    """Return where a node's money comes from; its id is empty when it has the store for itself."""
    return Among(engine, node, book, configured) if node else Alone(engine, book, configured)


NOTHING = dict.fromkeys(("posted_nanos", "held_nanos", "lost_nanos", "given_up_nanos"), 0)

_MOVE = """
INSERT INTO node_lease
  (node, "window", granted_nanos, posted_nanos, held_nanos, lost_nanos, given_up_nanos)
VALUES (?, ?, 0, ?, ?, 0, 0)
ON CONFLICT (node, "window") DO UPDATE SET
  posted_nanos = node_lease.posted_nanos + excluded.posted_nanos,
  held_nanos = node_lease.held_nanos + excluded.held_nanos
"""
_LOSE = """
UPDATE node_lease SET lost_nanos = lost_nanos + ? WHERE node = ? AND "window" = ?
"""
