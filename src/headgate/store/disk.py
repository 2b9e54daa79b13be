"""How a journal's bytes come to the disk: room taken ahead, stores into it, and syncs."""

import fcntl
import mmap
import os
import sys
from pathlib import Path
from typing import NamedTuple

from headgate.records.journal import Durability


class Segment(NamedTuple):
    """A segment that is open for writing: its bytes in memory, and its file."""

    map: mmap.mmap
    descriptor: int


class Disk:
    """The disk as a journal's writer uses it.

    Attributes:
        durability: What a hold survives when its first byte is sent: the death of its `process`,
            or the loss of `power` as well.
    """

    def __init__(self, durability: Durability = "process") -> None:
        self.durability = durability

    def allocate(self, path: Path, size: int) -> Segment:
        """Make a file of zeros whose room is taken, in whole or not at all.

        Raises:
            OSError: There is no room, or the file exists.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            # Space is taken now: a store into a hole of a full disk would kill the process.
            self.take_room(descriptor, size)
            return Segment(mmap.mmap(descriptor, size), descriptor)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise

    def take_room(self, descriptor: int, size: int) -> None:
        """Take a file's room on the disk."""
        os.posix_fallocate(descriptor, 0, size)

    def sync(self, descriptor: int) -> None:
        """Have a file's content on the disk before this returns; others run meanwhile.

        Whatever was stored into the file's mapping belongs to it: the system knows those pages
        as the file's own (so on Linux and macOS; POSIX would ask for msync, which does the same).

        Raises:
            OSError: It is not there, and no second try would say so again: the system forgets
                what it could not write.
        """
        if sys.platform == "darwin":
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(descriptor)

    def sync_folder(self, folder: Path) -> None:
        """Have the names of a folder's files on the disk before this returns."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
