"""How a provider's machines are reached, by what is configured of it."""

from urllib.parse import urlsplit

from headgate.dial.dialer import Dialer
from headgate.dial.resolver import Resolver
from headgate.dial.tls import client_context
from headgate.providers.settings import Provider


def dialer_to(url: str, provider: Provider, resolver: Resolver) -> Dialer:
    """Return what opens connections to the host of an address, on a provider's terms.

    Args:
        url: `http(s)://host[:port]...`, checked when it was read.
        provider: Whose trust and proxy hold.
        resolver: The process's.

    Raises:
        TrustError: A file of the provider's trust cannot be used any more.
    """
    address = urlsplit(url)
    secure = address.scheme == "https"
    assert address.hostname is not None, url
    return Dialer(
        address.hostname,
        address.port or (443 if secure else 80),
        resolver,
        tls=client_context(provider.trust) if secure else None,
        proxy=provider.proxy,
    )
