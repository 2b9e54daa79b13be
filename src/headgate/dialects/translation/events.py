"""Cutting a stream's bytes, which come in pieces of any size, into the data of its events."""

import re
from collections.abc import Iterator
from typing import Final

from mypy_extensions import mypyc_attr

from headgate.dialects.sse import EVENT_BYTES_MAX, EventTooLongError, data_of, plain_data_of
from headgate.records.reply import Delta

_BOUNDARY: Final = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")


class Events:
    """Yields the same events however the bytes are cut; keeps no more than the open one."""

    __slots__ = ("_held", "_parted", "_searched")

    def __init__(self) -> None:
        self._held = bytearray()
        self._searched = 0
        # The last event ended with the last byte, a `\r` that a `\n` may belong to.
        self._parted = False

    def feed(self, payload: bytes) -> list[bytes]:
        """Return the data of the events that are whole now; comments have none.

        Raises:
            EventTooLongError: The open event is too long.
        """
        held = self._held
        if self._parted and payload:
            self._parted = False
            payload = payload.removeprefix(b"\n")
        if not held and payload.endswith(b"}\n\n") and payload.find(b"\r") < 0:
            # Whole events, as nearly every read brings them.
            pieces = [plain_data_of(piece) for piece in payload[:-2].split(b"\n\n")]
            return [data for data in pieces if data]
        held += payload
        found: list[bytes] = []
        start = 0
        while (end := _BOUNDARY.search(held, self._searched)) is not None:
            if data := data_of(held[start : end.start()]):
                found.append(data)
            start = self._searched = end.end()
        if 0 < start == len(held) and held.endswith(b"\r"):
            self._parted = True
        del held[:start]
        self._searched = max(0, len(held) - 3)
        if len(held) > EVENT_BYTES_MAX:
            raise EventTooLongError(f"an event is longer than {EVENT_BYTES_MAX} bytes")
        return found

    def flush(self) -> list[bytes]:
        """Return the data of what is left: a last event may lack its blank line."""
        rest = data_of(bytes(self._held))
        self._held.clear()
        self._searched = 0
        return [rest] if rest else []


@mypyc_attr(allow_interpreted_subclasses=True)
class MarkedEnd:
    """Base of the parsers of streams whose last event says that it is the last."""

    __slots__ = ()

    def end(self) -> Iterator[Delta]:
        """Yield nothing: without that event the stream has broken off."""
        return iter(())
