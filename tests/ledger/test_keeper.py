"""The keeper over real journals: power cuts, failed writes and new stewards never lend twice."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, select

from headgate.insights.books import check_books
from headgate.ledger import tables
from headgate.ledger.keeper import Keeper
from headgate.ledger.line import Grant
from headgate.records.journal import (
    FORMAT,
    Durability,
    ExtendRecord,
    Record,
    RefusalRecord,
    SealedRecord,
    SegmentRecord,
    VoidRecord,
)
from headgate.store.journal_writer import boot_id
from headgate.store.segments import frame, segment_name
from headgate.units.errors import JournalError, StoreError
from tests.ledger.test_journal import CALLER, ROUTE, end, hold
from tests.lending import borrow
from tests.stores import open_test_store

WINDOW = "team@once"
LIMIT = 1_000
WANT = {WINDOW: 300}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A store of its own."""
    made = open_test_store(tmp_path)
    yield made
    made.dispose()


def keeper(engine: Engine, tmp_path: Path) -> Keeper:
    """Return a keeper as a new steward makes it."""
    made = Keeper(engine, tmp_path / "journal", lambda _window: LIMIT)
    made.discover()
    return made


def write(
    tmp_path: Path,
    name: str,
    *records: Record,
    boot: str | None = None,
    durability: Durability = "process",
) -> None:
    """Leave a journal whose writer is dead, with these records after the first."""
    directory = tmp_path / "journal" / name
    directory.mkdir(parents=True)
    boot = boot_id() if boot is None else boot
    first = SegmentRecord(FORMAT, "w", name, 1, boot, 1, durability)
    data = b"".join(
        frame(msgspec.json.encode(record)) for record in (first, CALLER, ROUTE, *records)
    )
    (directory / segment_name(1)).write_bytes(data + bytes(256))


def free(made: Keeper) -> int:
    """Return what may still be lent."""
    return made.book.account(WINDOW, LIMIT).free_nanos


@pytest.mark.parametrize("restarted", [False, True], ids=["same steward", "new steward"])
def test_a_dead_workers_idle_money_is_free_again(
    engine: Engine, tmp_path: Path, restarted: bool
) -> None:
    """Of a journal that is whole, what was posted and held counts and the rest comes back."""
    write(tmp_path, "j1", hold(1), end(1), hold(2))
    made = keeper(engine, tmp_path)
    borrow(made, "j1", WANT)
    made.fold()
    if restarted:
        made = keeper(engine, tmp_path)
    assert made.take_over("j1", 5)
    assert free(made) == LIMIT - 7 - 10
    assert free(keeper(engine, tmp_path)) == LIMIT - 7 - 10


@pytest.mark.parametrize("records", [(), (hold(1), end(1))], ids=["unused", "used"])
@pytest.mark.parametrize("restarted", [False, True], ids=["same steward", "new steward"])
def test_after_a_power_cut_all_that_was_lent_stays_counted(
    engine: Engine, tmp_path: Path, records: tuple[Record, ...], restarted: bool
) -> None:
    """A journal of another boot may have lost its tail: the rest of its lease is unaccounted.

    Also when nothing was ever posted, and for every steward after this one.
    """
    write(tmp_path, "j1", *records, boot="before the power cut")
    made = keeper(engine, tmp_path)
    lent = borrow(made, "j1", WANT)[WINDOW]
    made.fold()
    if restarted:
        made = keeper(engine, tmp_path)
    assert made.take_over("j1", 5)
    assert free(made) == LIMIT - lent
    assert free(keeper(engine, tmp_path)) == LIMIT - lent


def test_a_power_cut_takes_no_hold_of_the_class_power(engine: Engine, tmp_path: Path) -> None:
    """What was sent stands in such a journal whatever the boot, so nothing is unaccounted."""
    write(tmp_path, "j1", hold(1), boot="before the power cut", durability="power")
    made = keeper(engine, tmp_path)
    borrow(made, "j1", WANT)
    assert made.take_over("j1", 5)
    assert free(made) == LIMIT - 10
    assert free(keeper(engine, tmp_path)) == LIMIT - 10


def test_a_clean_end_before_a_power_cut_frees_everything(engine: Engine, tmp_path: Path) -> None:
    """A journal that its own writer sealed is whole, whatever happened to the machine since."""
    write(tmp_path, "j1", hold(1), end(1), SealedRecord(2, last=True), boot="before")
    made = keeper(engine, tmp_path)
    borrow(made, "j1", WANT)
    made.fold()
    assert free(made) == LIMIT - 7


FULL = {
    "sqlite": (
        """CREATE TRIGGER "full" BEFORE UPDATE ON lease BEGIN SELECT RAISE(ABORT, 'full'); END""",
    ),
    "postgresql": (
        """CREATE FUNCTION "full"() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'full'; END $$""",
        'CREATE TRIGGER "full" BEFORE UPDATE ON lease FOR EACH ROW EXECUTE FUNCTION "full"()',
    ),
}
DROP_FULL = {"sqlite": 'DROP TRIGGER "full"', "postgresql": 'DROP TRIGGER "full" ON lease'}


