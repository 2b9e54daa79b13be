"""Opening the store for writing, migrated: in process, forward only."""

import importlib
from pathlib import Path

from sqlalchemy import Column, Engine, MetaData, String, Table, inspect, select
from sqlalchemy.exc import OperationalError, ProgrammingError

from headgate.store.database import make_engine
from headgate.store.fresh import make_tables
from headgate.store.place import STORE_NAME, database_of
from headgate.store.postgresql import check_database, make_server_engine
from headgate.store.trouble import FIX, said
from headgate.units.errors import StoreError

MIGRATIONS = Path(__file__).parent / "migrations"

VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32)))
"""Where Alembic keeps which schema the store has."""

PAGE_SIZE = "PRAGMA page_size=8192"
"""Twice SQLite's own: an attempt is half a kilobyte, and pages are what a commit pays for."""


def open_store(data_dir: Path) -> Engine:
    """Open the store for writing, creating and migrating it as needed.

    Raises:
        StoreError: It is no store, of a newer release, or cannot be written.
    """
    url = database_of(data_dir)
    if url is not None:
        return open_server(url)
    path = data_dir / STORE_NAME
    if not path.exists():
        _make(path)
    engine = make_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            # Takes effect where the store is made; an older one keeps the pages it has.
            connection.exec_driver_sql(PAGE_SIZE)
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        make_tables(engine)
        upgrade(engine)
    except OperationalError as error:
        raise StoreError(f"{path} cannot be opened: {said(error)}.", FIX) from error
    return engine


def _make(path: Path) -> None:
    """Make the file, its owner's alone, before there is anything in it.

    The files that SQLite keeps beside it have its mode, as it is when they are made.

    Raises:
        StoreError: It cannot be made.
    """
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {error.strerror}.", FIX) from error


def open_server(url: str) -> Engine:
    """Open a store on PostgreSQL for writing, migrating it as needed.

    Raises:
        StoreError: It cannot be reached or used, or is of a newer release.
    """
    engine = make_server_engine(url)
    try:
        with engine.connect() as connection:
            check_database(connection)
        upgrade(engine)
    except (OperationalError, ProgrammingError) as error:
        # The address may hold a password, so it is not told.
        raise StoreError(f"The PostgreSQL store cannot be opened: {said(error)}.", FIX) from error
    return engine


def upgrade(engine: Engine, revision: str | None = None) -> None:
    """Bring the store up to a schema (None: the newest); does nothing when it is there already."""
    wanted = revision or newest()
    if revision_of(engine) != wanted:
        # A steward that is started again is waited for, and Alembic takes a while to import.
        importlib.import_module("headgate.store.migrating").migrate(engine, wanted)


def newest() -> str:
    """Return the newest schema's number: each migration's file begins with its own."""
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def revision_of(engine: Engine) -> str | None:
    """Return the number of the schema that the store has, None for one without tables."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(VERSION.name):
            return None
        return connection.execute(select(VERSION.c.version_num)).scalar()
