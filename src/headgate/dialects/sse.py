"""Server-sent events as they pass by: the first event and the last ones are read, no other."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import ClassVar, Final

import msgspec
from msgspec import Raw
from mypy_extensions import mypyc_attr

from headgate.records.report import Report

TAIL_BYTES: Final = 16_384
"""How much of a stream's end is searched for its usage; a report that is longer is not found."""

_TRIM_BYTES: Final = TAIL_BYTES + TAIL_BYTES // 4
"""When a tail is cut: seldom enough to cost nothing, and open streams keep little."""

HEAD_BYTES_MAX: Final = 1_048_576
"""How long a stream's first event may be before it is given up as unreadable."""

HELD_BYTES_MAX: Final = 1_048_576
"""How much of an incomplete event is held back at most, when usage is kept from the client."""

EVENT_BYTES_MAX: Final = 16 << 20
"""How long an event may be, which may hold all the arguments of a tool; a longer one ends its
stream."""

WHOLE_BYTES_MAX: Final = 32 << 20
"""How long one may be in dialects of which an event may hold a whole reply, or an image."""

# Two ends of line: `\r\n`, `\n` or `\r`; atomic, so that `\r\n` is never taken for two.
_BOUNDARY: Final = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_ENDS_OF_EVENTS: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")
_ANY: Final = msgspec.json.Decoder(Raw)
_DATA: Final = re.compile(rb"(?:^(?:\xef\xbb\xbf)?|[\n\r])data: ?([^\n\r]*)")


class EventTooLongError(ValueError):
    """One event is longer than one may be."""


def data_of(event: bytes | bytearray) -> bytes:
    """Return the data of one event: its `data:` lines, joined; empty when it has none."""
    lines = _DATA.findall(event)
    return b"" if not lines else (lines[0] if len(lines) == 1 else b"\n".join(lines)).strip()


def plain_data_of(event: bytes) -> bytes:
    r"""Return the data of one event in which no `\r` stands: as `data_of` does, and sooner."""
    before, _, data = event.partition(b"data:")
    if data.find(b"\n") < 0 and (not before or before.endswith(b"\n")):
        # Its last line, and the only one with data, as in nearly every event.
        return data.strip()
    return data_of(event)


def first_data(payload: bytes) -> bytes | None:
    """Return the data of the first event that has any; None while it is not whole."""
    at = 0
    while (end := _BOUNDARY.search(payload, at)) is not None:
        data = data_of(payload[at : end.start()])
        if data:
            return data
        at = end.end()
    return None


def begins_whole(payload: bytes) -> bool:
    """Tell whether the first event that has data has arrived whole, behind comments or not."""
    if payload.startswith((b"data:", b"event:")) and b"\n\n" in payload:
        return True  # As nearly every stream begins.
    return first_data(payload) is not None


def begins_readably(payload: bytes, *, told: bool) -> bool:
    """Tell whether the first event that has data can be one of a dialect: an object, or a mark.

    Args:
        payload: The beginning of a stream.
        told: Whether it will be told in another dialect. Then its JSON has to be right; what is
            passed on as it is may be read by more patient clients (`NaN`).
    """
    data = first_data(payload)
    if data is None or data.startswith(b"["):
        return True
    if told:
        try:
            _ANY.decode(data)
        except (msgspec.DecodeError, RecursionError):
            return False
    return data.startswith(b"{")


class UsageFilter:
    """Keeps usage-only events from a client that did not ask for them.

    Bytes go on at once up to the end of the last whole event; an incomplete event waits for its
    end. What is let through does not depend on how the bytes were cut.

    Attributes:
        held: The incomplete event.
        mark: Bytes that every usage-only event contains: payloads without it that end with an
            event need not be fed while nothing is held.
    """

    __slots__ = ("_is_usage_only", "_searched", "held", "mark")

    def __init__(self, mark: bytes, is_usage_only: Callable[[bytes], bool]) -> None:
        """Keep back events whose data `is_usage_only`; all of them contain `mark`."""
        self.mark = mark
        self._is_usage_only = is_usage_only
        self.held = bytearray()
        self._searched = 0

    def feed(self, payload: bytes) -> bytes:
        """Return what may go on."""
        held = self.held
        held += payload
        passed: list[bytes] = []
        start = 0
        while (end := _BOUNDARY.search(held, self._searched)) is not None:
            if end.end() == len(held) and held.endswith(b"\r"):
                break  # A `\n` that comes next would belong to this end of line.
            passed.append(self._without_usage(bytes(held[start : end.end()])))
            start = self._searched = end.end()
        del held[:start]
        self._searched = max(0, len(held) - 3)
        if len(held) > HELD_BYTES_MAX:
            passed.append(bytes(held))
            held.clear()
            self._searched = 0
        return b"".join(passed)

    def flush(self) -> bytes:
        """Return what is held back; nothing more will come."""
        rest = self._without_usage(bytes(self.held))
        self.held.clear()
        return rest

    def _without_usage(self, event: bytes) -> bytes:
        if self.mark not in event or not self._is_usage_only(data_of(event)):
            return event
        # Blank lines before the event stay, so that the result is the same for every cut.
        return event[: len(event) - len(event.lstrip(b"\r\n"))]


