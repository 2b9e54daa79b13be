"""A provider of a test's own: a coroutine that talks to each connection in turn, byte by byte."""

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

START_S = 10.0
ACCEPT_TURNS = 5
"""So many turns of the loop later a connection that was accepted last has become a line."""
ACCEPT_S = 1.0
"""So long a handshake that nobody ends is waited for."""
_RESET_LINGER = struct.pack("ii", 1, 0)

Talk = Callable[["Line"], Awaitable[None]]


class Line:
    """One connection the gateway opened.

    Attributes:
        number: From 1, in the order they were opened.
    """

    def __init__(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.number = number
        self._reader = reader
        self._writer = writer

    @property
    def is_resumed(self) -> bool:
        """Whether its TLS handshake resumed a session."""
        return bool(self._writer.get_extra_info("ssl_object").session_reused)

    async def request(self) -> bytes:
        """Read one request: its head and its body.

        Raises:
            asyncio.IncompleteReadError: The gateway closed.
        """
        head = await self.head()
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return head + await self._reader.readexactly(length)

    async def head(self) -> bytes:
        """Read the head of a request.

        Raises:
            asyncio.IncompleteReadError: The gateway closed.
        """
        return await self._reader.readuntil(b"\r\n\r\n")

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on bytes between this connection and another one until either ends."""

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()

        pumps = [pump(self._reader, writer), pump(reader, self._writer)]
        running = [asyncio.create_task(each) for each in pumps]
        try:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in running:
                way.cancel()
            writer.close()
            await asyncio.gather(*running, writer.wait_closed(), return_exceptions=True)

    async def send(self, data: bytes) -> None:
        """Write bytes."""
        self._writer.write(data)
        await self._writer.drain()

    async def closed(self) -> None:
        """Wait until the gateway closes."""
        await self._reader.read()

    def reset(self) -> None:
        """Close at once."""
        self._writer.transport.abort()

    def break_off(self) -> None:
        """Break the connection off, so that the gateway sees a reset and no end."""
        connection = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_LINGER)
        self._writer.transport.abort()


class Provider:
    """A server in a thread of its own: `with Provider(talk) as provider: ...`.

    Attributes:
        opened: How many connections were opened so far.
    """

    def __init__(self, talk: Talk, tls: ssl.SSLContext | None = None) -> None:
        self.opened = 0
        self.port = 0
        self._talk = talk
        self._tls = tls
        self._loop: asyncio.AbstractEventLoop
        self._stopping: asyncio.Event
        self._lines: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="provider", daemon=True)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"{'http' if self._tls is None else 'https'}://localhost:{self.port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(START_S), "the provider did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(START_S)

    def event(self) -> "Event":
        """Return an event a test sets and a talk waits for."""
        return Event(self._loop)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._open, "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        for _ in range(ACCEPT_TURNS):
            await asyncio.sleep(0)
        # A connection that was accepted late becomes a line in a turn to come, and ends as one.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for line in list(self._lines):
                line.cancel()
            if not (await asyncio.wait(others, timeout=ACCEPT_S))[0]:
                break
        for writer in self._writers:
            # A TLS transport that is over has no buffer any more to ask for.
            with contextlib.suppress(AttributeError):
                if writer.transport.get_write_buffer_size():
                    writer.transport.abort()
        ends = [writer.wait_closed() for writer in self._writers]
        await asyncio.gather(*ends, return_exceptions=True)

    async def _open(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        self._writers.append(writer)
        self.opened += 1
        try:
            await self._talk(Line(self.opened, reader, writer))
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            # The gateway is done with this connection, or the test with the provider.
            return
        finally:
            self._lines.discard(task)
            writer.close()


class Event:
    """Set by a test's thread, waited for in the provider's."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()

    def set(self) -> None:
        """Let those go on who wait."""
        self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self) -> None:
        """Wait until it is set."""
        await self._event.wait()


def completion(**fields: Any) -> bytes:
    """Return a chat completion of 10 prompt and 5 completion tokens as a body."""
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    message = {"role": "assistant", "content": "hello"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    document = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-5.4-mini",
        "choices": [choice],
        "usage": usage,
        **fields,
    }
    return json.dumps(document).encode()


def whole(body: bytes, *, status: int = 200, headers: str = "") -> bytes:
    """Return a reply with a length."""
    head = f"HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\n{headers}"
    return head.encode() + b"content-length: %d\r\n\r\n%b" % (len(body), body)


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


def chunk(data: bytes) -> bytes:
    """Return a chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(**fields: Any) -> bytes:
    """Return an event of a streamed chat completion."""
    document = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-5.4-mini",
        "choices": [{"index": 0, "delta": {"content": "hello"}, "finish_reason": None}],
        **fields,
    }
    return b"data: %b\n\n" % json.dumps(document).encode()


def last_events() -> bytes:
    """Return the events that end a stream: the usage of 10 and 5 tokens, and the mark."""
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return event(choices=[], usage=usage) + b"data: [DONE]\n\n"


async def serve_always(line: Line) -> None:
    """Answer every request of a connection with the same completion."""
    while True:
        await line.request()
        await line.send(whole(completion()))
