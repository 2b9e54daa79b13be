"""The reading end of a journal: whole records from a cursor on, while it is being written."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import msgspec

from headgate.records.journal import FORMAT, Record, SealedRecord, SegmentRecord
from headgate.store.segments import frame, scan, segment_name, segment_numbers
from headgate.units.errors import JournalError

R = TypeVar("R")

HEAD_BYTES: Final = 4_096
"""More than the first record of a segment has."""

READ_BYTES: Final = 1 << 20
READ_BYTES_MIN: Final = 32 << 10
"""A segment is zeros up to its end, and to read those costs as much as to read records."""


class Cursor(NamedTuple):
    """Where the next record of a journal begins: segment number and byte offset."""

    seq: int = 1
    offset: int = 0


@dataclass(slots=True)
class JournalReader:
    """Reads one journal directory from a cursor on.

    Attributes:
        cursor: After the last record that was returned.
        ended: Whether the record that ends the journal for good was returned.
        torn: Whether a record that is not whole stands at the cursor.
        taken_over: Whether the steward sealed it for its dead writer.
        behind: Whether the last reading left whole records for the next one.
        stretch_bytes: How much the next reading asks for: twice what the last one found.
    """

    directory: Path
    cursor: Cursor = field(default_factory=Cursor)
    ended: bool = False
    torn: bool = False
    taken_over: bool = False
    behind: bool = False
    stretch_bytes: int = READ_BYTES

    def read(self, until: Cursor | None = None) -> list[Record]:
        """Return the next records, at most `READ_BYTES` of them; none when there are no more yet.

        Args:
            until: Where to stop; None for as far as the journal goes.

        Raises:
            JournalError: A whole, valid payload is not a record of this format.
        """
        return self.read_as(_DECODE, until)

    def read_as(self, decode: Callable[[bytes], R], until: Cursor | None = None) -> list[R]:
        """Return the next records as `decode` has them.

        Raises:
            JournalError: One is not a record of this format; the next reading says so again.
        """
        before = self.cursor
        payloads = self.read_payloads(until)
        try:
            return self.decoded(payloads, decode)
        except JournalError:
            self.cursor, self.ended = before, False
            raise

    def decoded(self, payloads: Sequence[bytes], decode: Callable[[bytes], R]) -> list[R]:
        """Return payloads of this journal as records.

        Raises:
            JournalError: One is not a record of this format.
        """
        try:
            return [decode(payload) for payload in payloads]
        except msgspec.MsgspecError as error:
            message = f"{self.directory}: a record is not of format {FORMAT}: {error}"
            raise JournalError(message) from error

    def read_payloads(self, until: Cursor | None = None) -> list[bytes]:
        """Return the next records as they are written, for `decoded`.

        Raises:
            JournalError: The last of them is not a record of this format.
        """
        if self.ended:
            return []
        found = scan(self._stretch(until, self.stretch_bytes), self.cursor.offset)
        if found.torn and not found.payloads:
            # It may only be larger than what was asked for.
            found = scan(self._stretch(until, READ_BYTES), self.cursor.offset)
        read_bytes = found.offset - self.cursor.offset
        self.stretch_bytes = min(READ_BYTES, max(READ_BYTES_MIN, 2 * read_bytes))
        self.torn = found.torn and not found.payloads
        # What is cut off at the end of a stretch goes on in the next.
        self.behind = found.torn and bool(found.payloads)
        if not found.payloads:
            return []
        (last,) = self.decoded(found.payloads[-1:], _DECODE)
        self.cursor = Cursor(self.cursor.seq, found.offset)
        if isinstance(last, SealedRecord):
            self.ended = last.last
            self.taken_over = last.by == "takeover"
            if not last.last:
                self.cursor = Cursor(self.cursor.seq + 1, 0)
                self.behind = True
        return found.payloads

    def _stretch(self, until: Cursor | None, size: int) -> bytes:
        if until is not None and until.seq == self.cursor.seq:
            size = min(size, max(0, until.offset - self.cursor.offset))
        path = f"{self.directory}/{segment_name(self.cursor.seq)}"
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return b""
        try:
            return os.pread(descriptor, size, self.cursor.offset)
        finally:
            os.close(descriptor)

    def is_whole(self, boot: str) -> bool:
        """Tell whether nothing can be missing that money was spent on, up to where it ends.

        Its writer ended it, or ran in this boot, or had each hold on the disk before it was sent.

        Args:
            boot: The boot of now; see `journal_writer.boot_id`.
        """
        if not self.taken_over:
            return True
        first = JournalReader(self.directory).read(Cursor(1, HEAD_BYTES))
        if not first or not isinstance(first[0], SegmentRecord):
            return not boot
        return first[0].boot_id == boot or first[0].durability == "power"

    def append(self, record: Record) -> None:
        """Write a record at the cursor of a journal whose writer is dead and whose lock we hold.

        A record the dead writer was cut off in is overwritten: it was never acted on, because
        the upstream is only sent to after the whole record is stored.
        """
        path = self.directory / segment_name(self.cursor.seq)
        data = frame(msgspec.json.encode(record)) + bytes(8)
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            os.pwrite(descriptor, data, self.cursor.offset)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def trim(self) -> None:
        """Give back the room that a journal which has ended had reserved.

        Only the holder of its lock may call this, once `ended` is True.
        """
        assert self.ended
        numbers = segment_numbers(path.name for path in self.directory.iterdir())
        for number in numbers:
            if number > self.cursor.seq:
                (self.directory / segment_name(number)).unlink()
        os.truncate(self.directory / segment_name(self.cursor.seq), self.cursor.offset)


_DECODE: Final = msgspec.json.Decoder(Record).decode


def journals(root: Path) -> Iterator[Path]:
    """Yield the journal directories below the data directory's `journal` folder, oldest first."""
    if not root.is_dir():
        return
    for directory in sorted(root.iterdir(), key=lambda path: path.name):
        if directory.is_dir() and segment_numbers(path.name for path in directory.iterdir()):
            yield directory
