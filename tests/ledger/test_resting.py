"""What nobody is lent of rests in the store: a steward keeps no account of all runs there were."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine

from headgate.insights.books import check_books
from headgate.ledger.allotments import Allotment
from headgate.ledger.keeper import Keeper
from headgate.ledger.line import Borrowing, Need
from headgate.records.journal import (
    AdjustmentRecord,
    CallerRecord,
    HoldRecord,
    Record,
    SealedRecord,
)
from headgate.units.errors import StoreError
from tests.ledger import test_journal
from tests.ledger.test_journal import end
from tests.ledger.test_keeper import write
from tests.lending import borrow, give_back
from tests.stores import open_test_store

RUN = "run/alice/r@once"
MONTH = "team@2026-11"
LIMIT = 1_000
CALLER = CallerRecord(2, "alice", "research", "alice", (RUN, MONTH), run="r")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A store of its own."""
    made = open_test_store(tmp_path)
    yield made
    made.dispose()


def opened(engine: Engine, tmp_path: Path) -> Keeper:
    """Return a keeper as a new steward makes it, that has folded what there is."""
    made = Keeper(engine, tmp_path / "journal", lambda _window: LIMIT)
    made.discover()
    made.fold()
    return made


def hold(number: int) -> HoldRecord:
    """Return a hold of the run."""
    return replace(test_journal.hold(number), caller=2)


def spend(tmp_path: Path, name: str, *records: Record) -> None:
    """Leave the journal of a worker that goes on, or ends with its last record."""
    write(tmp_path, name, CALLER, *records)


def work(keeper: Keeper, journal: str, *records: Record) -> None:
    """Have a worker that was lent something write to its journal, and fold that."""
    for record in records:
        keeper.journals[journal].reader.append(record)
        keeper.fold()


def refuse(keeper: Keeper, window: str) -> int:
    """Ask for more of a window than there ever was; returns how many were refused."""
    keeper.line.borrow("j9", Borrowing([Need(1, (window,), 2 * LIMIT)], {}, {}, {}), 0)
    return len(keeper.lend(0).outcomes)


def free(keeper: Keeper, window: str = RUN) -> int:
    """Return what may still be lent, without opening an account."""
    return LIMIT - keeper.book.used(window)


@pytest.fixture(params=[False, True], ids=["same steward", "new steward"])
def restarted(request: pytest.FixtureRequest) -> bool:
    """Tell whether another steward goes on."""
    return bool(request.param)


def test_of_a_run_that_a_worker_has_done_with_nothing_is_kept(
    engine: Engine, tmp_path: Path, restarted: bool
) -> None:
    """Neither an account nor what was asked of it; what it has used counts when it goes on."""
    spend(tmp_path, "j1")
    keeper = opened(engine, tmp_path)
    keeper.line.meet("j1")
    lent = borrow(keeper, "j1", {RUN: 300, MONTH: 300})[RUN]
    work(keeper, "j1", hold(1))
    give_back(keeper, "j1", {RUN: lent - 7})
    keeper.end_small("j1", (RUN,))
    assert RUN in keeper.book.windows

    work(keeper, "j1", end(1))

    assert set(keeper.book.windows) == {MONTH}
    if restarted:
        keeper = opened(engine, tmp_path)
        assert set(keeper.book.windows) == {MONTH}
    assert free(keeper) == LIMIT - 7
    assert borrow(keeper, "j1", {RUN: LIMIT}) == {RUN: LIMIT - 7}
    assert check_books(engine, tmp_path / "journal").equal


def test_what_was_lent_before_a_rest_is_not_on_its_way_after_it(
    engine: Engine, tmp_path: Path
) -> None:
    """Nothing that was noted of a lease outlasts it."""
    spend(tmp_path, "j1")
    keeper = opened(engine, tmp_path)
    lent = borrow(keeper, "j1", {RUN: 300})[RUN]
    work(keeper, "j1", hold(1), end(1))
    give_back(keeper, "j1", {RUN: lent - 7})
    keeper.end_small("j1", (RUN,))
    assert keeper.line.ending == set()

    keeper.line.borrow("j1", Borrowing([], {RUN: 20}, {}, {}), 0)
    assert keeper.lend(0).grants["j1"][RUN].total_nanos == 20

    assert keeper.line.recalled.in_motion(RUN, 0, 0) == 20


def test_what_is_lent_is_not_at_rest_for_a_new_steward(engine: Engine, tmp_path: Path) -> None:
    """Of a window with an open lease, what its journal posted is counted with the lease, once."""
    spend(tmp_path, "j1")
    before = opened(engine, tmp_path)
    lent = borrow(before, "j1", {RUN: 300})[RUN]
    work(before, "j1", hold(1), end(1))
    keeper = opened(engine, tmp_path)
    assert free(keeper) == LIMIT - lent
    give_back(keeper, "j1", {RUN: lent})
    assert free(keeper) == LIMIT - 7


