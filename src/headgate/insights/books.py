"""Checking the books: every journal replayed from its first record, compared with the store.

The comparison is exact beside a running steward: the store's sums, and how far it has folded
each journal, are read in one transaction, and each replay stops there.
"""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine, case, func, select, true

from headgate.insights import books_shared
from headgate.ledger import tables
from headgate.ledger.adjustments import Adjustments
from headgate.ledger.allotments import BATCH
from headgate.ledger.fold import Known, Movement, Waived, fold, posted
from headgate.ledger.folded import Folded, FoldedHold, FoldedSettle, decode
from headgate.ledger.store_adjustments import adjusted_windows, all_made, find_corrected
from headgate.records.journal import AdjustmentRecord
from headgate.store.dialect import one_state
from headgate.store.expressions import Elements
from headgate.store.journal_reader import Cursor, JournalReader
from headgate.units.errors import JournalError
from headgate.units.ids import is_carved

PROBLEMS_MAX = 100
"""So many problems are told; more of them say nothing new."""


class WindowCheck(NamedTuple):
    """One window as the store and as the journals have it."""

    window: str
    posted_store_nanos: int
    posted_journal_nanos: int
    held_store_nanos: int
    held_journal_nanos: int

    @property
    def equal(self) -> bool:
        """Whether both say the same."""
        return (self.posted_store_nanos, self.held_store_nanos) == (
            self.posted_journal_nanos,
            self.held_journal_nanos,
        )


