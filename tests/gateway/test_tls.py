"""TLS to providers: certificates and names are always checked."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from headgate.records.journal import VoidRecord
from tests.gateway.calls import ask, call_of, chat
from tests.gateway.conftest import Start
from tests.gateway.provider import Provider, serve_always


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


@pytest.mark.parametrize("fault", ["expired", "another host", "another authority", "self-signed"])
def test_a_certificate_that_proves_nothing_is_never_accepted(
    start: Start, tmp_path: Path, fault: str
) -> None:
    """No byte of the request leaves, so the hold is void; there is no way to switch this off."""
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
    assert "tls" in reply.message
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
