"""Credentials that expire: new ones are fetched before they do, or when one was rejected."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from headgate.capacity.health import NO_CREDENTIAL
from headgate.gateway.upstream.renewals import Renewals
from headgate.gateway.upstream.target import Target
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
        now_ns: The clock of the data plane.

    Attributes:
        first: Set once there is one.
        renewals: The calls that wait for a fresh one.
    """

    def __init__(
        self, name: str, source: Source, targets: Sequence[Target], now_ns: Callable[[], int]
    ) -> None:
        self._name = name
        self._source = source
        self._targets = targets
        self._expires_s = 0.0
        self._credential = ""
        self._rejected = asyncio.Event()
        self.first = asyncio.Event()
        self.renewals = Renewals(self._rejected.set, now_ns)
        self._bar(NO_CREDENTIAL)

    async def keep(self) -> None:
        """Fetch, wait, and fetch again, for ever; the old credential stays until a new one came."""
        again_s = AGAIN_S
        while True:
            try:
                fetched = await self._renew()
            except Exception as error:  # noqa: BLE001 - a keeper that ends keeps calls waiting
                known = isinstance(error, CredentialError)
                told = "providers.%s: no credential: %s"
                _log.warning(told, self._name, error, exc_info=None if known else error)
                self._tell(fresh=False)
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
        fresh, self._credential = fetched.credential != self._credential, fetched.credential
        self._expires_s = asyncio.get_running_loop().time() + fetched.life_s
        self._bar(None)
        self.first.set()
        self._tell(fresh=fresh)
        return fetched

    def _tell(self, *, fresh: bool) -> None:
        """Tell the calls that wait for a fresh credential whether it came, in a turn of theirs."""
        self._rejected.clear()
        asyncio.get_running_loop().call_soon(lambda: self.renewals.came(fresh=fresh))

    async def _wait(self, seconds: float) -> None:
        """Wait, until the provider rejects the credential at the latest.

        When it expires meanwhile, its deployments are asked no more.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + seconds
        if self._expires_s < until_s:
            if await self._rejected_within(self._expires_s - loop.time()):
                return
            self._bar(NO_CREDENTIAL)
        await self._rejected_within(until_s - loop.time())

    async def _rejected_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                return await self._rejected.wait()
        except TimeoutError:
            return False

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
            keeper = Keeper(pool.provider.id, source, targets, world.now_ns)
            pool.renewals = keeper.renewals
            keepers.append(keeper)
    tasks = [asyncio.create_task(keeper.keep()) for keeper in keepers]
    firsts = [asyncio.create_task(keeper.first.wait()) for keeper in keepers]
    if firsts:
        _, late = await asyncio.wait(firsts, timeout=FIRST_WAIT_S)
        for waiting in late:
            waiting.cancel()
    return tasks