@dataclass(frozen=True, slots=True)
class Books:
    """What the check found.

    Attributes:
        journals: How many were replayed.
        records: How many records they have, up to where the store has folded them.
        attempts_equal: Whether the store's attempts are those of the journals, one by one,
            and sum up to its windows.
        held_total_nanos: Held by attempts that have not ended.
        problems: Each a sentence; empty when all is equal.
    """

    journals: int
    records: int
    windows: tuple[WindowCheck, ...]
    attempts_equal: bool
    held_total_nanos: int
    problems: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing at all differs."""
        return not self.problems


class _End(NamedTuple):
    state: str
    posted_nanos: int


@dataclass(slots=True)
class _Replay:
    """One journal, replayed."""

    records: int = 0
    movements: dict[str, Movement] = field(default_factory=dict)
    attempts: dict[str, _End] = field(default_factory=dict)
    adjustments: list[AdjustmentRecord] = field(default_factory=list)
    waived: list[Mapping[str, Waived]] = field(default_factory=list)


def check_books(engine: Engine, journal_root: Path, node: str = "") -> Books:
    """Compare the store with its journals; works beside a running steward.

    Args:
        engine: The store.
        journal_root: The folder of journals.
        node: The id of their node among those that share the store, empty when it is alone. Only
            what this node did is replayed; what all did is summed up.

    Raises:
        StoreError: The store cannot be read.
    """
    with engine.connect() as connection:
        one_state(connection)
        return _check(connection, journal_root, node)


def _check(connection: Connection, journal_root: Path, node: str) -> Books:
    problems: list[str] = []
    in_journals: dict[str, Movement] = {}
    waived = list[Mapping[str, Waived]]()
    # What two nodes told of counts where it was told first.
    adjustments, elsewhere = Adjustments(), books_shared.adjusted_elsewhere(connection, node)
    own = select(tables.journal).where(tables.journal.c.node == node)
    journals = connection.execute(own.order_by(tables.journal.c.name)).all()
    records = attempts_differ = 0
    for row in journals:
        replay = _replay(journal_root / row.name, Cursor(row.seq, row.offset), problems)
        records += replay.records
        attempts_differ += _compare_attempts(connection, row.name, replay, problems)
        _compare_leases(connection, row.name, replay, problems)
        for window, movement in replay.movements.items():
            _add(in_journals, window, movement)
        waived += replay.waived
        told = [record for record in replay.adjustments if record.id not in elsewhere]
        for record in adjustments.take(told):
            for window in record.windows:
                _add(in_journals, window, Movement(0, record.amount_nanos))
    _compare_adjustments(connection, adjustments, elsewhere, problems)
    _compare_waived(connection, waived, problems)
    stored = books_shared.of_store(connection)
    windows = _windows(books_shared.of_node(connection, node) if node else stored, in_journals)
    problems += [
        f"The window {check.window} differs between store and journals."
        for check in windows
        if not check.equal
    ]
    attempts_differ += _compare_sums(connection, stored, problems)
    if node:
        problems += books_shared.shared_problems(connection)
    _compare_allotments(connection, windows, problems)
    held = select(func.coalesce(func.sum(tables.attempt.c.hold_nanos), 0))
    held_total = connection.scalar(held.where(tables.attempt.c.state == "held"))
    return Books(
        journals=len(journals),
        records=records,
        windows=windows,
        attempts_equal=not attempts_differ,
        held_total_nanos=held_total or 0,
        problems=tuple(problems[:PROBLEMS_MAX]),
    )


def _replay(directory: Path, until: Cursor, problems: list[str]) -> _Replay:
    replay = _Replay()
    known = Known(itertools.count(1))
    try:
        for records in _records_until(directory, until):
            replay.records += len(records)
            problems += [
                f"{record.attempt} is held twice in {directory.name}."
                for record in records
                if isinstance(record, FoldedHold) and record.attempt in replay.attempts
            ]
            batch = fold(records, known)
            replay.adjustments += batch.adjustments
            replay.waived.append(batch.waived)
            for window, movement in batch.movements.items():
                _add(replay.movements, window, movement)
            for end in batch.ends():
                state = end.state if isinstance(end, FoldedSettle) else "void"
                replay.attempts[end.attempt] = _End(state, posted(end))
    except JournalError as error:
        problems.append(f"The journal {directory.name} cannot be replayed: {error}.")
    replay.attempts.update({attempt: _End("held", 0) for attempt in known.open_holds})
    return replay


def _records_until(directory: Path, until: Cursor) -> Iterator[list[Folded]]:
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


def _add(movements: dict[str, Movement], window: str, movement: Movement) -> None:
    known = movements.setdefault(window, Movement())
    known.held_nanos += movement.held_nanos
    known.posted_nanos += movement.posted_nanos


def _windows(
    stored: dict[str, Movement], in_journals: dict[str, Movement]
) -> tuple[WindowCheck, ...]:
    checks = []
    for window in sorted({*stored, *in_journals}):
        store = stored.get(window, Movement())
        journal = in_journals.get(window, Movement())
        checks.append(
            WindowCheck(
                window,
                store.posted_nanos,
                journal.posted_nanos,
                store.held_nanos,
                journal.held_nanos,
            )
        )
    return tuple(checks)


def _compare_attempts(
    connection: Connection, journal: str, replay: _Replay, problems: list[str]
) -> bool:
    """Note attempts that store and journal have differently; tell whether there are any."""
    columns = tables.attempts.c
    query = select(columns.attempt, columns.state, columns.posted_nanos)
    rows = connection.execute(query.where(columns.journal == journal))
    stored = {row.attempt: _End(row.state, row.posted_nanos) for row in rows}
    differing = sorted(
        attempt
        for attempt in stored.keys() | replay.attempts.keys()
        if stored.get(attempt) != replay.attempts.get(attempt)
    )
    problems.extend(
        f"The attempt {attempt} differs: {_told(stored.get(attempt))} in the store, "
        f"{_told(replay.attempts.get(attempt))} in the journal."
        for attempt in differing[:PROBLEMS_MAX]
    )
    return bool(differing)


def _told(end: _End | None) -> str:
    return "missing" if end is None else f"{end.state} at {end.posted_nanos} nanos"


def _compare_leases(
    connection: Connection, journal: str, replay: _Replay, problems: list[str]
) -> None:
    leases = select(tables.lease).where(tables.lease.c.journal == journal)
    for lease in connection.execute(leases):
        movement = replay.movements.get(lease.window, Movement())
        if (lease.posted_nanos, lease.held_nanos) != (movement.posted_nanos, movement.held_nanos):
            problems.append(
                f"The lease of {lease.window} to {journal} says {lease.posted_nanos} posted and "
                f"{lease.held_nanos} held, the journal {movement.posted_nanos} and "
                f"{movement.held_nanos}."
            )


def _compare_sums(connection: Connection, stored: dict[str, Movement], problems: list[str]) -> bool:
    """Note windows whose attempts do not sum up to them; tell whether there are any."""
    columns = tables.attempt.c
    held = case((columns.state == "held", columns.hold_nanos), else_=0)
    posted_nanos, held_nanos = func.sum(columns.posted_nanos), func.sum(held)
    query = select(columns.caller, posted_nanos.label("posted"), held_nanos.label("held"))
    by_caller = query.group_by(columns.caller).subquery()
    # What a caller's attempts sum up to counts once for every window it names.
    each = Elements(tables.caller.c.windows).table_valued("value")
    joined = by_caller.join(tables.caller, tables.caller.c.id == by_caller.c.caller)
    query = select(each.c.value, func.sum(by_caller.c.posted), func.sum(by_caller.c.held))
    query = query.select_from(joined.join(each, true()))
    sums = {row[0]: (row[1], row[2]) for row in connection.execute(query.group_by(each.c.value))}
    for window, amount in adjusted_windows(connection).items():
        posted, held_of = sums.get(window, (0, 0))
        sums[window] = posted + amount, held_of
    differing = [
        window
        for window, each in sorted(stored.items())
        if (each.posted_nanos, each.held_nanos) != sums.pop(window, (0, 0))
    ]
    differing += sums
    problems.extend(f"The attempts of {window} do not sum up to it." for window in differing)
    return bool(differing)


def _compare_adjustments(
    connection: Connection, replayed: Adjustments, elsewhere: Collection[str], problems: list[str]
) -> None:
    """Note corrections that store and journals have differently, or that correct wrongly."""
    stored = all_made(connection)
    here = stored.keys() - elsewhere
    differing = [
        each
        for each in here | replayed.made.keys()
        if _moved(stored.get(each)) != _moved(replayed.made.get(each))
    ]
    problems.extend(
        f"The correction {each} differs between store and journals." for each in sorted(differing)
    )
    named = {record.attempt for record in stored.values() if record.attempt is not None}
    attempts = find_corrected(connection, sorted(named))
    for record in stored.values():
        if record.attempt is None:
            continue
        found = attempts.get(record.attempt)
        if found is None or found.state == "held":
            problems.append(f"The correction {record.id} is of no attempt that has ended.")
        elif found.windows != record.windows:
            problems.append(f"The correction {record.id} moves other windows than its attempt.")
    problems.extend(
        f"The attempt {attempt} is corrected below nothing."
        for attempt, found in attempts.items()
        if found.net_nanos < 0
    )


def _moved(record: AdjustmentRecord | None) -> tuple[int, tuple[str, ...], str | None] | None:
    # Two stewards may have told of it, each at its own instant; what it moves has to be the same.
    if record is None:
        return None
    return (record.amount_nanos, record.windows, record.attempt)


def _compare_waived(
    connection: Connection, waived: Iterable[Mapping[str, Waived]], problems: list[str]
) -> None:
    """Note shadow windows of which store and journals count other refusals."""
    in_journals: dict[str, tuple[int, int]] = {}
    for window, more in (item for each in waived for item in each.items()):
        attempts, amount = in_journals.get(window, (0, 0))
        in_journals[window] = (attempts + more.attempts, amount + more.amount_nanos)
    rows = connection.execute(select(tables.shadow))
    stored = {row.window: (row.attempts, row.amount_nanos) for row in rows}
    problems.extend(
        f"What the shadow window {window} would have refused differs between store and journals."
        for window in sorted(stored.keys() | in_journals.keys())
        if stored.get(window) != in_journals.get(window)
    )


def _compare_allotments(
    connection: Connection, windows: tuple[WindowCheck, ...], problems: list[str]
) -> None:
    """Note money that was spent on an allotment which nobody carved."""
    carved = set(connection.scalars(select(tables.allotment.c.window)))
    names = (each.window for each in windows)
    used = (each for each in names if is_carved(each) or each.startswith(BATCH))
    problems.extend(f"{window} was never carved." for window in used if window not in carved)
