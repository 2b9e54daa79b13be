"""Asks providers about batches: a connection for each request, for none of them is in a hurry."""

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
from headgate.node.batch_credentials import BatchCredentials
from headgate.node.sources import source_of
from headgate.providers.registry import batch_base_of, providers
from headgate.providers.settings import Provider

TIMEOUT_S = 300.0
ANSWER_BYTES_MAX = 256 << 20
"""A larger file of results is not taken; its batch stays held until a person has looked."""

REJECTED = 401
"""What a provider says of a credential that it does not know (any more): nothing was done."""

T = TypeVar("T")


class Asker:
    """Carries out what carriers ask.

    Args:
        snapshot: Returns the configuration in force.
    """

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot
        self._kinds = providers()
        self._credentials = BatchCredentials()

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
        """Ask; once more with a fresh credential, where one that expires was rejected."""
        resolver = Resolver(self._snapshot().resolving)
        source = source_of(provider, Path(self._snapshot().file).parent, resolver)
        if source is None:
            return await self._ask_as(provider, carrier, asking, provider.credential)
        credential = await self._credentials.of(provider.id, source)
        answer = await self._ask_as(provider, carrier, asking, credential)
        if answer.status != REJECTED:
            return answer
        fresh = await self._credentials.renewed(provider.id, source, credential)
        if fresh is None:
            return answer
        return await self._ask_as(provider, carrier, asking, fresh)

    async def _ask_as(
        self, provider: Provider, carrier: Carrier, asking: Asking, credential: str
    ) -> Answered:
        headers = {"accept-encoding": "identity", **carrier.HEADERS}
        if credential:
            pairs = self._kinds[provider.kind].headers(credential)
            headers |= {name.decode(): value.decode("latin-1") for name, value in pairs}
        if asking.body:
            headers["content-type"] = asking.content_type
        address = urlsplit(provider.base_url)
        url = f"{address.scheme}://{address.netloc}{asking.path}"
        resolver = Resolver(self._snapshot().resolving)
        try:
            dialer = dialer_to(url, resolver, provider.trust, provider.proxy, provider.addresses)
        except TrustError as error:
            raise FetchError(str(error)) from error
        outgoing = Outgoing(asking.method, url, headers, asking.body, ANSWER_BYTES_MAX)
        answer = await fetch(dialer, outgoing, TIMEOUT_S)
        return Answered(answer.status, answer.body)


def _with_query(path: str, query: str) -> str:
    mark = "&" if "?" in path else "?"
    return f"{path}{mark}{query}" if query else path
