"""Where SQLite and PostgreSQL differ: what the rooms above write once is said to each its way."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from zlib import crc32

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.expression import ClauseElement, Executable

from headgate.store.expressions import POSTGRESQL

__all__ = (
    "hold_lock",
    "is_shared",
    "one_state",
    "positional",
    "upsert",
    "wait_for_writers",
    "write",
)


_postgresql: Any = postgresql.dialect
LOCKS = 0x48474154


def is_shared(connection: Connection) -> bool:
    """Tell whether other nodes may write this store, too."""
    return connection.dialect.name == POSTGRESQL


def one_state(connection: Connection) -> None:
    """Begin a transaction for reading: every query of it sees the same state."""
    if is_shared(connection):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    else:
        # The driver begins none for reading by itself.
        connection.exec_driver_sql("BEGIN")


def hold_lock(connection: Connection, name: str) -> None:
    """Let nobody else pass here until this transaction ends; SQLite has one writer anyway."""
    if is_shared(connection):
        connection.execute(select(func.pg_advisory_xact_lock(number_of(name))))


def wait_for_writers(connection: Connection) -> None:
    """Let nobody write attempts or refusals until this transaction ends, once all who do have."""
    if is_shared(connection):
        connection.exec_driver_sql("LOCK TABLE attempt, refusal IN SHARE MODE")


def number_of(name: str) -> int:
    """Return the number of an advisory lock, apart from those of other programs."""
    return LOCKS << 32 | crc32(name.encode())


@cache
def positional(statement: str | Executable, dialect: str) -> str:
    """Return a statement as the driver takes it, so that rows go to it as they are.

    Args:
        statement: SQL with `?` for values and none in texts, or an insert or update.
        dialect: Name of the dialect.
    """
    shared = dialect == POSTGRESQL
    if isinstance(statement, str):
        return statement.replace("?", "%s") if shared else statement
    assert isinstance(statement, ClauseElement)
    there: Dialect = _postgresql(paramstyle="format") if shared else SQLiteDialect()
    return str(statement.compile(dialect=there))


def write(
    connection: Connection, statement: str | Executable, rows: Sequence[tuple[object, ...]]
) -> None:
    """Execute a statement for each row, values by position."""
    if rows:
        connection.exec_driver_sql(positional(statement, connection.dialect.name), list(rows))
