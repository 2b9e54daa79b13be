"""Reading for commands: the configuration without its secrets, and the store beside the steward."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError

from headgate.cli.output import fail
from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.store.database import make_engine, open_store_readonly
from headgate.store.dialect import one_state
from headgate.store.place import has_store
from headgate.store.schema import METADATA
from headgate.store.trouble import said
from headgate.units.errors import StoreError


def read_configuration(path: Path) -> Snapshot:
    """Return the configuration with secrets left unread: reading the books needs none.

    Raises:
        ConfigurationError: It cannot be used.
    """
    return load(path, os.environ, secrets_of=())


def configuration_of_books(path: Path) -> Snapshot:
    """Return the configuration of the books that a question of the desk is about.

    Without a file there, who asks may have imported logs alone, and is told how to ask of them.

    Raises:
        ConfigurationError: It cannot be used.
    """
    if not path.exists():
        fail(
            f"There is no configuration at {path}, so there are no books to ask of.",
            "Add --imported to ask of what `headgate import` has read, or name one with --config.",
        )
    return read_configuration(path)


@contextmanager
def reading_engine(data_dir: Path) -> Iterator[Engine]:
    """Open the store for reading.

    Raises:
        StoreError: There is none, or it cannot be read.
    """
    engine = open_store_readonly(data_dir)
    try:
        yield engine
    except DatabaseError as error:
        raise StoreError(f"The store in {data_dir} cannot be read: {said(error)}.") from error
    finally:
        engine.dispose()


@contextmanager
def reading_if_any(data_dir: Path) -> Iterator[Connection]:
    """Open the store for reading; before the first start an empty one stands for it.

    Raises:
        StoreError: It cannot be read.
    """
    if has_store(data_dir):
        with reading(data_dir) as connection:
            yield connection
        return
    engine = make_engine("sqlite://")
    METADATA.create_all(engine)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def reading(data_dir: Path) -> Iterator[Connection]:
    """Open the store for reading, as one state of it.

    Raises:
        StoreError: There is none, or it cannot be read.
    """
    with reading_engine(data_dir) as engine, engine.connect() as connection:
        one_state(connection)
        yield connection
