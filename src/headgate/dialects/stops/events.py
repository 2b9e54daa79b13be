"""The last events of a stream, as the client was sent them."""

import re
from collections.abc import Iterator
from typing import Any

from msgspec import DecodeError, json

from headgate.dialects.sse import TAIL_BYTES, data_of

BOUNDARY = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
"""Two ends of line: where an event ends."""

DONE = b"[DONE]"


def event(kind: str, fields: dict[str, Any]) -> bytes:
    """Render an event of a dialect that names each twice."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.encode({"type": kind, **fields}))


class LastEvents:
    """Remembers the end of a stream."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b""

    def add(self, events: bytes) -> None:
        """Take the next bytes."""
        self._tail = (self._tail + events)[-TAIL_BYTES:]

    def latest(self) -> Iterator[dict[str, Any]]:
        """Yield events that are objects, the last one first; the end mark ends them too."""
        for piece in reversed(BOUNDARY.split(self._tail)):
            data = data_of(piece)
            if data == DONE:
                yield {"type": "done"}
                return
            try:
                found = json.decode(data) if data else None
            except (DecodeError, UnicodeDecodeError, RecursionError):
                continue  # The first one may have been cut off.
            if isinstance(found, dict):
                yield found
