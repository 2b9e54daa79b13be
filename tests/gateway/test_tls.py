"""TLS to providers: certificates and names are always checked."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from headgate.records.journal import VoidRecord
from tests.gateway.calls import ask, call_of, chat
from tests.gateway.conftest import Start
from tests.gateway.provider import Line, Provider, completion, serve_always, whole
from tests.gateway.wire import PATIENCE_S


def tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return a server's context with a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


def test_a_certificate_of_a_trusted_authority_is_accepted(start: Start, tmp_path: Path) -> None:
    """`ca_file` names the authority; the connection is kept and reused as any other."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with Provider(serve_always, tls(authority.issue_cert("localhost"))) as provider:
        gateway = start(openai_url=provider.url, openai=f'ca_file = "{tmp_path}/ca.pem"')
        assert ask(gateway, chat()).status == 200
        assert ask(gateway, chat()).status == 200

        assert provider.opened == 1


def days_ago(days: int) -> datetime:
    """Return a day of the past."""
    return datetime.now(UTC) - timedelta(days=days)


MENDED = {
    "expired": "renews its certificate",
    "another host": "`base_url`",
    "another authority": "`ca_file`",
    "self-signed": "`ca_file`",
}


@pytest.mark.parametrize("fault", MENDED)
def test_a_certificate_that_proves_nothing_is_never_accepted(
    start: Start, tmp_path: Path, fault: str
) -> None:
    """No byte of the request leaves, so the hold is void; there is no way to switch this off. The
    message says what mends it."""
    authority = trustme.CA()
    stranger = trustme.CA()
    certificates = {
        "expired": lambda: authority.issue_cert(
            "localhost", not_before=days_ago(9), not_after=days_ago(1)
        ),
        "another host": lambda: authority.issue_cert("provider.example"),
        "another authority": lambda: stranger.issue_cert("localhost"),
        "self-signed": lambda: stranger.issue_cert("localhost"),
    }
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trust = "" if fault == "self-signed" else f'ca_file = "{tmp_path}/ca.pem"'
    with Provider(serve_always, tls(certificates[fault]())) as provider:
        gateway = start(openai_url=provider.url, openai=trust)
        reply = ask(gateway, chat())

    assert (reply.status, reply.code) == (502, "upstream_unreachable")
    assert MENDED[fault] in reply.message
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, VoidRecord)


def test_an_address_is_checked_as_an_address(start: Start, tmp_path: Path) -> None:
    """A provider named by its IP address needs a certificate for that address."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trust = f'ca_file = "{tmp_path}/ca.pem"'
    with Provider(serve_always, tls(authority.issue_cert("localhost"))) as provider:
        url = f"https://127.0.0.1:{provider.port}/v1"
        assert ask(start(openai_url=url, openai=trust), chat()).code == "upstream_unreachable"
    with Provider(serve_always, tls(authority.issue_cert("127.0.0.1"))) as provider:
        url = f"https://127.0.0.1:{provider.port}/v1"
        assert ask(start(openai_url=url, openai=trust), chat()).status == 200


def refuse(listening: socket.socket, server: ssl.SSLContext) -> None:
    """Do one handshake as a server does that tells why it refuses, and hear the client out."""
    raw, _ = listening.accept()
    with raw:
        raw.settimeout(PATIENCE_S)
        with pytest.raises(ssl.SSLError):
            server.wrap_socket(raw.dup(), server_side=True)
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(65_536):
            pass


@pytest.fixture
def both(tmp_path: Path) -> trustme.CA:
    """An authority for both sides, whose certificate lies in `ca.pem`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return authority


def demanding(authority: trustme.CA, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Return the context of a server that wants a certificate of the same authority."""
    server = tls(authority.issue_cert("localhost"))
    server.maximum_version = version
    server.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server)
    return server


def test_a_certificate_of_ours_is_shown(start: Start, both: trustme.CA, tmp_path: Path) -> None:
    """A provider that wants proof by certificate gets it, from one file or from two."""
    proof = both.issue_cert("gateway.example")
    proof.private_key_and_cert_chain_pem.write_to_path(tmp_path / "proof.pem")
    proof.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    proof.private_key_pem.write_to_path(tmp_path / "key.pem")
    trust = f'ca_file = "{tmp_path}/ca.pem"\n'
    one = f'client_cert = "{tmp_path}/proof.pem"'
    two = f'client_cert = "{tmp_path}/cert.pem"\nclient_key = "{tmp_path}/key.pem"'
    with Provider(serve_always, demanding(both, ssl.TLSVersion.TLSv1_3)) as provider:
        for lines in (one, two):
            assert ask(start(openai_url=provider.url, openai=trust + lines), chat()).status == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_that_is_wanted_is_asked_for(
    start: Start, both: trustme.CA, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """Without one the message names the keys; nobody has read the request, so the hold is void,
    although in TLS 1.3 it was sent by then."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=refuse, args=(listening, demanding(both, version)))
        serving.start()
        url = f"https://localhost:{listening.getsockname()[1]}/v1"
        gateway = start(openai_url=url, openai=f'ca_file = "{tmp_path}/ca.pem"')
        reply = ask(gateway, chat())
        serving.join(PATIENCE_S)

    assert (reply.status, reply.code) == (502, "upstream_unreachable")
    assert "`client_cert`" in reply.message
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, VoidRecord)


def test_a_fresh_connection_resumes_the_session(
    start: Start, both: trustme.CA, tmp_path: Path
) -> None:
    """When a provider closes after each reply, the next handshake is a short one."""
    resumed: list[bool] = []

    async def once(line: Line) -> None:
        resumed.append(line.is_resumed)
        await line.request()
        await line.send(whole(completion(), headers="connection: close\r\n"))

    with Provider(once, tls(both.issue_cert("localhost"))) as provider:
        gateway = start(openai_url=provider.url, openai=f'ca_file = "{tmp_path}/ca.pem"')
        for _ in range(3):
            assert ask(gateway, chat()).status == 200

    assert resumed == [False, True, True]
