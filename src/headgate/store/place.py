"""Where the store of a data directory is: a SQLite file in it, or a PostgreSQL database it names.

The name is kept in the data directory, for its owner alone: whoever reads or changes the store
beside a node finds it as the node does.
"""

import os
from pathlib import Path

from headgate.units.errors import StoreError

STORE_NAME = "headgate.db"
PLACE_NAME = "store.url"
NODE_NAME = "node-id"


def database_of(data_dir: Path) -> str | None:
    """Return the address of the database, None when the store is the SQLite file."""
    return _read(data_dir / PLACE_NAME) or None


def has_store(data_dir: Path) -> bool:
    """Tell whether a node has run here, so that there is something to read."""
    return database_of(data_dir) is not None or (data_dir / STORE_NAME).exists()


def name_database(data_dir: Path, url: str | None) -> None:
    """Keep where the store is.

    Raises:
        StoreError: This data directory has kept its books elsewhere so far.
    """
    before = database_of(data_dir)
    if before is None and node_id(data_dir) and (data_dir / STORE_NAME).exists():
        raise StoreError(
            f"{data_dir} is a copy of books in PostgreSQL, on which no node starts.",
            f"Put it into an empty database: headgate restore {data_dir} --data-dir NEW",
        )
    if before == url:
        return
    if url is None:
        raise StoreError(
            f"{data_dir} keeps its books in PostgreSQL: configure [store] url as before, "
            "or use another data directory."
        )
    if before is None and (data_dir / STORE_NAME).exists():
        raise StoreError(
            f"{data_dir} has kept its books in {STORE_NAME}, which are not moved to PostgreSQL: "
            "use another data directory."
        )
    _write(data_dir / PLACE_NAME, url)


def node_id(data_dir: Path) -> str:
    """Return the id of this data directory's node among those that share its store.

    Empty where the store is the node's alone.
    """
    return _read(data_dir / NODE_NAME)


def name_node(data_dir: Path, node: str) -> None:
    """Keep the id of the node, for good."""
    _write(data_dir / NODE_NAME, node)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all, readable for its owner alone."""
    whole = path.with_name(f"{path.name}.new")
    whole.unlink(missing_ok=True)
    whole.touch(mode=0o600)
    with whole.open("w", encoding="utf-8") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    whole.replace(path)
