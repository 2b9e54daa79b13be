"""AWS's event-stream framing, undone piece by piece; pure.

Each message is: total length and headers' length (4 bytes each, big-endian), a CRC-32 of those
eight, the headers, the payload, a CRC-32 of all before it. Source:
https://smithy.io/2.0/aws/amazon-eventstream.html.
"""

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from headgate.providers.envelope import FrameError

PRELUDE_BYTES = 12
CRC_BYTES = 4
MESSAGE_BYTES_MAX = 24 << 20
"""The specification allows payloads of 16 MiB; anything longer is not this framing."""

_TEXT = 7
_FIXED_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Length of a header's value by its type: truth values, numbers, times, UUIDs."""
_MEASURED = (6, 7)
"""Bytes and texts begin with their length."""


class Message(NamedTuple):
    """One message; of its headers only the texts are kept."""

    headers: dict[str, str]
    payload: bytes


class Messages:
    """Takes bytes as they come and gives messages once they are whole."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, payload: bytes) -> Iterator[Message]:
        """Yield the messages that became whole.

        Raises:
            FrameError: A length is impossible or a checksum wrong.
        """
        held = self._held
        held += payload
        while len(held) >= PRELUDE_BYTES:
            total = int.from_bytes(held[:4], "big")
            if zlib.crc32(held[:8]) != int.from_bytes(held[8:PRELUDE_BYTES], "big"):
                raise FrameError("the checksum of a message's lengths is wrong")
            if not PRELUDE_BYTES + CRC_BYTES <= total <= MESSAGE_BYTES_MAX:
                raise FrameError(f"a message of {total} bytes cannot be")
            if len(held) < total:
                return
            message = bytes(held[:total])
            del held[:total]
            yield _message(message)


def _message(data: bytes) -> Message:
    body, crc = data[:-CRC_BYTES], data[-CRC_BYTES:]
    if zlib.crc32(body) != int.from_bytes(crc, "big"):
        raise FrameError("the checksum of a message is wrong")
    end = PRELUDE_BYTES + int.from_bytes(data[4:8], "big")
    if end > len(body):
        raise FrameError("the headers of a message are longer than it is")
    return Message(dict(_texts(body[PRELUDE_BYTES:end])), body[end:])


def _texts(headers: bytes) -> Iterator[tuple[str, str]]:
    """Yield the headers whose values are texts.

    Raises:
        FrameError: They cannot be read.
    """
    at = 0
    while at < len(headers):
        name_end = at + 1 + headers[at]
        kind = headers[name_end : name_end + 1]
        start = name_end + 1
        if not kind:
            raise FrameError("a header of a message breaks off")
        if kind[0] in _MEASURED:
            size = int.from_bytes(headers[start : start + 2], "big")
            start += 2
        elif kind[0] in _FIXED_BYTES:
            size = _FIXED_BYTES[kind[0]]
        else:
            raise FrameError(f"a header has a value of type {kind[0]}, which there is not")
        if start + size > len(headers):
            raise FrameError("a header of a message breaks off")
        if kind[0] == _TEXT:
            value = headers[start : start + size]
            try:
                yield headers[at + 1 : name_end].decode(), value.decode()
            except UnicodeDecodeError as error:
                raise FrameError("a header of a message is not UTF-8") from error
        at = start + size
