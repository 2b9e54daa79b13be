"""Responses by the books: found by an index of those alone whose replies may be kept."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from headgate.ledger.store_responses import made_by, makers
from tests.stores import on_a_file, open_test_store


@on_a_file
def test_no_attempt_but_the_one_is_looked_at(tmp_path: Path) -> None:
    """However many there are: the store says that it searches by the index."""
    engine = open_test_store(tmp_path)
    wanted = made_by("resp_1", "openai_responses")
    told = wanted.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})

    with engine.connect() as connection:
        plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {told}"))]
    engine.dispose()

    assert any("attempt_of_response" in each for each in plan), plan


def test_in_a_store_without_attempts_nobody_made_one(tmp_path: Path) -> None:
    """The question is one that the store understands, on SQLite and on PostgreSQL."""
    engine = open_test_store(tmp_path)
    with engine.connect() as connection:
        found = list(makers(connection, made_by("resp_1", "openai_responses")))
    engine.dispose()

    assert found == []
