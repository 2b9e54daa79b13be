"""A stream of events said as one JSON array, in pieces: what Google sends without `alt=sse`."""

from collections.abc import Callable

import msgspec

from headgate.dialects.sse import EventTooLongError
from headgate.dialects.translation.events import Events

Feed = Callable[[bytes], bytes]


class JsonArray:
    """Turns events into elements as they come; keeps no more than the one that is not whole.

    The data of every event is one JSON value.
    """

    __slots__ = ("_begun", "_events", "_over")

    CONTENT_TYPE = b"application/json; charset=utf-8"

    def __init__(self) -> None:
        self._events = Events()
        self._begun = self._over = False

    def around(self, feed: Feed) -> Feed:
        """Return what takes the bytes that `feed` takes, and returns elements."""

        def elements(payload: bytes) -> bytes:
            return self._elements(feed(payload))

        return elements

    def end(self, last: bytes) -> bytes:
        """Return what the last bytes of the stream say, and the end of the array.

        An event that broke off is left out; one that only lacks its blank line is not.
        """
        if self._over:
            return b""
        held = b"".join(self._element(data) for data in self._events.flush() if _is_json(data))
        rest = self._elements(last + b"\n\n")
        return held + rest + (b"]" if self._begun else b"[]")

    def _elements(self, events: bytes) -> bytes:
        """Return what events say; after one that is too long to keep the array stays open."""
        if self._over:
            return b""
        try:
            return b"".join(map(self._element, self._events.feed(events)))
        except EventTooLongError:
            self._over = True
            return b""

    def _element(self, data: bytes) -> bytes:
        lead = b",\r\n" if self._begun else b"["
        self._begun = True
        return lead + data


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
