"""The writing end of a worker's journal: memory-mapped, preallocated segments.

A store into the mapping is in the page cache at once, so a kill -9 of the worker right after
loses nothing (durability class `process`). Every open hold reserves the room of its settlement,
so a full disk refuses new holds and never loses the end of one that is running.
"""

import fcntl
import mmap
import os
from collections import deque
from pathlib import Path
from zlib import crc32

import msgspec

from headgate.records.journal import FORMAT, Record, SealedRecord, SegmentRecord
from headgate.store.segments import HEADER, PAYLOAD_BYTES_MAX, frame, segment_name
from headgate.units.errors import JournalError

SEGMENT_BYTES = 16 << 20
SETTLE_BYTES_MAX = 4096
SEAL_BYTES_MAX = 256
"""The record at the end of a segment needs its own room."""

LOCK_NAME = "lock"


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


def _allocate(path: Path, size: int) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        # Space is taken now: a store into a hole of a full disk would kill the process.
        os.posix_fallocate(descriptor, 0, size)
        return mmap.mmap(descriptor, size)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


class JournalWriter:
    """Appends records to one journal directory, which it locks for as long as it lives.

    Attributes:
        name: Of the journal, which is that of its folder.
        epoch: Unique to the process that writes; call ids begin with it.
        holds_open: Holds written and not yet ended; each has room reserved for its end.
    """

    def __init__(
        self, directory: Path, *, worker: str, epoch: str, at_ns: int, segment_bytes: int = 0
    ) -> None:
        """Open a new journal.

        Raises:
            JournalError: The directory is another process's, or the disk is full.
        """
        self._directory = directory
        self.name = directory.name
        self._worker, self.epoch = worker, epoch
        self._size = segment_bytes or SEGMENT_BYTES
        self._full = self._size - SEAL_BYTES_MAX
        self._encode = msgspec.json.Encoder().encode
        self._seq = 0
        self._offset = 0
        self.holds_open = 0
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = take_lock(directory)
        if lock is None:
            raise JournalError(f"{directory} is locked by another process")
        self._lock = lock
        self._spares: deque[mmap.mmap] = deque()
        self._map = self._allocate_next()
        self._seq = 1
        self._begin(at_ns)
        self.prepare()

    def _allocate_next(self) -> mmap.mmap:
        try:
            number = self._seq + len(self._spares) + 1
            return _allocate(self._directory / segment_name(number), self._size)
        except OSError as error:
            raise JournalError(f"no room for a journal segment in {self._directory}") from error

    def _begin(self, at_ns: int) -> None:
        self._offset = 0
        self._store(SegmentRecord(FORMAT, self._worker, self.epoch, self._seq, boot_id(), at_ns))

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
        return self._has_room_for(self.holds_open + 3)

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
        payload = self._encode(record)
        if len(payload) > PAYLOAD_BYTES_MAX:
            raise JournalError(f"a record of {len(payload)} bytes")
        start = self._offset
        end = start + HEADER.size + len(payload)
        if end > self._full:
            self._roll(record)
            start = self._offset
            end = start + HEADER.size + len(payload)
        self._map[start:end] = HEADER.pack(len(payload), crc32(payload)) + payload
        self._offset = end

    def _roll(self, record: Record) -> None:
        at_ns = getattr(record, "at_ns", 0)
        following = self._spares.popleft() if self._spares else self._allocate_next()
        self._store(SealedRecord(at_ns))
        self._map.flush()
        self._map.close()
        self._map = following
        self._seq += 1
        self._begin(at_ns)

    def close(self, at_ns: int) -> None:
        """Seal the journal for good: no hold is open, nothing follows. Frees lock and room."""
        assert self.holds_open == 0, f"{self.holds_open} holds are open"
        self._store(SealedRecord(at_ns, last=True))
        self._map.flush()
        self._map.close()
        os.truncate(self._directory / segment_name(self._seq), self._offset)
        for number, spare in enumerate(self._spares, self._seq + 1):
            spare.close()
            (self._directory / segment_name(number)).unlink(missing_ok=True)
        os.close(self._lock)
