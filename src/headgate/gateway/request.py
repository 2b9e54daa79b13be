"""One HTTP request as the edge hands it on, and what is taken from its headers; pure."""

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from headgate.identity.directory import Credential
from headgate.units.errors import Refusal

_KEY = re.compile(rb"(?:^|&)key=([^&]*)")


class Request:
    """What was received: method, path, the few headers that matter, the body.

    Attributes:
        path: Without the query.
        query: Never logged: it may hold a key.
        named: The model and whether to stream, of a path that says them; why not, if it says
            them wrongly; None for other paths.
        key: What the client sent as its credential, None when nothing.
        credential: Who that is, None when nobody.
        forwarded: Headers (lower-case names) that may go upstream, if the dialect says so.
        parts: Body pieces as they came; joined once by `body`.
        body_bytes: As announced while the head is read (-1: not to be believed), then as counted.
        hosts: How many `Host` headers there are.
        keep_alive: Whether the connection stays open afterwards.
    """

    __slots__ = (
        "body_bytes",
        "content_encoding",
        "content_type",
        "credential",
        "expects_continue",
        "forwarded",
        "hosts",
        "http10",
        "keep_alive",
        "key",
        "method",
        "named",
        "parts",
        "path",
        "query",
        "run",
    )

    def __init__(self) -> None:
        self.method = b""
        self.path = b""
        self.query = b""
        self.named: tuple[str, bool] | Refusal | None = None
        self.key: bytes | None = None
        self.credential: Credential | None = None
        self.content_type = b""
        self.content_encoding = b""
        self.run: bytes | None = None
        self.expects_continue = False
        self.forwarded: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []
        self.body_bytes = 0
        self.hosts = 0
        self.keep_alive = True
        self.http10 = False

    def take_query(self, query: bytes) -> None:
        """Keep the query, and the key in it if no header had one."""
        self.query = query
        if self.key is None and (found := _KEY.search(query)) is not None:
            self.key = unquote_to_bytes(found[1])

    def body(self) -> bytes:
        """Return the whole body."""
        parts = self.parts
        if len(parts) == 1:
            return parts[0]
        joined = b"".join(parts)
        self.parts = [joined]
        return joined


LENGTH_DIGITS_MAX = 20

HeaderTaker = Callable[[Request, bytes, bytes], None]

SPELLINGS_MAX = 512


class HeaderTakers(dict[bytes, HeaderTaker | None]):
    """What is done with a header, by its name as the client spells it; None for nothing.

    Clients spell the same names alike, call after call, so a spelling is lower-cased once and
    remembered, up to a bound that no honest client reaches.
    """

    def __missing__(self, name: bytes) -> HeaderTaker | None:
        """Find a spelling that was not met before."""
        take = self.get(name.lower())
        if len(self) < SPELLINGS_MAX:
            self[name] = take
        return take


"""Takes a header: the request it belongs to, its lower-case name, its value."""


def _authorization(request: Request, _name: bytes, value: bytes) -> None:
    scheme, _, key = value.partition(b" ")
    if scheme.lower() == b"bearer":
        request.key = key.strip()


def _x_api_key(request: Request, _name: bytes, value: bytes) -> None:
    if request.key is None:
        request.key = value.strip()


def _host(request: Request, _name: bytes, _value: bytes) -> None:
    request.hosts += 1


def _content_type(request: Request, _name: bytes, value: bytes) -> None:
    request.content_type = value


def _content_encoding(request: Request, _name: bytes, value: bytes) -> None:
    request.content_encoding = value


def _content_length(request: Request, _name: bytes, value: bytes) -> None:
    # llhttp has checked the digits, but takes any number of zeros in front of them.
    request.body_bytes = int(value) if len(value) <= LENGTH_DIGITS_MAX else -1


def _expect(request: Request, _name: bytes, value: bytes) -> None:
    request.expects_continue = value.lower() == b"100-continue"


def _run(request: Request, _name: bytes, value: bytes) -> None:
    request.run = value


def forward(request: Request, name: bytes, value: bytes) -> None:
    """Keep a header that some dialect sends on."""
    request.forwarded.append((name.lower(), value))


HEADERS: dict[bytes, HeaderTaker] = {
    b"authorization": _authorization,
    b"x-api-key": _x_api_key,
    b"x-goog-api-key": _x_api_key,
    b"host": _host,
    b"content-type": _content_type,
    b"content-encoding": _content_encoding,
    b"content-length": _content_length,
    b"expect": _expect,
    b"x-headgate-run": _run,
}
"""Who takes a header, by its lower-case name; others are dropped."""
