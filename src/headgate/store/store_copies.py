"""A store on PostgreSQL as a file of SQLite, as it is at one instant, and the way back.

One schema serves both (decision 0028), so the copy can be read and checked like any store. What
tables there are is asked of the database: a table that only some nodes have made comes along.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    cast,
    column,
    event,
    func,
    inspect,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import REGCLASS
from sqlalchemy.exc import DatabaseError, InterfaceError

from headgate.store.database import make_engine
from headgate.store.dialect import one_state
from headgate.store.migrate import VERSION, newest, revision_of, upgrade
from headgate.store.postgresql import check_database, make_server_engine
from headgate.store.trouble import said
from headgate.units.errors import StoreError

ROWS_AT_ONCE: Final = 200
"""Between two reads of so many the database waits for the file, for ten seconds at most."""
UTC_TIMES: Final = "SET TIME ZONE 'UTC'"
"""A file of SQLite keeps instants without a zone."""

SEQUENCE = Table(
    "sequence_value",
    MetaData(),
    Column("name", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
    Column("used", Boolean, nullable=False),
)
"""How far the database's sequences were, in a copy alone: they give numbers that nobody has."""
_APART: Final = frozenset({SEQUENCE.name, VERSION.name})


def copy_out(url: str, path: Path) -> None:
    """Copy a database into a new file; nobody who works in it waits.

    Args:
        url: Of the database.
        path: Of the file, which is there and empty.

    Raises:
        StoreError: The database cannot be read, or is of another release.
    """
    server, copy = make_server_engine(url, readonly=True), make_engine(f"sqlite:///{path}")
    try:
        with _trouble("The PostgreSQL store cannot be copied"):
            if revision_of(server) != newest():
                raise StoreError(
                    "The store is of another release, which has not started on it yet.",
                    "Copy it with that release's command, or start a node of this one first.",
                )
            upgrade(copy)
            with server.connect() as there, copy.begin() as here:
                one_state(there)
                there.exec_driver_sql(UTC_TIMES)
                _copy_rows(there, here)
                _copy_sequences(there, here)
    finally:
        server.dispose()
        copy.dispose()


def copy_in(path: Path, url: str) -> None:
    """Fill an empty database from a copy, whole or with nothing in its tables.

    Args:
        path: Of the copy.
        url: Of the database.

    Raises:
        StoreError: It is not empty, cannot be written, or the copy is of another release.
    """
    server, copy = make_server_engine(url), make_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    try:
        with _trouble("The copy cannot be put into PostgreSQL"):
            _check(server, copy)
            upgrade(server)
            with copy.connect() as there, server.begin() as here:
                here.exec_driver_sql(UTC_TIMES)
                _copy_rows(there, here)
                for row in there.execute(select(SEQUENCE)):
                    name = cast(row.name, REGCLASS)
                    here.execute(select(func.setval(name, row.value, row.used)))
    finally:
        server.dispose()
        copy.dispose()


@contextmanager
def _trouble(what: str) -> Iterator[None]:
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        # The address may hold a password, so it is not told.
        raise StoreError(f"{what}: {said(error)}.", "See: headgate doctor") from error


def _check(server: Engine, copy: Engine) -> None:
    """Refuse a database that has something in it, and a copy that is no such or too old."""
    with copy.connect() as connection:
        if not inspect(connection).has_table(SEQUENCE.name):
            raise StoreError(
                "This is no copy of books in PostgreSQL.",
                "Copy a data directory with SQLite to where it is to be: cp -a.",
            )
    revision = revision_of(copy)
    if revision != newest():
        raise StoreError(
            f"The copy is of schema {revision}, and this release has {newest()}.",
            "Restore it with the release that made it, and take the new one after that.",
        )
    with server.connect() as connection:
        check_database(connection)
        if inspect(connection).get_table_names():
            raise StoreError(
                "The database has tables already, and nothing is ever written over.",
                "Make an empty one, and name it in [store] url.",
            )


def _tables(connection: Connection) -> MetaData:
    """Return the tables that there are, their types as both databases have them."""
    found = MetaData()

    @event.listens_for(found, "column_reflect")
    def _plainly(_inspector: Any, _table: Any, column_info: Any) -> None:
        column_info["type"] = column_info["type"].as_generic()

    found.reflect(connection)
    return found


def _copy_rows(there: Connection, here: Connection) -> None:
    """Copy every row of every table; tables that are not here yet are made."""
    source = _tables(there)
    for each in list(source.tables.values()):
        if each.name in _APART:
            source.remove(each)
    source.create_all(here, checkfirst=True)
    for each in source.sorted_tables:
        rows = there.execution_options(yield_per=ROWS_AT_ONCE).execute(select(each))
        for some in rows.mappings().partitions():
            here.execute(each.insert(), [dict(row) for row in some])


def _copy_sequences(there: Connection, here: Connection) -> None:
    """Keep how far the sequences are; what others took meanwhile is only passed over."""
    SEQUENCE.create(here)
    for name in inspect(there).get_sequence_names():
        told = table(name, column("last_value"), column("is_called"))
        value, used = there.execute(select(told)).one()
        here.execute(SEQUENCE.insert().values(name=name, value=value, used=used))
