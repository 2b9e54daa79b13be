"""How the host of an address is reached."""

from urllib.parse import urlsplit

from headgate.dial.dialer import Dialer
from headgate.dial.resolver import Resolver
from headgate.dial.settings import Proxy, Scope, Trust
from headgate.dial.tls import client_context


def dialer_to(
    url: str, resolver: Resolver, trust: Trust, proxy: Proxy | None, scope: Scope
) -> Dialer:
    """Return what opens connections to the host of an address.

    Args:
        url: `http(s)://host[:port]...`, checked when it was read.
        resolver: The process's.
        trust: Whose certificates count, and which of ours is shown.
        proxy: The proxy to go through, None to go there directly.
        scope: Where the host may lie.

    Raises:
        TrustError: A file of the trust cannot be used any more.
    """
    address = urlsplit(url)
    secure = address.scheme == "https"
    assert address.hostname is not None, url
    return Dialer(
        address.hostname,
        address.port or (443 if secure else 80),
        resolver,
        tls=client_context(trust) if secure else None,
        proxy=proxy,
        scope=scope,
    )
