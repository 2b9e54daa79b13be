"""Asks providers about batches: a connection for each request, for none of them is in a hurry."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from headgate.config.snapshot import Snapshot
from headgate.dial.fetch import FetchError, Outgoing, fetch
from headgate.dial.reach import dialer_to
from headgate.dial.resolver import Resolver
from headgate.dial.tls import TrustError
from headgate.dialects.batches.carriers.registry import Carrier
from headgate.dialects.batches.steps import Answered, Asking, Steps
from headgate.node.sources import Fetched, source_of
from headgate.providers.registry import batch_base_of, providers
from headgate.providers.settings import Provider

TIMEOUT_S = 300.0
ANSWER_BYTES_MAX = 256 << 20
"""A larger file of results is not taken; its batch stays held until a person has looked."""

T = TypeVar("T")


class Asker:
    """Carries out what carriers ask.

    Args:
        snapshot: Returns the configuration in force.
    """

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot
        self._kinds = providers()
        self._credentials: dict[str, tuple[float, Fetched]] = {}
        self._fetching = asyncio.Lock()

    async def run(self, provider: str, carrier: Carrier, steps: Callable[[str], Steps[T]]) -> T:
        """Carry out the steps of a carrier at a provider; they are told where its batches lie.

        Raises:
            CredentialError: It has no credential now.
            FetchError: It does not answer, or is not configured any more.
            RejectedError: It says no.
            PendingError: It cannot tell yet.
        """
        known = self._snapshot().providers.get(provider)
        if known is None:
            raise FetchError(f"the provider {provider!r} is not configured any more")
        base, query = batch_base_of(
            self._kinds[known.kind], urlsplit(known.base_url).path, known.api_version
        )
        run = steps(base)
        try:
            asking = next(run)
            while True:
                asking = asking._replace(path=_with_query(asking.path, query))
                asking = run.send(await self._ask(known, carrier, asking))
        except StopIteration as done:
            result: T = done.value
            return result

    async def _ask(self, provider: Provider, carrier: Carrier, asking: Asking) -> Answered:
        kind = self._kinds[provider.kind]
        resolver = Resolver(self._snapshot().resolving)
        credential = await self._credential(provider, resolver)
        headers = {"accept-encoding": "identity", **carrier.HEADERS}
        if credential:
            pairs = kind.headers(credential)
            headers |= {name.decode(): value.decode("latin-1") for name, value in pairs}
        if asking.body:
            headers["content-type"] = asking.content_type
        address = urlsplit(provider.base_url)
        url = f"{address.scheme}://{address.netloc}{asking.path}"
        try:
            dialer = dialer_to(url, resolver, provider.trust, provider.proxy, provider.addresses)
        except TrustError as error:
            raise FetchError(str(error)) from error
        outgoing = Outgoing(asking.method, url, headers, asking.body, ANSWER_BYTES_MAX)
        answer = await fetch(dialer, outgoing, TIMEOUT_S)
        return Answered(answer.status, answer.body)

    async def _credential(self, provider: Provider, resolver: Resolver) -> str:
        """Return the credential, a fresh one where the one at hand is to be replaced by now."""
        source = source_of(provider, Path(self._snapshot().file).parent, resolver)
        if source is None:
            return provider.credential
        async with self._fetching:
            known = self._credentials.get(provider.id)
            if known is not None and time.monotonic() < known[0]:
                return known[1].credential
            fetched = await source.fetch()
            until_s = time.monotonic() + min(fetched.again_s, fetched.life_s)
            self._credentials[provider.id] = (until_s, fetched)
            return fetched.credential


def _with_query(path: str, query: str) -> str:
    mark = "&" if "?" in path else "?"
    return f"{path}{mark}{query}" if query else path
