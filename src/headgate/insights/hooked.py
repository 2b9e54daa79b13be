"""What trackers' messages are known by, so that one that comes again tells nothing twice."""

from collections.abc import Iterable

from sqlalchemy import BigInteger, Column, Connection, Index, String, Table, delete, select

from headgate.store.dialect import upsert
from headgate.store.schema import METADATA
from headgate.units.instants import NANOS_PER_SECOND

KEPT_NS = 30 * 86_400 * NANOS_PER_SECOND
"""What comes again later than that is taken for new."""

hooked = Table(
    "hooked",
    METADATA,
    Column("hook", String, primary_key=True),
    Column("mark", String, primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
    Index("hooked_by_time", "at_ns"),
)
"""The marks of messages that told something, by hook."""


def is_known(connection: Connection, hook: str, marks: Iterable[str]) -> bool:
    """Tell whether a message came before."""
    query = select(hooked.c.mark).where(hooked.c.hook == hook, hooked.c.mark.in_(tuple(marks)))
    return connection.scalar(query.limit(1)) is not None


def note(connection: Connection, hook: str, marks: Iterable[str], now_ns: int) -> None:
    """Remember a message, and forget those that are long past."""
    connection.execute(delete(hooked).where(hooked.c.at_ns < now_ns - KEPT_NS))
    rows = [{"hook": hook, "mark": mark, "at_ns": now_ns} for mark in marks]
    connection.execute(upsert(hooked).values(rows).on_conflict_do_nothing())
