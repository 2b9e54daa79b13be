"""Credentials that expire, for asking about batches: kept while they last, renewed if rejected."""

import asyncio
import time
from typing import Final

from headgate.node.sources import Fetched, Source

AGAIN_S: Final = 60.0
"""So long after a rejected one was replaced none is replaced: it is rejected for another reason."""


class BatchCredentials:
    """The credentials of all providers that are asked about batches, by the provider's id."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Fetched]] = {}
        self._renewed_s: dict[str, float] = {}
        self._fetching = asyncio.Lock()

    async def of(self, provider: str, source: Source) -> str:
        """Return a provider's credential: a fresh one where the one at hand is to be replaced.

        Raises:
            CredentialError: None came.
        """
        async with self._fetching:
            kept = self._kept.get(provider)
            if kept is not None and time.monotonic() < kept[0]:
                return kept[1].credential
            return await self._fetch(provider, source)

    async def renewed(self, provider: str, source: Source, rejected: str) -> str | None:
        """Return another credential than one that was rejected; None when it is the only one.

        It has been replaced meanwhile, or is fetched now, if none was for its rejection lately.

        Raises:
            CredentialError: None came.
        """
        async with self._fetching:
            kept = self._kept.get(provider)
            if kept is not None and kept[1].credential != rejected:
                return kept[1].credential
            now_s = time.monotonic()
            if now_s - self._renewed_s.get(provider, -AGAIN_S) < AGAIN_S:
                return None
            self._renewed_s[provider] = now_s
            fresh = await self._fetch(provider, source)
            return None if fresh == rejected else fresh

    async def _fetch(self, provider: str, source: Source) -> str:
        fetched = await source.fetch()
        until_s = time.monotonic() + min(fetched.again_s, fetched.life_s)
        self._kept[provider] = (until_s, fetched)
        return fetched.credential
