"""Allotments that several nodes carve, use and end: the store counts what they claim."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, select, update

from headgate.ledger.allotments import BUDGET, Allotment, Short
from headgate.ledger.book import LeaseBook
from headgate.ledger.store_allotments import KeptAllotment, keep, keep_changed, kept
from headgate.ledger.store_beside import Beside
from headgate.ledger.store_pools import LENDING, Pools
from headgate.ledger.tables import allotment as table
from headgate.store.dialect import hold_lock


class SharedAllotments:
    """The allotments of all nodes, as this one knows them.

    Each change happens in a transaction of the caller's, who gives the book up when that fails.

    Args:
        book: Of this node; it lends nothing more of what has ended.
        configured: The limit of a budget's window.

    Attributes:
        beside: What is used of the windows that count in the limits of others.
        pools: What is used of windows; set before anything is read.
    """

    pools: Pools

    def __init__(self, book: LeaseBook, configured: Callable[[str], int]) -> None:
        self._book = book
        self._configured = configured
        self.beside = Beside()
        self._known: dict[str, Allotment] = {}
        self._ended: set[str] = set()
        # Those of budgets, whose amounts are not for ever.
        self._changeable: set[str] = set()
        self._number = 0

    def __contains__(self, window: object) -> bool:
        """Tell whether a window is an allotment's."""
        return window in self._known

    def find(self, window: str) -> Allotment | None:
        """Return the allotment that a window is, None for a budget's."""
        return self._known.get(window)

    def limit(self, window: str) -> int:
        """Return the limit of any window, in nano-dollars."""
        found = self._known.get(window)
        return self._configured(window) if found is None else found.amount_nanos

    def limit_now(self, connection: Connection, window: str) -> int:
        """Return that limit by what all nodes have used at this moment of what counts in it."""
        self.beside.look(connection, self.beside.of(window))
        return self.limit(window)

    def load(self, connection: Connection) -> None:
        """Read all."""
        self.refresh(connection)

    def refresh(self, connection: Connection) -> None:
        """Read what others have carved since the last look, and changed of budgets'."""
        if self._changeable:
            for each in kept(connection, windows=list(self._changeable)):
                self._learn(each)
        for each in kept(connection, self._number):
            self._number = each.number
            self._learn(each)

    def _learn(self, each: KeptAllotment) -> None:
        allotment = each.allotment
        self._known[allotment.window] = allotment
        if each.ended_ns is not None:
            self._end(allotment.window)
        elif allotment.node.startswith(BUDGET):
            self._changeable.add(allotment.window)

    def lay_to_rest(self, window: str) -> None:
        """Keep it: another node may have something of it."""

    def wake(self, connection: Connection, window: str) -> None:
        """None rests."""

    def _end(self, window: str) -> None:
        if window not in self._ended:
            self._ended.add(window)
            self._changeable.discard(window)
            self._book.account(window, 0).ended = True

    def carve(
        self, connection: Connection, allotments: Sequence[Allotment], at_ns: int
    ) -> list[Short]:
        """Carve allotments that nobody has carved yet; return those that do not fit."""
        refused: list[Short] = []
        hold_lock(connection, LENDING)
        self.refresh(connection)
        for allotment in allotments:
            if allotment.window in self._known:
                continue
            short = self._short(connection, allotment)
            if short is not None:
                refused.append(short)
                continue
            self._number = keep(connection, allotment, at_ns)
            self.pools.carve(connection, allotment)
            self._known[allotment.window] = allotment
        return refused

    def _short(self, connection: Connection, allotment: Allotment) -> Short | None:
        for parent in allotment.parents:
            limit_nanos = self.limit_now(connection, parent)
            left = self.pools.free_nanos(connection, parent, limit_nanos)
            if left < allotment.amount_nanos:
                return Short(allotment.window, parent, left)
        return None

    def has(self, wanted: Allotment) -> bool:
        """Tell whether an allotment lasts just as it is wanted, as far as this node knows."""
        return self._known.get(wanted.window) == wanted and wanted.window not in self._ended

    def fit(self, connection: Connection, wanted: Allotment, at_ns: int) -> int:
        """Carve an allotment, or change it, as far as what is above has free; return how much."""
        hold_lock(connection, LENDING)
        self.refresh(connection)
        before = self.pools.claim_of(connection, wanted.window)
        claimed, room = 0, self._room(connection, wanted.parents)
        if before is not None and before.parents == wanted.parents:
            claimed = before.nanos
        elif before is not None and before.nanos > room:
            # There it would claim more than is free: nothing more is spent of it until it fits.
            self.end(connection, [wanted], at_ns)
            return 0
        amount = min(wanted.amount_nanos, claimed + room)
        own = wanted._replace(amount_nanos=amount)
        if before is None:
            self._number = keep(connection, own, at_ns)
        elif not self.has(own):
            keep_changed(connection, own)
            self.pools.give_up(connection, before)
        if before is None or not self.has(own):
            self.pools.carve(connection, own)
        self._known[own.window] = own
        self._changeable.add(own.window)
        self._ended.discard(own.window)
        self._book.account(own.window, 0).ended = False
        return amount

    def _room(self, connection: Connection, parents: Sequence[str]) -> int:
        free = (
            self.pools.free_nanos(connection, each, self.limit_now(connection, each))
            for each in parents
        )
        return max(0, min(free))

    def lasting(self, over: Callable[[Allotment], bool]) -> list[Allotment]:
        """Return those that have not ended and for which `over` holds."""
        known = self._known.values()
        return [each for each in known if each.window not in self._ended and over(each)]

    def end(self, connection: Connection, ended: Sequence[Allotment], at_ns: int) -> None:
        """End allotments that no other node has ended yet."""
        hold_lock(connection, LENDING)
        for each in ended:
            lasts = (table.c.window == each.window) & table.c.ended_ns.is_(None)
            if connection.scalar(select(table.c.window).where(lasts)) is not None:
                self.pools.keep_used(connection, each.window)
                connection.execute(update(table).where(lasts).values(ended_ns=at_ns))
            self._end(each.window)
