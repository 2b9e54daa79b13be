"""Copying files of a data directory: for their owner alone, and on the disk when it is said."""

import os
from collections.abc import Iterator
from pathlib import Path

from headgate.store.journal_writer import LOCK_NAME
from headgate.store.place import PLACE_NAME, STORE_NAME
from headgate.store.segments import segment_name
from headgate.units.errors import StoreError

FOLDERS_LEFT = ("journal", "run", "spool")
"""Journals are copied on their own; the others mean nothing without the processes."""
ENDINGS_LEFT = (".db-wal", ".db-shm", ".db-journal", ".sock", ".new", ".part")
"""What SQLite keeps beside a database is in the copy of it; the rest is not whole."""
NAMES_LEFT = (STORE_NAME, PLACE_NAME)
"""The store is copied on its own, and its address may hold a password."""
COPY_BYTES = 1 << 20


def others(data_dir: Path) -> Iterator[Path]:
    """Yield all other files that a node needs; none that is a link, or not whole."""
    for folder, folders, names in os.walk(data_dir):
        if Path(folder) == data_dir:
            folders[:] = [name for name in folders if name not in FOLDERS_LEFT]
        for name in names:
            path = Path(folder, name)
            left = name in NAMES_LEFT or name.endswith(ENDINGS_LEFT)
            if not left and path.is_file() and not path.is_symlink():
                yield path


def copy_journal(journal: Path, copied: Path, seq: int, offset: int) -> None:
    """Copy a journal up to a place in it.

    Raises:
        StoreError: It ends before.
    """
    make_file(copied / LOCK_NAME)
    for number in range(1, seq + 1):
        limit = offset if number == seq else None
        found = copy_file(journal / segment_name(number), copied / segment_name(number), limit)
        if not found and limit != 0:
            raise StoreError(
                f"{journal / segment_name(number)} lacks what the store has of it: "
                "headgate check-books says what differs."
            )


def copy_file(path: Path, copied: Path, limit: int | None = None) -> bool:
    """Copy a file, up to a limit; tell whether all of that was there."""
    try:
        source = path.open("rb")
    except FileNotFoundError:
        # A batch ends, and its files with it.
        return False
    with source, make_file(copied).open("wb") as into:
        left = limit
        while data := source.read(COPY_BYTES if left is None else min(COPY_BYTES, left)):
            into.write(data)
            left = None if left is None else left - len(data)
    return not left


def make_file(path: Path) -> Path:
    """Make an empty file for its owner alone, and the folders that it lies in."""
    for folder in reversed(path.parents):
        if not folder.exists():
            folder.mkdir(mode=0o700)
    path.touch(mode=0o600)
    return path


def sync(paths: tuple[Path, ...]) -> None:
    """Have files and the names in folders on the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
