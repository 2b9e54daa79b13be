"""The HTTP/1.1 edge: one client connection, from bytes to requests and back.

An `asyncio.Protocol` over httptools (llhttp): callbacks only, no task per request. A second
request that arrives while one is being answered waits its turn; reading pauses when too many do.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import httptools

from headgate.gateway import refusals, settings
from headgate.gateway.client import upgrades
from headgate.gateway.client.heads import Met
from headgate.gateway.client.http_bytes import CONTINUE
from headgate.gateway.client.presence import has_left
from headgate.gateway.client.request import Head, Request
from headgate.gateway.client.sending import SendingConnection
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.pipeline import Pipeline


class ClientConnection(SendingConnection):
    """One client connection: what it receives, and in which order that is answered.

    Attributes:
        busy: Whether any request is being answered.
        phase: What is being received: `idle`, `head` or `body`; nothing more once it is `over`.
        request: What is received, without its body between requests.
    """

    __slots__ = (
        "_behind",
        "_body_bytes_max",
        "_head",
        "_head_bytes",
        "_header_takers",
        "_headers",
        "_heads",
        "_last",
        "_left",
        "_met",
        "_nothing",
        "_parser",
        "_queue",
        "_read_bytes",
        "_taking",
        "_url",
        "busy",
        "phase",
        "request",
    )

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline)
        self._header_takers = pipeline.header_takers
        self._body_bytes_max = pipeline.edge.body_bytes_max
        # Most connections bring heads that were met before, and never need one.
        self._parser: httptools.HttpRequestParser | None = None
        self._queue: list[Request] = []
        self._heads = pipeline.heads
        self._nothing = self.request = pipeline.heads.nothing
        self._head = self._nothing.head
        self._met: Met | None = None
        self._left = 0
        self._url = self._behind = b""
        self._headers = self._head_bytes = self._read_bytes = 0
        self._last: Refusal | None = None
        self._taking = False
        self.busy = False
        self.phase = "idle"

    @property
    def is_fresh(self) -> bool:
        """Whether it has brought nothing yet: its client has connected to ask."""
        return self._parser is None and self._met is None

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take up a connection, or turn it away when there are too many."""
        # uvloop has classes of its own that are not asyncio.Transport.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=settings.WRITE_HIGH_WATER_BYTES)
        self.phase_since_ms = self.clock.coarse_ms
        if not self._pipeline.admit(self):
            self.refuse(Refusal(errors.OVERLOADED, "Too many connections are open.", None, 1))

    def connection_lost(self, _exc: Exception | None) -> None:
        """The client is gone: its call is drained or cancelled, what waits is forgotten."""
        self.transport = None
        self.phase = "over"
        self._forget_request()
        self._forget_queue()
        self._pipeline.forget(self)
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.client_gone()

    def eof_received(self) -> bool:
        """A client that half-closes is done: the connection closes."""
        return False

    def data_received(self, data: bytes) -> None:
        """Take what came: the rest of a body, a head met before, or bytes for the parser."""
        while data and self.phase != "over":
            if self._left:
                data = self._go_on(data)
            elif self.phase == "idle" and (met := self._meet(data)) is not None:
                data = met
            else:
                self._parse(data)
                return

    def _meet(self, data: bytes) -> bytes | None:
        """Begin a request whose head was met before; returns what follows the head, or None."""
        met = self._met = self._heads.meet(data, self._met)
        if met is None or met.head is None:
            return None
        start, length = met.end, met.length
        self._receive(met.head, length)
        if not length:
            self.on_message_complete()
        return data[start:]

    def _go_on(self, data: bytes) -> bytes:
        """Take a piece of a body whose head was met before; returns what follows the body."""
        left = self._left
        if len(data) <= left:
            piece, data = data, b""
        else:
            piece, data = data[:left], data[left:]
        self._left = left - len(piece)
        self.on_body(piece)
        if not self._left:
            self.on_message_complete()
        return data

    def _parse(self, data: bytes) -> None:
        """Feed the parser; its callbacks do the rest."""
        if self.phase == "idle":
            self._head = self._nothing.head
            if not self.busy:
                self.phase = "head"
                self.phase_since_ms = self.clock.coarse_ms
        self._parser = self._parser or httptools.HttpRequestParser(self)
        try:
            for start in range(0, len(data), settings.PIECE_BYTES):
                piece = data[start : start + settings.PIECE_BYTES]
                while piece:
                    piece = self._feed(self._parser, piece)
        except httptools.HttpParserCallbackError:
            # What a callback raised is a bug of ours, no fault of the client's.
            raise
        except httptools.HttpParserError:
            self.refuse(Refusal(errors.REQUEST_MALFORMED, errors.REQUEST_MALFORMED.sentence))
            return
        finally:
            self._met = None

    def _feed(self, parser: httptools.HttpRequestParser, piece: bytes) -> bytes:
        """Feed a piece, and count what neither ends a head nor belongs to a body.

        Returns what is behind a head whose upgrade is passed over: another parser takes that.
        """
        if self.phase == "over":
            return b""
        self._read_bytes += len(piece)
        rest = b""
        try:
            parser.feed_data(piece)
        except httptools.HttpParserUpgrade as stopped:
            rest = piece[stopped.args[0] :]
            behind, self._behind = self._behind, b""
            self._parser = upgrades.parser_behind(self, behind)
        if self.phase == "head" and self._read_bytes > settings.HEAD_BYTES_MAX:
            self.refuse(refusals.HEAD_TOO_LARGE)
        elif self.phase == "body" and self._read_bytes > settings.FRAMING_BYTES_MAX:
            self.refuse(refusals.FRAMING_TOO_LARGE)
        return rest

    # llhttp's callbacks; those of a body serve heads met before as well

    def on_message_begin(self) -> None:
        """A request begins, if it is not a body that is framed anew."""
        if self.phase in ("over", "body"):
            return
        if self.phase != "head":
            self.phase = "head"
            self.phase_since_ms = self.clock.coarse_ms
        self._head = Head()
        self._url = b""
        self._headers = self._head_bytes = self._read_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take the target, which may come in pieces."""
        self._head_bytes += len(url)
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the few headers that matter; not what follows a body, when all is decided."""
        if self.phase != "head":
            return
        self._headers += 1
        self._head_bytes += len(name) + len(value) + 4
        take = self._header_takers[name]
        if take is not None:
            take(self._head, name, value)

    def on_headers_complete(self) -> None:
        """The head is whole: find out who asks before the body is read."""
        if self.phase != "head":
            return
        head, parser = self._head, self._parser
        assert parser is not None
        # Its shape is that of the first head of a read: those behind it are others.
        met, self._met = self._met, None
        method = parser.get_method()
        head.bodiless = method == b"HEAD"
        head.method = b"GET" if head.bodiless else method
        head.take_target(self._url)
        version = parser.get_http_version()
        head.http10 = version == "1.0"
        if version not in ("1.1", "1.0"):
            # The parser takes these for HTTP/1.1 as well.
            head.fault = f"This gateway speaks HTTP/1.1, not {version}."
        stays = parser.should_keep_alive() and not head.http10
        head.keep_alive = stays and not self._pipeline.retiring
        self._read_bytes = 0
        if self._headers > settings.HEADERS_MAX or self._head_bytes > settings.HEAD_BYTES_MAX:
            self.refuse(refusals.HEAD_TOO_LARGE)
        elif (fault := head.check()) is not None:
            self.refuse(Refusal(errors.REQUEST_MALFORMED, fault))
        elif (passed := parser.should_upgrade()) and upgrades.asks_websocket(head):
            self.refuse(refusals.NO_REALTIME)
        else:
            self._behind = upgrades.framing(head) if passed else b""
            self._receive(head, head.announced)
            # The parser counts the body's bytes itself.
            self._left = 0
            if met is not None and met.head is None and self.request.credential is not None:
                self._heads.keep(met, head)

    def _receive(self, head: Head, length: int) -> None:
        """A head is whole and in order: find out who asks, and await the body."""
        self.phase = "body"
        self.phase_since_ms = self.clock.coarse_ms
        uploads = self._pipeline.uploads
        is_form = head.path in uploads.paths
        most = uploads.bytes_max if is_form else self._body_bytes_max
        if length > most:
            self._head = head
            self.refuse(refusals.body_too_large(most))
            return
        self._left = length
        request = self.request = Request(head, self._pipeline.identify(head.key))
        if request.credential is None and (full := self._pipeline.hooks.begin(request)) is not None:
            self.refuse(full)
            return
        if is_form:
            uploads.begin(self.request)
        if head.expects_continue and not (self.busy or head.http10):
            self.write(CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body, within bounds."""
        if self.phase == "over":
            return
        request = self.request
        self._read_bytes = 0
        if request.upload is not None:
            if (refusal := request.upload.take(body)) is not None:
                self.refuse(refusal)
            return
        request.body_bytes += len(body)
        if request.body_bytes > self._body_bytes_max:
            self.refuse(refusals.body_too_large(self._body_bytes_max))
        elif request.credential is None:
            # Strangers fill no memory: they are refused whatever they send.
            return
        elif not self._pipeline.buffer(len(body)):
            self._pipeline.unbuffer(len(body))
            self.refuse(Refusal(errors.OVERLOADED, "Too many bodies are being read.", None, 1))
        else:
            request.parts.append(body)

    def on_message_complete(self) -> None:
        """A request is whole: answer it, or let it wait for the one before."""
        if self.phase == "over" or self._behind:
            return
        request, self.request = self.request, self._nothing
        self.phase = "idle"
        self.phase_since_ms = self.clock.coarse_ms
        if request.credential is None:
            request.body_bytes = 0
        if not self.busy:
            self.answer(request)
            return
        self._queue.append(request)
        if len(self._queue) >= settings.PIPELINED_MAX and self.transport is not None:
            self.transport.pause_reading()

    def answer(self, request: Request) -> None:
        """Answer a request that is whole, and whose turn it is."""
        self.busy = True
        self._pipeline.begin(self, request)

    # what the pipeline calls

    def done(self, *, keep_alive: bool) -> None:
        """The answer is written: take the next request, or close."""
        self.exchange = None
        self.busy = False
        self.phase_since_ms = self.clock.coarse_ms
        if self.transport is None:
            return
        if not keep_alive or self._pipeline.stopping:
            self.phase = "over"
            self._forget_request()
            self._forget_queue()
            self.close()
        elif self._last is not None or self._queue:
            self._take_next()
        if self.phase == "body" and not (self.busy or self._queue or self._taking):
            self._invite()

    def _invite(self) -> None:
        """Ask for a body whose turn has come, if its client waits to be asked (RFC 9110, 10.1.1).

        It may as well have begun to send: a client need not wait for ever.
        """
        request = self.request
        size = request.body_bytes if request.upload is None else request.upload.size
        if request.head.expects_continue and not (size or request.head.http10):
            self.write(CONTINUE)

    def _take_next(self) -> None:
        """Begin the requests that wait, in turn, until one of them has to wait itself."""
        if self._taking:
            # It was answered at once, from the loop below, which goes on.
            return
        self._taking = True
        while self._queue and not self.busy:
            if len(self._queue) >= settings.PIPELINED_MAX and self._gave_up():
                break
            self.answer(self._queue.pop(0))
        self._taking = False
        if self._last is not None and not self.busy and not self._queue:
            last, self._last = self._last, None
            self.say_last(last)
        elif self.phase != "over" and len(self._queue) < settings.PIPELINED_MAX:
            assert self.transport is not None
            self.transport.resume_reading()

    def _gave_up(self) -> bool:
        """Give up on a client if it has left while it was not read, for so many of its calls wait.

        Nothing would tell of its end before another of them has begun.
        """
        if self.transport is None or not has_left(self.transport):
            return False
        self.phase = "over"
        self._last = None
        self._forget_request()
        self._forget_queue()
        self.close()
        return True

    def refuse(self, refusal: Refusal) -> None:
        """Refuse what is being received, behind the answers that are due, and then close.

        In plain JSON, for the dialect is not known (yet); the requests are not in step any more.
        """
        if self.phase == "over":
            return
        sending = self.phase != "idle"
        self.bodiless = sending and self._head.bodiless
        self.phase = "over"
        self._forget_request()
        if self.busy:
            self._last = refusal
        else:
            self.say_last(refusal, linger=sending)

    def _forget_request(self) -> None:
        self._pipeline.drop(self.request)
        self.request = self._nothing

    def _forget_queue(self) -> None:
        while self._queue:
            self._pipeline.drop(self._queue.pop(0))
