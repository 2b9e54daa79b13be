"""PostgreSQL as the store: its driver, and what every connection to it is told.

Nothing waits without end: not for a node that was stopped in the middle of a change (the server
ends its transaction), not for a lock, and not for a server that a network no longer reaches.
"""

import importlib
import re
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from headgate.units.errors import StoreError

CONNECT = {
    "application_name": "headgate",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 5_000,
}
"""What libpq is told; the address may say otherwise."""

SETTINGS = (
    "SET lock_timeout = '5s'",
    "SET idle_in_transaction_session_timeout = '10s'",
    "SET synchronous_commit = on",
)
READING = "SET default_transaction_read_only = on"

SEVERAL = re.compile(r"(\w+://(?:[^/?@]*@)?)([^/?@]*,[^/?@]*)([^?]*)\??(.*)")
"""An address of several hosts: what is before them, the hosts, the path, the query."""
HOST = re.compile(r"(?:\[(.*)\]|([^:]*))(?::(\d*))?")


def address_of(url: str) -> URL:
    """Return an address as the driver takes it; as with libpq it may name several hosts.

    Raises:
        StoreError: It is not one of PostgreSQL.
    """
    try:
        address = make_url(_with_one_authority(url))
    except (ArgumentError, ValueError):
        address = None
    if address is None or address.get_backend_name() not in ("postgresql", "postgres"):
        raise StoreError(
            "The store's address has to be postgresql://USER@HOST/DATABASE, "
            "of several hosts postgresql://USER@HOST:PORT,HOST:PORT/DATABASE."
        )
    return address.set(drivername="postgresql+psycopg")


def _with_one_authority(url: str) -> str:
    """Name several hosts in the query, which libpq takes as well: SQLAlchemy reads them there."""
    found = SEVERAL.fullmatch(url)
    if found is None:
        return url
    before, several, path, query = found.groups()
    hosts, ports = [], []
    for each in several.split(","):
        host = HOST.fullmatch(each)
        if host is None:
            raise ValueError(each)
        hosts.append(host[1] or host[2])
        ports.append(host[3] or "")
    told = [f"host={','.join(hosts)}", *([f"port={','.join(ports)}"] if any(ports) else [])]
    return f"{before}{path}?{'&'.join([*told, *([query] if query else [])])}"


def make_server_engine(url: str, *, readonly: bool = False) -> Engine:
    """Return an engine for a database; nothing is connected yet.

    Raises:
        StoreError: The address is none, or the driver is not installed.
    """
    address = address_of(url)
    told = {**CONNECT, **address.query}
    try:
        adapt = importlib.import_module("headgate.store.adapting").adapt
        engine = create_engine(address, connect_args=told, pool_pre_ping=readonly)
    except ModuleNotFoundError as error:
        fix = "Install the extra: pip install 'headgate[postgresql]'"
        raise StoreError(f"PostgreSQL's driver is not installed. {fix}") from error

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        for setting in (*SETTINGS, READING) if readonly else SETTINGS:
            connection.execute(setting)
        connection.autocommit = False
        adapt(connection.adapters)

    return engine


def check_database(connection: Connection) -> None:
    """Refuse a database that orders or encodes texts otherwise than the store needs.

    Raises:
        StoreError: Says how to make one that does.
    """
    row = connection.execute(
        text(
            "SELECT current_database(), pg_encoding_to_char(encoding), datcollate"
            " FROM pg_database WHERE datname = current_database()"
        )
    ).one()
    name, encoding, collation = row
    if encoding != "UTF8" or collation not in ("C", "C.UTF-8", "C.utf8", "POSIX"):
        raise StoreError(
            f"The database {name} is of encoding {encoding} and collation {collation}. Make one "
            f"with: CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
        )
