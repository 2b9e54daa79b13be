"""The console's door is bounded for whoever can reach it, before anybody has shown who they are."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from starlette.responses import PlainTextResponse

from headgate.node.pages_door import BOUNDS, Bounds, server_of
from tests.node.harness import running_node, until

HOST = "127.0.0.1"
REQUEST = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"
WAIT_S = 30


@contextmanager
def door(bounds: Bounds) -> Iterator[int]:
    """Serve a page behind a door; its port."""
    server = server_of(PlainTextResponse("Hello\n"), HOST, 0, bounds)
    serving = Thread(target=lambda: asyncio.run(server.serve()))
    serving.start()
    try:
        until(lambda: server.started, "the door is open")
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        serving.join()


def connection(port: int) -> socket.socket:
    """Connect."""
    return socket.create_connection((HOST, port), WAIT_S)


def is_open(port: int) -> bool:
    """Tell whether somebody takes connections."""
    try:
        connection(port).close()
    except ConnectionRefusedError:
        return False
    return True


def rest(peer: socket.socket) -> bytes:
    """Return all that comes until the other side closes, which it has to."""
    came = b""
    try:
        while piece := peer.recv(65_536):
            came += piece
    except ConnectionError:
        pass
    return came


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nhost:", REQUEST, REQUEST + b"GET /"])
def test_who_does_not_say_what_they_want_is_let_go(said: bytes) -> None:
    """Nothing, half a head, or a whole request and then no other: the files are for others."""
    with door(Bounds(silence_s=1)) as port, connection(port) as peer:
        peer.sendall(said)

        assert rest(peer).count(b"HTTP/1.1 200 OK") == said.count(REQUEST)


def test_no_more_connections_are_taken_than_there_may_be() -> None:
    """The next one is closed at once, and those before are answered as ever."""
    bounds = Bounds(connections_max=2, silence_s=10 * WAIT_S)
    with door(bounds) as port, connection(port), connection(port) as second:
        with connection(port) as third:
            assert rest(third) == b""
        second.sendall(REQUEST)

        assert second.recv(15) == b"HTTP/1.1 200 OK"


def test_what_is_no_request_writes_nothing_into_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    """Strangers may send as much of it as they like."""
    with door(BOUNDS) as port, connection(port) as peer:
        peer.sendall(b"nonsense\r\n\r\n")

        assert rest(peer).startswith(b"HTTP/1.1 400 ")

    assert capfd.readouterr().err == ""


def test_a_head_without_an_end_is_refused(tmp_path: Path) -> None:
    """By the console of a node: it costs the steward no more memory than the bound."""
    with running_node(tmp_path) as node:
        port = urlsplit(node.console_url).port or 0
        until(lambda: is_open(port), "the console takes connections, later than the gateway does")
        with connection(port) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nx: " + b"a" * BOUNDS.head_bytes_max)

            assert rest(peer).startswith(b"HTTP/1.1 400 ")
