"""Checking the books: equal when they are, and each kind of difference is found."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, Executable, delete, text, update

from headgate.insights.books import Books, check_books
from headgate.ledger import tables
from headgate.ledger.folded import decode
from headgate.ledger.keeper import Keeper
from headgate.node.paths import journal_root
from headgate.records.journal import HoldRecord, SettleRecord
from headgate.store.database import open_store_readonly
from headgate.store.journal_reader import JournalReader
from headgate.store.journal_writer import JournalWriter
from headgate.store.migrate import open_store
from tests.conftest import ALICE, MINI

HOLD = HoldRecord(
    attempt="call_z.1",
    at_ns=1,
    amount_nanos=5,
    caller=1,
    route=1,
    decision=1,
    input_tokens_max=1,
    output_tokens_max=1,
)
SETTLE = SettleRecord(attempt="call_z.1", at_ns=2, amount_nanos=3, state="measured")


def check(folder: Path) -> Books:
    """Check the books of a folder as a command does: reading only."""
    engine = open_store_readonly(folder / "data")
    found = check_books(engine, journal_root(folder / "data"))
    engine.dispose()
    return found


@pytest.fixture
def store(books: Path) -> Iterator[Engine]:
    """The store, to be tampered with."""
    engine = open_store(books / "data")
    yield engine
    engine.dispose()


def test_folded_books_are_equal(books: Path) -> None:
    """What the keeper folded is what a replay gives, window by window."""
    found = check(books)

    assert found.equal, found.problems
    assert (found.journals, found.records) == (1, 14)
    windows = {window.window: window for window in found.windows}
    assert windows["launch@once"].posted_store_nanos == 71_000_000
    assert windows["launch@once"].held_journal_nanos == 70_000_000
    assert windows["run-cap/alice/r42@once"].posted_journal_nanos == 11_000_000
    assert found.held_total_nanos == 70_000_000


def test_what_is_not_folded_yet_is_no_difference(books: Path, store: Engine) -> None:
    """The replay stops where the store stands, in the middle of a stretch too."""
    root = journal_root(books / "data")
    writer = JournalWriter(root / "w0-2", worker="w0", epoch="2", at_ns=0, segment_bytes=64 << 10)
    keeper = Keeper(store, root, lambda _window: 0)
    for record in (ALICE, MINI, HOLD):
        writer.append(record)
    keeper.discover()
    keeper.fold()
    writer.append(SETTLE)

    before = check(books)
    keeper.fold()
    after = check(books)

    writer.close(3)
    assert before.equal, before.problems
    assert before.held_total_nanos == 70_000_005
    assert after.equal, after.problems
    assert after.held_total_nanos == 70_000_000
    assert after.records == before.records + 1


def test_journals_of_many_segments_are_replayed(books: Path, store: Engine) -> None:
    """A replay crosses segments and may end between them."""
    root = journal_root(books / "data")
    writer = JournalWriter(root / "w0-2", worker="w0", epoch="2", at_ns=0, segment_bytes=8 << 10)
    keeper = Keeper(store, root, lambda _window: 0)
    writer.append(ALICE)
    writer.append(MINI)
    for number in range(300):
        writer.prepare()
        end = f"call_{number}.1"
        writer.append(replace(HOLD, attempt=end))
        writer.append(replace(SETTLE, attempt=end))
    keeper.discover()
    while keeper.fold():
        pass
    writer.close(3)

    found = check(books)

    assert found.equal, found.problems
    assert {window.window: window.posted_journal_nanos for window in found.windows}[
        "launch@once"
    ] == 71_000_000 + 900


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            update(tables.window)
            .where(tables.window.c.window == "launch@once")
            .values(posted_nanos=tables.window.c.posted_nanos + 1),
            "The window launch@once differs between store and journals.",
        ),
        (
            update(tables.attempt)
            .where(tables.attempt.c.attempt == "call_a.1")
            .values(posted_nanos=tables.attempt.c.posted_nanos - 1),
            "The attempt call_a.1 differs: measured at 10999999 nanos in the store, "
            "measured at 11000000 nanos in the journal.",
        ),
        (
            delete(tables.attempt).where(tables.attempt.c.attempt == "call_c.1"),
            "The attempt call_c.1 differs: missing in the store, held at 0 nanos in the journal.",
        ),
        (
            update(tables.lease).where(tables.lease.c.window == "launch@once").values(held_nanos=0),
            "The lease of launch@once to w0-1 says 71000000 posted and 0 held, "
            "the journal 71000000 and 70000000.",
        ),
        (
            update(tables.caller)
            .where(tables.caller.c.run == "r42")
            .values(windows='["launch@once"]'),
            "The attempts of run-cap/alice/r42@once do not sum up to it.",
        ),
        (
            update(tables.journal).values(offset=tables.journal.c.offset + 7),
            "The journal w0-1 cannot be replayed: it has no record that ends at",
        ),
        (
            text("update journal set name = 'gone'"),
            "The journal gone cannot be replayed: it has no record that ends at",
        ),
    ],
)
def test_a_changed_store_is_found(
    books: Path, store: Engine, change: Executable, problem: str
) -> None:
    """Whatever is changed in the store, the check names it."""
    with store.begin() as connection:
        connection.execute(change)

    found = check(books)

    assert not found.equal
    assert any(told.startswith(problem) for told in found.problems), found.problems


def test_an_attempt_that_ends_twice_is_found(books: Path, store: Engine) -> None:
    """Every ended attempt has exactly one end; a second one is told, not counted."""
    root = journal_root(books / "data")
    writer = JournalWriter(root / "w0-2", worker="w0", epoch="2", at_ns=0, segment_bytes=64 << 10)
    for record in (ALICE, MINI, HOLD, SETTLE, SETTLE):
        writer.append(record)
    with store.begin() as connection:
        connection.execute(text("insert into journal values ('w0-2', 1, 9999, false, '')"))

    found = check(books)

    writer.close(3)
    assert "The journal w0-2 cannot be replayed: call_z.1 ends without a hold." in found.problems


def test_an_attempt_that_is_held_again_after_its_end_is_found(books: Path, store: Engine) -> None:
    """The store has one row of an attempt, so a journal that has two ends of it is found."""
    root = journal_root(books / "data")
    writer = JournalWriter(root / "w0-2", worker="w0", epoch="2", at_ns=0, segment_bytes=64 << 10)
    keeper = Keeper(store, root, lambda _window: 0)
    for record in (ALICE, MINI, HOLD, SETTLE):
        writer.append(record)
    keeper.discover()
    keeper.fold()
    writer.append(HOLD)
    writer.append(SETTLE)
    end = JournalReader(root / "w0-2")
    while end.read_as(decode):
        pass
    with store.begin() as connection:
        here = update(tables.journal).where(tables.journal.c.name == "w0-2")
        connection.execute(here.values(offset=end.cursor.offset))

    found = check(books)

    writer.close(3)
    assert not found.attempts_equal
    assert "call_z.1 is held twice in w0-2." in found.problems


def test_how_far_a_check_is_is_told(books: Path) -> None:
    """Whoever watches is told of each journal's segments."""
    told: list[tuple[int, int]] = []
    engine = open_store_readonly(books / "data")

    check_books(engine, journal_root(books / "data"), watch=lambda *each: told.append(each))

    engine.dispose()
    assert told == [(0, 1), (0, 1)]
