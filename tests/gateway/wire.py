"""A client that writes exactly the bytes it is told to, and reads replies one by one."""

import contextlib
import json
import select
import socket
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

PATIENCE_S = 10.0


class ClosedError(Exception):
    """The gateway closed the connection; `received` is what came of a reply before."""

    def __init__(self, received: bytes) -> None:
        self.received = received
        super().__init__(f"closed after {received[:200]!r}")


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: `payload` is the body without its framing, `chunks` as they were framed."""

    status: int
    headers: tuple[tuple[str, str], ...]
    payload: bytes
    chunks: tuple[bytes, ...] = ()

    def header(self, name: str) -> str | None:
        """Return the only header of a name, None when there is none."""
        found = [value for key, value in self.headers if key == name]
        assert len(found) <= 1, f"{name} is there {len(found)} times"
        return found[0] if found else None

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.payload)

    @property
    def code(self) -> str | None:
        """The stable code, which header and body must agree on."""
        header = self.header("x-headgate-code")
        error = self.json.get("error")
        if error is None:
            return header
        details = error.get("details")
        in_body = error.get("code") if details is None else details["error_code"]
        assert in_body == header
        return header

    @property
    def message(self) -> str:
        """The sentence of an error."""
        return str(self.json["error"]["message"])


class Wire:
    """One connection to a port of this machine.

    Args:
        port: The port.
        receive_buffer_bytes: How much the system buffers; 0 for as much as it likes.
        tls: What to speak TLS by, None for plain HTTP.
        before: Bytes that go first, in front of TLS as well.
    """

    def __init__(
        self,
        port: int,
        *,
        receive_buffer_bytes: int = 0,
        tls: ssl.SSLContext | None = None,
        before: bytes = b"",
    ) -> None:
        self.socket = socket.socket()
        if receive_buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(before)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        self.socket.close()

    def send(self, data: bytes) -> Self:
        """Write bytes."""
        self.socket.sendall(data)
        return self

    def end(self) -> None:
        """Say that nothing more will be written; what comes can still be read."""
        with contextlib.suppress(OSError):  # The gateway was quicker.
            self.socket.shutdown(socket.SHUT_WR)

    def is_readable(self, within_s: float) -> bool:
        """Tell whether something was read or comes in time, be it the end."""
        return bool(self._buffer) or bool(select.select([self.socket], [], [], within_s)[0])

    def read(self, *, bodiless: bool = False) -> Reply:
        """Read the next reply.

        Raises:
            ClosedError: The gateway closed before the reply was whole.
        """
        head = self._until(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = tuple(
            (name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)
        )
        status = int(first.split(" ")[1])
        given = dict(headers)
        if bodiless or status in (100, 204, 304):
            return Reply(status, headers, b"")
        if given.get("transfer-encoding") == "chunked":
            chunks = self._chunks()
            return Reply(status, headers, b"".join(chunks), chunks)
        if "content-length" in given:
            return Reply(status, headers, self._exactly(int(given["content-length"])))
        return Reply(status, headers, self.read_to_end())

    def read_head(self) -> bytes:
        """Read the next head and nothing more."""
        return self._until(b"\r\n\r\n")

    def read_chunk(self) -> bytes:
        """Read one chunk of a chunked reply, empty at its end."""
        size = int(self._until(b"\r\n"), 16)
        data = self._exactly(size)
        assert self._exactly(2) == b"\r\n"
        return data

    def _chunks(self) -> tuple[bytes, ...]:
        chunks = []
        while chunk := self.read_chunk():
            chunks.append(chunk)
        return tuple(chunks)

    def read_to_end(self) -> bytes:
        """Read until the gateway closes."""
        try:
            while self._receive():
                pass
        except ConnectionResetError:
            pass
        rest, self._buffer = self._buffer, b""
        return rest

    def read_some(self) -> bytes:
        """Read what is there, or wait for it; empty when the gateway closed."""
        self._receive()
        found, self._buffer = self._buffer, b""
        return found

    def read_to(self, mark: bytes) -> bytes:
        """Read up to a mark, with it."""
        return self._until(mark) + mark

    def is_closed(self) -> bool:
        """Tell whether the gateway closes without sending anything more; waits for it."""
        return self.read_to_end() == b""

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._must_receive()
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._must_receive()
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _must_receive(self) -> None:
        try:
            got = self._receive()
        except ConnectionResetError:
            got = False
        if not got:
            raise ClosedError(self._buffer)

    def _receive(self) -> bool:
        data = self.socket.recv(1 << 18)
        self._buffer += data
        return bool(data)
