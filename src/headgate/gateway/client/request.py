"""One HTTP request as the edge hands it on, and what is taken from its headers; pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from headgate.dialects.registry import Dialect, Located
from headgate.gateway.client.uploads import Upload
from headgate.identity.directory import Credential
from headgate.units.errors import Refusal

_KEY: Final = re.compile(rb"(?:^|&)key=([^&]*)")
_ORIGIN: Final = re.compile(rb"https?://[^/?#@]+(?=/)", re.IGNORECASE)
_REQUEST_ID: Final = re.compile(rb"[-A-Za-z0-9._:/+=@]{1,128}")
_HOST: Final = re.compile(rb"[-A-Za-z0-9._~%!$&'()*+;=:\[\]]*")


class Head:
    """The head of a request: method, path, the few headers that matter.

    It is filled while it arrives and never changed once it is whole, so requests that came with
    the same bytes may share it.

    Attributes:
        bodiless: Whether the answer has no body, for HEAD was asked: it is answered as GET is.
        path: Without the query.
        query: Never logged: it may hold a key.
        key: What the client sent as its credential, None when nothing.
        forwarded: Headers (lower-case names) that may go upstream, if the dialect says so.
        announced: The body's bytes as the head says; 0 when it does not.
        approval: The request for approval that the call is said to have, None for none.
        data_class: What the client says that its data is, None when it does not say.
        respond_async: Whether the client would rather come back than wait (RFC 7240).
        priority: The priority class it names, None when it names none; not checked yet.
        deadline: Until when its answer is of use, likewise.
        tags: What the client tags the call with, commas between; None when it says nothing.
        outcome: What it says of earlier calls, None for nothing; see `gateway.feedback`.
        session: What the client calls its session, None when it does not say; only compared.
        task: What it calls the session's task, likewise.
        horizon: How long it says its tasks are, None when it does not say; not checked yet.
        traceparent: The span it is called in (W3C Trace Context), None when it does not say, or
            nobody is sent spans.
        idempotency_key: What names the call among its repeats, None when it has no key, empty
            when it has two.
        cache: What it says of kept replies, None when nothing; see `gateway.responses`.
        retry_unknown: Whether a call of which nobody knows what it came to may be made again.
        hosts: How many `Host` headers there are.
        chunked: Whether the body comes in chunks, which HTTP/1.0 does not have.
        fault: What makes the head none to be answered, None when nothing was found yet.
        keep_alive: Whether the connection stays open afterwards.
        forwarded_for: What proxies say of the client's address; None when nothing, or when nobody
            wants to know.
        request_id: What the client calls the request, None when nothing, or nothing usable.
        lines: Header lines of every reply to it, each with its end; usually none.
        origin: Of the page that a browser calls for, where that may call; else None.
        asks_method: Whether a browser asks beforehand; `asks_headers` is what it would send.
    """

    __slots__ = (
        "announced",
        "approval",
        "asks_headers",
        "asks_method",
        "bodiless",
        "cache",
        "chunked",
        "content_encoding",
        "content_type",
        "data_class",
        "deadline",
        "expects_continue",
        "fault",
        "forwarded",
        "forwarded_for",
        "horizon",
        "hosts",
        "http10",
        "idempotency_key",
        "keep_alive",
        "key",
        "lines",
        "method",
        "origin",
        "outcome",
        "path",
        "priority",
        "query",
        "request_id",
        "respond_async",
        "retry_unknown",
        "run",
        "session",
        "tags",
        "task",
        "traceparent",
    )

    def __init__(self) -> None:
        self.method = b""
        self.bodiless = False
        self.path = b""
        self.query = b""
        self.key: bytes | None = None
        self.content_type = b""
        self.content_encoding = b""
        self.run: bytes | None = None
        self.data_class: bytes | None = None
        self.cache: bytes | None = None
        self.outcome: bytes | None = None
        self.session: bytes | None = None
        self.task: bytes | None = None
        self.horizon: bytes | None = None
        self.tags: bytes | None = None
        self.traceparent: bytes | None = None
        self.idempotency_key: bytes | None = None
        self.retry_unknown = False
        self.approval: bytes | None = None
        self.respond_async = False
        self.priority: bytes | None = None
        self.deadline: bytes | None = None
        self.expects_continue = False
        self.forwarded: list[tuple[bytes, bytes]] = []
        self.announced = 0
        self.hosts = 0
        self.chunked = False
        self.fault: str | None = None
        self.keep_alive = True
        self.http10 = False
        self.forwarded_for: bytes | None = None
        self.request_id: bytes | None = None
        self.lines = b""
        self.origin: bytes | None = None
        self.asks_method = False
        self.asks_headers = b""

    def take_target(self, target: bytes) -> None:
        """Keep path and query, and the key in the query if no header had one.

        A target may name scheme and host as well, as for a proxy (RFC 9112, 3.2.2); nothing is
        decided by them.
        """
        if not target.startswith(b"/") and (found := _ORIGIN.match(target)) is not None:
            target = target[found.end() :]
        self.path, _, self.query = target.partition(b"?")
        if self.query and self.key is None and (found := _KEY.search(self.query)) is not None:
            self.key = unquote_to_bytes(found[1])

    def check(self) -> str | None:
        """Tell what is wrong with the whole head, None when nothing is."""
        if self.hosts > 1 or not (self.hosts or self.http10):
            return "Send exactly one Host header."
        if self.chunked and self.http10:
            return "HTTP/1.0 has no chunks."
        return "This gateway is no proxy." if self.method == b"CONNECT" else self.fault


class Request:
    """What was received: a head and the body.

    Attributes:
        credential: Who asks, None when nobody is known by what was sent.
        named: What a path says beside the dialect; why not, if it says it wrongly; None for
            other paths.
        parts: Body pieces as they came; joined once by `body`.
        upload: Takes a form instead, None for other bodies.
        body_bytes: How many there are so far.
    """

    __slots__ = ("body_bytes", "credential", "head", "named", "parts", "upload")

    def __init__(self, head: Head, credential: Credential | None = None) -> None:
        self.head = head
        self.credential = credential
        self.named: Located | Refusal | None = None
        self.parts: list[bytes] = []
        self.upload: Upload | None = None
        self.body_bytes = 0

    def forget(self, unbuffer: Callable[[int], None]) -> None:
        """Let the body go: `unbuffer` is told how many bytes it had in memory."""
        unbuffer(sum(map(len, self.parts)))
        self.parts = []
        if self.upload is not None:
            self.upload.close()

    def body(self) -> bytes:
        """Return the whole body."""
        parts = self.parts
        if len(parts) == 1:
            return parts[0]
        joined = b"".join(parts)
        self.parts = [joined]
        return joined


LENGTH_DIGITS_MAX: Final = 20

HeaderTaker = Callable[[Head, bytes, bytes], None]

SPELLINGS_MAX: Final = 512


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


"""Takes a header: the head it belongs to, its lower-case name, its value."""


def _authorization(head: Head, _name: bytes, value: bytes) -> None:
    scheme, _, key = value.partition(b" ")
    if scheme.lower() == b"bearer":
        head.key = key.strip()


def _x_api_key(head: Head, _name: bytes, value: bytes) -> None:
    if head.key is None:
        head.key = value.strip()


def _host(head: Head, _name: bytes, value: bytes) -> None:
    head.hosts += 1
    if _HOST.fullmatch(value) is None:
        head.fault = "The Host header names no host."


def _content_type(head: Head, _name: bytes, value: bytes) -> None:
    head.content_type = value


def _content_encoding(head: Head, _name: bytes, value: bytes) -> None:
    head.content_encoding = value


def _content_length(head: Head, _name: bytes, value: bytes) -> None:
    # llhttp has checked the digits, but takes any number of zeros in front of them.
    if len(value) > LENGTH_DIGITS_MAX:
        head.fault = "The content-length is too long."
    else:
        head.announced = int(value)


def _transfer_encoding(head: Head, _name: bytes, value: bytes) -> None:
    head.chunked = True
    if value.lower() != b"chunked":
        head.fault = "The only transfer-encoding is chunked."


def _expect(head: Head, _name: bytes, value: bytes) -> None:
    head.expects_continue = value.lower() == b"100-continue"


def _cache(head: Head, _name: bytes, value: bytes) -> None:
    head.cache = value.lower()


def _data_class(head: Head, _name: bytes, value: bytes) -> None:
    head.data_class = value


def _run(head: Head, _name: bytes, value: bytes) -> None:
    head.run = value


def _tag(head: Head, _name: bytes, value: bytes) -> None:
    head.tags = value if head.tags is None else head.tags + b"," + value


def _outcome(head: Head, _name: bytes, value: bytes) -> None:
    head.outcome = value if head.outcome is None else head.outcome + b"," + value


def _session(head: Head, _name: bytes, value: bytes) -> None:
    head.session = value


def _task(head: Head, _name: bytes, value: bytes) -> None:
    head.task = value


def _horizon(head: Head, _name: bytes, value: bytes) -> None:
    head.horizon = value


def _traceparent(head: Head, _name: bytes, value: bytes) -> None:
    head.traceparent = value


def _idempotency_key(head: Head, _name: bytes, value: bytes) -> None:
    other = head.idempotency_key not in (None, value)
    head.idempotency_key = b"" if other else value


def _retry_unknown(head: Head, _name: bytes, value: bytes) -> None:
    head.retry_unknown = value.lower() == b"true"


def _approval(head: Head, _name: bytes, value: bytes) -> None:
    head.approval = value


def _prefer(head: Head, _name: bytes, value: bytes) -> None:
    preferences = (each.partition(b";")[0].strip().lower() for each in value.split(b","))
    if b"respond-async" in preferences:
        head.respond_async = True


def _priority(head: Head, _name: bytes, value: bytes) -> None:
    head.priority = value


def _deadline(head: Head, _name: bytes, value: bytes) -> None:
    head.deadline = value


def _forwarded_for(head: Head, _name: bytes, value: bytes) -> None:
    before = head.forwarded_for
    head.forwarded_for = value if before is None else before + b"," + value


def _request_id(head: Head, _name: bytes, value: bytes) -> None:
    if head.request_id is None and _REQUEST_ID.fullmatch(value) is not None:
        head.request_id = value
        head.lines += b"x-request-id: %b\r\n" % value


def forward(head: Head, name: bytes, value: bytes) -> None:
    """Keep a header that some dialect sends on."""
    head.forwarded.append((name.lower(), value))


HEADERS: Final[dict[bytes, HeaderTaker]] = {
    b"authorization": _authorization,
    b"x-api-key": _x_api_key,
    b"x-goog-api-key": _x_api_key,
    b"host": _host,
    b"content-type": _content_type,
    b"content-encoding": _content_encoding,
    b"content-length": _content_length,
    b"transfer-encoding": _transfer_encoding,
    b"expect": _expect,
    b"x-headgate-cache": _cache,
    b"x-headgate-data-class": _data_class,
    b"x-headgate-deadline": _deadline,
    b"x-headgate-outcome": _outcome,
    b"x-headgate-priority": _priority,
    b"x-headgate-run": _run,
    b"x-headgate-session": _session,
    b"x-headgate-horizon": _horizon,
    b"x-headgate-task": _task,
    b"x-headgate-tag": _tag,
    b"idempotency-key": _idempotency_key,
    b"x-idempotency-key": _idempotency_key,
    b"x-headgate-retry-unknown": _retry_unknown,
    b"x-headgate-approval": _approval,
    b"x-request-id": _request_id,
    b"prefer": _prefer,
    b"upgrade": forward,
}
"""Who takes a header, by its lower-case name; others are dropped."""


def header_takers(
    dialects: Iterable[Dialect],
    more: Mapping[bytes, HeaderTaker],
    *,
    traced: bool,
    forwarded: bytes | None,
) -> HeaderTakers:
    """Return the edge's own headers, and those that some dialect sends on or is known by.

    Args:
        dialects: All of them.
        more: Who takes what else.
        traced: Whether the span that a client calls in is of use to anybody.
        forwarded: The header in which proxies say whose a request is, None when nobody asks.
    """
    takers = HeaderTakers()
    for dialect in dialects:
        names = dialect.FORWARDED if dialect.SIGN is None else {*dialect.FORWARDED, dialect.SIGN}
        takers.update(dict.fromkeys(names, forward))
    takers.update(HEADERS)
    takers.update(more)
    if traced:
        takers[b"traceparent"] = _traceparent
    if forwarded is not None:
        takers[forwarded] = _forwarded_for
    return takers
