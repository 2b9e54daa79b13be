"""Allotments in the store: carved durably, ended durably, changed where they are budgets'."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, insert, not_, select, update

from headgate.ledger.allotments import BUDGET, Allotment, Short
from headgate.ledger.book import LeaseBook, WindowAccount
from headgate.ledger.tables import allotment as table
from headgate.ledger.tables import lease
from headgate.ledger.tables import window as windows_table

NAMED_AT_ONCE = 500
"""So many windows are named in one query."""


class KeptAllotment(NamedTuple):
    """An allotment that was carved as the `number`-th; `ended_ns` is None while it lasts."""

    allotment: Allotment
    ended_ns: int | None
    number: int


class Allotments:
    """The allotments as the steward keeps them: in the store, and counted in its lease book.

    Each change happens in a transaction of the caller's, who gives the book up when that fails.
    Those that have ended rest in the store, unless something is lent of them or was carved from
    them, or they are budgets', which may begin again.

    Args:
        book: Every allotment that does not rest is a window of it.
        configured: The limit of a budget's window.
    """

    def __init__(self, book: LeaseBook, configured: Callable[[str], int]) -> None:
        self._book = book
        self._configured = configured
        self._known: dict[str, Allotment] = {}

    def __contains__(self, window: object) -> bool:
        """Tell whether a window is an allotment's."""
        return window in self._known

    def limit(self, window: str) -> int:
        """Return the limit of any window, in nano-dollars."""
        found = self._known.get(window)
        return self._configured(window) if found is None else found.amount_nanos

    def load(self, connection: Connection) -> None:
        """Count what is in the store, once, before anything else is counted."""
        inner = _carved_from(connection)
        for each in (*kept(connection, where=not_(_RESTS)), *_named(connection, inner)):
            self._count(each.allotment)
            self._book.windows[each.allotment.window].ended = each.ended_ns is not None
        for spent in _spent_at_rest(connection, inner):
            for parent in spent.parents:
                account = self._book.account(parent, self.limit(parent))
                account.spent_below_nanos += spent.used_nanos

    def lay_to_rest(self, window: str) -> None:
        """Let go of an allotment that has ended, if nothing of it is lent or was carved from it."""
        allotment, account = self._known[window], self._book.windows[window]
        if not account.ended or not account.is_idle or allotment.node.startswith(BUDGET):
            return
        for above in self._above(allotment):
            above.carved = [each for each in above.carved if each is not account]
            above.spent_below_nanos += account.used_nanos
        del self._known[window], self._book.windows[window]

    def wake(self, connection: Connection, window: str) -> None:
        """Have what is used of an allotment that is at rest change what is above it."""
        if window in self._known:
            return
        for each in _named(connection, [window]):
            self._count(each.allotment)
            for above in self._above(each.allotment):
                above.spent_below_nanos -= self._book.windows[window].used_nanos

    def _above(self, allotment: Allotment) -> list[WindowAccount]:
        return [self._book.account(each, self.limit(each)) for each in allotment.parents]

    def _count(self, allotment: Allotment) -> None:
        self._known[allotment.window] = allotment
        account = self._book.account(allotment.window, allotment.amount_nanos)
        for parent in allotment.parents:
            self._book.account(parent, self.limit(parent)).carved.append(account)

    def carve(
        self, connection: Connection, allotments: Sequence[Allotment], at_ns: int
    ) -> list[Short]:
        """Carve allotments that were not carved yet; return those that do not fit.

        Each is carved from every window above it, or from none.
        """
        refused: list[Short] = []
        for allotment in allotments:
            if allotment.window in self._known or [*_named(connection, [allotment.window])]:
                continue
            short = self._short(allotment)
            if short is None:
                keep(connection, allotment, at_ns)
                self._count(allotment)
            else:
                refused.append(short)
        return refused

    def _short(self, allotment: Allotment) -> Short | None:
        for parent in allotment.parents:
            left = self._book.account(parent, self.limit(parent)).free_nanos
            if left < allotment.amount_nanos:
                return Short(allotment.window, parent, left)
        return None

    def has(self, wanted: Allotment) -> bool:
        """Tell whether an allotment lasts just as it is wanted."""
        known = self._known.get(wanted.window)
        return known == wanted and not self._book.windows[wanted.window].ended

    def fit(self, connection: Connection, wanted: Allotment, at_ns: int) -> int:
        """Carve an allotment, or change it, as far as what is above has free; return how much."""
        known = self._known.get(wanted.window)
        account = self._book.account(wanted.window, 0 if known is None else known.amount_nanos)
        claimed = 0 if known is None else account.claim_nanos
        room = self._room(wanted.parents)
        if known is not None and known.parents != wanted.parents:
            if claimed > room:
                # There it would claim more than is free: nothing more is spent of it till it fits.
                self.end(connection, [known], at_ns)
                return 0
            self._leave(known)
            claimed = 0
        amount = min(wanted.amount_nanos, claimed + room)
        own = wanted._replace(amount_nanos=amount)
        if known is None:
            keep(connection, own, at_ns)
        elif known != own or account.ended:
            keep_changed(connection, own)
        if known is None or known.parents != wanted.parents:
            self._count(own)
        self._known[own.window], account.limit_nanos, account.ended = own, amount, False
        return amount

    def _room(self, parents: Sequence[str]) -> int:
        free = (self._book.account(each, self.limit(each)).free_nanos for each in parents)
        return max(0, min(free))

    def _leave(self, allotment: Allotment) -> None:
        account = self._book.windows[allotment.window]
        for parent in allotment.parents:
            above = self._book.windows[parent]
            above.carved = [each for each in above.carved if each is not account]

    def lasting(self, over: Callable[[Allotment], bool]) -> list[Allotment]:
        """Return those that have not ended and for which `over` holds."""
        windows = self._book.windows
        lasting = (each for each in self._known.values() if not windows[each.window].ended)
        return [each for each in lasting if over(each)]

    def end(self, connection: Connection, ended: Sequence[Allotment], at_ns: int) -> None:
        """End allotments: what was not used of them flows back.

        What a worker still has of one counts until it gives that back.
        """
        for each in ended:
            lasts = (table.c.window == each.window) & table.c.ended_ns.is_(None)
            connection.execute(update(table).where(lasts).values(ended_ns=at_ns))
            self._book.windows[each.window].ended = True


