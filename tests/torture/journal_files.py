"""Reads journals as `docs/reference/journal.md` documents them, by the standard library alone."""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEADER = struct.Struct("<II")
PAYLOAD_BYTES_MAX = 256 * 1024

Record = dict[str, Any]


class FormatError(Exception):
    """A journal is not of the documented format."""


def segment_records(path: Path) -> Iterator[Record]:
    """Yield the whole records of one segment file, up to where it ends so far."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        # One allocated ahead, which whoever closed the journal has just removed.
        return
    with file:
        while len(head := file.read(HEADER.size)) == HEADER.size:
            length, checksum = HEADER.unpack(head)
            if length == 0 or length > PAYLOAD_BYTES_MAX:
                return
            payload = file.read(length)
            if len(payload) < length or zlib.crc32(payload) != checksum:
                # The record the writer was cut off in: nothing was done on its strength.
                return
            yield json.loads(payload)


def journal_records(directory: Path) -> Iterator[Record]:
    """Yield the records of one journal over all its segments.

    Raises:
        FormatError: Records are missing, or follow where none may.
    """
    ended, sealed = False, True
    for number, path in enumerate(sorted(directory.glob("*.hgj")), 1):
        if int(path.stem) != number:
            raise FormatError(f"{directory.name}: segment {number} is missing")
        for record in segment_records(path):
            if ended or (not sealed and record["k"] == "segment"):
                raise FormatError(f"{path}: a record follows the end")
            if record["k"] == "segment" and record["format"] != 2:
                raise FormatError(f"{path}: format {record['format']}")
            sealed = record["k"] == "sealed"
            ended = sealed and record.get("last", False)
            yield record


def read_all(data: Path) -> Iterator[tuple[str, Record]]:
    """Yield every record with its journal's name, all journals merged in the order of time.

    Within a journal the order is that of the file, which is exact.
    """
    placed: list[tuple[int, int, str, Record]] = []
    for directory in sorted((data / "journal").iterdir()):
        latest = 0
        for record in journal_records(directory):
            latest = max(latest, record.get("at_ns", 0))
            placed.append((latest, len(placed), directory.name, record))
    for _, _, name, record in sorted(placed, key=lambda each: each[:2]):
        yield name, record
