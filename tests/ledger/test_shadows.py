"""What shadow limits would have refused is counted by the fold, told once, and checked."""

from pathlib import Path

import msgspec
from sqlalchemy import Engine, select, update

from headgate.insights.books import check_books
from headgate.ledger import tables
from headgate.ledger.store_shadows import WOULD_REFUSE
from headgate.records.journal import CallerRecord
from headgate.store.audit import audit
from tests.ledger.test_journal import end, hold
from tests.ledger.test_keeper import engine, keeper, write

__all__ = ["engine"]

SHADOW = "trial@2026-11"
WAIVING = CallerRecord(2, "alice", "research", "laptop", ("team@once",), waived=(SHADOW,))


def test_each_is_counted_once_and_the_first_of_a_window_is_told(
    engine: Engine, tmp_path: Path
) -> None:
    """Also by a new steward, which reads on where the one before was; and the books agree."""
    write(tmp_path, "j1", WAIVING, hold(1), msgspec.structs.replace(hold(2), caller=2))
    made = keeper(engine, tmp_path)
    made.fold()
    reader = made.journals["j1"].reader
    for number in (3, 4):
        reader.append(msgspec.structs.replace(hold(number), caller=2))
        made.fold()
    after = keeper(engine, tmp_path)
    after.journals["j1"].reader.append(msgspec.structs.replace(hold(5), caller=2))
    after.fold()
    assert after.take_over("j1", 9)

    with engine.connect() as connection:
        (row,) = connection.execute(select(tables.shadow))
        events = connection.execute(select(audit).where(audit.c.action == WOULD_REFUSE)).all()
    assert tuple(row) == (SHADOW, 4, 40, 2)
    assert [event.subject for event in events] == ["budget:trial"]
    assert check_books(engine, tmp_path / "journal").problems == ()


def test_a_count_that_was_tampered_with_is_found(engine: Engine, tmp_path: Path) -> None:
    """The check of the books names the window."""
    write(tmp_path, "j1", WAIVING, msgspec.structs.replace(hold(2), caller=2), end(2))
    keeper(engine, tmp_path).fold()
    with engine.begin() as connection:
        connection.execute(update(tables.shadow).values(attempts=0))
    (problem,) = check_books(engine, tmp_path / "journal").problems
    assert SHADOW in problem
