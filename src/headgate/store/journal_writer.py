"""The writing end of a worker's journal: memory-mapped, preallocated segments.

A store into the mapping is in the page cache at once, so a kill -9 of the worker right after
loses nothing (durability class `process`; for `power` see `journal_sync`). Every open hold
reserves the room of its settlement, so a full disk refuses new holds and never loses the end of
one that is running.
"""

import fcntl
import os
from collections import deque
from mmap import mmap
from pathlib import Path
from threading import Thread
from typing import Final, NamedTuple

import msgspec

from headgate.records.journal import FORMAT, Record, SealedRecord, SegmentRecord
from headgate.store.checksum import crc32
from headgate.store.disk import Disk, Segment
from headgate.store.private import make_private
from headgate.store.segments import HEADER, HEADER_BYTES, PAYLOAD_BYTES_MAX, frame, segment_name
from headgate.units.errors import JournalError

SEGMENT_BYTES: Final = 16 << 20
SETTLE_BYTES_MAX: Final = 4096
SEAL_BYTES_MAX: Final = 256
"""The record at the end of a segment needs its own room."""

LOCK_NAME: Final = "lock"


def boot_id() -> str:
    """Return what changes when this machine restarts; empty where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def take_lock(directory: Path) -> int | None:
    """Lock a journal directory for this process; return the descriptor, None when it is taken."""
    descriptor = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


class Unsynced(NamedTuple):
    """What has to be synced so that every record of now is on the disk.

    Attributes:
        descriptors: Of segments.
        folder: The journal's own when it has new segments, else None.
    """

    descriptors: list[int]
    folder: Path | None


class JournalWriter:
    """Appends records to one journal directory, which it locks for as long as it lives.

    Attributes:
        name: Of the journal, which is that of its folder.
        epoch: Unique to the process that writes; call ids begin with it.
        holds_open: Holds written and not yet ended; each has room reserved for its end.
        failed: Whether the disk has refused a sync. Then nothing new is held: the journal ends
            with the calls that run, and its worker with it.
    """

    def __init__(
        self,
        directory: Path,
        *,
        worker: str,
        epoch: str,
        at_ns: int,
        segment_bytes: int = 0,
        disk: Disk | None = None,
    ) -> None:
        """Open a new journal, on a disk of the usual class unless one is given.

        Raises:
            JournalError: The directory is another process's, or the disk is full or fails.
        """
        self._directory = directory
        self._disk = disk or Disk()
        self._power = self._disk.durability == "power"
        self.name = directory.name
        self._worker, self.epoch = worker, epoch
        self._size = segment_bytes or SEGMENT_BYTES
        self._full = self._size - SEAL_BYTES_MAX
        encoder = msgspec.json.Encoder()
        self._encode, self._encode_into = encoder.encode, encoder.encode_into
        # Records are put together in one place: each in one of its own would grow by many steps.
        self._payload = bytearray()
        self._seq = 0
        self._offset = 0
        self.holds_open = 0
        self.failed = False
        self._synced = (0, 0)
        self._new_names = True
        # Full segments of which something may not be on the disk; a sync that runs has the rest.
        self._full_ones: list[int] = []
        self._in_sync: list[int] = []
        self._writing: Thread | None = None
        make_private(directory)
        if self._power:
            self._sync_name()
        lock = take_lock(directory)
        if lock is None:
            raise JournalError(f"{directory} is locked by another process")
        self._lock = lock
        self._spares: deque[Segment] = deque()
        self._map, self._descriptor = self._allocate_next()
        self._seq = 1
        self._begin(at_ns)
        self.prepare()

    def _sync_name(self) -> None:
        try:
            self._disk.sync_folder(self._directory.parent)
        except OSError as error:
            raise JournalError(f"{self._directory.parent} cannot be synced: {error}") from error

    def _allocate_next(self) -> Segment:
        number = self._seq + len(self._spares) + 1
        try:
            made = self._disk.allocate(self._directory / segment_name(number), self._size)
        except OSError as error:
            raise JournalError(f"no room for a journal segment in {self._directory}") from error
        self._new_names = True
        return made

    def _begin(self, at_ns: int) -> None:
        self._offset = 0
        first = (FORMAT, self._worker, self.epoch, self._seq, boot_id(), at_ns)
        self._store(SegmentRecord(*first, self._disk.durability))

    def _store(self, record: Record) -> None:
        data = frame(self._encode(record))
        end = self._offset + len(data)
        self._map[self._offset : end] = data
        self._offset = end

    def prepare(self) -> None:
        """Allocate segments ahead, off the hot path; a full disk leaves them missing.

        There is always one, and twice the room that the holds of now need.
        """
        while not self._spares or not self._has_room_for(2 * self.holds_open):
            try:
                self._spares.append(self._allocate_next())
            except JournalError:
                return

    def has_room(self) -> bool:
        """Tell whether one more hold, what it refers to and its end fit, beside all other ends."""
        return not self.failed and self._has_room_for(self.holds_open + 3)

    def _has_room_for(self, records: int) -> bool:
        # What is left at the end of a segment can be too small for the next record.
        ahead = len(self._spares) * (self._full - SETTLE_BYTES_MAX)
        return records * SETTLE_BYTES_MAX <= self._full - self._offset + ahead

    def append(self, record: Record) -> None:
        """Write one record; it survives the death of this process from here on.

        Raises:
            JournalError: It does not fit, which `has_room` before the hold rules out, or is
                larger than any record may be.
        """
        payload = self._payload
        self._encode_into(record, payload)
        size = len(payload)
        if size > PAYLOAD_BYTES_MAX:
            raise JournalError(f"a record of {size} bytes")
        start = self._offset
        end = start + HEADER_BYTES + size
        if end > self._full:
            self._roll(record)
            start = self._offset
            end = start + HEADER_BYTES + size
        # The header last: until it is there, nobody takes what is there for a record.
        self._map[start + HEADER_BYTES : end] = payload
        HEADER.pack_into(self._map, start, size, crc32(payload))
        self._offset = end

    def _roll(self, record: Record) -> None:
        at_ns = getattr(record, "at_ns", 0)
        following = self._spares.popleft() if self._spares else self._allocate_next()
        self._store(SealedRecord(at_ns))
        stored, descriptor = self._map, self._descriptor
        self._map, self._descriptor = following
        self._seq += 1
        self._begin(at_ns)
        if self._power:
            stored.close()
            self._full_ones.append(descriptor)
        else:
            self._write_through(stored, descriptor)

    def _write_through(self, stored: mmap, descriptor: int) -> None:
        """Have a full segment on the disk while the next one fills; at most one is behind."""

        def finish() -> None:
            self._flush(descriptor)
            stored.close()
            os.close(descriptor)

        self._await_written()
        writing = Thread(target=finish, name="journal-write", daemon=True)
        try:
            writing.start()
        except RuntimeError:
            # The system has no thread to give.
            finish()
        else:
            self._writing = writing

    def _await_written(self) -> None:
        if self._writing is not None:
            self._writing.join()
            self._writing = None

    def _flush(self, descriptor: int) -> None:
        """Have a segment on the disk, in a place where waiting for it is no matter."""
        try:
            self._disk.sync(descriptor)
        except OSError:
            self.failed = True

    @property
    def dirty(self) -> bool:
        """Whether something was written since the last `unsynced`."""
        return self._synced != (self._seq, self._offset) or self._new_names

    def unsynced(self) -> Unsynced:
        """Return what a sync has to have; it is open until `let_go`."""
        assert not self._in_sync
        self._in_sync, self._full_ones = self._full_ones, []
        folder = self._directory if self._new_names else None
        self._synced, self._new_names = (self._seq, self._offset), False
        return Unsynced([*self._in_sync, self._descriptor], folder)

    def let_go(self) -> None:
        """The sync is over: the full segments that it had are closed."""
        for descriptor in self._in_sync:
            os.close(descriptor)
        self._in_sync = []

    def close(self, at_ns: int) -> None:
        """Seal the journal for good: no hold is open, nothing follows. Frees lock and room."""
        assert self.holds_open == 0, f"{self.holds_open} holds are open"
        self._store(SealedRecord(at_ns, last=True))
        self._await_written()
        self._flush(self._descriptor)
        self._map.close()
        for descriptor in (self._descriptor, *self._full_ones, *self._in_sync):
            os.close(descriptor)
        os.truncate(self._directory / segment_name(self._seq), self._offset)
        for number, spare in enumerate(self._spares, self._seq + 1):
            spare.map.close()
            os.close(spare.descriptor)
            (self._directory / segment_name(number)).unlink(missing_ok=True)
        os.close(self._lock)
