"""A copy of a data directory beside a node that runs: the books as they are at one instant.

The store is copied first, as it is at one instant; it knows how far each journal was folded into
it, and just so much of each journal follows. So the copy is what would lie there had every process
died at that instant, and a node that starts on it does what it does after a death.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from headgate.node.paths import journal_root
from headgate.store.journal_writer import LOCK_NAME
from headgate.store.place import STORE_NAME, database_of, has_store
from headgate.store.segments import segment_name
from headgate.units.errors import StoreError

FOLDERS_LEFT = ("journal", "run", "spool")
"""Journals are copied on their own; the others mean nothing without the processes."""
ENDINGS_LEFT = (".db-wal", ".db-shm", ".db-journal", ".sock", ".new", ".part")
"""What SQLite keeps beside a database is in the copy of it; the rest is not whole."""
COPY_BYTES = 1 << 20

_FOLDED = 'SELECT name, seq, "offset" FROM journal ORDER BY name'
_RUNNING = "SELECT count(*) FROM attempt WHERE state = 'held'"


class Backup(NamedTuple):
    """What was copied.

    Attributes:
        files: How many files the copy has.
        bytes: How long they are together.
        running: Attempts that had not ended; a node that starts on the copy posts them at their
            hold.
    """

    files: int
    bytes: int
    running: int


def back_up(data_dir: Path, target: Path) -> Backup:
    """Copy a data directory, whole or not at all, for its owner alone.

    Args:
        data_dir: Of a node, which may run.
        target: A folder that is not there yet, outside the data directory.

    Raises:
        StoreError: There are no books, they are kept in PostgreSQL, or a journal lacks what the
            store has of it.
        OSError: Something cannot be read or written.
    """
    if not has_store(data_dir):
        raise StoreError(f"There are no books in {data_dir}.")
    if database_of(data_dir) is not None:
        raise StoreError(
            f"{data_dir} keeps its books in PostgreSQL: copy those with PostgreSQL's own tools "
            "(pg_dump), and after that this folder."
        )
    part = target.with_name(f".{target.name}.part")
    if part.exists():
        shutil.rmtree(part)
    part.mkdir(mode=0o700)
    try:
        running = _copy_all(data_dir, part)
        files = [path for path in part.rglob("*") if path.is_file()]
        made = Backup(len(files), sum(path.stat().st_size for path in files), running)
        _sync((*files, *(path for path in part.rglob("*") if path.is_dir()), part))
        part.rename(target)
        _sync((target.parent,))
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return made


def _copy_all(data_dir: Path, part: Path) -> int:
    _copy_database(data_dir / STORE_NAME, part / STORE_NAME)
    with closing(sqlite3.connect(part / STORE_NAME)) as store:
        for name, seq, offset in store.execute(_FOLDED).fetchall():
            _copy_journal(journal_root(data_dir) / name, journal_root(part) / name, seq, offset)
        (running,) = store.execute(_RUNNING).fetchone()
    for path in _others(data_dir):
        copied = part / path.relative_to(data_dir)
        if path.suffix == ".db":
            _copy_database(path, copied)
        else:
            _copy_file(path, copied)
    return int(running)


def _others(data_dir: Path) -> Iterator[Path]:
    """Yield all other files that a node needs; none that is a link, or not whole."""
    for folder, folders, names in os.walk(data_dir):
        if Path(folder) == data_dir:
            folders[:] = [name for name in folders if name not in FOLDERS_LEFT]
        for name in names:
            path = Path(folder, name)
            left = name == STORE_NAME or name.endswith(ENDINGS_LEFT)
            if not left and path.is_file() and not path.is_symlink():
                yield path


def _copy_database(path: Path, copied: Path) -> None:
    """Copy a SQLite database as one state of it, whoever writes meanwhile."""
    _make(copied)
    try:
        with (
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copied)) as into,
        ):
            source.backup(into)
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be copied: {error}.") from error


def _copy_journal(journal: Path, copied: Path, seq: int, offset: int) -> None:
    """Copy a journal up to a place in it.

    Raises:
        StoreError: It ends before.
    """
    _make(copied / LOCK_NAME)
    for number in range(1, seq + 1):
        limit = offset if number == seq else None
        found = _copy_file(journal / segment_name(number), copied / segment_name(number), limit)
        if not found and limit != 0:
            raise StoreError(
                f"{journal / segment_name(number)} lacks what the store has of it: "
                "headgate check-books says what differs."
            )


def _copy_file(path: Path, copied: Path, limit: int | None = None) -> bool:
    """Copy a file, up to a limit; tell whether all of that was there."""
    try:
        source = path.open("rb")
    except FileNotFoundError:
        # A batch ends, and its files with it.
        return False
    with source, _make(copied).open("wb") as into:
        left = limit
        while data := source.read(COPY_BYTES if left is None else min(COPY_BYTES, left)):
            into.write(data)
            left = None if left is None else left - len(data)
    return not left


def _make(path: Path) -> Path:
    """Make an empty file for its owner alone, and the folders that it lies in."""
    for folder in reversed(path.parents):
        if not folder.exists():
            folder.mkdir(mode=0o700)
    path.touch(mode=0o600)
    return path


def _sync(paths: tuple[Path, ...]) -> None:
    """Have files and the names in folders on the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
