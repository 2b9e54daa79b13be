"""Usual attempts in the store: what nearly all have in common stands in the statements for them.

To hand over half of a row's columns to say nothing is an eighth of what folding a call costs, and a
statement for each row another tenth, so a statement writes several. Each is composed once, when it
is first needed.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple, get_args

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Update,
    bindparam,
    false,
    insert,
    literal_column,
    null,
    true,
    update,
)

from headgate.ledger import tables
from headgate.ledger.fold import Held
from headgate.ledger.folded import FoldedSettle
from headgate.ledger.rows import STATUS_USUAL, Row, usual_end, usual_hold
from headgate.records.charge import State
from headgate.records.journal import VoidRecord
from headgate.store.dialect import is_shared, write

TOGETHER: Final = 8
"""How many rows one statement inserts where there are so many. Twice as many give no more."""

USUAL_HOLD: Final[dict[str, object]] = {
    "choices": 1,
    "lost": "[]",
    "priority": "interactive",
    "waited_us": 0,
    "session": None,
    "sizing": None,
    "request_id": None,
    "extensions": 0,
}
USUAL_END: Final[dict[str, object]] = {
    "final": True,
    "status": STATUS_USUAL,
    "reason": None,
    "closed_by": "worker",
    "quarantined": None,
    "usage": "{}",
    "cache": None,
}
"""What nearly all attempts have in these columns."""

NOT_ENDED: Final[dict[str, object]] = USUAL_END | {
    "ended_ns": None,
    "state": "held",
    "posted_nanos": 0,
    "final": False,
    "served_model": None,
    "upstream_id": None,
    "upstream_request_id": None,
    "status": 0,
    "ttft_us": None,
    "duration_us": 0,
    "closed_by": "",
    "lines": "[]",
}
"""What those have that are open."""

STATES: Final[tuple[str, ...]] = get_args(State)


class Inserts(NamedTuple):
    """Statements for the same kind of attempts: for one of them, and for `TOGETHER`."""

    one: Insert
    several: Insert


def _constant(value: object) -> ColumnElement[Any]:
    """Return one of the values above as it stands in a statement."""
    if value is None:
        return null()
    if isinstance(value, bool):
        # Handed over, a truth value is dearer than anything else: the driver looks for an adapter.
        return true() if value else false()
    return literal_column(repr(value))


def _inserts(said: dict[str, object]) -> Inserts:
    """Return the statements for attempts that have these values in common."""
    names = [column.name for column in tables.attempt.columns]

    def values(number: int) -> dict[str, ColumnElement[Any]]:
        return {
            name: _constant(said[name]) if name in said else bindparam(f"of_{number}_{name}")
            for name in names
        }

    several = insert(tables.attempt).values([values(number) for number in range(TOGETHER)])
    # A fold that fails is rolled back whole. Else SQLite notes what each page was before the
    # statement, to take back the statement alone, which costs what writing several together saves.
    several = several.prefix_with("OR FAIL")
    return Inserts(insert(tables.attempt).values(values(0)), several)


@cache
def _inserts_ended(state: str, *, stream: bool) -> Inserts:
    """Return those of attempts that have ended so."""
    return _inserts(USUAL_HOLD | USUAL_END | {"state": state, "stream": stream})


@cache
def _inserts_opened(*, stream: bool) -> Inserts:
    """Return those of attempts that are open."""
    return _inserts(USUAL_HOLD | NOT_ENDED | {"stream": stream})


@cache
def _end(state: str) -> Update:
    """Return the statement that ends an attempt of which the store has a row."""
    said = {name: USUAL_END.get(name, state) for name in ("state", "final", "status", "closed_by")}
    values: dict[str, ColumnElement[Any]] = {
        name: _constant(said[name]) if name in said else bindparam(f"of_{name}")
        for name in NOT_ENDED
        if name in said or name not in USUAL_END
    }
    ended = update(tables.attempt).where(tables.attempt.c.attempt == bindparam("old"))
    return ended.values(values)


def write_ended(connection: Connection, ended: Sequence[Held]) -> list[Held]:
    """Write usual attempts that have ended and are no rows yet; returns the others."""
    others: list[Held] = []
    usual: dict[str, tuple[list[Row], list[Row]]] = {state: ([], []) for state in STATES}
    for each in ended:
        end = each.end
        hold_row, end_row = usual_hold(each.hold), usual_end(end)
        if hold_row is None or end_row is None:
            others.append(each)
        else:
            assert type(end) is FoldedSettle
            usual[end.state][each.hold.stream].append(hold_row + end_row)
    for state, both in usual.items():
        for stream in (False, True):
            if rows := both[stream]:
                _insert(connection, _inserts_ended(state, stream=stream), rows)
    return others


def write_opened(connection: Connection, opened: Sequence[Held]) -> list[Held]:
    """Write usual attempts that are open and are no rows yet; returns the others."""
    others: list[Held] = []
    usual: tuple[list[Row], list[Row]] = ([], [])
    for each in opened:
        row = usual_hold(each.hold)
        if row is None:
            others.append(each)
        else:
            usual[each.hold.stream].append(row)
    for stream in (False, True):
        if rows := usual[stream]:
            _insert(connection, _inserts_opened(stream=stream), rows)
    return others


def write_ends(
    connection: Connection, ends: Sequence[FoldedSettle | VoidRecord]
) -> list[FoldedSettle | VoidRecord]:
    """Write usual ends of attempts that are rows; returns the others."""
    others: list[FoldedSettle | VoidRecord] = []
    usual: dict[str, list[Row]] = {state: [] for state in STATES}
    for end in ends:
        row = usual_end(end)
        if row is None:
            others.append(end)
        else:
            assert type(end) is FoldedSettle
            usual[end.state].append((*row, end.attempt))
    for state, rows in usual.items():
        if rows:
            write(connection, _end(state), rows)
    return others


def _insert(connection: Connection, inserts: Inserts, rows: list[Row]) -> None:
    # A server gets all rows at once anyway, and keeps the plan of a statement by its values' types.
    whole = 0 if is_shared(connection) else len(rows) - len(rows) % TOGETHER
    several: list[Row] = []
    for start in range(0, whole, TOGETHER):
        values: list[object] = []
        for row in rows[start : start + TOGETHER]:
            values.extend(row)
        several.append(tuple(values))
    write(connection, inserts.several, several)
    write(connection, inserts.one, rows[whole:])
