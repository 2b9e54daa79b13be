"""The history: a file per day that has every call once, and SQL over it within bounds."""

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from headgate.exports import query
from headgate.exports.history import GRACE_NS, next_due, path_of, write_day, written_days
from headgate.exports.query import Answer, Query, QueryError
from headgate.ledger.tables import attempt
from headgate.node.history import write_next
from tests.console.books import NOW_NS, Books
from tests.exports.planted import DAY_NS

FIRST, SECOND = date(2026, 11, 21), date(2026, 11, 22)


@pytest.fixture
def history(planted: Books, tmp_path: Path) -> Path:
    """The first day's file, written; the second is in the store alone."""
    with planted.reading.connect() as connection:
        write_day(connection, tmp_path, FIRST)
    return tmp_path


def asked(
    books: Books, directory: Path | None, sql: str, *, rows_max: int = 100, seconds_max: int = 30
) -> Answer:
    """Return what a query gives."""
    with books.reading.connect() as connection:
        return query.answer(connection, directory, SECOND, Query(sql, rows_max, seconds_max))


def value_of(books: Books, directory: Path | None, sql: str) -> Any:
    """Return the single value that a query gives."""
    return asked(books, directory, sql).rows[0][0]


def test_a_day_has_each_attempt_and_refusal(history: Path, planted: Books) -> None:
    """In exact decimals; what is written again is the same file."""
    path = path_of(history, FIRST)
    before = path.read_bytes()
    table = pq.read_table(path)
    with planted.reading.connect() as connection:
        write_day(connection, history, FIRST)

    assert path.read_bytes() == before
    assert table.num_rows == 3
    assert sum(table.column("posted_usd").to_pylist()) == Decimal("0.013776375")
    assert set(table.column("run").to_pylist()) == {"nightly"}
    assert written_days(history) == [FIRST]
    assert not list(history.rglob("*.part"))


def test_files_and_store_are_one_table(history: Path, planted: Books) -> None:
    """No call is missing and none is twice, whichever days have a file."""
    with planted.reading.connect() as connection:
        posted = Decimal(connection.scalar(select(func.sum(attempt.c.posted_nanos))) or 0)
    for directory in (None, history):
        assert value_of(planted, directory, "SELECT count(*) FROM calls") == 9
        assert value_of(planted, directory, "SELECT sum(posted_usd) FROM calls") == posted / 10**9
        refused = "SELECT reason FROM calls WHERE state = 'refused'"
        assert value_of(planted, directory, refused) == "budget_exceeded"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/never.csv'",
        "ATTACH '/tmp/never.db'",
        "SET enable_external_access = true",
        "SELECT * FROM 'https://127.0.0.1:1/x.parquet'",
        "INSTALL httpfs",
        "SELECT * FROM settings",
    ],
)
def test_sql_reaches_nothing_but_the_calls(planted: Books, sql: str) -> None:
    """No file, no network, no variable of the program, and no way to allow it."""
    with pytest.raises(QueryError):
        asked(planted, None, sql)


def test_a_query_has_bounds(planted: Books) -> None:
    """Of time and of rows; what goes beyond is told."""
    forever = "SELECT count(*) FROM range(100000000000) a, range(1000000) b WHERE a.range % 7 = 3"
    with pytest.raises(QueryError, match="longer than 1 s"):
        asked(planted, None, forever, seconds_max=1)

    cut = asked(planted, None, "SELECT * FROM range(5)", rows_max=3)
    assert (len(cut.rows), cut.cut) == (3, True)
    assert not asked(planted, None, "SELECT * FROM range(3)", rows_max=3).cut


def test_values_of_every_kind_are_told(planted: Books) -> None:
    """All columns of a call, instants among them, and sums of whole numbers as whole numbers."""
    found = asked(planted, None, "SELECT * FROM calls ORDER BY calls.at LIMIT 1")
    assert isinstance(found.rows[0][found.columns.index("at")], datetime)

    sums = asked(planted, None, "SELECT sum(x), 1.5::DECIMAL(4, 2), [1] FROM range(3) r(x)")
    assert repr(sums.rows) == "[(3, Decimal('1.50'), [1])]"


