"""TLS towards clients: what is shown, who gets in, and certificates that change while calls run."""

import logging
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from headgate.cli.doctor_checks import check_certificate, check_gateway
from headgate.gateway.listener.own import Place
from headgate.insights.deciding import Said, UnansweredError, decide
from tests.gateway.calls import chat, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import ClosedError, Wire

TABLE = """
[tls]
certificate = "{folder}/tls.pem"
key = "{folder}/tls.key"
{more}
"""
EARLIER = datetime.now(UTC) - timedelta(days=30)
GET = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Whoever issues what is trusted here."""
    return trustme.CA()


def put(folder: Path, leaf: trustme.LeafCert) -> None:
    """Put a certificate with its key where the configuration names it."""
    leaf.private_key_pem.write_to_path(folder / "tls.key")
    with (folder / "tls.pem").open("wb") as file:
        file.write(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """Return what a client trusts the authority by."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def secured(start: Start, authority: trustme.CA, folder: Path, more: str = "") -> Gateway:
    """Start a gateway that shows a certificate of the authority."""
    put(folder, authority.issue_cert("localhost"))
    return start(more=TABLE.format(folder=folder, more=more))


def serial(wire: Wire) -> object:
    """Return which certificate a connection was shown."""
    assert isinstance(wire.socket, ssl.SSLSocket)
    shown = wire.socket.getpeercert()
    assert shown is not None
    return shown["serialNumber"]


def read_health(port: int, context: ssl.SSLContext) -> None:
    """Ask for the health over TLS."""
    with Wire(port, tls=context) as wire:
        wire.send(GET).read()


def test_calls_are_served_over_tls_and_over_nothing_else(
    start: Start, authority: trustme.CA, tmp_path: Path
) -> None:
    """Whole, streamed and refused ones are; plain HTTP and TLS 1.1 get no answer at all."""
    gateway = secured(start, authority, tmp_path)
    trust = trusting(authority)

    with Wire(gateway.port, tls=trust) as wire:
        assert isinstance(wire.socket, ssl.SSLSocket)
        assert wire.socket.version() == "TLSv1.3"
        assert wire.send(request(chat())).read().status == 200
        assert wire.send(request(chat(stream=True))).read().payload.endswith(b"[DONE]\n\n")
        # The rest of the head never comes, and what came was not read by anybody.
        wire.send(b"GET / HTTP/1.1\r\nx-note: " + b"a" * 300_000)
        assert wire.read().code == "head_too_large"
    with Wire(gateway.port) as wire, pytest.raises(ClosedError):
        wire.send(GET).read()
    with pytest.warns(DeprecationWarning):
        trust.minimum_version = trust.maximum_version = ssl.TLSVersion.TLSv1_1
    trust.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(OSError, match=r"EOF|reset"):
        Wire(gateway.port, tls=trust)


def test_a_handshake_that_does_not_go_on_is_cut_off(
    start: Start, authority: trustme.CA, tmp_path: Path
) -> None:
    """It has the time of a head."""
    put(tmp_path, authority.issue_cert("localhost"))
    table = TABLE.format(folder=tmp_path, more="")
    gateway = start(more=table, limits="head_timeout_ms = 50")

    with Wire(gateway.port) as wire:
        # The beginning of a client's first message.
        wire.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        wire.read_to_end()


def test_a_new_certificate_is_shown_to_new_connections(
    start: Start, authority: trustme.CA, tmp_path: Path
) -> None:
    """Those that are open go on with the old one."""
    gateway = secured(start, authority, tmp_path)
    with Wire(gateway.port, tls=trusting(authority)) as old:
        put(tmp_path, authority.issue_cert("localhost"))
        gateway.await_in(gateway.door.look())
        gateway.await_in(gateway.door.look())

        with Wire(gateway.port, tls=trusting(authority)) as new:
            assert new.send(request(chat())).read().status == 200
            assert serial(new) != serial(old)
        assert old.send(request(chat())).read().status == 200


