"""The history: every attempt and refused call as a row of one wide table, a file per UTC day.

Files are `date=2026-10-31/calls.parquet`, the layout that query engines read as a partition. A day
is written once it is over and nothing of it runs, whole or not at all, and is never changed by
itself; written anew from the same books it has the same bytes.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Connection, func, select

from headgate.exports.files import write_whole
from headgate.exports.parquet import Kind, parquet_bytes
from headgate.exports.reading import ended_attempts, refused_calls, still_running
from headgate.insights.calls import REFUSED, AttemptRow, RefusedRow
from headgate.insights.totals import Stretch
from headgate.ledger.tables import attempt, refusal
from headgate.units.instants import NANOS_PER_SECOND, from_datetime, to_datetime
from headgate.units.money import NANOS_PER_USD
from headgate.units.usage import METERS

GRACE_NS = 3_600 * NANOS_PER_SECOND
"""So long after midnight a day is written: what ended at its very end is folded by then."""

FILE = "calls.parquet"

COLUMNS: Mapping[str, Kind] = {
    "at": "time",
    "ended_at": "time",
    "call": "text",
    "attempt": "text",
    "number": "int",
    "principal": "text",
    "team": "text",
    "key": "text",
    "chain": "text",
    "run": "text",
    "session": "text",
    "asked": "text",
    "deployment": "text",
    "model": "text",
    "dialect": "text",
    "via": "text",
    "priority": "text",
    "stream": "bool",
    "state": "text",
    "reason": "text",
    "budget": "text",
    "status": "int",
    "hold_usd": "decimal",
    "posted_usd": "decimal",
    "adjusted_usd": "decimal",
    "waited_us": "int",
    "ttft_us": "int",
    "duration_us": "int",
    **dict.fromkeys(METERS, "int"),
}
"""Instants are in UTC; `docs/reference/exports.md` says what each column is."""

Row = tuple[object, ...]


def day_of(at_ns: int) -> date:
    """Return the UTC day of an instant."""
    return to_datetime(at_ns).date()


def days_of(from_ns: int, until_ns: int) -> list[date]:
    """Return the UTC days that begin in a stretch, and the one its beginning is in."""
    first, last = day_of(from_ns), day_of(until_ns - 1)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def stretch_of(day: date) -> Stretch:
    """Return a UTC day as a stretch of time."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Stretch(from_datetime(start), from_datetime(start + timedelta(days=1)))


def path_of(directory: Path, day: date) -> Path:
    """Return where a day's file is."""
    return directory / f"date={day.isoformat()}" / FILE


def rows_of(connection: Connection, stretch: Stretch) -> Iterator[Row]:
    """Yield the rows of a stretch: attempts that ended, then refused calls."""
    for row in ended_attempts(connection, stretch):
        yield _of_attempt(row)
    for no in refused_calls(connection, stretch):
        yield _of_refused(no)


def _of_attempt(row: AttemptRow) -> Row:
    values = {
        "at": row.at_ns,
        "ended_at": row.ended_ns,
        "number": row.number,
        "model": row.served_model,
        "chain": " ".join(row.chain) or None,
        "hold_usd": Decimal(row.hold_nanos) / NANOS_PER_USD,
        "posted_usd": Decimal(row.posted_nanos) / NANOS_PER_USD,
        "adjusted_usd": Decimal(row.adjusted_nanos) / NANOS_PER_USD,
        "budget": None,
        **dict.fromkeys(METERS, 0),
        **row.usage,
    }
    return tuple(values[name] if name in values else getattr(row, name) for name in COLUMNS)


def _of_refused(no: RefusedRow) -> Row:
    values = {
        "at": no.at_ns,
        "ended_at": no.at_ns,
        "chain": " ".join(no.chain) or None,
        "state": REFUSED,
        "reason": no.refused.code,
        "budget": no.refused.budget,
    }
    return tuple(values[name] if name in values else getattr(no, name, None) for name in COLUMNS)


def write_day(connection: Connection, directory: Path, day: date) -> Path:
    """Write a day's file, in place of an older one.

    Raises:
        ParquetMissingError: PyArrow is not installed.
        OSError: It cannot be written.
    """
    path = path_of(directory, day)
    data = parquet_bytes(COLUMNS, rows_of(connection, stretch_of(day)))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, [data])
    return path


def first_day(connection: Connection) -> date | None:
    """Return the day of the first call in the store, None when there is none."""
    firsts = [connection.scalar(select(func.min(each.c.at_ns))) for each in (attempt, refusal)]
    known = [at_ns for at_ns in firsts if at_ns is not None]
    return day_of(min(known)) if known else None


def next_due(connection: Connection, directory: Path, now_ns: int) -> date | None:
    """Return the first day that is over, has no file, and of which nothing runs; None: no such."""
    day = first_day(connection)
    end = day_of(now_ns - GRACE_NS)
    while day is not None and day < end:
        if not path_of(directory, day).exists() and not still_running(connection, stretch_of(day)):
            return day
        day += timedelta(days=1)
    return None


def written_days(directory: Path) -> list[date]:
    """Return the days that have a file, in order."""
    found = directory.glob(f"date=*/{FILE}")
    return sorted(date.fromisoformat(path.parent.name.removeprefix("date=")) for path in found)
