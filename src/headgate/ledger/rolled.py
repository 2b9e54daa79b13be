"""Which hours are rolled up, in the store: sums that stand instead of an hour's rows.

An hour is rolled up when it is long over and nothing of it is held. Should a journal that comes
back late bring more of it, it is no longer: the fold says so in its own transaction.
"""

from collections.abc import Collection

from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, delete, func, select

from headgate.store.schema import METADATA

HOUR_NS = 3_600 * 1_000_000_000

rolled_hour = Table(
    "rolled_hour",
    METADATA,
    Column("hour_ns", BigInteger, primary_key=True, autoincrement=False),
    Column("building", String),
)
"""Hours, by when they begin, whose sums are complete; `building` names who still sums one up."""

rollup = Table(
    "rollup",
    METADATA,
    Column("side", String, primary_key=True),
    Column("hour_ns", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String, primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("spend_nanos", BigInteger, nullable=False),
    Column("estimated_calls", Integer, nullable=False),
    Column("estimated_nanos", BigInteger, nullable=False),
    Column("unknown_calls", Integer, nullable=False),
)
"""What an hour comes to by each side of a call, and over all (`side` is empty then).

A name is empty for what has none.
"""


def hour_of(at_ns: int) -> int:
    """Return when the hour of an instant begins."""
    return at_ns - at_ns % HOUR_NS


def forget(connection: Connection, touched_ns: Collection[int]) -> None:
    """Have the hours of these instants rolled up anew, if they were; in the caller's transaction.

    It is called once the rows are written: whoever rolls up waits for those who write, and is seen.

    Args:
        connection: To the store.
        touched_ns: When what is folded was held or refused.
    """
    if not touched_ns:
        return
    last_ns = connection.scalar(select(func.max(rolled_hour.c.hour_ns)))
    if last_ns is not None and min(touched_ns) < last_ns + HOUR_NS:
        hours = {hour_of(at_ns) for at_ns in touched_ns if at_ns < last_ns + HOUR_NS}
        connection.execute(delete(rolled_hour).where(rolled_hour.c.hour_ns.in_(hours)))
