"""Journal segments as bytes: framing and scanning, pure.

A segment is a preallocated file of zeros that fills from the front with
`u32 length | u32 crc32 | payload`, both little-endian; a length of 0 is where it ends so far.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from headgate.store.checksum import crc32

HEADER: Final = struct.Struct("<II")
HEADER_BYTES: Final = 8
PAYLOAD_BYTES_MAX: Final = 256 << 10
SEGMENT_SUFFIX: Final = ".hgj"


class Scan(NamedTuple):
    """What a stretch of a segment holds.

    Attributes:
        payloads: Whole, valid payloads in order.
        offset: Where the next one will begin.
        torn: Whether bytes stand there that are no valid record (being written, or cut off).
    """

    payloads: list[bytes]
    offset: int
    torn: bool


def frame(payload: bytes) -> bytes:
    """Return the record for a payload."""
    return HEADER.pack(len(payload), crc32(payload)) + payload


def scan(stretch: bytes, base: int = 0) -> Scan:
    """Read the records of a stretch that begins at a record's beginning.

    Args:
        stretch: Bytes of the segment from `base` on; may end anywhere.
        base: Offset of the stretch in the segment.
    """
    payloads: list[bytes] = []
    at, size = 0, len(stretch)
    while (begin := at + HEADER_BYTES) <= size:
        length, checksum = _number(stretch, at), _number(stretch, at + 4)
        if length == 0:
            return Scan(payloads, base + at, torn=checksum != 0)
        end = begin + length
        if length > PAYLOAD_BYTES_MAX or end > size:
            return Scan(payloads, base + at, torn=True)
        payload = stretch[begin:end]
        if crc32(payload) != checksum:
            return Scan(payloads, base + at, torn=True)
        payloads.append(payload)
        at = end
    return Scan(payloads, base + at, torn=False)


def _number(data: bytes, at: int) -> int:
    """Return four bytes as a number; compiled, no object is made to read them."""
    return data[at] | data[at + 1] << 8 | data[at + 2] << 16 | data[at + 3] << 24


def segment_name(seq: int) -> str:
    """Return the file name of a journal's n-th segment, counted from 1."""
    return f"{seq:08d}{SEGMENT_SUFFIX}"


def segment_numbers(names: Iterator[str]) -> list[int]:
    """Return the segment numbers among file names, ascending; other files are not segments."""
    return sorted(
        int(name.removesuffix(SEGMENT_SUFFIX))
        for name in names
        if name.endswith(SEGMENT_SUFFIX) and name.removesuffix(SEGMENT_SUFFIX).isdigit()
    )
