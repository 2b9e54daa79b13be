"""Pages of other origins that call the gateway from a browser (CORS), where they are named; pure.

Source: the Fetch standard, https://fetch.spec.whatwg.org/#http-cors-protocol. A browser is never
told that it may send cookies along (`access-control-allow-credentials`): nothing here goes by
them, and a page shows its key itself. That is also what lets `*` expose every header of a reply.
"""

import re
from collections.abc import Iterable
from typing import Final

from headgate.gateway.client.http_bytes import status_line
from headgate.gateway.client.request import Head, HeaderTaker

MAX_AGE_S: Final = 600
"""How long a browser need not ask again."""

_NAMES: Final = re.compile(
    rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+(?:[ \t]*,[ \t]*[-!#$%&'*+.^_`|~0-9A-Za-z]+)*"
)
_NAMES_BYTES_MAX: Final = 2_048
METHODS: Final = b"GET, POST, DELETE"


def takers(origins: Iterable[str]) -> dict[bytes, HeaderTaker]:
    """Return who takes the headers of browsers; none when no origin is named."""
    lines = {
        origin.encode(): b"access-control-allow-origin: %b\r\nvary: origin\r\n" % origin.encode()
        for origin in origins
    }
    if not lines:
        return {}

    def take_origin(head: Head, _name: bytes, value: bytes) -> None:
        found = lines.get(value)
        if found is not None and head.origin is None:
            head.origin = value
            head.lines += found + b"access-control-expose-headers: *\r\n"

    return {
        b"origin": take_origin,
        b"access-control-request-method": _take_method,
        b"access-control-request-headers": _take_headers,
    }


def preflight(head: Head, lines: bytes) -> bytes | None:
    """Return the answer to a browser that asks whether a page may call; None to any other request.

    It needs no key: browsers show none then. `lines` are header lines that are rendered already.
    """
    if head.method != b"OPTIONS" or head.origin is None or not head.asks_method:
        return None
    names = head.asks_headers
    known = len(names) <= _NAMES_BYTES_MAX and _NAMES.fullmatch(names) is not None
    return b"%b%b%baccess-control-allow-methods: %b\r\n%baccess-control-max-age: %d\r\n%b\r\n" % (
        status_line(204),
        lines,
        head.lines,
        METHODS,
        b"access-control-allow-headers: %b\r\n" % names if known else b"",
        MAX_AGE_S,
        b"" if head.keep_alive else b"connection: close\r\n",
    )


def _take_method(head: Head, _name: bytes, _value: bytes) -> None:
    head.asks_method = True


def _take_headers(head: Head, _name: bytes, value: bytes) -> None:
    head.asks_headers = head.asks_headers + b"," + value if head.asks_headers else value
