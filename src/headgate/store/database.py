"""The store's engines: SQLite's driver and pragmas, and reading beside the steward that writes."""

import importlib
import sqlite3
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Engine, create_engine, event

from headgate.store.place import STORE_NAME, database_of
from headgate.store.postgresql import make_server_engine
from headgate.units.errors import StoreError

BUSY_TIMEOUT_MS = 5_000
CACHE_KIB = 16 << 10
CACHE_READING_KIB = 2 << 10
"""Of each connection that reads beside the steward: the system has the file in memory anyway."""
STATEMENTS = 12
"""How many each connection keeps prepared: those of a fold, and few others.

What a row needs while it is written comes from 123 places that a connection has for small things,
and from the system once prepared statements have all of them (https://sqlite.org/malloc.html#lookaside).
The driver's 128 statements do, and a call folded costs a fifteenth more. A fold that needs others
prepares them anew, some 200,000 instructions, four times a second."""


def driver() -> ModuleType:
    """Return the bundled SQLite where there is a wheel of it, else Python's own."""
    try:
        driver = importlib.import_module("pysqlite3.dbapi2")
    except ModuleNotFoundError:
        driver = sqlite3
    # The driver looks for an adapter of every None and truth value it binds, in three places, half
    # a microsecond each time; these are found in the first. An empty dictionary has nothing but
    # None to give.
    driver.register_adapter(type(None), {}.get)
    driver.register_adapter(bool, int)
    return driver


def make_engine(url: str, cache_kib: int = CACHE_KIB) -> Engine:
    """Return an engine whose connections are durable (`synchronous=FULL`) and patient.

    Args:
        url: Of the database.
        cache_kib: How much of it each connection may keep in memory.
    """
    kept = {"cached_statements": STATEMENTS}
    engine = create_engine(url, module=driver(), connect_args=kept)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # The pages a fold touches again and again go from the log into the file less often (32 MB
        # of log at most) and stay in memory: an eighth less per call folded.
        cursor.execute("PRAGMA wal_autocheckpoint=4000")
        cursor.execute(f"PRAGMA cache_size=-{cache_kib}")
        cursor.close()

    return engine


def open_store_readonly(data_dir: Path) -> Engine:
    """Open an existing store for reading, beside a running steward.

    Raises:
        StoreError: There is no store yet.
    """
    url = database_of(data_dir)
    if url is not None:
        return make_server_engine(url, readonly=True)
    path = data_dir / STORE_NAME
    if not path.exists():
        raise StoreError(f"There is no store at {path}.", "Start `headgate serve` once first.")
    return make_engine(f"sqlite:///file:{path}?mode=ro&uri=true", CACHE_READING_KIB)
