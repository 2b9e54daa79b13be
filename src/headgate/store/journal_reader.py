"""The reading end of a journal: whole records from a cursor on, while it is being written."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from headgate.records.journal import Record, SealedRecord
from headgate.store.segments import frame, scan, segment_name, segment_numbers
from headgate.units.errors import JournalError

READ_BYTES = 1 << 20


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
    """

    directory: Path
    cursor: Cursor = field(default_factory=Cursor)
    ended: bool = False
    torn: bool = False
    taken_over: bool = False

    def read(self, records_max: int = 1000) -> list[Record]:
        """Return the next records, at most about `records_max`; none when there are no more yet.

        Raises:
            JournalError: A whole, valid payload is not a record of this format.
        """
        records: list[Record] = []
        while len(records) < records_max and not self.ended:
            payloads = self._payloads()
            if not payloads:
                break
            for payload, following in payloads:
                record = _decode(payload, self.directory)
                records.append(record)
                self.cursor = following
                if isinstance(record, SealedRecord):
                    self.ended = record.last
                    self.taken_over = record.by == "takeover"
                    if not record.last:
                        self.cursor = Cursor(self.cursor.seq + 1, 0)
                    break
                if len(records) >= records_max:
                    break
        return records

    def _payloads(self) -> list[tuple[bytes, Cursor]]:
        path = self.directory / segment_name(self.cursor.seq)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return []
        try:
            stretch = os.pread(descriptor, READ_BYTES, self.cursor.offset)
        finally:
            os.close(descriptor)
        found = scan(stretch, self.cursor.offset)
        self.torn = found.torn and not found.payloads
        at = self.cursor.offset
        placed = []
        for payload in found.payloads:
            at += len(payload) + 8
            placed.append((payload, Cursor(self.cursor.seq, at)))
        return placed

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


def _decode(payload: bytes, directory: Path) -> Record:
    try:
        return _DECODER.decode(payload)
    except msgspec.MsgspecError as error:
        raise JournalError(f"{directory}: a record is not of this format: {error}") from error


_DECODER: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


def journals(root: Path) -> Iterator[Path]:
    """Yield the journal directories below the data directory's `journal` folder, oldest first."""
    if not root.is_dir():
        return
    for directory in sorted(root.iterdir(), key=lambda path: path.name):
        if directory.is_dir() and segment_numbers(path.name for path in directory.iterdir()):
            yield directory
