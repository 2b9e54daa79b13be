"""Corrections: each counts once, moves what its attempt was held on, and survives what may come."""

import errno
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Engine

from headgate.insights.books import check_books
from headgate.ledger.adjustments import Adjustments, Corrected, plan
from headgate.ledger.keeper import Keeper
from headgate.ledger.keeper_adjustments import adjust
from headgate.ledger.store_adjustments import made_of_call
from headgate.records.adjustment import Adjusted, Adjustment
from headgate.records.journal import AdjustmentRecord, SealedRecord
from headgate.store import audit
from headgate.store.database import make_engine
from headgate.store.disk import Disk
from headgate.store.journal_writer import JournalWriter
from headgate.store.schema import METADATA
from headgate.units.errors import JournalError
from tests.ledger.test_journal import end, hold
from tests.ledger.test_keeper import LIMIT, WANT, WINDOW, write
from tests.lending import borrow
from tests.torture.checker import check

ATTEMPT = hold(1).attempt
CREDIT = Adjustment("day-1", -5, "reconciled", "a report", ATTEMPT)
EPOCHS = itertools.count(1)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A store of its own."""
    made = make_engine(f"sqlite:///{tmp_path / 'headgate.db'}")
    METADATA.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def keeper(engine: Engine, tmp_path: Path) -> Keeper:
    """A keeper of a book with one attempt, posted at 7, and one that is held at 10."""
    write(tmp_path, "j1", hold(1), end(1), hold(2))
    return opened(engine, tmp_path)


def opened(engine: Engine, tmp_path: Path) -> Keeper:
    """Return a keeper as a new steward makes it."""
    made = Keeper(engine, tmp_path / "journal", lambda _window: LIMIT)
    made.discover()
    made.fold()
    return made


def correct(keeper: Keeper, engine: Engine, *wanted: Adjustment) -> Adjusted:
    """Ask for corrections."""
    return adjust(keeper, engine, wanted, by="user:ann", epoch=f"e{next(EPOCHS)}", at_ns=9)


def free(keeper: Keeper) -> int:
    """Return what may still be lent."""
    return keeper.book.account(WINDOW, LIMIT).free_nanos


def test_a_credit_frees_money_and_a_debit_takes_it(
    keeper: Keeper, engine: Engine, tmp_path: Path
) -> None:
    """What is added moves the windows of the attempt's hold, for this steward and the next."""
    before = free(keeper)

    made = correct(keeper, engine, CREDIT, replace(CREDIT, id="day-2", amount_nanos=100))

    assert (made.made, made.amount_nanos, made.refused) == (2, 95, ())
    assert free(keeper) == before - 95
    assert free(opened(engine, tmp_path)) == before - 95
    assert check_books(engine, tmp_path / "journal").equal


def test_the_same_correction_twice_is_one(keeper: Keeper, engine: Engine) -> None:
    """Asked for again, in one batch or later, it is known; with another amount it is refused."""
    first = correct(keeper, engine, CREDIT, CREDIT)
    again = correct(keeper, engine, CREDIT)
    other = correct(keeper, engine, replace(CREDIT, amount_nanos=-1))

    assert (first.made, first.known) == (1, 1)
    assert (again.made, again.known) == (0, 1)
    assert [each.message for each in other.refused] == [
        "day-1 was made before, by -0.000000005 USD."
    ]


