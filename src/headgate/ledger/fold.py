"""Folding: journal records in, changes to the books out; pure.

The fold is the only way money reaches the store: what workers did, and what the steward closes
for a dead worker (it appends to that worker's journal, then folds), take the same path.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from headgate.ledger.folded import Folded, FoldedHold, FoldedSettle, windows_of
from headgate.records.journal import DecisionRecord, RefusalRecord, VoidRecord
from headgate.units.errors import JournalError


@dataclass(slots=True)
class Movement:
    """How a window's sums change."""

    held_nanos: int = 0
    posted_nanos: int = 0


class Ended(NamedTuple):
    """An attempt that ended, with the hold it ends."""

    hold: FoldedHold
    end: FoldedSettle | VoidRecord


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
    opened: dict[str, FoldedHold] = field(default_factory=dict)
    ended: list[Ended] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    refusals: list[RefusalRecord] = field(default_factory=list)
    decisions: list[DecisionRecord] = field(default_factory=list)


def posted(end: FoldedSettle | VoidRecord) -> int:
    """Return what an end posts."""
    return end.amount_nanos if isinstance(end, FoldedSettle) else 0


def fold(records: Iterable[Folded], open_holds: dict[str, FoldedHold]) -> Batch:
    """Fold records of one journal, in order.

    Args:
        records: The next records.
        open_holds: Holds open before them, by attempt; changed to those open after them.

    Raises:
        JournalError: An attempt is held twice, or ends without a hold: the journal was
            tampered with, for a worker cannot write that.
    """
    batch = Batch()
    # Calls of one caller share their windows, so sums by path are far fewer than records.
    sums: Sums = {}
    for record in records:
        if isinstance(record, FoldedHold):
            _open(batch, record, open_holds, sums)
        elif isinstance(record, FoldedSettle | VoidRecord):
            _end(batch, record, open_holds, sums)
        elif isinstance(record, RefusalRecord):
            batch.refusals.append(record)
        elif isinstance(record, DecisionRecord):
            batch.decisions.append(record)
    for hold, along in sums.values():
        for window in windows_of(hold):
            movement = batch.movements.setdefault(window, Movement())
            movement.held_nanos += along.held_nanos
            movement.posted_nanos += along.posted_nanos
    return batch


Sums = dict[bytes, tuple[FoldedHold, Movement]]
"""By the text of their windows: a hold that is on them, and how their sums change."""


def _open(batch: Batch, record: FoldedHold, open_holds: dict[str, FoldedHold], sums: Sums) -> None:
    attempt = record.attempt
    if attempt in open_holds:
        raise JournalError(f"{attempt} is held twice")
    open_holds[attempt] = batch.opened[attempt] = record
    _along(sums, record).held_nanos += record.amount_nanos


def _end(
    batch: Batch,
    record: FoldedSettle | VoidRecord,
    open_holds: dict[str, FoldedHold],
    sums: Sums,
) -> None:
    attempt = record.attempt
    held = open_holds.pop(attempt, None)
    if held is None:
        raise JournalError(f"{attempt} ends without a hold")
    if batch.opened.pop(attempt, None) is None:
        batch.known.add(attempt)
    batch.ended.append(Ended(held, record))
    movement = _along(sums, held)
    movement.held_nanos -= held.amount_nanos
    movement.posted_nanos += posted(record)


def _along(sums: Sums, hold: FoldedHold) -> Movement:
    text = bytes(hold.windows)
    found = sums.get(text)
    if found is None:
        found = sums[text] = (hold, Movement())
    return found[1]
