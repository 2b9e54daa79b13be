"""A worker's disk that refuses to sync for as long as a file is there."""

import errno
import os
from pathlib import Path

from headgate.store.disk import Disk

BROKEN = "HEADGATE_BROKEN_DISK"


def follow(path: str) -> None:
    """Have every sync of a journal fail in this process while the file is there."""
    sync = Disk.sync

    def refuse(self: Disk, descriptor: int) -> None:
        if Path(path).exists():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(self, descriptor)

    Disk.sync = refuse  # type: ignore[method-assign]  # this process is made for it