class Spent(NamedTuple):
    """What several allotments have used that were carved from the same windows."""

    parents: tuple[str, ...]
    posted_nanos: int
    unaccounted_nanos: int

    @property
    def used_nanos(self) -> int:
        """What of it counts above."""
        return self.posted_nanos + self.unaccounted_nanos


def from_below(allotments: Iterable[KeptAllotment]) -> list[KeptAllotment]:
    """Return allotments so that each comes before those that it is carved from.

    Their numbers do not say it: what is set aside for a budget may be carved elsewhere later.
    """
    kept_by = {each.allotment.window: each for each in allotments}
    depths: dict[str, int] = {}

    def depth(window: str) -> int:
        found = depths.get(window)
        if found is None:
            own = kept_by.get(window)
            parents = () if own is None else own.allotment.parents
            found = depths[window] = 1 + max((depth(each) for each in parents), default=0)
        return found

    return sorted(kept_by.values(), key=lambda each: depth(each.allotment.window), reverse=True)


def keep(connection: Connection, allotment: Allotment, at_ns: int) -> int:
    """Keep a new allotment; returns its number."""
    number: int = connection.scalar(select(func.coalesce(func.max(table.c.number), 0) + 1)) or 1
    connection.execute(
        insert(table).values(
            window=allotment.window,
            number=number,
            amount_nanos=allotment.amount_nanos,
            parents=msgspec.json.encode(allotment.parents).decode(),
            key=allotment.key,
            chain=msgspec.json.encode(allotment.chain).decode(),
            node=allotment.node,
            until_ns=allotment.until_ns,
            carved_ns=at_ns,
        )
    )
    return number


def keep_changed(connection: Connection, allotment: Allotment) -> None:
    """Keep what an allotment is now; it lasts, whether or not it had ended."""
    connection.execute(
        update(table)
        .where(table.c.window == allotment.window)
        .values(
            amount_nanos=allotment.amount_nanos,
            parents=msgspec.json.encode(allotment.parents).decode(),
            until_ns=allotment.until_ns,
            ended_ns=None,
        )
    )


