"""Our own programs call a gateway that lets in only who shows a certificate, or is a proxy."""

import asyncio
from pathlib import Path

import pytest
import trustme

from headgate.cli.doctor_checks import check_certificate, check_gateway
from headgate.gateway.listener.own import Place, place_named, place_of, why_closed
from headgate.gateway.listener.proxy_protocol import Greeting, parse
from headgate.gateway.settings import Edge
from headgate.insights.deciding import Said, UnansweredError, decide
from headgate.workflows.gateway import Gateway as Caller
from headgate.workflows.gateway import GatewayRefusedError
from tests.gateway.calls import ALICE
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.test_listener_tls import secured

SAID = Said("apr_1", "approve", "")
FOR_CLIENTS = """
client_ca = "{folder}/clients.pem"
own_certificate = "{folder}/own.pem"
"""
FOR_PROXIES = '[listen]\ntrusted_proxies = ["127.0.0.1"]\nproxy_protocol = true\n'


@pytest.fixture
def clients(tmp_path: Path) -> trustme.CA:
    """The authority of clients' certificates, with one for our own programs."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "clients.pem")
    own = authority.issue_cert("headgate@example.org").private_key_and_cert_chain_pem
    own.write_to_path(tmp_path / "own.pem")
    return authority


def edge_of(gateway: Gateway) -> Edge:
    """Return the edge of a configuration that names the port."""
    return gateway.snapshot.edge._replace(port=gateway.port)


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("proxied", [False, True])
def test_a_gateway_that_asks_for_certificates_is_shown_one(
    start: Start, tmp_path: Path, proxied: bool
) -> None:
    """Decisions reach it and the checks of doctor too, behind the greeting of proxies as well."""
    more = FOR_CLIENTS.format(folder=tmp_path) + (FOR_PROXIES if proxied else "")
    edge = edge_of(secured(start, trustme.CA(), tmp_path, more))

    assert why_closed(edge) is None
    assert decide(place_of(edge), ALICE, SAID) == "There is no apr_1."
    assert check_gateway(edge).status == "ok"
    assert edge.tls is not None
    assert check_certificate(edge, edge.tls, 0).status == "ok"


def test_a_gateway_that_is_named_is_called_as_the_environment_says(
    start: Start, tmp_path: Path, clients: trustme.CA
) -> None:
    """By the authority that is named and with the certificate that is; so are workflows."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    gateway = secured(start, authority, tmp_path, FOR_CLIENTS.format(folder=tmp_path))
    url = f"https://localhost:{gateway.port}"
    environ = {"HEADGATE_CA_FILE": f"{tmp_path}/ca.pem"}
    shown = {**environ, "HEADGATE_CLIENT_CERT": f"{tmp_path}/own.pem", "HEADGATE_CLIENT_KEY": ""}

    place = place_named(url, shown)
    assert decide(place, ALICE, SAID) == "There is no apr_1."
    with pytest.raises(GatewayRefusedError):
        asyncio.run(Caller(url, ALICE, place.trust).open_run("r"))
    for less in (environ, {}):
        with pytest.raises(UnansweredError):
            decide(place_named(url, less), ALICE, SAID)


def test_a_gateway_behind_proxies_is_greeted_like_one(start: Start) -> None:
    """Without a greeting nobody gets in; ours says that it speaks for no client."""
    edge = edge_of(start(more=FOR_PROXIES))

    assert parse(b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00") == Greeting(None, 16)
    assert decide(place_of(edge), ALICE, SAID) == "There is no apr_1."
    with pytest.raises(UnansweredError):
        decide(Place(edge.url(edge.port)), ALICE, SAID)


@pytest.mark.parametrize(
    ("lines", "lacking"),
    [
        (FOR_PROXIES.replace("127.0.0.1", "10.0.0.1"), "listen.trusted_proxies"),
        ("", None),
        (FOR_PROXIES, None),
    ],
)
def test_what_keeps_our_programs_out_is_named(
    start: Start, lines: str, lacking: str | None
) -> None:
    """Doctor names the key that would let it in."""
    edge = edge_of(start(more=lines))

    assert why_closed(edge) == lacking
    assert why_closed(edge._replace(host="0.0.0.0")) == lacking


@pytest.mark.usefixtures("clients")
def test_clients_certificates_without_one_of_ours_keep_our_programs_out(
    start: Start, tmp_path: Path
) -> None:
    """Then own_certificate is what is missing."""
    only = f'client_ca = "{tmp_path}/clients.pem"'

    assert why_closed(edge_of(secured(start, trustme.CA(), tmp_path, only))) == (
        "tls.own_certificate"
    )
