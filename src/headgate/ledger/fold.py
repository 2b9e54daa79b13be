"""Folding: journal records in, changes to the books out; pure.

The fold is the only way money reaches the store: what workers did, and what the steward closes
for a dead worker (it appends to that worker's journal, then folds), take the same path.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from headgate.records.journal import (
    DecisionRecord,
    HoldRecord,
    Record,
    RefusalRecord,
    SettleRecord,
    VoidRecord,
)
from headgate.units.errors import JournalError


@dataclass(slots=True)
class Movement:
    """How a window's sums change."""

    held_nanos: int = 0
    posted_nanos: int = 0


@dataclass(slots=True)
class Ended:
    """An attempt that ended, with the hold it ends."""

    hold: HoldRecord
    end: SettleRecord | VoidRecord


@dataclass(slots=True)
class Batch:
    """What a stretch of a journal changes.

    Attributes:
        movements: By window key.
        opened: Holds written in this stretch and still open at its end.
        ended: Attempts that ended in this stretch; `known` tells which have a row already.
        known: Ids of ended attempts whose hold was in an earlier stretch.
    """

    movements: dict[str, Movement] = field(default_factory=dict)
    opened: dict[str, HoldRecord] = field(default_factory=dict)
    ended: list[Ended] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    refusals: list[RefusalRecord] = field(default_factory=list)
    decisions: list[DecisionRecord] = field(default_factory=list)


def posted(end: SettleRecord | VoidRecord) -> int:
    """Return what an end posts."""
    return end.amount_nanos if isinstance(end, SettleRecord) else 0


def fold(records: Iterable[Record], open_holds: dict[str, HoldRecord]) -> Batch:
    """Fold records of one journal, in order.

    Args:
        records: The next records.
        open_holds: Holds open before them, by attempt; changed to those open after them.

    Raises:
        JournalError: An attempt is held twice, or ends without a hold: the journal was
            tampered with, for a worker cannot write that.
    """
    batch = Batch()
    for record in records:
        if isinstance(record, HoldRecord):
            _open(batch, record, open_holds)
        elif isinstance(record, SettleRecord | VoidRecord):
            _end(batch, record, open_holds)
        elif isinstance(record, RefusalRecord):
            batch.refusals.append(record)
        elif isinstance(record, DecisionRecord):
            batch.decisions.append(record)
    return batch


def _open(batch: Batch, record: HoldRecord, open_holds: dict[str, HoldRecord]) -> None:
    if record.attempt in open_holds:
        raise JournalError(f"{record.attempt} is held twice")
    open_holds[record.attempt] = batch.opened[record.attempt] = record
    for window in record.windows:
        _movement(batch, window).held_nanos += record.amount_nanos


def _end(
    batch: Batch, record: SettleRecord | VoidRecord, open_holds: dict[str, HoldRecord]
) -> None:
    held = open_holds.pop(record.attempt, None)
    if held is None:
        raise JournalError(f"{record.attempt} ends without a hold")
    if batch.opened.pop(record.attempt, None) is None:
        batch.known.add(record.attempt)
    batch.ended.append(Ended(held, record))
    for window in held.windows:
        movement = _movement(batch, window)
        movement.held_nanos -= held.amount_nanos
        movement.posted_nanos += posted(record)


def _movement(batch: Batch, window: str) -> Movement:
    movement = batch.movements.get(window)
    if movement is None:
        movement = batch.movements[window] = Movement()
    return movement