def test_a_grant_that_is_not_stored_is_never_told(engine: Engine, tmp_path: Path) -> None:
    """After a failed write a keeper does and tells nothing more; the next has what is stored."""
    write(tmp_path, "j1", hold(1), end(1))
    made = keeper(engine, tmp_path)
    stored = borrow(made, "j1", WANT)
    with engine.begin() as connection:
        for statement in FULL[connection.dialect.name]:
            connection.exec_driver_sql(statement)
    with pytest.raises(StoreError, match="full"):
        borrow(made, "j1", WANT)
    for act in (lambda: made.lend(0), made.discover, made.fold):
        with pytest.raises(StoreError):
            act()
    with pytest.raises(StoreError):
        made.lent_to("j1")
    with engine.begin() as connection:
        connection.exec_driver_sql(DROP_FULL[connection.dialect.name])
    after = keeper(engine, tmp_path)
    assert after.lent_to("j1") == {WINDOW: Grant(stored[WINDOW], 7)}
    assert after.fold() == 0
    assert free(after) == LIMIT - stored[WINDOW]


def test_a_takeover_that_is_cut_off_goes_on_where_it_was(engine: Engine, tmp_path: Path) -> None:
    """A steward that dies in a takeover leaves a journal that the next one closes, once."""
    write(tmp_path, "j1", hold(1), hold(2), hold(3))
    made = keeper(engine, tmp_path)
    made.fold()
    followed = made.journals["j1"]
    followed.reader.append(end(1))
    after = keeper(engine, tmp_path)
    assert after.take_over("j1", 5)
    assert after.journals == {}
    assert free(after) == LIMIT - 7 - 10 - 10
    last = keeper(engine, tmp_path)
    assert last.journals == {}
    assert free(last) == free(after)


@pytest.mark.parametrize("restarted", [False, True], ids=["same steward", "new steward"])
@pytest.mark.parametrize("folded", [False, True], ids=["in one stretch", "in another"])
def test_a_dead_workers_extended_hold_is_posted_as_it_was_extended(
    engine: Engine, tmp_path: Path, restarted: bool, folded: bool
) -> None:
    """An extension counts with its hold, wherever the steward was when it came."""
    extension = ExtendRecord(hold(1).attempt, 2, 5)
    write(tmp_path, "j1", hold(1), *(() if folded else (extension, extension)))
    made = keeper(engine, tmp_path)
    made.fold()
    for _ in range(2 if folded else 0):
        made.journals["j1"].reader.append(extension)
        made.fold()
    with engine.connect() as connection:
        ((held, extensions),) = connection.exec_driver_sql(
            "SELECT hold_nanos, extensions FROM attempt"
        )
    assert (held, extensions) == (10 + 5 + 5, 2)
    if restarted:
        made = keeper(engine, tmp_path)

    assert made.take_over("j1", 5)

    assert free(made) == LIMIT - 20
    assert check_books(engine, tmp_path / "journal").equal


def test_a_new_steward_knows_who_was_named_before(engine: Engine, tmp_path: Path) -> None:
    """Callers and routes are named once; holds that come after a steward's death refer to them."""
    write(tmp_path, "j1", hold(1))
    before = keeper(engine, tmp_path)
    before.fold()
    after = keeper(engine, tmp_path)
    after.journals["j1"].reader.append(hold(2))
    assert after.fold() == 1
    assert set(after.journals["j1"].known.open_holds) == {hold(1).attempt, hold(2).attempt}
    write(tmp_path, "j2", hold(3))
    after.discover()
    assert after.fold() == 4
    assert {held.caller.id for held in after.journals["j1"].known.open_holds.values()} == {1}
    assert {held.caller.id for held in after.journals["j2"].known.open_holds.values()} == {3}


@pytest.mark.parametrize("piece", [1, 2, 3, 5])
def test_a_stretch_comes_to_the_same_in_pieces_of_any_length(
    engine: Engine, tmp_path: Path, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holds end in a later piece than theirs, grow there, stay open, or are of an unusual kind."""
    unusual = msgspec.structs.replace(hold(4), session="s", choices=2)
    refusal = RefusalRecord("call_r", 6, "alice", "research", "alice", "mini", "frozen", "no")
    extension = ExtendRecord(hold(2).attempt, 2, 5)
    mixed = (hold(1), hold(2), end(1), unusual, extension, hold(3), refusal, end(2), end(4))
    write(tmp_path, "j1", *mixed, VoidRecord(hold(3).attempt, 9, "cancelled"), hold(5))
    other = tmp_path / "other"
    write(other, "j1", *mixed, VoidRecord(hold(3).attempt, 9, "cancelled"), hold(5))
    whole = open_test_store(other)
    assert keeper(whole, other).fold() == len(mixed) + 5

    monkeypatch.setattr("headgate.ledger.keeper.PIECE_RECORDS", piece)
    assert keeper(engine, tmp_path).fold() == len(mixed) + 5

    assert rows(engine) == rows(whole)
    assert len(rows(engine)["attempt"]) == 5
    whole.dispose()


def rows(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Return all that a fold writes."""
    written = (tables.attempt, tables.refusal, tables.window, tables.lease, tables.caller)
    with engine.connect() as connection:
        return {
            each.name: sorted((tuple(row) for row in connection.execute(select(each))), key=repr)
            for each in written
        }


def test_after_a_record_that_is_none_nothing_more_is_written(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was folded before it in its stretch is not in the store: a new steward says it too."""
    monkeypatch.setattr("headgate.ledger.keeper.PIECE_RECORDS", 1)
    write(tmp_path, "j1", hold(1), end(1), end(1), hold(2))
    made = keeper(engine, tmp_path)

    with pytest.raises(JournalError, match="ends without a hold"):
        made.fold()
    with pytest.raises(StoreError):
        made.fold()
    with pytest.raises(StoreError):
        made.take_over("j1", 9)

    assert rows(engine)["attempt"] == []
    with pytest.raises(JournalError, match="ends without a hold"):
        keeper(engine, tmp_path).fold()
