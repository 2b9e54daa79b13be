"""Folders and files that nobody else may enter or read, whatever the umask."""

import os
from pathlib import Path

from headgate.store.disk import Disk


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are not there, for their owner alone.

    What is there is left as it is.

    Raises:
        OSError: It cannot be made, or is no folder.
    """
    if not folder.parent.is_dir():
        # `mkdir` would make these by the umask, and let others put something else in our place.
        make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def private(path: str, flags: int) -> int:
    """Open a file for `open(..., opener=private)`; one that is made is its owner's alone.

    Raises:
        OSError: It cannot be opened.
    """
    return os.open(path, flags, 0o600)


def write_private(path: Path, data: bytes) -> None:
    """Write a file whole, on the disk before anybody goes by it, or leave what is there.

    Raises:
        OSError: It cannot be written.
    """
    make_private(path.parent)
    made = path.with_name(f"{path.name}.new")
    made.unlink(missing_ok=True)
    with open(made, "xb", opener=private) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    made.replace(path)
    Disk().sync_folder(path.parent)
