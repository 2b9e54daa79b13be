"""The HTTP/1.1 edge: one client connection, from bytes to requests and back.

An `asyncio.Protocol` over httptools (llhttp): callbacks only, no task per request. A second
request that arrives while one is being answered waits its turn; reading pauses when too many do.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from httptools import HttpParserError, HttpRequestParser

from headgate.gateway.http_bytes import CONTINUE, whole
from headgate.gateway.request import Request
from headgate.gateway.settings import HEAD_BYTES_MAX, HEADERS_MAX, PIPELINED_MAX
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline

WRITE_HIGH_WATER_BYTES = 256 << 10


class ClientConnection(asyncio.Protocol):
    """One client connection.

    Attributes:
        exchange: The call being answered, None between calls.
        busy: Whether any request is being answered.
        phase: What is being received: `idle`, `head` or `body`.
        phase_since_ms: Coarse time at which it began, or the client stopped reading.
    """

    __slots__ = (
        "_body_bytes_max",
        "_clock",
        "_head_bytes",
        "_header_takers",
        "_headers",
        "_hosts",
        "_nothing",
        "_parser",
        "_pipeline",
        "_queue",
        "_refused",
        "_request",
        "_url",
        "busy",
        "dialects",
        "exchange",
        "paused",
        "phase",
        "phase_since_ms",
        "transport",
    )

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._clock = pipeline.world.clock
        self._header_takers = pipeline.header_takers
        self._body_bytes_max = pipeline.edge.body_bytes_max
        self.dialects = tuple(pipeline.world.dialects.values())
        self._parser = HttpRequestParser(self)
        self._queue: deque[Request] = deque()
        self._nothing = self._request = Request()
        self._url = b""
        self._headers = self._hosts = self._head_bytes = 0
        self._refused = False
        self.exchange: Exchange | None = None
        self.busy = False
        self.paused = False
        self.phase = "idle"
        self.phase_since_ms = 0
        self.transport: asyncio.Transport | None = None

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take up a connection, or turn it away when there are too many."""
        # uvloop has classes of its own that are not asyncio.Transport.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_HIGH_WATER_BYTES)
        self.phase_since_ms = self._clock.coarse_ms
        if not self._pipeline.admit(self):
            self.refuse(Refusal(errors.OVERLOADED, "Too many connections are open.", None, 1))

    def connection_lost(self, _exc: Exception | None) -> None:
        """The client is gone: its call is drained or cancelled, what waits is forgotten."""
        self.transport = None
        self._forget_body()
        self._queue.clear()
        self._pipeline.forget(self)
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.client_gone()

    def eof_received(self) -> bool:
        """A client that half-closes is done: the connection closes."""
        return False

    def pause_writing(self) -> None:
        """The client reads too slowly: the upstream is not read meanwhile."""
        self.paused = True
        self.phase_since_ms = self._clock.coarse_ms
        if self.exchange is not None:
            self.exchange.pause()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.paused = False
        if self.exchange is not None:
            self.exchange.resume()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; its callbacks do the rest."""
        if self._refused:
            return
        if self.phase == "idle" and not self.busy:
            self.phase = "head"
            self.phase_since_ms = self._clock.coarse_ms
        if self.phase == "head":
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError:
            self.refuse(Refusal(errors.REQUEST_MALFORMED, errors.REQUEST_MALFORMED.sentence))
            return
        if self.phase == "head" and self._head_bytes > HEAD_BYTES_MAX:
            self.refuse(Refusal(errors.HEAD_TOO_LARGE, f"A head has {HEAD_BYTES_MAX} bytes."))

    # llhttp's callbacks

    def on_message_begin(self) -> None:
        """A request begins."""
        self._request = Request()
        self._url = b""
        self._headers = self._hosts = 0
        if self.phase == "idle":
            # Another one, behind one that is being answered: its head is counted as well.
            self.phase = "head"
            self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take the target, which may come in pieces."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the few headers that matter."""
        self._headers += 1
        name = name.lower()
        take = self._header_takers.get(name)
        if take is not None:
            take(self, name, value)

    def on_headers_complete(self) -> None:
        """The head is whole: find out who asks before the body is read."""
        request = self._request
        parser = self._parser
        request.method = parser.get_method()
        request.path = self._url.partition(b"?")[0]
        request.http10 = parser.get_http_version() == "1.0"
        request.keep_alive = parser.should_keep_alive()
        self.phase = "body"
        self.phase_since_ms = self._clock.coarse_ms
        self._head_bytes = 0
        if self._headers > HEADERS_MAX:
            self.refuse(Refusal(errors.HEAD_TOO_LARGE, f"A head has {HEADERS_MAX} headers."))
        elif self._hosts != 1 and not request.http10:
            self.refuse(Refusal(errors.REQUEST_MALFORMED, "Send exactly one Host header."))
        elif parser.should_upgrade():
            self.refuse(Refusal(errors.REQUEST_MALFORMED, "This gateway does not upgrade."))
        elif request.body_bytes > self._body_bytes_max:
            self._refuse_large()
        else:
            # What was announced is counted when it comes.
            request.body_bytes = 0
            request.credential = self._pipeline.identify(request.key)
            if request.expects_continue and not self.busy:
                self.write(CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body, within bounds."""
        if self._refused:
            return
        request = self._request
        request.body_bytes += len(body)
        if request.body_bytes > self._body_bytes_max:
            self._refuse_large()
        elif not self._pipeline.buffer(len(body)):
            self.refuse(Refusal(errors.OVERLOADED, "Too many bodies are being read.", None, 1))
        else:
            request.parts.append(body)

    def on_message_complete(self) -> None:
        """A request is whole: answer it, or let it wait for the one before."""
        if self._refused:
            return
        request, self._request = self._request, self._nothing
        self.phase = "idle"
        self.phase_since_ms = self._clock.coarse_ms
        if not self.busy:
            self.busy = True
            self._pipeline.begin(self, request)
            return
        self._queue.append(request)
        if len(self._queue) >= PIPELINED_MAX and self.transport is not None:
            self.transport.pause_reading()

    # what the pipeline calls

    def write(self, data: bytes) -> None:
        """Send bytes to the client, if it is still there."""
        if self.transport is not None:
            self.transport.write(data)

    def done(self, *, keep_alive: bool) -> None:
        """The answer is written: take the next request, or close."""
        self.exchange = None
        self.busy = False
        self.phase_since_ms = self._clock.coarse_ms
        transport = self.transport
        if transport is None:
            return
        if not keep_alive or self._pipeline.stopping:
            transport.close()
        elif self._queue:
            request = self._queue.popleft()
            transport.resume_reading()
            self.busy = True
            self._pipeline.begin(self, request)

    def refuse(self, refusal: Refusal) -> None:
        """Answer with a refusal and close: the stream of requests is not in step any more."""
        self._refused = True
        self._forget_body()
        if not self.busy:
            self.write(self._plain(refusal))
        if self.transport is not None:
            self.transport.close()

    def _plain(self, refusal: Refusal) -> bytes:
        """Render a refusal to somebody whose dialect is not known yet: in the unsigned one."""
        spoken = next(each for each in self.dialects if each.SIGN is None)
        headers = [(b"x-headgate-code", refusal.code.code.encode())]
        if refusal.retry_after_s is not None:
            headers.append((b"retry-after", b"%d" % refusal.retry_after_s))
        body = spoken.render_refusal(refusal, None)
        return whole(refusal.code.status, body, headers, close=True)

    def _refuse_large(self) -> None:
        limit = self._body_bytes_max
        self.refuse(Refusal(errors.BODY_TOO_LARGE, f"A body may have {limit} bytes."))

    def _forget_body(self) -> None:
        self._pipeline.unbuffer(sum(len(part) for part in self._request.parts))
        for waiting in self._queue:
            self._pipeline.unbuffer(waiting.body_bytes)
        self._request = self._nothing

    # one small function per header that matters

    def _authorization(self, _name: bytes, value: bytes) -> None:
        scheme, _, key = value.partition(b" ")
        if scheme.lower() == b"bearer":
            self._request.key = key.strip()

    def _x_api_key(self, _name: bytes, value: bytes) -> None:
        if self._request.key is None:
            self._request.key = value.strip()

    def _host(self, _name: bytes, _value: bytes) -> None:
        self._hosts += 1

    def _content_type(self, _name: bytes, value: bytes) -> None:
        self._request.content_type = value

    def _content_encoding(self, _name: bytes, value: bytes) -> None:
        self._request.content_encoding = value

    def _content_length(self, _name: bytes, value: bytes) -> None:
        # Announced now, checked before the body is read; llhttp has checked the digits.
        self._request.body_bytes = int(value)

    def _expect(self, _name: bytes, value: bytes) -> None:
        self._request.expects_continue = value.lower() == b"100-continue"

    def _run(self, _name: bytes, value: bytes) -> None:
        self._request.run = value

    def forward(self, name: bytes, value: bytes) -> None:
        """Keep a header that some dialect sends on."""
        self._request.forwarded.append((name, value))


HeaderTaker = Callable[[ClientConnection, bytes, bytes], None]

HEADERS: dict[bytes, HeaderTaker] = {
    b"authorization": ClientConnection._authorization,
    b"x-api-key": ClientConnection._x_api_key,
    b"host": ClientConnection._host,
    b"content-type": ClientConnection._content_type,
    b"content-encoding": ClientConnection._content_encoding,
    b"content-length": ClientConnection._content_length,
    b"expect": ClientConnection._expect,
    b"x-headgate-run": ClientConnection._run,
}
"""Who takes a header, by its lower-case name; others are dropped."""
