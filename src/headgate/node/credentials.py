"""Credentials that expire: new ones are fetched before they do, away from the calls."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from pathlib import Path

from headgate.capacity.health import NO_CREDENTIAL
from headgate.gateway.target import Target
from headgate.gateway.world import World
from headgate.node.sources import CredentialError, Fetched, Source, source_of

FIRST_WAIT_S = 15
"""How long a start waits for first credentials; then it serves what needs none of them."""
AGAIN_S, AGAIN_MAX_S = 5.0, 60.0
"""After a failure it is tried again, at first and at most after so long."""
JITTER_PERCENT = 10
"""By up to so much earlier a credential is replaced, lest all workers ask at once."""

_log = logging.getLogger(__name__)


class Keeper:
    """Keeps one provider's credential fresh.

    While there is none, or the last one has expired, its deployments are passed over.

    Args:
        name: The provider's id.
        source: Where its credentials come from.
        targets: Its deployments.

    Attributes:
        first: Set once there is one.
    """

    def __init__(self, name: str, source: Source, targets: Sequence[Target]) -> None:
        self._name = name
        self._source = source
        self._targets = targets
        self._expires_s = 0.0
        self.first = asyncio.Event()
        self._bar(NO_CREDENTIAL)

    async def keep(self) -> None:
        """Fetch, wait, and fetch again, for ever; the old credential stays until a new one came."""
        again_s = AGAIN_S
        while True:
            try:
                fetched = await self._renew()
            except CredentialError as error:
                _log.warning("providers.%s: no credential: %s", self._name, error)
                await self._wait(again_s)
                again_s = min(2 * again_s, AGAIN_MAX_S)
            else:
                again_s = AGAIN_S
                await self._wait(sooner(fetched.again_s))

    async def _renew(self) -> Fetched:
        fetched = await self._source.fetch()
        try:
            for target in self._targets:
                target.renew(fetched.credential)
        except ValueError as error:
            raise CredentialError(str(error)) from error
        self._expires_s = asyncio.get_running_loop().time() + fetched.life_s
        self._bar(None)
        self.first.set()
        return fetched

    async def _wait(self, seconds: float) -> None:
        """Wait; when the credential expires meanwhile, its deployments are asked no more."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + seconds
        if self._expires_s < until_s:
            await asyncio.sleep(max(0.0, self._expires_s - loop.time()))
            self._bar(NO_CREDENTIAL)
        await asyncio.sleep(max(0.0, until_s - loop.time()))

    def _bar(self, rule: str | None) -> None:
        for target in self._targets:
            target.health.bar(rule)


def sooner(seconds: float) -> float:
    """Return a time that is a little shorter, each time by another part."""
    return seconds * (1 - secrets.randbelow(1_000) * JITTER_PERCENT / 100_000)


async def keep_fresh(world: World, folder: Path) -> list[asyncio.Task[None]]:
    """Keep the credentials of all providers fresh that expire.

    Waits for the first ones for a moment: a call that comes before them is refused.

    Args:
        world: The data plane.
        folder: Where commands run: that of the configuration file.
    """
    keepers = []
    for pool in world.pools:
        source = source_of(pool.provider, folder, pool.dialer.resolver)
        if source is not None:
            targets = [target for target in world.targets.values() if target.pool is pool]
            keepers.append(Keeper(pool.provider.id, source, targets))
    tasks = [asyncio.create_task(keeper.keep()) for keeper in keepers]
    firsts = [asyncio.create_task(keeper.first.wait()) for keeper in keepers]
    if firsts:
        _, late = await asyncio.wait(firsts, timeout=FIRST_WAIT_S)
        for waiting in late:
            waiting.cancel()
    return tasks
