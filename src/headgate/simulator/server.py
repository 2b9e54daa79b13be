"""A small HTTP/1.1 server that plays replies at their own pace."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httptools

from headgate.simulator.replies import Ending, Framing, Reply, Step, body_reply

BODY_BYTES_MAX = 32 * 1024 * 1024
HEAD_BYTES_MAX = 64 * 1024
PIPELINED_MAX = 16
# Steps without a wait that are played before other connections get their turn.
BURST_STEPS_MAX = 64
_REASONS = {status.value: status.phrase for status in HTTPStatus} | {529: "Overloaded"}
_RESET_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Request:
    """One request that was read to its end; `body` is empty when it was `too_large`."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    too_large: bool = False

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def header(self, name: str) -> str | None:
        """Return the first header called `name` (given in lower case)."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class Exchange:
    """One request and its reply on a connection."""

    __slots__ = (
        "_connection",
        "_ended",
        "_head_sent",
        "_next",
        "_reply",
        "_sent_tokens",
        "_timer",
        "_wants_room",
        "on_cancel",
    )

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._reply: Reply | None = None
        self._next: Step | None = None
        self._timer: asyncio.Handle | None = None
        self._head_sent = False
        self._wants_room = False
        self._ended = False
        self._sent_tokens = 0
        self.on_cancel: Callable[[], None] | None = None

    @property
    def ended(self) -> bool:
        """Whether the reply was sent or the client is gone."""
        return self._ended

    def reply(self, reply: Reply) -> None:
        """Play a reply. Without effect if the client has gone meanwhile."""
        if self._ended:
            return
        assert self._reply is None, "an exchange has one reply"
        self._reply = reply
        self.on_cancel = None
        self._next = next(reply.steps, None)
        if self._next is not None:
            self._schedule(self._next.delay_ms)
        elif reply.ending is Ending.RESET:
            self._connection.reset()
        elif reply.ending is Ending.CUT:
            self._tell_end(completed=False)
            self._connection.exchange_done(keep_alive=False)

    def cancel(self) -> None:
        """Stop, because the client is gone."""
        if self._timer is not None:
            self._timer.cancel()
        if self.on_cancel is not None:
            self.on_cancel()
        self._tell_end(completed=False)

    def resume(self) -> None:
        """Go on after the client has read what was sent."""
        if self._wants_room:
            self._wants_room = False
            self._advance()

    def _schedule(self, delay_ms: float) -> None:
        if delay_ms > 0:
            loop = self._connection.loop
            self._timer = loop.call_later(delay_ms / 1000, self._advance)
        else:
            self._advance()

    def _advance(self) -> None:
        self._timer = None
        assert self._reply is not None, "a reply is set before it is played"
        for _ in range(BURST_STEPS_MAX):
            if self._connection.paused:
                self._wants_room = True
                return
            step = self._next
            assert step is not None, "an exchange that ended is not advanced"
            self._next = next(self._reply.steps, None)
            if self._next is None:
                self._finish(step)
                return
            self._send(step)
            if self._next.delay_ms > 0:
                self._schedule(self._next.delay_ms)
                return
        self._timer = self._connection.loop.call_soon(self._advance)

    def _finish(self, step: Step) -> None:
        reply = self._reply
        assert reply is not None, "a reply is set before it is played"
        if reply.ending is Ending.STALL:
            self._send(step)
            return
        complete = reply.ending is Ending.COMPLETE
        self._sent_tokens = step.output_tokens
        # Charged before the last bytes leave: who has seen the end finds it on the bill.
        self._tell_end(completed=complete)
        self._send(step)
        if complete and reply.framing is Framing.CHUNKED:
            self._connection.write(b"0\r\n\r\n")
        self._connection.exchange_done(keep_alive=complete and reply.framing is not Framing.CLOSE)

    def _tell_end(self, *, completed: bool) -> None:
        if self._ended:
            return
        self._ended = True
        if self._reply is not None and self._reply.on_end is not None:
            self._reply.on_end(self._sent_tokens, completed)

    def _send(self, step: Step) -> None:
        reply = self._reply
        assert reply is not None, "a reply is set before it is played"
        self._sent_tokens = step.output_tokens
        parts: list[bytes] = []
        if not self._head_sent:
            self._head_sent = True
            parts.append(self._connection.render_head(reply))
        for frame in step.frames:
            if reply.framing is Framing.CHUNKED:
                parts += (b"%x\r\n" % len(frame), frame, b"\r\n")
            else:
                parts.append(frame)
        self._connection.write(b"".join(parts))


class Connection(asyncio.Protocol):
    """One client connection: reads requests, one at a time, and plays their replies."""

    def __init__(
        self, handle: Callable[[Request, Exchange], None], connections: "set[Connection]"
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.paused = False
        self.closed = asyncio.Event()
        self._handle = handle
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._exchange: Exchange | None = None
        self._requests: deque[tuple[Request, bool]] = deque()
        self._keep_alive = True
        self._completed = False
        self._begin()

    def _begin(self) -> None:
        self._target: list[bytes] = []
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._in_head = True
        self._head_bytes = 0
        self._body_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        """Called by the event loop."""
        self._connections.discard(self)
        self._transport = None
        self._requests.clear()
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.cancel()
        self.closed.set()

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        try:
            self._completed = False
            self._parser.feed_data(data)
            if not self._completed:
                self._check_head(len(data))
        except httptools.HttpParserUpgrade:
            self.abort()
        except httptools.HttpParserError:
            self._refuse(400)

    def eof_received(self) -> bool:
        """Called by the event loop. A client that stops sending has gone."""
        return False

    def pause_writing(self) -> None:
        """Called by the event loop."""
        self.paused = True

    def resume_writing(self) -> None:
        """Called by the event loop."""
        self.paused = False
        if self._exchange is not None:
            self._exchange.resume()

    def on_message_begin(self) -> None:
        """Called by the parser."""
        self._begin()

    def on_url(self, url: bytes) -> None:
        """Called by the parser."""
        self._target.append(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        self._in_head = False
        self._head_bytes = 0
        expects = any(
            name.lower() == "expect" and value.lower() == "100-continue"
            for name, value in self._headers
        )
        if expects and self._exchange is None:
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._body_bytes += len(body)
        if self._body_bytes <= BODY_BYTES_MAX:
            self._body.append(body)
        else:
            self._body.clear()

    def on_message_complete(self) -> None:
        """Called by the parser."""
        request = Request(
            self._parser.get_method().decode("ascii"),
            b"".join(self._target).decode("latin-1"),
            tuple(self._headers),
            b"".join(self._body),
            too_large=self._body_bytes > BODY_BYTES_MAX,
        )
        self._begin()
        self._completed = True
        self._requests.append((request, self._parser.should_keep_alive()))
        if len(self._requests) > PIPELINED_MAX:
            self.abort()
        elif self._exchange is None:
            self._start_next()

    def exchange_done(self, *, keep_alive: bool) -> None:
        """Go on to the next request, or close."""
        self._exchange = None
        if self._transport is None:
            return
        if not (keep_alive and self._keep_alive):
            self._transport.close()
        elif self._requests:
            self.loop.call_soon(self._start_next)

    def write(self, data: bytes) -> None:
        """Send bytes, unless the client has gone."""
        if self._transport is not None:
            self._transport.write(data)

    def reset(self) -> None:
        """Close with a TCP reset."""
        if self._transport is not None:
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_LINGER)
            self._transport.abort()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def render_head(self, reply: Reply) -> bytes:
        """Return the status line and the headers of a reply."""
        lines = [f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in reply.headers]
        if reply.framing is Framing.LENGTH:
            lines.append(f"content-length: {reply.content_length}")
        elif reply.framing is Framing.CHUNKED:
            lines.append("transfer-encoding: chunked")
        closes = reply.framing is Framing.CLOSE or not self._keep_alive
        lines.append("connection: close" if closes else "connection: keep-alive")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _start_next(self) -> None:
        if self._exchange is not None or not self._requests or self._transport is None:
            return
        request, self._keep_alive = self._requests.popleft()
        self._exchange = Exchange(self)
        self._handle(request, self._exchange)

    def _check_head(self, length: int) -> None:
        """Count what arrived without completing a head."""
        if self._in_head:
            self._head_bytes += length
        if self._head_bytes > HEAD_BYTES_MAX:
            self._refuse(431)

    def _refuse(self, status: int) -> None:
        """Answer a request that cannot be read, and close."""
        self._keep_alive = False
        if self._transport is None or self._transport.is_closing():
            return
        if self._exchange is None:
            self.write(self.render_head(body_reply(status, (), b"")))
            self._transport.close()
        else:
            self.abort()
