"""What is folded, as rows: attempts, refusals, decisions, and the sums of windows and leases."""

from typing import Any, Final, get_args

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    bindparam,
    false,
    insert,
    literal_column,
    null,
    true,
    update,
)

from headgate.ledger import tables
from headgate.ledger.fold import Batch
from headgate.ledger.folded import FoldedSettle
from headgate.ledger.rolled import forget
from headgate.ledger.rows import (
    END_COLUMNS,
    STATUS_USUAL,
    Row,
    caller_values,
    decision_values,
    end_values,
    hold_values,
    refusal_values,
    route_values,
    usual_values,
)
from headgate.ledger.store_shadows import count_waived
from headgate.records.charge import State
from headgate.store.dialect import write
from headgate.store.journal_reader import JournalReader


def keep_ended(connection: Connection, name: str, batch: Batch) -> None:
    """Write who asked for what, and the attempts that are over, and take them out of the batch.

    A stretch is folded piece by piece, and this is called after each: what is over takes most of
    the memory that a fold touches, and is written while it is still near the processor.
    """
    callers = [caller_values(id_, each, name) for id_, each in batch.callers.items()]
    write(connection, _INSERT_CALLER, callers)
    routes = [route_values(id_, each, name) for id_, each in batch.routes.items()]
    write(connection, _INSERT_ROUTE, routes)
    usual: dict[str, tuple[list[Row], list[Row]]] = {state: ([], []) for state in STATES}
    others: list[Row] = []
    for each in batch.ended:
        hold, end = each.hold, each.end
        assert end is not None
        row = usual_values(hold, end)
        if row is None:
            others.append(hold_values(hold) + end_values(end))
        else:
            assert type(end) is FoldedSettle
            usual[end.state][hold.stream].append(row)
    for state, rows in usual.items():
        write(connection, _INSERT_USUAL[state, False], rows[False])
        write(connection, _INSERT_USUAL[state, True], rows[True])
    write(connection, _INSERT_ATTEMPT, others)
    batch.touched_ns += [each.hold.at_ns for each in batch.ended]
    batch.opened = [each for each in batch.opened if each.end is None]
    for written in (batch.callers, batch.routes, batch.ended):
        written.clear()


def keep(connection: Connection, name: str, batch: Batch) -> None:
    """Write what a journal's records change, in the caller's transaction.

    Corrections are apart (`store_adjustments`): each counts once, whichever journal tells of it.

    Args:
        connection: To the store.
        name: The journal.
        batch: What its records come to.
    """
    keep_ended(connection, name, batch)
    opened = [hold_values(each.hold) + end_values(None) for each in batch.opened]
    write(connection, _INSERT_ATTEMPT, opened)
    grown = [(h.amount_nanos, h.extensions, name) for name, h in batch.extended.items()]
    write(connection, _EXTEND_ATTEMPT, grown)
    closed = [(*end_values(end), end.attempt) for end in batch.closed]
    write(connection, _END_ATTEMPT, closed)
    write(connection, _INSERT_REFUSAL, [refusal_values(each) for each in batch.refusals])
    decisions = [decision_values(each, name) for each in batch.decisions]
    write(connection, _INSERT_DECISION, decisions)
    moved = [
        (window, window.partition("@")[0], movement.posted_nanos, movement.held_nanos)
        # In one order everywhere: nodes that fold at once wait for each other, not crosswise.
        for window, movement in sorted(batch.movements.items())
    ]
    write(connection, _MOVE_WINDOW, moved)
    along = [
        (movement.posted_nanos, movement.held_nanos, name, window)
        for window, movement in batch.movements.items()
    ]
    write(connection, _MOVE_LEASE, along)
    count_waived(connection, batch.waived)
    batch.touched_ns += [each.hold.at_ns for each in batch.opened]
    batch.touched_ns += [each.at_ns for each in batch.refusals]
    forget(connection, batch.touched_ns)
    for each in batch.opened:
        each.stored = True


def keep_place(connection: Connection, name: str, reader: JournalReader) -> None:
    """Note up to where a journal is folded, in the transaction that folds it."""
    place = (reader.cursor.seq, reader.cursor.offset, reader.ended, name)
    write(connection, _FOLDED_TO, [place])


_INSERT_CALLER: Final = insert(tables.caller)
_INSERT_ROUTE: Final = insert(tables.route)
_INSERT_ATTEMPT: Final = insert(tables.attempt)

USUAL: Final = {
    "choices": 1,
    "lost": "[]",
    "priority": "interactive",
    "waited_us": 0,
    "session": None,
    "sizing": None,
    "request_id": None,
    "extensions": 0,
    "final": True,
    "status": STATUS_USUAL,
    "reason": None,
    "closed_by": "worker",
    "quarantined": None,
    "usage": "{}",
    "cache": None,
}
"""What nearly all attempts have in these columns. The statements for them say so themselves: to
hand over half of the columns, row by row, to say nothing is an eighth of what folding costs."""

STATES: Final[tuple[str, ...]] = get_args(State)


def _constant(value: object) -> ColumnElement[Any]:
    """Return one of the values above as it stands in a statement."""
    if value is None:
        return null()
    if isinstance(value, bool):
        # Handed over, a truth value is dearer than anything else: the driver looks for an adapter.
        return true() if value else false()
    return literal_column(repr(value))


def _insert_usual(**same: object) -> Insert:
    """Return the statement for usual attempts that have these values, too, in common."""
    said = USUAL | same
    bound = [column.name for column in tables.attempt.columns if column.name not in said]
    return insert(tables.attempt).values(
        {name: bindparam("of_" + name) for name in bound}
        | {name: _constant(value) for name, value in said.items()}
    )


_INSERT_USUAL: Final = {
    (state, stream): _insert_usual(state=state, stream=stream)
    for state in STATES
    for stream in (False, True)
}

_INSERT_REFUSAL: Final = insert(tables.refusal)
_INSERT_DECISION: Final = insert(tables.decision)
_END_ATTEMPT: Final = (
    update(tables.attempt)
    .where(tables.attempt.c.attempt == bindparam("old"))
    .values(dict.fromkeys(END_COLUMNS))
)

# Each time: a statement that is composed anew costs as much as folding twenty calls.
_FOLDED_TO: Final = """
UPDATE journal SET seq = ?, "offset" = ?, ended = ? WHERE name = ?
"""
_MOVE_WINDOW: Final = """
INSERT INTO "window" ("window", budget, posted_nanos, held_nanos, unaccounted_nanos)
VALUES (?, ?, ?, ?, 0)
ON CONFLICT ("window") DO UPDATE SET
  posted_nanos = "window".posted_nanos + excluded.posted_nanos,
  held_nanos = "window".held_nanos + excluded.held_nanos
"""
_EXTEND_ATTEMPT: Final = """
UPDATE attempt SET hold_nanos = ?, extensions = ? WHERE attempt = ?
"""
_MOVE_LEASE: Final = """
UPDATE lease SET posted_nanos = posted_nanos + ?, held_nanos = held_nanos + ?
WHERE journal = ? AND "window" = ?
"""
