"""The checks of `headgate doctor --online`: whether providers take our credentials, and our clock.

Each provider is asked for something that costs nothing, such as its list of models.
"""

import asyncio
import http.client
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from headgate.cli.doctor_checks import result
from headgate.dial.line import line_to
from headgate.dial.resolver import Resolver
from headgate.dial.tls import TrustError, client_context
from headgate.dial.tunnel import authority_of, proof
from headgate.insights.contract import CheckView
from headgate.node.sources import CredentialError, source_of
from headgate.providers.registry import providers, setup_of
from headgate.providers.settings import Provider
from headgate.units.instants import NANOS_PER_SECOND, from_datetime

TIMEOUT_S = 10.0
SKEW_MAX_S = 5
"""The date in a reply is of whole seconds, and was written before it came."""


def check_online(provider: Provider, folder: Path, now_ns: int) -> Iterator[CheckView]:
    """Ask a provider with its credential, and tell what came of it and how its clock differs.

    Args:
        provider: The provider.
        folder: Where its `credential_command` runs.
        now_ns: The present.
    """
    name = f"credential of {provider.id}"
    free_path = setup_of(providers()[provider.kind]).free_path
    if free_path is None:
        yield result(name, f"A provider of kind {provider.kind} has nothing to ask at no cost.")
        return
    try:
        credential = _credential(provider, folder)
        status, date = _asked(provider, free_path, credential)
    except CredentialError as error:
        fix = f"Look at [providers.{provider.id}.issuer]."
        if provider.credential_command:
            fix = f"Run providers.{provider.id}.credential_command by hand."
        yield result(name, f"{error}.", fix, "error")
    except (OSError, http.client.HTTPException, TrustError) as error:
        fix = "Look at base_url, ca_file, proxy, the network and its firewall."
        yield result(name, f"It could not be asked: {error}.", fix, "warning")
    else:
        yield _judged(name, provider.id, status)
        if date is not None:
            yield from _skew(provider.id, date, now_ns)


def _credential(provider: Provider, folder: Path) -> str:
    source = source_of(provider, folder, Resolver())
    if source is None:
        return provider.credential
    return asyncio.run(source.fetch()).credential


def _asked(provider: Provider, free_path: str, credential: str) -> tuple[int, str | None]:
    kind = providers()[provider.kind]
    pairs = (*kind.DEFAULTS, *(kind.headers(credential) if credential else ()))
    headers = {name.decode(): value.decode() for name, value in pairs}
    path = f"{urlsplit(provider.base_url).path.rstrip('/')}{free_path}"
    line, target = _line(provider, path, headers)
    try:
        line.request("GET", target, headers=headers)
        reply = line.getresponse()
        return reply.status, reply.headers["date"]
    finally:
        line.close()


def _line(
    provider: Provider, path: str, headers: dict[str, str]
) -> tuple[http.client.HTTPConnection, str]:
    """Return a connection by a provider's trust and proxy, and what a request on it begins with."""
    parts, proxy = urlsplit(provider.base_url), provider.proxy
    shown = {}
    if proxy is not None and proxy.credential:
        shown = {"proxy-authorization": proof(proxy.credential)}
    where = parts.netloc if proxy is None else authority_of(proxy.host, proxy.port)
    context = client_context(provider.trust) if parts.scheme == "https" else None
    line = line_to(f"{parts.scheme}://{where}", TIMEOUT_S, context)
    if proxy is not None and context is None:
        headers |= shown
        path = f"http://{parts.netloc}{path}"
    elif proxy is not None:
        line.set_tunnel(parts.hostname or "", parts.port or 443, shown)
    return line, path


def _judged(name: str, provider: str, status: int) -> CheckView:
    if status < 300:
        return result(name, "It is accepted.")
    if status in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
        fix = f"Give [providers.{provider}] a credential that is valid there."
        return result(name, f"It is refused: status {status}.", fix, "error")
    fix = "Look at base_url; a moment later it may answer otherwise."
    return result(name, f"Nobody knows: it answered with status {status}.", fix, "warning")


def _skew(provider: str, date: str, now_ns: int) -> Iterator[CheckView]:
    name = f"clock against {provider}"
    try:
        there_ns = from_datetime(parsedate_to_datetime(date))
    except ValueError:
        return
    ahead_s = (now_ns - there_ns) // NANOS_PER_SECOND
    if abs(ahead_s) > SKEW_MAX_S:
        side = "ahead of" if ahead_s > 0 else "behind"
        message = f"The clock is {abs(ahead_s)} s {side} the provider's."
        fix = "Set the clock of this machine: prices and months begin by it."
        yield result(name, message, fix, "warning")
    else:
        yield result(name, "The clocks agree.")