@pytest.mark.parametrize("fault", ["half written", "gone", "another's key"])
def test_a_bad_certificate_stays_outside(
    start: Start,
    authority: trustme.CA,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    """The old one is shown until a good one comes, and a line of the log says why."""
    gateway = secured(start, authority, tmp_path)
    if fault == "half written":
        (tmp_path / "tls.pem").write_text("-----BEGIN CERTIFICATE-----\nMIIB")
    elif fault == "gone":
        (tmp_path / "tls.pem").unlink()
    else:
        authority.issue_cert("localhost").private_key_pem.write_to_path(tmp_path / "tls.key")

    with caplog.at_level(logging.WARNING):
        gateway.await_in(gateway.door.look())
    with Wire(gateway.port, tls=trusting(authority)) as wire:
        assert wire.send(GET).read().status == 200
        before = serial(wire)
    put(tmp_path, authority.issue_cert("localhost"))
    gateway.await_in(gateway.door.look())

    assert "The one before is still shown" in caplog.text
    assert "PRIVATE" not in caplog.text
    with Wire(gateway.port, tls=trusting(authority)) as wire:
        assert serial(wire) != before


def test_with_client_ca_only_clients_of_that_authority_get_in(
    start: Start, authority: trustme.CA, tmp_path: Path
) -> None:
    """Without a certificate, and with one of another authority, no request is read."""
    authority.cert_pem.write_to_path(tmp_path / "clients.pem")
    gateway = secured(start, authority, tmp_path, f'client_ca = "{tmp_path}/clients.pem"')
    known, foreign = trusting(authority), trusting(authority)
    authority.issue_cert("alice@example.org").configure_cert(known)
    trustme.CA().issue_cert("alice@example.org").configure_cert(foreign)

    with Wire(gateway.port, tls=known) as wire:
        assert wire.send(request(chat())).read().status == 200
    for context in (trusting(authority), foreign):
        # In TLS 1.3 a client learns of it with its first read.
        with pytest.raises((ClosedError, OSError)):
            read_health(gateway.port, context)


def test_our_own_programs_trust_the_very_certificate(
    start: Start, authority: trustme.CA, tmp_path: Path
) -> None:
    """They call an address that no certificate is for; another gateway there is not trusted."""

    gateway = secured(start, authority, tmp_path)
    said = Said("apr_1", "approve", "")
    url = f"https://127.0.0.1:{gateway.port}"

    assert decide(Place(url, str(tmp_path / "tls.pem")), "hg_x", said) is not None
    authority.issue_cert("localhost").cert_chain_pems[0].write_to_path(tmp_path / "other.pem")
    with pytest.raises(UnansweredError, match="certificate verify failed"):
        decide(Place(url, str(tmp_path / "other.pem")), "hg_x", said)


def test_our_own_programs_trust_nobody_else_of_the_same_issuer(
    start: Start, authority: trustme.CA, tmp_path: Path
) -> None:
    """The file shows the issuer too, as those of public authorities do: it vouches for anybody."""
    issuer = authority.create_child_ca()
    gateway = secured(start, issuer, tmp_path)
    said = Said("apr_1", "approve", "")
    url = f"https://127.0.0.1:{gateway.port}"
    with (tmp_path / "ours.pem").open("wb") as file:
        file.write(
            b"".join(each.bytes() for each in issuer.issue_cert("localhost").cert_chain_pems)
        )

    assert decide(Place(url, str(tmp_path / "tls.pem")), "hg_x", said) is not None
    with pytest.raises(UnansweredError, match="certificate verify failed"):
        decide(Place(url, str(tmp_path / "ours.pem")), "hg_x", said)


def test_doctor_tells_until_when_the_certificate_is_good(
    start: Start, authority: trustme.CA, tmp_path: Path
) -> None:
    """Two weeks before its end it is a warning, after it an error, each with what to do."""
    gateway = secured(start, authority, tmp_path)
    edge = gateway.snapshot.edge._replace(port=gateway.port)
    assert edge.tls is not None
    now_ns = time.time_ns()
    assert check_certificate(edge, edge.tls, now_ns).status == "ok"
    assert check_gateway(edge).status == "ok"

    ended = datetime.now(UTC) - timedelta(days=1)
    soon = datetime.now(UTC) + timedelta(days=13)
    for not_after, status in ((soon, "warning"), (ended, "error")):
        put(tmp_path, authority.issue_cert("localhost", not_before=EARLIER, not_after=not_after))
        gateway.await_in(gateway.door.look())
        found = check_certificate(edge, edge.tls, now_ns)
        assert (found.status, "Renew" in found.fix) == (status, True)
