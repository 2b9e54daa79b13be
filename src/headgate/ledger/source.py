"""Where the money comes from that a node's steward lends to its workers.

A node that has its store for itself lends up to the limits; nodes that share one lend what the
store has lent them. The keeper knows only this port.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, Engine, bindparam, exists, func, select

from headgate.ledger import tables
from headgate.ledger.allotments import Allotment, Short
from headgate.ledger.book import LeaseBook, Used, Wanted
from headgate.ledger.fold import Movement
from headgate.ledger.store_allotments import Allotments

RESTING = "@once"
"""What the windows end with that need no account while nobody is lent of them."""

NAMED_AT_ONCE = 500
"""So many windows are named in one query."""


class Carver(Protocol):
    """Keeps allotments; each change happens in a transaction of the caller's."""

    def __contains__(self, window: object) -> bool:
        """Tell whether a window is an allotment's."""

    def limit(self, window: str) -> int:
        """Return the limit of any window, in nano-dollars."""

    def load(self, connection: Connection) -> None:
        """Read what is in the store, once, before anything else is."""

    def carve(
        self, connection: Connection, allotments: Sequence[Allotment], at_ns: int
    ) -> list[Short]:
        """Carve allotments that were not carved yet; return those that do not fit."""

    def has(self, wanted: Allotment) -> bool:
        """Tell whether an allotment lasts just as it is wanted."""

    def fit(self, connection: Connection, wanted: Allotment, at_ns: int) -> int:
        """Carve an allotment, or change it, as far as what is above has free; return how much.

        One that has ended begins again. One that is to be carved elsewhere counts whole there,
        with what was used of it; where that has too little free, it ends.
        """

    def lasting(self, over: Callable[[Allotment], bool]) -> list[Allotment]:
        """Return those that have not ended and for which `over` holds."""

    def end(self, connection: Connection, ended: Sequence[Allotment], at_ns: int) -> None:
        """End allotments: what was not used of them flows back."""

    def lay_to_rest(self, window: str) -> None:
        """Let go of an allotment that has ended, if nothing of it is lent or was carved from it."""

    def wake(self, connection: Connection, window: str) -> None:
        """Have what is used of an allotment that is at rest change what is above it."""


class Source(Protocol):
    """What the keeper asks; each change happens in a transaction of its own making.

    Attributes:
        node: What the journals of this node are kept under.
        allotments: Those of this node, or of all that share the store.
        lenders: Who is asked for idle money beside this node's workers, as the line names them.
    """

    node: str
    allotments: Carver
    lenders: frozenset[str]

    def limit(self, window: str) -> int:
        """Return up to what this node may lend of a window, in nano-dollars."""

    def follow(self, beside: Callable[[str], Sequence[str]], /) -> Callable[[str], int]:
        """Be told which other windows count in the limit of one; return what is used of those.

        The limits that this node lends up to are computed from it.
        """

    def look(self, connection: Connection, windows: Collection[str]) -> None:
        """See what is used of some windows by now, by whichever node."""

    def ids(self, connection: Connection, /) -> Iterator[int]:
        """Return ids for callers and routes, which nobody else gives."""

    def used(self, connection: Connection) -> Iterable[Used]:
        """Return what this node has used of each window that the book has to have an account of."""

    def lay_to_rest(self, window: str) -> None:
        """Let go of the account of a window if nothing of it is lent and the store has the rest."""

    def at_rest(self, window: str) -> Used:
        """Return what was used of a window that the book has no account of.

        Raises:
            SQLAlchemyError: The store cannot be read.
        """

    def lacks(self, wants: Mapping[str, Wanted], /) -> bool:
        """Tell whether more has to be got before it can be lent."""

    def provide(self, connection: Connection, wants: Mapping[str, Wanted]) -> None:
        """Get what is to be lent, as far as there is any."""

    def return_idle(self, connection: Connection, windows: Collection[str] | None) -> None:
        """Give back what no worker was lent of some windows, None for all."""

    def moved(self, connection: Connection, movements: Mapping[str, Movement]) -> None:
        """Take note of what was folded."""

    def lost(self, connection: Connection, window: str, nanos: int) -> None:
        """Take note of what a power cut took sight of."""


class Alone:
    """One node has the store for itself."""

    def __init__(self, engine: Engine, book: LeaseBook, configured: Callable[[str], int]) -> None:
        self.node = ""
        self._engine = engine
        self.lenders: frozenset[str] = frozenset()
        self.allotments: Carver = Allotments(book, configured)
        self._book = book

    def limit(self, window: str) -> int:
        """Return the limit."""
        return self.allotments.limit(window)

    def follow(self, _beside: Callable[[str], Sequence[str]]) -> Callable[[str], int]:
        """Return what the book has."""
        return self._book.used

    def look(self, connection: Connection, windows: Collection[str]) -> None:
        """The book has it."""

    def ids(self, connection: Connection, /) -> Iterator[int]:
        """Go on where the store ends."""
        given = [
            connection.scalar(select(func.max(table.c.id))) or 0
            for table in (tables.caller, tables.route)
        ]
        return count(max(given) + 1)

    def used(self, connection: Connection) -> Iterable[Used]:
        """Return the windows as they are."""
        leased = tables.window.c.window.in_(select(tables.lease.c.window))
        lively = tables.window.c.window.not_like(f"%{RESTING}") | leased
        yield from _uses(connection, lively)
        # Those of allotments, and what they were carved from.
        opened = sorted(window for window in self._book.windows if window.endswith(RESTING))
        for start in range(0, len(opened), NAMED_AT_ONCE):
            named = tables.window.c.window.in_(opened[start : start + NAMED_AT_ONCE])
            yield from _uses(connection, named)

    def lay_to_rest(self, window: str) -> None:
        """Do so with what is spent once, such as a run's: of those there are ever more."""
        if window in self.allotments:
            self.allotments.lay_to_rest(window)
        elif window.endswith(RESTING):
            self._book.lay_to_rest(window)

    def at_rest(self, window: str) -> Used:
        """Ask the store, as it was before a transaction that is open."""
        with self._engine.connect() as connection:
            found = connection.execute(_AT_REST, {"named": window}).one()
        return Used(window, found.posted_nanos, found.unaccounted_nanos, found.ended)

    def lacks(self, _wants: Mapping[str, Wanted]) -> bool:
        """Tell that all there is is here."""
        return False

    def provide(self, connection: Connection, wants: Mapping[str, Wanted]) -> None:
        """All there is is here."""

    def return_idle(self, connection: Connection, windows: Collection[str] | None) -> None:
        """There is nobody else."""

    def moved(self, connection: Connection, movements: Mapping[str, Movement]) -> None:
        """The windows say it."""

    def lost(self, connection: Connection, window: str, nanos: int) -> None:
        """The windows say it."""


def _uses(connection: Connection, which: ColumnElement[bool]) -> Iterator[Used]:
    for row in connection.execute(_USED.where(which)):
        yield Used(row.window, row.posted_nanos, row.unaccounted_nanos)


_POSTED, _UNACCOUNTED = tables.window.c.posted_nanos, tables.window.c.unaccounted_nanos
_USED = select(tables.window.c.window, _POSTED, _UNACCOUNTED)
_IS_NAMED = tables.window.c.window == bindparam("named")
_AT_REST = select(
    *(
        func.coalesce(select(nanos).where(_IS_NAMED).scalar_subquery(), 0).label(nanos.name)
        for nanos in (_POSTED, _UNACCOUNTED)
    ),
    exists()
    .where(
        tables.allotment.c.window == bindparam("named"), tables.allotment.c.ended_ns.is_not(None)
    )
    .label("ended"),
)