@mypyc_attr(allow_interpreted_subclasses=True)
class EventStream(ABC):
    """Reads one streamed reply: base of the dialects' `Stream`.

    Attributes:
        head_report: What the first event says; None until it has arrived whole.
    """

    __slots__ = ("_filter", "_open", "_searched", "_tail", "_trim_at", "_trimmed", "head_report")

    LAST_BYTES_MAX: ClassVar[int] = TAIL_BYTES
    """How long the event that reports the usage may be and still be found."""

    ANY_BYTES_MAX: ClassVar[int] = EVENT_BYTES_MAX
    """How long any event may be."""

    def __init__(self, usage_filter: UsageFilter | None = None) -> None:
        self.head_report: Report | None = None
        self._filter = usage_filter
        self._tail = bytearray()
        self._trimmed = False
        # How much of the event that is open was forgotten already.
        self._open = 0
        self._trim_at = _TRIM_BYTES
        self._searched = 0

    def counts(self, data: bytes) -> bool:  # noqa: ARG002 - a dialect may have others
        """Tell whether an event is the first one that counts; pings may precede it."""
        return True

    @abstractmethod
    def read_head(self, data: bytes) -> Report:
        """Read the first event; the dialect knows how."""

    def feed(self, payload: bytes) -> bytes:
        """Take de-framed bytes, cut anywhere, and return those that go to the client.

        Without a filter that is `payload` itself; with one, an incomplete event waits.

        Raises:
            EventTooLongError: The event that is open is longer than one may be (noticed some time
                after). Nothing of the stream counts as its end any more.
        """
        tail = self._tail
        tail += payload
        if self.head_report is None:
            self._find_head()
        elif len(tail) > self._trim_at:
            self._trim()
        held_back = self._filter
        if held_back is None or (
            not held_back.held and payload.endswith(b"\n\n") and held_back.mark not in payload
        ):
            return payload
        return held_back.feed(payload)

    def flush(self) -> bytes:
        """Return what is held back, once the provider has ended the stream.

        After a stream that broke off, do not: an event without its end is of no use.
        """
        return b"" if self._filter is None else self._filter.flush()

    def _find_head(self) -> None:
        """Read the first event once it is whole; comments and pings before it are dropped."""
        tail = self._tail
        while (end := _BOUNDARY.search(tail, self._searched, HEAD_BYTES_MAX)) is not None:
            if end.end() == len(tail) and tail.endswith(b"\r"):
                break
            data = data_of(bytes(tail[: end.start()]))
            if data and self.counts(data):
                self.head_report = self.read_head(data)
                return
            del tail[: end.end()]
            self._searched = 0
        self._searched = max(0, len(tail) - 3)
        if len(tail) >= HEAD_BYTES_MAX:
            self.head_report = Report()

    def _trim(self) -> None:
        """Forget what is older than the tail, but not the beginning of an event that is long.

        While such an event lasts it is looked at again only when it has doubled, so that a
        stream of one event costs no more than a few passes over it.
        """
        tail = self._tail
        start = len(tail) - TAIL_BYTES
        if self.LAST_BYTES_MAX > TAIL_BYTES:
            begun = max(tail.rfind(end, 0, start + len(end)) for end in _ENDS_OF_EVENTS)
            kept = max(begun, len(tail) - self.LAST_BYTES_MAX)
            start = min(start, max(0, kept))
            self._trim_at = max(_TRIM_BYTES, 2 * (len(tail) - start))
        self._measure(start)
        del tail[:start]
        self._trimmed = self._trimmed or start > 0

    def _measure(self, start: int) -> None:
        """See how long the open event is, of which all before `start` will be forgotten.

        Raises:
            EventTooLongError: It is too long.
        """
        tail = self._tail
        begun = tail.rfind(b"\n\n")
        if begun < 0:
            begun = max(tail.rfind(end) for end in _ENDS_OF_EVENTS)
        self._open = max(0, start - begun) if begun >= 0 else self._open + start
        if self._open + len(tail) - max(begun, start) > self.ANY_BYTES_MAX:
            # What comes in the same read might look like a proper end; its client does not get it.
            tail.clear()
            self._trimmed = True
            raise EventTooLongError(f"an event is longer than {self.ANY_BYTES_MAX} bytes")

    def _last_data(self) -> Iterator[bytes]:
        """Yield the data of the stream's events, the last one first, from its tail."""
        tail = bytes(self._tail[-self.LAST_BYTES_MAX :])
        cut = self._trimmed or len(self._tail) > self.LAST_BYTES_MAX
        if b"\r" in tail:
            tail = tail.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        end = len(tail)
        while (start := tail.rfind(b"\n\n", 0, end)) >= 0:
            if data := data_of(tail[start + 2 : end]):
                yield data
            end = start
        if not cut and (data := data_of(tail[:end])):
            yield data