def test_a_disk_that_refuses_is_told_and_asked_again_it_counts_once(
    keeper: Keeper, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could be read of the refused journal is in the books; asking again adds nothing."""
    before = free(keeper)

    def refuse(_disk: Disk, _descriptor: int) -> None:
        raise OSError(errno.EIO, "I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(Disk, "sync", refuse)
        with pytest.raises(JournalError, match="the disk has refused"):
            correct(keeper, engine, CREDIT)

    assert correct(keeper, engine, CREDIT).made == 0
    assert free(keeper) == before + 5


def test_two_stewards_that_tell_of_one_correction_move_money_once(
    keeper: Keeper, engine: Engine, tmp_path: Path
) -> None:
    """Each has a journal of its own; the id counts once, and a replay of all says the same."""
    correct(keeper, engine, CREDIT)
    before = free(keeper)
    record = AdjustmentRecord("day-1", 20, -5, (WINDOW,), "reconciled", "a report", "b", ATTEMPT)
    other = JournalWriter(
        tmp_path / "journal" / "steward-other", worker="s", epoch="o", at_ns=1, segment_bytes=8192
    )
    other.append(record)
    other.close(21)

    keeper.discover()
    keeper.fold()

    assert free(keeper) == before
    assert check_books(engine, tmp_path / "journal").equal
    assert not check(tmp_path, running=True).problems


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (replace(CREDIT, amount_nanos=-8), "posted below nothing, at -0.000000001 USD"),
        (replace(CREDIT, amount_nanos=0), "A correction is not 0"),
        (replace(CREDIT, amount_nanos=1 << 62), "not above what an amount may be"),
        (replace(CREDIT, attempt="call_z.1"), "There is no attempt call_z.1"),
        (replace(CREDIT, attempt=hold(2).attempt), "has not ended"),
        (replace(CREDIT, attempt=None), "names neither an attempt nor windows"),
        (replace(CREDIT, id="x" * 201), "It needs an id"),
        (replace(CREDIT, source="x" * 501), "longer than 500"),
    ],
)
def test_what_cannot_be_right_is_refused(
    keeper: Keeper, engine: Engine, wanted: Adjustment, message: str
) -> None:
    """Nothing is written for it; what is asked for beside it is made."""
    made = correct(keeper, engine, wanted, replace(CREDIT, id="beside"))

    assert [message in each.message for each in made.refused] == [True]
    assert made.made == 1


def test_a_window_alone_can_be_corrected(keeper: Keeper, engine: Engine, tmp_path: Path) -> None:
    """A day's rounding is of no attempt; also a window of a period that nobody used is moved."""
    made = correct(
        keeper,
        engine,
        Adjustment("round", 3, "rounding", "a bill", windows=(WINDOW, "acme@2025-01")),
    )

    assert made.made == 1
    assert check_books(engine, tmp_path / "journal").equal
    assert check(tmp_path, running=True).windows["acme@2025-01"].posted == 3


def test_history_is_untouched_and_the_audit_chain_knows(keeper: Keeper, engine: Engine) -> None:
    """The attempt keeps what it posted; the correction stands beside it, and who made it."""
    correct(keeper, engine, CREDIT)

    with engine.connect() as connection:
        [record] = made_of_call(connection, ATTEMPT.partition(".")[0])
        posted = connection.exec_driver_sql(
            "SELECT posted_nanos FROM attempt WHERE attempt = ?", (ATTEMPT,)
        )
        assert posted.scalar() == 7
        [entry] = audit.newest(connection, 1)
    assert (record.amount_nanos, record.by, record.windows) == (-5, "user:ann", (WINDOW,))
    assert (entry.actor, entry.action) == ("user:ann", "money.adjusted")
    assert '"amount_usd":"-0.000000005"' in entry.detail


def test_what_a_dead_steward_wrote_is_folded_by_the_next(engine: Engine, tmp_path: Path) -> None:
    """A batch cut off in the middle: its whole records count, the rest is made when asked again."""
    record = AdjustmentRecord("day-1", 9, -5, (WINDOW,), "reconciled", "a report", "b", ATTEMPT)
    write(tmp_path, "j1", hold(1), end(1), SealedRecord(2, last=True))
    write(tmp_path, "steward-e", record)
    keeper = opened(engine, tmp_path)

    assert keeper.take_over("steward-e", 10)
    made = correct(keeper, engine, CREDIT, replace(CREDIT, id="day-2", amount_nanos=-2))

    assert (made.made, made.known) == (1, 1)
    assert free(keeper) == LIMIT
    assert not check(tmp_path).problems


def test_a_credit_of_an_untrusted_journal_is_not_lost_sight_of(
    engine: Engine, tmp_path: Path
) -> None:
    """Corrections are of no lease: taken over after a power cut, nothing becomes unaccounted."""
    record = AdjustmentRecord("day-1", 9, -5, (WINDOW,), "reconciled", "a report", "b", ATTEMPT)
    write(tmp_path, "j1", hold(1), end(1), SealedRecord(2, last=True))
    write(tmp_path, "steward-e", record, boot="before the power cut")
    keeper = opened(engine, tmp_path)

    keeper.take_over("steward-e", 10)

    assert keeper.book.account(WINDOW, LIMIT).unaccounted_nanos == 0
    assert free(keeper) == LIMIT - 2


def test_what_a_credit_frees_is_lent_and_no_more(keeper: Keeper, engine: Engine) -> None:
    """Of a window that was all used, exactly the credit can be lent again."""
    borrow(keeper, "j2", {WINDOW: LIMIT})
    full = free(keeper)
    correct(keeper, engine, CREDIT)

    lent = borrow(keeper, "j3", WANT)[WINDOW]

    assert full == 0
    assert lent == 5


_IDS = st.sampled_from(["a", "b", "c"])
_WANTED = st.builds(
    Adjustment, _IDS, st.integers(-40, 40), st.just("r"), st.just("s"), st.sampled_from(["x", "y"])
)


@given(st.lists(st.lists(_WANTED, max_size=6), max_size=4))
def test_however_they_are_asked_for_no_attempt_goes_below_nothing(
    batches: list[list[Adjustment]],
) -> None:
    """Over any batches: each id counts once, and sums stay at or above 0."""
    net = {"x": 30, "y": 0}
    made: dict[str, AdjustmentRecord] = {}
    for wanted in batches:
        known = {name: Corrected("estimated", ("w@once",), net[name]) for name in net}
        planned = plan(wanted, made, known, by="b", at_ns=1)
        for record in Adjustments().take(planned.records):
            assert record.id not in made
            assert record.attempt is not None
            made[record.id] = record
            net[record.attempt] += record.amount_nanos
        assert len(planned.records) + planned.known + len(planned.refused) == len(wanted)

    assert min(net.values()) >= 0
