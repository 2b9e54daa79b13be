"""`[network]` and the keys of providers that say how they are reached: proxies, trust, names."""

from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from headgate.config.check import checked
from headgate.config.problems import Problems
from headgate.config.secrets import SecretReader
from headgate.config.shape import Secret
from headgate.config.shapes_providers import NetworkShape, ProviderShape
from headgate.dial.scope import is_permitted
from headgate.dial.settings import Proxy, Resolving, Scope, Trust
from headgate.dial.tls import TrustError, client_context

FIX_PROXY = 'Write "http://HOST:PORT"; user and password stand in `proxy_credential`.'
PROXY_PORT = 3_128


class Network(NamedTuple):
    """The way to providers, unless they say otherwise.

    Attributes:
        proxy: The proxy of all, None for none.
        no_proxy: Hosts reached directly; one that begins with a dot means what is below it.
        addresses: Where hosts may lie.
        resolving: How long addresses are kept.
    """

    proxy: Proxy | None
    no_proxy: tuple[str, ...]
    addresses: Scope
    resolving: Resolving

    def proxy_for(self, url: str) -> Proxy | None:
        """Return the proxy on the way to an address, None when there is none."""
        host = urlsplit(url).hostname or ""
        spared = any(
            host == each or (each.startswith(".") and host.endswith(each)) for each in self.no_proxy
        )
        return None if spared else self.proxy


def network_from(document: object, secrets: SecretReader, problems: Problems) -> Network:
    """Return what `[network]` says."""
    shape = checked(document, "network", NetworkShape, problems)
    proxy = proxy_from(shape.proxy, shape.proxy_credential, "network", secrets, problems)
    no_proxy = tuple(each.lower().strip("[]") for each in shape.no_proxy)
    return Network(
        proxy, no_proxy, shape.addresses, Resolving(shape.dns_ttl_ms, shape.dns_stale_ms)
    )


def proxy_from(
    text: str | None, given: Secret | None, key: str, secrets: SecretReader, problems: Problems
) -> Proxy | None:
    """Return a proxy with its credential, None when there is none or it is noted as wrong."""
    credential = secrets.read(given, f"{key}.proxy_credential") or ""
    if text is None:
        if given is not None:
            fix = f"Take it out, or give {key}.proxy."
            problems.add(f"{key}.proxy_credential", "There is no proxy that it is for.", fix)
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or PROXY_PORT
        good = parts.scheme == "http" and "@" not in parts.netloc and not parts.path.strip("/")
    except ValueError:
        host, port, good = None, 0, False
    if host is None or not good:
        problems.add(f"{key}.proxy", f"{_shown(text)} is no address of an HTTP proxy.", FIX_PROXY)
        return None
    return Proxy(host, port, credential)


def addresses_from(
    shape: ProviderShape, base_url: str, network: Network, key: str, problems: Problems
) -> Scope:
    """Return where a provider's host may lie; one that is an address has to lie there."""
    scope = shape.addresses or network.addresses
    host = urlsplit(base_url).hostname or ""
    if not is_permitted(host, scope):
        fix = f'Name another host; if it is meant, write addresses = "{_wider(host)}" there.'
        problems.add(f"{key}.base_url", f"{host} is not permitted: addresses = {scope!r}.", fix)
    return scope


def _wider(host: str) -> Scope:
    return "routable" if is_permitted(host, "routable") else "any"


def _shown(text: str) -> str:
    """Return what may be repeated of an address: not the password that stands in it."""
    return repr(text.rpartition("@")[2])


def trust_from(named: Trust, base: Path, key: str, problems: Problems) -> Trust:
    """Return whom we trust and what we show, with whole paths; the files are tried."""
    ca_file = _file(named.ca_file, base, f"{key}.ca_file", problems)
    client_cert = _file(named.client_cert, base, f"{key}.client_cert", problems)
    client_key = _file(named.client_key, base, f"{key}.client_key", problems)
    if named.client_key is not None and named.client_cert is None:
        fix = "Give client_cert, or take it out."
        problems.add(f"{key}.client_key", "There is no certificate that it is for.", fix)
    trust = Trust(ca_file, client_cert, client_key)
    if any(trust) and sum(map(bool, trust)) == sum(map(bool, named)):
        try:
            client_context(trust)
        except TrustError as error:
            problems.add(f"{key}.{error.key}", str(error), "Name a PEM file.")
    return trust


def _file(name: str | None, base: Path, key: str, problems: Problems) -> str | None:
    if name is None:
        return None
    path = base / name
    if not path.is_file():
        problems.add(key, f"There is no file {path}.", "Name a PEM file.")
        return None
    return str(path)
