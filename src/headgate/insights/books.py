"""Checking the books: every journal replayed from its first record, compared with the store.

The comparison is exact beside a running steward: the store's sums, and how far it has folded
each journal, are read in one transaction, and each replay stops there.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine, func, select

from headgate.insights import books_shared
from headgate.insights.attempt_prints import Prints
from headgate.insights.books_attempts import JournalCheck, stored, sums_by_window
from headgate.insights.books_replay import Replay, add_movement
from headgate.ledger import tables
from headgate.ledger.adjustments import Adjustments
from headgate.ledger.allotments import BATCH
from headgate.ledger.fold import Movement
from headgate.ledger.line import is_small
from headgate.ledger.store_adjustments import adjusted_windows, all_made, find_corrected
from headgate.records.journal import AdjustmentRecord
from headgate.store.dialect import one_state
from headgate.store.journal_reader import Cursor
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


Watch = Callable[[int, int], None]
"""Told how many segments of journals are replayed, and of how many."""


def _unwatched(_done: int, _total: int) -> None:
    return


def check_books(
    engine: Engine, journal_root: Path, node: str = "", watch: Watch | None = None
) -> Books:
    """Compare the store with its journals; works beside a running steward.

    Memory does not grow with the number of attempts.

    Args:
        engine: The store.
        journal_root: The folder of journals.
        node: The id of their node among those that share the store, empty when it is alone. Only
            what this node did is replayed; what all did is summed up.
        watch: Told how far it is, now and then; None when nobody watches.

    Raises:
        StoreError: The store cannot be read.
    """
    with engine.connect() as connection:
        one_state(connection)
        return _check(connection, journal_root, node, watch or _unwatched)


def _check(connection: Connection, root: Path, node: str, watch: Watch) -> Books:
    # What two nodes told of counts where it was told first.
    elsewhere = books_shared.adjusted_elsewhere(connection, node)
    all_of = _replay_all(connection, root, node, elsewhere, watch)
    problems = all_of.problems
    _compare_adjustments(connection, all_of.adjustments, elsewhere, problems)
    _compare_waived(connection, all_of.waived, problems)
    windows_stored = books_shared.of_store(connection)
    here = books_shared.of_node(connection, node) if node else windows_stored
    windows = _windows(here, all_of.movements)
    problems += [
        f"The window {check.window} differs between store and journals."
        for check in windows
        if not check.equal
    ]
    sums_differ = _compare_sums(connection, windows_stored, all_of.by_caller, problems)
    if node:
        problems += books_shared.shared_problems(connection)
    _compare_allotments(connection, windows, problems)
    held = select(func.coalesce(func.sum(tables.attempt.c.hold_nanos), 0))
    held_total = connection.scalar(held.where(tables.attempt.c.state == "held"))
    return Books(
        journals=all_of.journals,
        records=all_of.records,
        windows=windows,
        attempts_equal=all_of.attempts_equal and not sums_differ,
        held_total_nanos=held_total or 0,
        problems=tuple(problems[:PROBLEMS_MAX]),
    )


@dataclass(slots=True)
class _Replayed:
    """All journals of a node, replayed one after the other."""

    journals: int = 0
    records: int = 0
    attempts_equal: bool = True
    by_caller: Mapping[int, Movement] = field(default_factory=dict)
    movements: dict[str, Movement] = field(default_factory=dict)
    waived: dict[str, tuple[int, int]] = field(default_factory=dict)
    adjustments: Adjustments = field(default_factory=Adjustments)
    problems: list[str] = field(default_factory=list)


def _replay_all(
    connection: Connection, root: Path, node: str, elsewhere: Collection[str], watch: Watch
) -> _Replayed:
    """Replay a node's journals, each compared with its attempts and leases in the store."""
    own = select(tables.journal).where(tables.journal.c.node == node)
    rows = connection.execute(own.order_by(tables.journal.c.name)).all()
    attempts = stored(connection)
    came = _Replayed(journals=len(rows), by_caller=attempts.sums)
    before, segments = 0, sum(row.seq for row in rows)
    for row in rows:
        watch(before, segments)
        which = JournalCheck(connection, root / row.name, Cursor(row.seq, row.offset))
        prints = Prints()
        one = which.replay(prints.add, partial(_passed, watch, before, segments))
        before += row.seq
        came.problems += filter(None, [one.problem])
        if differ := list(which.differences(attempts.prints.get(row.name, Prints()), prints)):
            came.attempts_equal = False
            came.problems += differ[:PROBLEMS_MAX]
        _compare_leases(connection, row.name, one, came.problems)
        _add(came, one, elsewhere)
    return came


def _passed(watch: Watch, before: int, segments: int, seq: int) -> None:
    watch(before + seq - 1, segments)


def _add(came: _Replayed, one: Replay, elsewhere: Collection[str]) -> None:
    came.records += one.records
    for window, movement in one.movements.items():
        add_movement(came.movements, window, movement)
    for window, (attempts, amount) in one.waived.items():
        known = came.waived.get(window, (0, 0))
        came.waived[window] = (known[0] + attempts, known[1] + amount)
    told = [record for record in one.adjustments if record.id not in elsewhere]
    for record in came.adjustments.take(told):
        for window in record.windows:
            add_movement(came.movements, window, Movement(0, record.amount_nanos))


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


def _compare_leases(
    connection: Connection, journal: str, replay: Replay, problems: list[str]
) -> None:
    leases = select(tables.lease).where(tables.lease.c.journal == journal)
    for lease in connection.execute(leases):
        movement = replay.movements.get(lease.window, Movement())
        before = movement.posted_nanos - lease.posted_nanos
        # The lease of a run may have ended and begun anew, with a journal that went on.
        anew = before > 0 and is_small(lease.window)
        if lease.held_nanos != movement.held_nanos or (before and not anew):
            problems.append(
                f"The lease of {lease.window} to {journal} says {lease.posted_nanos} posted and "
                f"{lease.held_nanos} held, the journal {movement.posted_nanos} and "
                f"{movement.held_nanos}."
            )


def _compare_sums(
    connection: Connection,
    stored: dict[str, Movement],
    by_caller: Mapping[int, Movement],
    problems: list[str],
) -> bool:
    """Note windows whose attempts do not sum up to them; tell whether there are any."""
    sums = sums_by_window(connection, by_caller)
    for window, amount in adjusted_windows(connection).items():
        add_movement(sums, window, Movement(0, amount))
    differing = [
        window for window, each in sorted(stored.items()) if each != sums.pop(window, Movement())
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
    connection: Connection, in_journals: Mapping[str, tuple[int, int]], problems: list[str]
) -> None:
    """Note shadow windows of which store and journals count other refusals."""
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
