"""How our own programs call a gateway: console, command line, and the supervisor as it starts."""

import http.client
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from headgate.dial.line import LOCAL, line_to
from headgate.dial.settings import Trust
from headgate.dial.tls import TrustError, client_context
from headgate.gateway.listener.addresses import address, is_within
from headgate.gateway.settings import Edge

ANY = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
CA_FILE, CLIENT_CERT, CLIENT_KEY = (
    f"HEADGATE_{name}" for name in ("CA_FILE", "CLIENT_CERT", "CLIENT_KEY")
)
"""Variables of the environment that say how a gateway is called that is not the configuration's."""

_CERTIFICATE = re.compile(r"-----BEGIN ([A-Z0-9 ]*CERTIFICATE)-----.*?-----END \1-----", re.S)


class Place(NamedTuple):
    """Where a gateway answers.

    Attributes:
        certificate: The file that it shows, when it is the one of our own configuration; None
            where authorities decide.
        trust: Which authorities, and what we show to a gateway that asks clients for certificates.
        greets: Whether a connection begins with the PROXY protocol.
    """

    url: str
    certificate: str | None = None
    trust: Trust = Trust()
    greets: bool = False


def place_of(edge: Edge, url: str | None = None) -> Place:
    """Return where the gateway of a configuration answers; None: as it is configured."""
    url = edge.url(edge.port) if url is None else url
    if edge.tls is None:
        return Place(url, greets=edge.proxy_protocol)
    shown = Trust(client_cert=edge.tls.own_certificate, client_key=edge.tls.own_key)
    return Place(url, edge.tls.certificate, shown, edge.proxy_protocol)


def place_named(url: str, environ: Mapping[str, str]) -> Place:
    """Return a gateway that somebody names, called as the environment says."""
    given = (environ.get(name) or None for name in (CA_FILE, CLIENT_CERT, CLIENT_KEY))
    return Place(url, trust=Trust(*given))


def why_closed(edge: Edge) -> str | None:
    """Say what our own programs lack to call a gateway of this machine, None for nothing."""
    if edge.tls is not None and edge.tls.client_ca is not None and edge.tls.own_certificate is None:
        return "tls.own_certificate"
    # Who calls an address of this machine from this machine has that address.
    named = None if edge.host in ANY else address(edge.host)
    here = named or address("::1" if ":" in edge.host else "127.0.0.1")
    if edge.proxy_protocol and not is_within(here, edge.trusted_proxies):
        return "listen.trusted_proxies"
    return None


def line(place: Place, timeout_s: float) -> http.client.HTTPConnection:
    """Return a connection to a gateway, not yet opened; silence for so long ends it.

    Raises:
        TrustError: A certificate cannot be used.
    """
    context = _context(place) if place.url.startswith("https:") else None
    return line_to(place.url, timeout_s, context, LOCAL if place.greets else b"")


def _context(place: Place) -> ssl.SSLContext:
    """Return what TLS goes by; our own gateway is known by the very certificate in its file."""
    if place.certificate is None:
        return client_context(place.trust)
    context = client_context(
        place.trust._replace(ca_file=place.certificate), _own(place.certificate)
    )
    # Whatever host it is for, and be it no work of a proper authority.
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _own(path: str) -> str:
    """Return the first certificate of a file, empty where there is none.

    The others are of its issuers, who have issued those of many a stranger.
    """
    try:
        found = _CERTIFICATE.search(Path(path).read_text("latin-1"))
    except OSError as error:
        raise TrustError("ca_file", f"{path} cannot be read: {error.strerror}.") from error
    return "" if found is None else found[0]
