"""TLS as a client: sessions are resumed, a certificate of ours is shown, and trouble is named."""

import asyncio
import ssl
from pathlib import Path
from typing import cast

import pytest
import trustme
import uvloop

from headgate.dial.dialer import Dialer
from headgate.dial.failures import fix_of
from headgate.dial.resolver import Resolver
from headgate.dial.settings import Trust
from headgate.dial.tls import RESUMED_S, ClientContext, TrustError, client_context


class Asking(asyncio.Protocol):
    """Sends a line and keeps what is answered; a session's tickets come with it."""

    def __init__(self) -> None:
        self.answered, self.closed = asyncio.Event(), asyncio.Event()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(b"hello\n")

    def data_received(self, _data: bytes) -> None:
        """Note the answer."""
        self.answered.set()

    def connection_lost(self, _exc: Exception | None) -> None:
        """Note it."""
        self.closed.set()
        self.answered.set()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a line with itself."""
    writer.write(await reader.readline())
    await writer.drain()
    await reader.read()
    writer.close()
    await writer.wait_closed()


async def resumed(server: ssl.SSLContext, client: ClientContext, times: int) -> list[bool]:
    """Return of each of some connections whether it resumed a session."""
    listening = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server)
    dialer = Dialer("localhost", listening.sockets[0].getsockname()[1], Resolver(), tls=client)
    found = []
    for _ in range(times):
        opened = await dialer.open(Asking)
        await opened.answered.wait()
        secured = opened.transport.get_extra_info("ssl_object")
        found.append(bool(secured.session_reused))
        client.keep(secured)
        opened.transport.close()
        await opened.closed.wait()
    listening.close()
    await listening.wait_closed()
    return found


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    """Return a server's context for `localhost`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("loop", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_the_next_connection_resumes_the_session(
    tmp_path: Path, version: ssl.TLSVersion, loop: type
) -> None:
    """All but the first leave out certificates and their checks, on both event loops."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server = server_context(authority)
    server.maximum_version = version
    client = client_context(Trust(str(tmp_path / "ca.pem")))

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(resumed(server, client, 3)) == [False, True, True]


def test_a_session_that_a_server_does_not_take_is_no_hindrance(tmp_path: Path) -> None:
    """A server that was restarted does a whole handshake, with its checks."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    client = client_context(Trust(str(tmp_path / "ca.pem")))

    assert uvloop.run(resumed(server_context(authority), client, 1)) == [False]
    assert client.kept is not None
    assert uvloop.run(resumed(server_context(authority), client, 2)) == [False, True]


@pytest.mark.parametrize("key", ["ca_file", "client_cert"])
def test_a_file_that_is_no_certificate_is_named(tmp_path: Path, key: str) -> None:
    """Whoever reads the error knows which key to look at."""
    (tmp_path / "no.pem").write_text("nothing")
    with pytest.raises(TrustError) as caught:
        client_context(Trust(**{key: str(tmp_path / "no.pem")}))

    assert caught.value.key == key
    assert "no.pem" in str(caught.value)


def test_every_reason_with_a_fix_names_a_key_or_a_deed() -> None:
    """An unknown reason has none: nothing is guessed."""
    assert fix_of("connect: Connection refused") == ""


def test_a_certificate_is_asked_for_again_in_time(tmp_path: Path) -> None:
    """Sessions that resume one another do not put its check off for ever."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server, client = server_context(authority), client_context(Trust(str(tmp_path / "ca.pem")))
    uvloop.run(resumed(server, client, 1))
    client.checked_s -= RESUMED_S

    assert uvloop.run(resumed(server, client, 2)) == [False, True]
