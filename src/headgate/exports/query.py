"""SQL over all calls: the history's files and what the store has beside them, as one view `calls`.

DuckDB runs it (https://duckdb.org), within bounds of memory, threads and time. It reads nothing
but that view: it has no access to files or the network, and that cannot be switched on from SQL.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Timer
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
from sqlalchemy import Connection

from headgate.exports import history
from headgate.exports.parquet import schema_of, table_of
from headgate.units.errors import HeadgateError

MEMORY_MAX = "1GB"
THREADS_MAX = 2
STORE_ROWS_MAX = 2_000_000
"""Of what the store has beside the files: it is held in memory."""

PIECE = 10_000

INSTANT = "TIMESTAMP WITH TIME ZONE"
AS_TEXT = frozenset({"DATE", "INTERVAL", "TIME_NS", "TIMESTAMP_NS", "VARIANT"})
"""Kinds that Python has coarser or without infinity (a month as 30 days), or that hide another."""
UNTOLD = "Cast it to text: CAST(... AS VARCHAR)."


class QueryError(HeadgateError):
    """A query is wrong, took too long, or needed too much memory; the message is DuckDB's."""


class Answer(NamedTuple):
    """What a query gave.

    Attributes:
        cut: Whether there were more rows.
    """

    columns: list[str]
    rows: list[tuple[Any, ...]]
    cut: bool


class Query(NamedTuple):
    """What is asked, and its bounds."""

    sql: str
    rows_max: int
    seconds_max: int


def answer(connection: Connection, directory: Path | None, today: date, query: Query) -> Answer:
    """Run a query.

    Args:
        connection: To the store.
        directory: Of the history, None when there is none.
        today: The last UTC day that is read from the store.
        query: The query.

    Raises:
        QueryError: It could not be run within its bounds.
    """
    days = [] if directory is None else history.written_days(directory)
    recent = _from_store(connection, frozenset(days), today)
    with _engine(directory if days else None, recent) as engine:
        timer = Timer(query.seconds_max, engine.interrupt)
        timer.start()
        try:
            # A statement that gives nothing is no relation.
            found = engine.sql(query.sql)
            columns = [] if found is None else list(found.columns)
            rows = [] if found is None else _fetch(found, query.rows_max + 1)
        except duckdb.InterruptException as error:
            took = f"The query took longer than {query.seconds_max} s."
            raise QueryError(took, "Ask for less, or raise --seconds.") from error
        except duckdb.Error as error:
            raise QueryError(str(error)) from error
        finally:
            timer.cancel()
    return Answer(columns, rows[: query.rows_max], len(rows) > query.rows_max)


def _fetch(found: duckdb.DuckDBPyRelation, count: int) -> list[tuple[Any, ...]]:
    """Return so many rows at the most, asked of DuckDB as kinds that its binding can tell exactly.

    It needs pytz for instants with a zone: they are asked for without, in UTC.
    """
    kinds = [str(kind) for kind in found.types]
    told = [_told_as(kind) for kind in kinds]
    if told != kinds:
        # By their places: two columns may have one name.
        places = (duckdb.SQLExpression(f"#{place}") for place in range(1, len(told) + 1))
        casts = zip(places, told, strict=True)
        found = found.select(*(place.cast(duckdb.sqltype(kind)) for place, kind in casts))
    try:
        rows = found.limit(count).fetchall()
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise QueryError(f"A value cannot be told: {error}", UNTOLD) from error
    instants = [kind == INSTANT for kind in kinds]
    return [tuple(map(_in_utc, row, instants)) for row in rows] if any(instants) else rows


def _told_as(kind: str) -> str:
    """Return as which kind values of a kind are asked for; instants in lists and such as text.

    So are the truths that a map has as keys: JSON knows none there.
    """
    if kind in AS_TEXT:
        return "VARCHAR"
    if kind == INSTANT:
        return "TIMESTAMP"
    return kind.replace(INSTANT, "VARCHAR").replace("MAP(BOOLEAN,", "MAP(VARCHAR,")


def _in_utc(value: Any, is_instant: bool) -> Any:
    # Those beyond the year 9999 are text.
    return value.replace(tzinfo=UTC) if is_instant and isinstance(value, datetime) else value


@contextmanager
def _engine(directory: Path | None, recent: pa.Table) -> Iterator[duckdb.DuckDBPyConnection]:
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_MAX,
        "threads": THREADS_MAX,
        "temp_directory": "",
    }
    engine = duckdb.connect(config=settings)
    try:
        engine.register("recent", recent)
        source = "SELECT * FROM recent"
        if directory is not None:
            # Arrow opens the files, so that DuckDB needs no right to.
            files = ds.dataset(directory, format="parquet", schema=recent.schema)
            engine.register("history", files)
            source = "SELECT * FROM history UNION ALL SELECT * FROM recent"
        engine.sql(source).create_view("calls")
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute("SET python_enable_replacements = false")
        engine.execute("SET enable_external_access = false")
        engine.execute("SET lock_configuration = true")
        yield engine
    finally:
        engine.close()


def _from_store(connection: Connection, days: frozenset[date], today: date) -> pa.Table:
    """Return the rows of days that have no file, at most `STORE_ROWS_MAX`."""
    pieces: list[pa.Table] = []
    day = history.first_day(connection)
    count = 0
    while day is not None and day <= today:
        if day not in days:
            rows = history.rows_of(connection, history.stretch_of(day))
            for piece in _pieces(rows):
                count += len(piece)
                if count > STORE_ROWS_MAX:
                    more = "Write the history's files: headgate export parquet."
                    raise QueryError(f"The store has more than {STORE_ROWS_MAX} rows.", more)
                pieces.append(table_of(history.COLUMNS, piece))
        day += timedelta(days=1)
    return pa.concat_tables(pieces) if pieces else schema_of(history.COLUMNS).empty_table()


def _pieces(rows: Iterator[history.Row]) -> Iterator[list[history.Row]]:
    piece: list[history.Row] = []
    for row in rows:
        piece.append(row)
        if len(piece) == PIECE:
            yield piece
            piece = []
    if piece:
        yield piece
