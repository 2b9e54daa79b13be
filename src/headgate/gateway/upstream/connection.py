"""One connection to a provider: writes a request, reads the reply, goes back to its pool."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from headgate.dial.failures import unproved
from headgate.dialects.sse import EventTooLongError
from headgate.gateway.upstream.unpacking import TOO_LARGE, Unpacker, unpacker_of
from headgate.providers.envelope import PLAIN, Envelope, FrameError, Unframer

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.upstream.pool import Pool
    from headgate.records.report import Report

EVENT_STREAM: Final = b"text/event-stream"
FRAMING: Final = (b"content-length", b"transfer-encoding")
REQUEST_IDS: Final = (b"x-request-id", b"request-id")
LONG_BYTES: Final = 16 << 10
"""A shorter body is put together with its head."""

HEAD_BYTES_MAX: Final = 1 << 20
"""A longer head of a reply has no end; those of providers have a few kB."""


IN_HAND: Final = "closed_before_sent"
"""Why an attempt ended whose request was still in our hands when its kept connection did."""


class UpstreamConnection(asyncio.Protocol):
    """One keep-alive connection; serves one exchange at a time.

    Attributes:
        exchange: The one it serves, None while it is idle in the pool.
        reused: Whether it served an exchange before.
        fault: Why it breaks off, when it does.
        framed: Whether the reply says itself where it ends; else its end is the connection's.
        status: Of the reply that is being read, 0 before its head.
        passed: Header lines of the reply that go to the client.
        active_ms: Coarse time of the last read or hand-over; the sweep compares.
        sent_ms: Coarse time of the last request.
    """

    __slots__ = (
        "_body",
        "_clock",
        "_complete",
        "_full",
        "_head_bytes",
        "_keep_alive",
        "_more",
        "_parser",
        *("_paused", "_payload", "_pending", "_pieces", "_pool"),
        "_surplus",
        "_told",
        "_unframer",
        "_unpacker",
        "active_ms",
        *("content_encoding", "content_type"),
        "exchange",
        "fault",
        "framed",
        "passed",
        "request_id",
        "reused",
        "sent_ms",
        "status",
        "transport",
    )

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._clock = pool.clock
        self._parser = HttpResponseParser(self)
        self._paused = False
        self._payload = b""
        self._more: list[bytes] = []
        self._pending = self._body = b""
        self.exchange: Exchange | None = None
        self.transport: asyncio.Transport | None = None
        self.reused = self._full = False
        self._pieces: Iterator[bytes] | None = None
        self.fault = "connection_lost"
        self.active_ms = self.sent_ms = 0
        self._reset()

    def _reset(self) -> None:
        self.status = 0
        self.content_type = b""
        self.content_encoding = b""
        self.request_id: bytes | None = None
        self.passed = b""
        self.framed = False
        self._head_bytes = 0
        self._told = False
        self._unframer: Unframer | None = None
        self._unpacker: Unpacker | None = None
        self._complete = False
        self._surplus = False
        self._keep_alive = False

    def send(self, exchange: Exchange, head: bytes, body: bytes) -> None:
        """Send a whole request for an exchange."""
        assert self.transport is not None
        self.exchange = exchange
        self.active_ms = self.sent_ms = self._clock.coarse_ms
        if len(body) < LONG_BYTES:
            self._pending = head + body
        else:
            # Put together, a long body would be copied once more.
            self._pending, self._body = head, body
        self._pool.outbox.add(self)

    def flush(self) -> None:
        """Send what is pending."""
        data, self._pending = self._pending, b""
        if not data or self.transport is None:
            return
        if self._body:
            body, self._body = self._body, b""
            self.transport.writelines((data, body))
        else:
            self.transport.write(data)

    def send_pieces(self, exchange: Exchange, head: bytes, pieces: Iterator[bytes]) -> None:
        """Send a request whose body comes in pieces, as fast as the provider takes them."""
        assert self.transport is not None
        self.exchange = exchange
        self.active_ms = self.sent_ms = self._clock.coarse_ms
        self.transport.write(head)
        self._pieces = pieces
        self._send_on()

    def _send_on(self) -> None:
        try:
            while self._pieces is not None and not self._full and self.transport is not None:
                piece = next(self._pieces, None)
                if piece is None:
                    self._pieces = None
                elif piece:
                    self.transport.write(piece)
        except OSError:
            # What is missing cannot be made up: the request is broken off.
            self._break_off()
            return
        self.active_ms = self._clock.coarse_ms
        if self.exchange is not None and not self.status:
            # The provider has the time for its answer from the last byte on.
            self.exchange.since_ms = self.active_ms

    def give_back(self) -> None:
        """Go to the pool unused: the exchange it was opened for is over."""
        self._pool.put(self)

    def abort(self) -> None:
        """Close without telling the exchange: it has given up on the reply."""
        self.exchange = self._pieces = None
        if self.transport is not None:
            self.transport.abort()

    def pause(self) -> None:
        """Stop reading until `resume`, because the client is slower."""
        self._paused = True
        if self.transport is not None:
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read on; the pause was no silence of the provider's."""
        self._paused = False
        self.active_ms = self._clock.coarse_ms
        if self.transport is not None:
            self.transport.resume_reading()

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop has classes of its own that are not asyncio.Transport.
        self.transport = cast(asyncio.Transport, transport)

    def pause_writing(self) -> None:
        """The provider reads more slowly than a form is read from the disk."""
        self._full = True

    def resume_writing(self) -> None:
        """The provider has caught up."""
        self._full = False
        self._send_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the exchange, unless the orderly end of the connection is the end of the reply."""
        self.transport = self._pieces = None
        self._pool.forget(self)
        exchange, self.exchange = self.exchange, None
        if exchange is None:
            return
        if self._complete and self._is_unpacked():
            # Its reply was still to be read.
            exchange.reply_ends(self)
        elif exc is None and self.status and not self.framed and self._told and self._is_unpacked():
            exchange.reply_ends(self)
        elif self._pending:
            exchange.unreachable(IN_HAND)
        elif self.reused or self.status or (reason := unproved(exc)) is None:
            exchange.upstream_lost(self)
        else:
            # In TLS 1.3 our proof is looked at when we have sent already; nobody read that.
            exchange.unreachable(reason)

    def eof_received(self) -> bool:
        """Close when the provider half-closes."""
        return False

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then tell the exchange once what this read brought."""
        self.active_ms = self._clock.coarse_ms
        exchange = self.exchange
        if self._complete:
            # It has given a whole reply, which is still to be read, and goes on.
            self._surplus = True
            return
        if not self._is_read(data):
            self._break_off()
            return
        if exchange is None:
            # Nobody asked: whatever it is, this connection is out of step.
            self._break_off()
            return
        if not self._told:
            self._begin(exchange, len(data))
        if self._payload and not self._goes_on(exchange):
            return
        if self._complete and self.exchange is exchange:
            exchange.reply_whole(self)
        elif self._complete:
            self.end()

    def _is_read(self, data: bytes) -> bool:
        """Feed the parser; tell whether what came is HTTP."""
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            # When the reply is whole, it is what follows it that is not.
            self._surplus = True
            return self._complete
        return True

    def _goes_on(self, exchange: Exchange) -> bool:
        """Tell the exchange what came; False where the connection is broken off for that."""
        payload, self._payload = self._payload, b""
        if self._more:
            payload += b"".join(self._more)
            self._more.clear()
        if self._unframer is not None:
            payload = self._unframed(self._unframer, payload)
        if self.exchange is not exchange:
            return True
        try:
            exchange.reply_goes_on(payload)
        except EventTooLongError:
            self.fault = TOO_LARGE
            self._break_off()
            return False
        return True

    def _begin(self, exchange: Exchange, read_bytes: int) -> None:
        """Tell the exchange of a head that is whole; give up on one that has no end."""
        if self.status:
            self._told = True
            exchange.reply_begins(self)
            return
        self._head_bytes += read_bytes
        if self._head_bytes > HEAD_BYTES_MAX:
            self._break_off()

    def _unframed(self, unframer: Unframer, payload: bytes) -> bytes:
        """Return the events in a payload; nothing, and no more, once its framing is broken."""
        try:
            return unframer.feed(payload)
        except FrameError:
            if self._unpacker is not None:
                self.fault = self._unpacker.fault
            self._surplus = True
            self._break_off()
            return b""

    def _is_unpacked(self) -> bool:
        """Tell whether the end of a compressed reply is where its encoding says."""
        unpacker = self._unpacker
        if unpacker is None or unpacker.whole:
            return True
        self.fault = unpacker.fault
        return False

    def end(self, report: Report | None = None) -> None:
        """End the reply, which is whole, and go to the pool for the next one.

        Args:
            report: What the reply says of itself, None where that was not read yet.
        """
        if self._unpacker is not None and not self._is_unpacked():
            self._break_off()
            return
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.reply_ends(self, report)
        keep = self._keep_alive and not self._surplus
        if self._pieces is not None:
            # It has answered before it had the whole form; the rest is of no use to it.
            self.abort()
            return
        self._reset()
        if not self.reused:
            self.reused = True
            self._pool.learn(self)
        if keep and self.transport is not None:
            if self._paused:
                # The client fell behind with the very last bytes.
                self.resume()
            self._pool.put(self)
        elif self.transport is not None:
            self.transport.close()

    def _break_off(self) -> None:
        exchange, self.exchange, self._pieces = self.exchange, None, None
        if self.transport is not None:
            self.transport.abort()
        if exchange is not None:
            exchange.upstream_lost(self)

    # llhttp's callbacks

    def on_message_begin(self) -> None:
        """A reply begins; one that follows a whole reply was not asked for."""
        self._surplus = self._complete

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what is metered by, decided by, or passed to the client."""
        if self._surplus:
            return
        known = self._pool.names[name]
        if known is None:
            return
        if known == b"content-type":
            self.content_type = value
        elif known in FRAMING:
            self.framed = True
        elif known == b"content-encoding":
            self.content_encoding = value
        else:
            self.passed += b"%b: %b\r\n" % (known, value)
            if known in REQUEST_IDS:
                self.request_id = value

    def on_headers_complete(self) -> None:
        """The head is whole; an interim one (1xx) is passed over."""
        if self._surplus:
            return
        status = self._parser.get_status_code()
        if status >= 200:
            self.status = status
            if self._pool.envelopes and self.exchange is not None:
                self._take_framing(self._pool.envelopes.get(self.exchange.spoken.KIND, PLAIN))
            if self.content_encoding:
                self._take_encoding()
            self._keep_alive = self._parser.should_keep_alive()
        else:
            self._reset()

    def _take_framing(self, envelope: Envelope) -> None:
        """Undo a framing of the provider's own, so that the rest sees server-sent events."""
        if envelope.unframer is not None and self.content_type == envelope.frames_type:
            self._unframer = envelope.unframer()
            self.content_type = EVENT_STREAM

    def _take_encoding(self) -> None:
        """Unpack a reply that is compressed, so that the rest sees it plain."""
        self._unpacker = unpacker_of(self.content_encoding, self._unframer)
        if self._unpacker is not None:
            self._unframer = self._unpacker
            self.content_encoding = b""

    def on_body(self, body: bytes) -> None:
        """Collect the payload of this read, without its framing; mostly it is one piece."""
        if self._surplus:
            return
        if self._payload:
            self._more.append(body)
        else:
            self._payload = body

    def on_message_complete(self) -> None:
        """The reply is whole, by its own framing."""
        if self.status:
            self._complete = True
