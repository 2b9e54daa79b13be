"""An HTTP proxy on the way to a provider: through it, around it, and refused by it."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from headgate.records.journal import SettleRecord, VoidRecord
from tests.gateway.calls import ask, call_of, chat
from tests.gateway.conftest import Start
from tests.gateway.provider import Provider, completion, serve_always, whole
from tests.gateway.proxy import HttpProxy
from tests.gateway.recording import Recording
from tests.gateway.test_tls import tls


@pytest.fixture
def proxy() -> Iterator[HttpProxy]:
    """A proxy that runs."""
    one = HttpProxy()
    with one.server:
        yield one


@pytest.fixture
def trust(tmp_path: Path) -> trustme.CA:
    """An authority, whose certificate lies in `ca.pem`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return authority


BASIC = b"proxy-authorization: Basic " + base64.b64encode(b"me:secret")


def test_tls_goes_through_a_tunnel(
    start: Start, proxy: HttpProxy, trust: trustme.CA, tmp_path: Path
) -> None:
    """The proxy sees host and port and its own credential, and of the call nothing at all; the
    certificate is checked for the provider's name, and the connection is kept."""
    with Provider(serve_always, tls(trust.issue_cert("localhost"))) as provider:
        lines = f'ca_file = "{tmp_path}/ca.pem"\nproxy = "{proxy.url}"\n'
        lines += 'proxy_credential = { value = "me:secret" }'
        gateway = start(openai_url=provider.url, openai=lines)
        assert ask(gateway, chat()).status == 200
        assert ask(gateway, chat()).status == 200

        (head,) = proxy.heads
        assert head.startswith(b"CONNECT localhost:%d HTTP/1.1\r\n" % provider.port)
        assert BASIC in head
        assert b"sk-upstream" not in head


def test_a_tunnel_does_not_loosen_trust(
    start: Start, proxy: HttpProxy, trust: trustme.CA, tmp_path: Path
) -> None:
    """A proxy that leads elsewhere is found out by the certificate."""
    with Provider(serve_always, tls(trust.issue_cert("provider.example"))) as provider:
        lines = f'ca_file = "{tmp_path}/ca.pem"\nproxy = "{proxy.url}"'
        reply = ask(start(openai_url=provider.url, openai=lines), chat())

    assert (reply.status, reply.code) == (502, "upstream_unreachable")
    assert "another host" in reply.message


def test_plain_requests_are_forwarded(start: Start, proxy: HttpProxy) -> None:
    """Without TLS a request says in its first line where it goes."""
    with Recording() as provider:
        lines = f'proxy = "{proxy.url}"\nproxy_credential = {{ value = "me:secret" }}'
        gateway = start(openai_url=provider.server.url, openai=lines)
        provider.answers.append(whole(completion()))
        assert ask(gateway, chat()).status == 200

        (head,) = proxy.heads
        assert head.startswith(b"POST http://localhost:%d/v1/chat/" % provider.server.port)
        assert BASIC in head
        assert provider.path() == "/v1/chat/completions"


@pytest.mark.parametrize(("status", "told"), [(407, "proxy_credential"), (403, "403")])
def test_a_proxy_that_does_not_connect_costs_nothing(
    start: Start, proxy: HttpProxy, status: int, told: str
) -> None:
    """Nothing reached the provider, so the hold is void; the message names what to look at."""
    proxy.refusal = status
    lines = f'proxy = "{proxy.url}"'
    gateway = start(openai_url="https://provider.example/v1", openai=lines)
    reply = ask(gateway, chat())

    assert (reply.status, reply.code) == (502, "proxy_refused")
    assert told in reply.message
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, VoidRecord)
    assert end.reason == f"proxy: {status}"


def test_a_proxy_that_does_not_forward_costs_nothing(start: Start, proxy: HttpProxy) -> None:
    """Its 407 is no answer of the provider's."""
    proxy.refusal = 407
    gateway = start(openai_url="http://localhost:1/v1", openai=f'proxy = "{proxy.url}"')
    reply = ask(gateway, chat())

    assert (reply.status, reply.code) == (502, "proxy_refused")
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, SettleRecord)
    assert end.amount_nanos == 0


def test_one_proxy_for_all_but_some(start: Start, proxy: HttpProxy) -> None:
    """`[network]` names a proxy for every provider; `no_proxy` spares hosts."""
    proxy.refusal = 403
    network = f'[network]\nproxy = "{proxy.url}"\nno_proxy = ["localhost", ".spared.example"]'
    with Provider(serve_always) as provider:
        direct = start(openai_url=provider.url, more=network)
        assert ask(direct, chat()).status == 200
        other = provider.url.replace("localhost", "127.0.0.1")
        assert ask(start(openai_url=other, more=network), chat()).status == 502
    assert len(proxy.heads) == 1


def test_the_environment_names_no_proxy(
    start: Start, proxy: HttpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What other programs read there does not redirect calls and credentials."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    with Provider(serve_always) as provider:
        assert ask(start(openai_url=provider.url), chat()).status == 200

    assert proxy.heads == []
