"""HTTP/1.1 answers as bytes, and the names of statuses; pure."""

from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

REASONS: Final[dict[int, bytes]] = {status.value: status.phrase.encode() for status in HTTPStatus}
# As RFC 9110 has them, whatever the version of Python says.
REASONS[413], REASONS[422] = b"Content Too Large", b"Unprocessable Content"
REASONS[529] = b"Overloaded"

JSON: Final = b"application/json"
LAST_CHUNK: Final = b"0\r\n\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

Headers = Iterable[tuple[bytes, bytes]]


_LINES: Final = {
    status: b"HTTP/1.1 %d %b\r\n" % (status, reason) for status, reason in REASONS.items()
}
_OK: Final = _LINES[200]


def date_line(second: int) -> bytes:
    """Return the header line that says when an answer is sent.

    An origin server that has a clock sends one (RFC 9110, 6.6.1), in this form (5.6.7).

    Args:
        second: Since 1970 UTC.
    """
    return b"date: %b\r\n" % formatdate(second, usegmt=True).encode()


def status_line(status: int) -> bytes:
    """Return the first line of an answer."""
    if status == 200:
        return _OK
    return _LINES.get(status) or b"HTTP/1.1 %d Status\r\n" % status


def whole(
    status: int,
    body: bytes,
    lines: bytes,
    headers: Headers = (),
    *,
    content_type: bytes = JSON,
    close: bool = False,
) -> bytes:
    """Return a complete answer.

    Args:
        status: Its status.
        body: Its body.
        lines: Header lines that are rendered already: the date, and what all answers to the
            request say.
        headers: More of them.
        content_type: What the body is.
        close: Whether the connection is closed behind it.
    """
    parts = [status_line(status), lines, b"content-type: ", content_type, b"\r\n"]
    for name, value in headers:
        parts += (name, b": ", value, b"\r\n")
    if close:
        parts.append(b"connection: close\r\n")
    parts += (b"content-length: %d\r\n\r\n" % len(body), body)
    return b"".join(parts)


def bodiless(answer: bytes) -> bytes:
    """Return a complete answer without its body, as HEAD demands."""
    head, end, _ = answer.partition(b"\r\n\r\n")
    return head + end


def with_lines(answer: bytes, lines: bytes) -> bytes:
    """Return the beginning of an answer with more header lines, each with its end."""
    if not lines:
        return answer
    first, end, rest = answer.partition(b"\r\n")
    return b"".join((first, end, lines, rest))


def chunk(payload: bytes) -> bytes:
    """Return a payload framed as one chunk; never empty, for that would end the body."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)
