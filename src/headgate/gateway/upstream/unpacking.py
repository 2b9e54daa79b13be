"""Replies that come compressed although we asked for none: unpacked, within bounds.

What is read for its usage has to be plain. Encodings are those of RFC 9110, section 8.4.1, that
the standard library knows.
"""

from __future__ import annotations

import zlib
from typing import Final

from headgate.providers.envelope import FrameError, Unframer

PIECE_BYTES: Final = 1 << 18
"""So much is unpacked at once, before the bounds are looked at."""
FREE_BYTES: Final = 1 << 20
RATIO_MAX: Final = 100
"""Beyond the first bytes nothing unpacks to more than so many times itself; text does not."""
UNREADABLE: Final = "reply_unreadable"
TOO_LARGE: Final = "reply_too_large"

GZIP: Final = (b"gzip", b"x-gzip")
_GZIP_BITS: Final = 16 + zlib.MAX_WBITS


def unpacker_of(encoding: bytes, then: Unframer | None) -> Unpacker | None:
    """Return what unpacks an encoding, None for one that we cannot read.

    Args:
        encoding: The value of `content-encoding`.
        then: Undoes a framing within, None when there is none.
    """
    name = encoding.strip().lower()
    if name in GZIP:
        return Unpacker(gzip=True, then=then)
    return Unpacker(gzip=False, then=then) if name == b"deflate" else None


class Unpacker:
    """Unpacks one reply, piece by piece; each piece comes out as far as it can be read.

    Attributes:
        fault: What is wrong, once `feed` has raised.
    """

    def __init__(self, *, gzip: bool, then: Unframer | None) -> None:
        self.fault = UNREADABLE
        self._gzip = gzip
        self._then = then
        self._inflating = zlib.decompressobj(_GZIP_BITS)
        self._began = gzip
        self._read_bytes = self._given_bytes = 0

    @property
    def whole(self) -> bool:
        """Whether what came so far ends where its encoding says; nothing at all is whole, too."""
        return self._inflating.eof or not self._read_bytes

    def feed(self, payload: bytes) -> bytes:
        """Return what a piece unpacks to.

        Raises:
            FrameError: It is not of the encoding, or unpacks to far too much.
        """
        if not payload:
            return b""
        if not self._began:
            self._begin(payload)
        self._read_bytes += len(payload)
        pieces: list[bytes] = []
        try:
            while payload:
                payload = self._step(payload, pieces)
        except zlib.error as error:
            raise FrameError(UNREADABLE) from error
        plain = b"".join(pieces)
        return plain if self._then is None else self._then.feed(plain)

    def _begin(self, payload: bytes) -> None:
        """Tell the two things apart that are called deflate: with zlib's head, and bare."""
        self._began = True
        headed = payload[0] & 0x0F == zlib.DEFLATED and payload[0] >> 4 <= 7
        self._inflating = zlib.decompressobj(zlib.MAX_WBITS if headed else -zlib.MAX_WBITS)

    def _step(self, payload: bytes, pieces: list[bytes]) -> bytes:
        """Unpack a part of a piece; returns what is left of it."""
        if self._inflating.eof:
            if not self._gzip:
                raise FrameError(UNREADABLE)
            # Members may follow one another (RFC 1952, section 2.2).
            self._inflating = zlib.decompressobj(_GZIP_BITS)
        piece = self._inflating.decompress(payload, PIECE_BYTES)
        pieces.append(piece)
        self._given_bytes += len(piece)
        if self._given_bytes > max(FREE_BYTES, RATIO_MAX * self._read_bytes):
            self.fault = TOO_LARGE
            raise FrameError(TOO_LARGE)
        return self._inflating.unused_data or self._inflating.unconsumed_tail
