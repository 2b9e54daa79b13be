"""Searching calls: attempts and refused calls, newest first, a bounded piece at a time.

No side of a call but its time has an index, because an index costs every call that is folded. So
a search reads back through time, at most `SCAN_ROWS_MAX` rows of each kind, and says where it
stopped: whoever wants more goes on from there.
"""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, or_, select

from headgate.insights.calls import REFUSED, CallRow, CallState, attempt_row, refused_row
from headgate.ledger.tables import attempts, refusal
from headgate.store.expressions import Containing

SCAN_ROWS_MAX = 20_000


class Wanted(NamedTuple):
    """Which calls are asked for; None leaves a side open.

    Attributes:
        asked: The model name in the call.
        deployment: Where an attempt went, so none that was refused.
        state: As an attempt's, or `refused`.
        code: Why it was refused, or why an attempt was not measured or failed.
        from_ns: Not before this instant.
        until_ns: Before this instant.
        text: A part of an id: of the call, its run, key, request, reply or upstream request;
            or of the name of a model. Case does not matter.
        session: As its attempts are written down, so none that was refused.
        quarantined: Only attempts whose reply gave a usage that could not be right.
    """

    run: str | None = None
    principal: str | None = None
    team: str | None = None
    key: str | None = None
    asked: str | None = None
    deployment: str | None = None
    state: CallState | None = None
    code: str | None = None
    from_ns: int | None = None
    until_ns: int | None = None
    text: str | None = None
    quarantined: bool = False
    session: str | None = None


class Cursor(NamedTuple):
    """A place between rows: what follows is older, or as old with a smaller id."""

    at_ns: int
    id: str


class Page(NamedTuple):
    """A piece of a search.

    Attributes:
        following: Where the next piece begins, None when there is none.
        cut: Whether the search stopped before the page was full, at `following`: further back
            there may be more.
    """

    rows: list[CallRow]
    following: Cursor | None
    cut: bool


def search(connection: Connection, wanted: Wanted, limit: int, after: Cursor | None = None) -> Page:
    """Return at most `limit` rows that come after a place in time (None: the newest)."""
    found: list[CallRow] = []
    reached: list[int] = []
    for table, row_of in ((attempts, attempt_row), (refusal, refused_row)):
        if (wanted.state == REFUSED) != (table is refusal) and wanted.state is not None:
            continue
        if table is refusal and _is_of_attempts(wanted):
            continue
        query = select(table).where(*_in_time(table, wanted, after))
        end_ns = connection.scalar(_boundary(table, wanted, after))
        if end_ns is not None:
            reached.append(end_ns)
            query = query.where(table.c.at_ns >= end_ns)
        query = query.where(*_sides(table, wanted)).order_by(*_order(table)).limit(limit + 1)
        found += [row_of(row) for row in connection.execute(query).mappings()]
    end_ns = max(reached, default=None)
    rows = [row for row in found if end_ns is None or row.at_ns >= end_ns]
    rows.sort(key=lambda row: (row.at_ns, row.id), reverse=True)
    if len(rows) > limit:
        last = rows[limit - 1]
        return Page(rows[:limit], Cursor(last.at_ns, last.id), cut=False)
    if end_ns is None:
        return Page(rows, None, cut=False)
    return Page(rows, Cursor(end_ns, ""), cut=True)


def list_calls(connection: Connection, wanted: Wanted, limit: int) -> list[CallRow]:
    """Return attempts and refused calls, newest first, however far back they are."""
    found: list[CallRow] = []
    after: Cursor | None = None
    while len(found) < limit:
        page = search(connection, wanted, limit - len(found), after)
        found += page.rows
        after = page.following
        if after is None:
            break
    return found


def _is_of_attempts(wanted: Wanted) -> bool:
    """Tell whether something is asked for that a call has only once it was sent."""
    sent = (wanted.deployment, wanted.session)
    return wanted.quarantined or any(side is not None for side in sent)


def _in_time(table: FromClause, wanted: Wanted, after: Cursor | None) -> list[ColumnElement[bool]]:
    at_ns = table.c.at_ns
    conditions: list[ColumnElement[bool]] = []
    if after is not None:
        same = and_(at_ns == after.at_ns, _id(table) < after.id)
        # The first condition says nothing new, but it is what the index can use.
        conditions += [at_ns <= after.at_ns, or_(at_ns < after.at_ns, same)]
    if wanted.from_ns is not None:
        conditions.append(at_ns >= wanted.from_ns)
    if wanted.until_ns is not None:
        conditions.append(at_ns < wanted.until_ns)
    return conditions


def _boundary(table: FromClause, wanted: Wanted, after: Cursor | None) -> Select[Any]:
    """Select the instant of the last row that is looked at; nothing when all are."""
    times = select(table.c.at_ns).where(*_in_time(table, wanted, after))
    return times.order_by(table.c.at_ns.desc()).offset(SCAN_ROWS_MAX - 1).limit(1)


def _sides(table: FromClause, wanted: Wanted) -> list[ColumnElement[bool]]:
    same = ("run", "principal", "team", "key", "asked", "deployment")
    conditions = [
        table.c[side] == getattr(wanted, side) for side in same if getattr(wanted, side) is not None
    ]
    if wanted.state is not None and table is attempts:
        conditions.append(table.c.state == wanted.state)
    if wanted.session is not None:
        conditions.append(attempts.c.session == wanted.session)
    if wanted.quarantined:
        conditions.append(table.c.quarantined.is_not(None))
    if wanted.code is not None:
        conditions.append((table.c.reason if table is attempts else table.c.code) == wanted.code)
    if wanted.text is not None:
        text = wanted.text
        conditions.append(or_(*(Containing(table.c[name], text) for name in _TEXTS[table])))
    return conditions


def _id(table: FromClause) -> ColumnElement[str]:
    return attempts.c.attempt if table is attempts else refusal.c.call


def _order(table: FromClause) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return table.c.at_ns.desc(), _id(table).desc()


_CALLERS = ("call", "run", "key", "asked")
_REQUESTS = ("upstream_request_id", "request_id")
_TEXTS: dict[FromClause, tuple[str, ...]] = {
    attempts: (*_CALLERS, "deployment", "served_model", "upstream_id", *_REQUESTS),
    refusal: _CALLERS,
}