def test_values_that_python_has_coarser_or_not_at_all_are_told(planted: Books) -> None:
    """Lengths of time, infinity, nanoseconds, offsets, wide integers, far years, and lists."""
    told = {
        "TIMESTAMPTZ '2026-11-02 01:00:00+00' - TIMESTAMPTZ '2026-11-01'": "1 day 01:00:00",
        "INTERVAL 1 MONTH": "1 month",
        "DATE '-infinity'": "-infinity",
        "'infinity'::TIMESTAMPTZ": datetime.max.replace(tzinfo=UTC),
        "TIMESTAMP_NS '2024-01-01 00:00:00.000000001'": "2024-01-01 00:00:00.000000001",
        "TIMESTAMP '290000-01-01'": "290000-01-01 00:00:00",
        "TIMESTAMPTZ '290000-01-01 02:00:00+02'": "290000-01-01 00:00:00",
        "340282366920938463463374607431768211455::UHUGEINT": 2**128 - 1,
        "TIMETZ '12:00:00+02'": time(12, tzinfo=timezone(timedelta(hours=2))),
        f"{10**40}::BIGNUM": str(10**40),
        "[sum(1)]": [1],
        "MAP {true: 1}": {"true": 1},
        "TIMESTAMPTZ '2026-11-01'::VARIANT": "2026-11-01 00:00:00+00",
        "[TIMESTAMPTZ '2026-11-01 02:00:00+02']": ["2026-11-01 00:00:00+00"],
    }
    asking = ", ".join(f"{sql} AS x" for sql in told)

    assert asked(planted, None, f"SELECT {asking}").rows == [tuple(told.values())]


@pytest.mark.slow
def test_a_query_takes_no_more_memory_than_it_may(planted: Books) -> None:
    """It ends instead, and writes nothing to a disk."""
    with pytest.raises(QueryError, match="Memory"):
        asked(planted, None, "SELECT list(range) FROM range(1000000000)")


def test_a_day_is_written_when_it_is_over_and_nothing_of_it_runs(
    planted: Books, tmp_path: Path
) -> None:
    """An hour after midnight; a day of which a call runs yet waits for it."""
    midnight = NOW_NS - NOW_NS % DAY_NS
    with planted.reading.connect() as connection:
        assert next_due(connection, tmp_path, midnight + GRACE_NS - 1) is None
        assert next_due(connection, tmp_path, midnight + GRACE_NS) == FIRST
    later_ns = NOW_NS + 2 * DAY_NS
    assert write_next(planted.reading, tmp_path, later_ns)
    assert write_next(planted.reading, tmp_path, later_ns)
    assert not write_next(planted.reading, tmp_path, later_ns)
    # A call of the second day holds money yet, and the third has none.
    assert written_days(tmp_path) == [FIRST, date(2026, 11, 23)]
    assert pq.read_table(path_of(tmp_path, date(2026, 11, 23))).num_rows == 0


def test_the_commands(headgate: Any, books: Path) -> None:
    """A file per day is written, and a query reads it, as JSON, CSV and a table."""
    days = ("--since", "2025-11-10", "--until", "2025-11-12")
    written = headgate("export", "parquet", *days, "--directory", str(books / "h"), "--json")
    sql = "SELECT team, sum(posted_usd) AS usd FROM calls GROUP BY team ORDER BY team"
    rows = json.loads(headgate("query", sql, "--json").stdout)
    wrong = headgate("query", "SELECT nothing FROM calls")
    odd = headgate("query", "SELECT '[red]a[/b]' AS \"[/x]\"")

    assert [Path(each).parent.name for each in json.loads(written.stdout)["files"]] == [
        "date=2025-11-10",
        "date=2025-11-11",
    ]
    assert rows == [{"team": "default", "usd": None}, {"team": "research", "usd": "0.071"}]
    assert headgate("query", sql, "--csv").stdout == "team,usd\ndefault,\nresearch,0.071\n"
    assert "research  0.071" in headgate("query", sql).stdout
    assert odd.stdout.splitlines() == ["[/x]", "[red]a[/b]"]
    assert wrong.exit_code == 1
    assert "DESCRIBE calls" in wrong.stderr
