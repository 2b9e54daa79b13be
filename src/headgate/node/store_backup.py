"""A copy of a data directory beside a node that runs: the books as they are at one instant.

The store is copied first, as it is at one instant; it knows how far each journal was folded into
it, and just so much of each journal follows. So the copy is what would lie there had every process
died at that instant, and a node that starts on it does what it does after a death.

A store on PostgreSQL is copied into a file of SQLite, whole: what all nodes have done. The journals
are those of this node. `node.store_restore` puts both back.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from headgate.node.paths import journal_root
from headgate.node.store_files import copy_file, copy_journal, make_file, others, sync
from headgate.store.place import STORE_NAME, database_of, has_store, node_id
from headgate.store.store_copies import copy_out
from headgate.units.errors import StoreError

_FOLDED = 'SELECT name, seq, "offset" FROM journal WHERE node = ? ORDER BY name'
_ELSEWHERE = "SELECT count(DISTINCT node) FROM journal WHERE node <> ?"
_RUNNING = "SELECT count(*) FROM attempt WHERE state = 'held'"


class Backup(NamedTuple):
    """What was copied.

    Attributes:
        files: How many files the copy has.
        bytes: How long they are together.
        running: Attempts that had not ended; a node that starts on the copy posts them at their
            hold.
        other_nodes: Nodes that share the store, whose journals are not in it.
    """

    files: int
    bytes: int
    running: int
    other_nodes: int = 0


def back_up(data_dir: Path, target: Path) -> Backup:
    """Copy a data directory, whole or not at all, for its owner alone.

    Args:
        data_dir: Of a node, which may run.
        target: A folder that is not there yet, outside the data directory.

    Raises:
        StoreError: There are no books, they cannot be read, or a journal lacks what the store has
            of it.
        OSError: Something cannot be read or written.
    """
    if not has_store(data_dir):
        raise StoreError(f"There are no books in {data_dir}.")
    part = target.with_name(f".{target.name}.part")
    if part.exists():
        shutil.rmtree(part)
    part.mkdir(mode=0o700)
    try:
        running, other_nodes = _copy_all(data_dir, part)
        files = [path for path in part.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        made = Backup(len(files), size, running, other_nodes)
        sync((*files, *(path for path in part.rglob("*") if path.is_dir()), part))
        part.rename(target)
        sync((target.parent,))
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return made


def _copy_all(data_dir: Path, part: Path) -> tuple[int, int]:
    url, node = database_of(data_dir), node_id(data_dir)
    if url is None:
        _copy_database(data_dir / STORE_NAME, part / STORE_NAME)
    else:
        copy_out(url, make_file(part / STORE_NAME))
    with closing(sqlite3.connect(part / STORE_NAME)) as store:
        for name, seq, offset in store.execute(_FOLDED, (node,)).fetchall():
            copy_journal(journal_root(data_dir) / name, journal_root(part) / name, seq, offset)
        (running,) = store.execute(_RUNNING).fetchone()
        (other_nodes,) = store.execute(_ELSEWHERE, (node,)).fetchone()
    for path in others(data_dir):
        copied = part / path.relative_to(data_dir)
        if path.suffix == ".db":
            _copy_database(path, copied)
        else:
            copy_file(path, copied)
    return int(running), int(other_nodes)


def _copy_database(path: Path, copied: Path) -> None:
    """Copy a SQLite database as one state of it, whoever writes meanwhile."""
    make_file(copied)
    try:
        with (
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copied)) as into,
        ):
            source.backup(into)
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be copied: {error}.") from error
