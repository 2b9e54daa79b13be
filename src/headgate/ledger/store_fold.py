"""What is folded, as rows: attempts, refusals, decisions, and the sums of windows and leases."""

from typing import Final

from sqlalchemy import Connection, bindparam, insert, update

from headgate.ledger import tables
from headgate.ledger.fold import Batch, Held
from headgate.ledger.rolled import forget
from headgate.ledger.rows import (
    END_COLUMNS,
    attempt_values,
    caller_values,
    decision_values,
    end_values,
    refusal_values,
    route_values,
)
from headgate.ledger.store_shadows import count_waived
from headgate.ledger.store_usual import write_ended, write_ends, write_opened
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
    _insert_whole(connection, write_ended(connection, batch.ended))
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
    _insert_whole(connection, write_opened(connection, batch.opened))
    grown = [(h.amount_nanos, h.extensions, name) for name, h in batch.extended.items()]
    write(connection, _EXTEND_ATTEMPT, grown)
    others = write_ends(connection, batch.closed)
    closed = [(*end_values(end), end.attempt) for end in others]
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


def _insert_whole(connection: Connection, attempts: list[Held]) -> None:
    """Write attempts that are not usual: every column is handed over."""
    rows = [attempt_values(each.hold, each.end) for each in attempts]
    write(connection, _INSERT_ATTEMPT, rows)


def keep_place(connection: Connection, name: str, reader: JournalReader) -> None:
    """Note up to where a journal is folded, in the transaction that folds it."""
    place = (reader.cursor.seq, reader.cursor.offset, reader.ended, name)
    write(connection, _FOLDED_TO, [place])


_INSERT_CALLER: Final = insert(tables.caller)
_INSERT_ROUTE: Final = insert(tables.route)
_INSERT_ATTEMPT: Final = insert(tables.attempt)

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