def kept(
    connection: Connection,
    after: int = 0,
    windows: Sequence[str] | None = None,
    where: ColumnElement[bool] | None = None,
) -> Iterator[KeptAllotment]:
    """Yield every allotment behind a number, in the order in which they were first carved.

    Args:
        connection: To the store.
        after: The number.
        windows: Those that are wanted, None for all.
        where: What they have to be beside, None for anything.
    """
    wanted = select(table).where(table.c.number > after).order_by(table.c.number)
    if windows is not None:
        wanted = wanted.where(table.c.window.in_(windows))
    if where is not None:
        wanted = wanted.where(where)
    for row in connection.execute(wanted):
        yield KeptAllotment(
            Allotment(
                window=row.window,
                amount_nanos=row.amount_nanos,
                parents=msgspec.json.decode(row.parents, type=tuple[str, ...]),
                key=row.key,
                chain=msgspec.json.decode(row.chain, type=tuple[str, ...]),
                node=row.node,
                until_ns=row.until_ns,
            ),
            row.ended_ns,
            row.number,
        )


_RESTS = and_(
    table.c.ended_ns.is_not(None),
    table.c.node.not_like(f"{BUDGET}%"),
    table.c.window.not_in(select(lease.c.window)),
)
"""Selects those that have ended and of which nothing is lent; some may have others below them."""


def _parents(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])


def _carved_from(connection: Connection) -> list[str]:
    """Return the windows that something was carved from."""
    distinct = connection.scalars(select(table.c.parents).distinct())
    return sorted({window for text in distinct for window in _parents(text)})


def _named(connection: Connection, windows: Sequence[str]) -> Iterator[KeptAllotment]:
    """Yield those of some windows that could rest."""
    for start in range(0, len(windows), NAMED_AT_ONCE):
        yield from kept(connection, windows=windows[start : start + NAMED_AT_ONCE], where=_RESTS)


def carvings(connection: Connection) -> tuple[list[KeptAllotment], list[Spent]]:
    """Return the allotments that matter one by one, and what all others have used.

    The others are at rest, and nothing was carved from them: there may be very many.
    """
    inner = _carved_from(connection)
    each = [*kept(connection, where=not_(_RESTS)), *_named(connection, inner)]
    return each, list(_spent_at_rest(connection, inner))


def amounts(connection: Connection, windows: Collection[str] | None) -> dict[str, int]:
    """Return the amounts of allotments by their windows: of some, or of all that runs have."""
    wanted = select(table.c.window, table.c.amount_nanos)
    if windows is None:
        queries = [wanted.where(table.c.node.like("run:%"))]
    else:
        named = sorted(windows)
        parts = [named[at : at + NAMED_AT_ONCE] for at in range(0, len(named), NAMED_AT_ONCE)]
        queries = [wanted.where(table.c.window.in_(part)) for part in parts]
    rows = (row for query in queries for row in connection.execute(query))
    return {row.window: row.amount_nanos for row in rows}


def _spent_at_rest(connection: Connection, inner: Sequence[str]) -> Iterator[Spent]:
    """Yield what those at rest have used, by what they were carved from.

    Args:
        connection: To the store.
        inner: Those that do not rest because others are below them.
    """
    sums = (windows_table.c.posted_nanos, windows_table.c.unaccounted_nanos)
    spent = select(table.c.parents, *map(func.sum, sums)).where(_RESTS, table.c.parents != "[]")
    spent = spent.join(windows_table, windows_table.c.window == table.c.window)
    for text, posted, unaccounted in connection.execute(spent.group_by(table.c.parents)):
        yield Spent(_parents(text), int(posted), int(unaccounted))
    for start in range(0, len(inner), NAMED_AT_ONCE):
        named = table.c.window.in_(inner[start : start + NAMED_AT_ONCE])
        found = connection.execute(spent.where(named).group_by(table.c.parents))
        for text, posted, unaccounted in found:
            yield Spent(_parents(text), -int(posted), -int(unaccounted))
