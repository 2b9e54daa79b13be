"""HTTP/1.1 answers as bytes, and the names of statuses; pure."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

REASONS: Final[dict[int, bytes]] = {status.value: status.phrase.encode() for status in HTTPStatus}
REASONS[529] = b"Overloaded"

JSON: Final = b"application/json"
LAST_CHUNK: Final = b"0\r\n\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

Headers = Iterable[tuple[bytes, bytes]]


_LINES: Final = {
    status: b"HTTP/1.1 %d %b\r\n" % (status, reason) for status, reason in REASONS.items()
}


def status_line(status: int) -> bytes:
    """Return the first line of an answer."""
    return _LINES.get(status) or b"HTTP/1.1 %d Status\r\n" % status


def head(status: int, content_type: bytes, headers: Headers, *, close: bool) -> bytes:
    """Return the head of an answer without its framing header and without its empty line."""
    lines = [status_line(status), b"content-type: ", content_type, b"\r\n"]
    for name, value in headers:
        lines += (name, b": ", value, b"\r\n")
    if close:
        lines.append(b"connection: close\r\n")
    return b"".join(lines)


def whole(
    status: int,
    body: bytes,
    headers: Headers = (),
    *,
    content_type: bytes = JSON,
    close: bool = False,
    bodiless: bool = False,
) -> bytes:
    """Return a complete answer; `bodiless` leaves the body out, as HEAD demands."""
    start = head(status, content_type, headers, close=close)
    return b"%bcontent-length: %d\r\n\r\n%b" % (start, len(body), b"" if bodiless else body)


def with_lines(answer: bytes, lines: bytes) -> bytes:
    """Return an answer with more header lines, each with its end; usually there are none."""
    if not lines:
        return answer
    first, end, rest = answer.partition(b"\r\n")
    return b"".join((first, end, lines, rest))


def chunk(payload: bytes) -> bytes:
    """Return a payload framed as one chunk; never empty, for that would end the body."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)
