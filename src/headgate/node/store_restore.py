"""Putting a copy of books in PostgreSQL back: the store into an empty database, then the directory.

What comes of it is what would be there had every node died at the instant of the copy. A node that
shares the store comes back from its own copy, cut to what the restored store has of its journals,
for what it did after that the other nodes' money knows nothing of.
"""

import shutil
from pathlib import Path

from sqlalchemy import inspect, select

from headgate.ledger.tables import journal
from headgate.node.paths import journal_root
from headgate.node.store_files import copy_file, copy_journal, others, sync
from headgate.store.database import open_store_readonly
from headgate.store.place import STORE_NAME, name_database, node_id
from headgate.store.store_copies import copy_in
from headgate.store.trouble import trouble_told
from headgate.units.errors import StoreError


def restore(copy: Path, data_dir: Path, url: str, *, joining: bool = False) -> int:
    """Put a copy back; the directory is there whole or not at all.

    Args:
        copy: As `store_backup.back_up` made it.
        data_dir: The new data directory, not there yet.
        url: Of the database: an empty one, or where the node joins the restored one.
        joining: The store is restored already, from a copy of another node.

    Returns:
        How many journals came back.

    Raises:
        StoreError: The copy is of something else, the database is not what it has to be, or a
            journal lacks what the store has of it.
        OSError: Something cannot be read or written.
    """
    node = node_id(copy)
    if not node or not (copy / STORE_NAME).exists():
        raise StoreError(
            f"{copy} is no copy of books in PostgreSQL.",
            "Copy a data directory with SQLite to where it is to be: cp -a.",
        )
    part = data_dir.with_name(f".{data_dir.name}.part")
    if part.exists():
        shutil.rmtree(part)
    part.mkdir(mode=0o700)
    try:
        for path in others(copy):
            copy_file(path, part / path.relative_to(copy))
        name_database(part, url)
        # Until the directory is there, what was put into the database is nobody's.
        if not joining:
            copy_in(copy / STORE_NAME, url)
        restored = _copy_journals(copy, part, node, joining=joining)
        paths = list(part.rglob("*"))
        sync((*(path for path in paths if path.is_file()), *_folders(paths), part))
        part.rename(data_dir)
        sync((data_dir.parent,))
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return restored


def _folders(paths: list[Path]) -> tuple[Path, ...]:
    return tuple(path for path in paths if path.is_dir())


def _copy_journals(copy: Path, part: Path, node: str, *, joining: bool) -> int:
    """Copy what the restored store has of the node's journals; returns how many those are.

    Raises:
        StoreError: The store that a node is to join knows nothing of it, or a journal lacks what
            the store has of it.
    """
    engine = open_store_readonly(part)
    try:
        with trouble_told(), engine.connect() as connection:
            of_node = select(journal.c.name, journal.c.seq, journal.c.offset)
            there = inspect(connection).has_table(journal.name)
            rows = connection.execute(of_node.where(journal.c.node == node)).all() if there else []
    finally:
        engine.dispose()
    if joining and not rows:
        raise StoreError(
            "The store that is there knows no journal of this node.",
            "Name the database that a copy of the other node was put into.",
        )
    for name, seq, offset in rows:
        copy_journal(journal_root(copy) / name, journal_root(part) / name, seq, offset)
    return len(rows)