def test_what_a_dead_worker_was_lent_rests_when_its_journal_is_closed(
    engine: Engine, tmp_path: Path, restarted: bool
) -> None:
    """Its open hold is posted whole, and counts."""
    spend(tmp_path, "j1", hold(1), end(1), hold(2))
    keeper = opened(engine, tmp_path)
    borrow(keeper, "j1", {RUN: 300})
    assert keeper.take_over("j1", 9)
    assert set(keeper.book.windows) == {MONTH}
    if restarted:
        keeper = opened(engine, tmp_path)
    assert (free(keeper), free(keeper, MONTH)) == (LIMIT - 17, LIMIT - 17)


def test_what_a_power_cut_took_sight_of_counts_at_rest(
    engine: Engine, tmp_path: Path, restarted: bool
) -> None:
    """Of a window at rest, what is unaccounted is used, as it was before."""
    write(tmp_path, "j1", CALLER, hold(1), end(1), boot="before the power cut")
    keeper = opened(engine, tmp_path)
    lent = borrow(keeper, "j1", {RUN: 300})[RUN]
    assert keeper.take_over("j1", 9)
    if restarted:
        keeper = opened(engine, tmp_path)
    assert RUN not in keeper.book.windows
    assert free(keeper) == LIMIT - lent
    assert keeper.book.account(RUN, LIMIT).unaccounted_nanos == lent - 7


def test_a_window_at_rest_that_goes_on_with_what_is_folded_counts_that_once(
    engine: Engine, tmp_path: Path
) -> None:
    """The store has it already when the account is opened in the midst of a fold."""
    spend(tmp_path, "j1", hold(1), end(1), SealedRecord(2, last=True))
    keeper = opened(engine, tmp_path)
    assert RUN not in keeper.book.windows
    spend(tmp_path, "j2", hold(2), end(2), hold(3))
    credit = AdjustmentRecord(
        "day-1", 9, -5, (RUN,), "reconciled", "a report", "b", "call_x00000001.1"
    )
    write(tmp_path, "steward-e", credit, SealedRecord(2, last=True))
    keeper.discover()
    keeper.fold()
    assert free(keeper) == LIMIT - 7 - 7 + 5
    assert keeper.take_over("j2", 9)
    assert RUN not in keeper.book.windows
    assert free(keeper) == free(opened(engine, tmp_path)) == LIMIT - 7 - 7 + 5 - 10


def test_what_is_refused_opens_no_account_for_good(engine: Engine, tmp_path: Path) -> None:
    """Names of runs are the clients' to choose: a need that never fits leaves nothing behind."""
    spend(tmp_path, "j1", hold(1))
    keeper = opened(engine, tmp_path)
    for number in range(3):
        assert refuse(keeper, f"run/alice/{number}@once") == 1
    assert set(keeper.book.windows) == {RUN, MONTH}


def test_what_cannot_be_looked_up_is_lent_to_nobody(engine: Engine, tmp_path: Path) -> None:
    """A keeper that could not read what a window at rest has used does nothing more."""
    spend(tmp_path, "j1")
    keeper = opened(engine, tmp_path)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE allotment")
    need = Need(1, (RUN,), 20)
    keeper.line.borrow("j1", Borrowing([need], {}, {}, {}), 0)
    with pytest.raises(StoreError, match="allotment"):
        keeper.lend(0)
    with pytest.raises(StoreError):
        keeper.lend(0)


def test_what_was_carved_keeps_what_it_was_carved_from(
    engine: Engine, tmp_path: Path, restarted: bool
) -> None:
    """A run that gave a part of its budget away has that much less, though nobody is lent of it."""
    spend(tmp_path, "j1", hold(1), end(1), SealedRecord(2, last=True))
    keeper = opened(engine, tmp_path)
    child = Allotment("run/alice/below@once", 600, (RUN,), "alice", (), "run:alice/below")
    assert keeper.carve([child], 3) == []
    if restarted:
        keeper = opened(engine, tmp_path)
    assert refuse(keeper, RUN) == refuse(keeper, child.window) == 1
    assert free(keeper) == LIMIT - 7 - 600
    assert borrow(keeper, "j2", {child.window: 100}) == {child.window: 600}
    give_back(keeper, "j2", {child.window: 600})
    assert keeper.end_allotments(lambda _: True, 4) == 1
    assert refuse(keeper, child.window) == 1
    assert free(keeper) == LIMIT - 7
    assert keeper.book.account(child.window, 600).free_nanos == 0
