"""Replaying a journal from its first record, to see what it comes to."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from headgate.insights.attempt_prints import End, Take
from headgate.ledger.fold import Batch, Known, Movement, fold, posted
from headgate.ledger.folded import Folded, FoldedSettle, decode
from headgate.records.journal import AdjustmentRecord
from headgate.store.journal_reader import Cursor, JournalReader
from headgate.units.errors import JournalError

Passed = Callable[[int], None]
"""Told which segment of a journal is being read, by its number."""


@dataclass(slots=True)
class Replay:
    """What a journal comes to.

    Attributes:
        movements: By window.
        waived: What shadow windows would have refused: how many attempts, and for how much.
        problem: Why it could not be replayed to its end; None when it could.
    """

    records: int = 0
    movements: dict[str, Movement] = field(default_factory=dict)
    adjustments: list[AdjustmentRecord] = field(default_factory=list)
    waived: dict[str, tuple[int, int]] = field(default_factory=dict)
    problem: str | None = None


def replay(directory: Path, until: Cursor, take: Take, passed: Passed) -> Replay:
    """Replay a journal; its memory does not grow with the journal.

    Args:
        directory: The journal's folder.
        until: Where to stop: how far the store has folded it.
        take: Gets each attempt once it has ended, and at last those that are still held.
        passed: Told after each stretch.
    """
    came = Replay()
    known = Known(itertools.count(1))
    try:
        for records in _records_until(directory, until, passed):
            came.records += len(records)
            _count(came, fold(records, known), take)
    except JournalError as error:
        came.problem = f"The journal {directory.name} cannot be replayed: {error}."
    for attempt in known.open_holds:
        take(attempt, End("held", 0))
    return came


def add_movement(movements: dict[str, Movement], window: str, movement: Movement) -> None:
    """Add to what a window moved."""
    known = movements.setdefault(window, Movement())
    known.held_nanos += movement.held_nanos
    known.posted_nanos += movement.posted_nanos


def _count(came: Replay, batch: Batch, take: Take) -> None:
    came.adjustments += batch.adjustments
    for window, more in batch.waived.items():
        attempts, amount = came.waived.get(window, (0, 0))
        came.waived[window] = (attempts + more.attempts, amount + more.amount_nanos)
    for window, movement in batch.movements.items():
        add_movement(came.movements, window, movement)
    for end in batch.ends():
        state = end.state if isinstance(end, FoldedSettle) else "void"
        take(end.attempt, End(state, posted(end)))


def _records_until(directory: Path, until: Cursor, passed: Passed) -> Iterator[list[Folded]]:
    """Yield the records before a cursor.

    Raises:
        JournalError: The journal has no such place: it is shorter than the store says.
    """
    reader = JournalReader(directory)
    while reader.cursor < until:
        records = reader.read_as(decode, until)
        if not records or reader.cursor > until:
            raise JournalError(f"it has no record that ends at {tuple(until)}")
        yield records
        passed(reader.cursor.seq)
