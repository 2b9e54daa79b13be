"""Credentials that expire: a command fetches new ones before they do, away from the calls."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from headgate.gateway.target import Target
from headgate.gateway.world import World
from headgate.providers.settings import Provider
from headgate.units.errors import HeadgateError

COMMAND_TIMEOUT_S = 30
FIRST_WAIT_S = 15
"""How long a start waits for first credentials; then it serves what needs none of them."""
AGAIN_S, AGAIN_MAX_S = 5, 60
"""After a failure it is tried again, at first and at most after so long."""
OUTPUT_BYTES_MAX = 16_384

_log = logging.getLogger(__name__)


class CredentialError(HeadgateError):
    """A command did not print a usable credential; the message never shows what it printed."""


async def fetch(command: Sequence[str], folder: Path) -> str:
    """Return the credential that a command prints, without surrounding blanks.

    Args:
        command: The program and its arguments; no shell reads them.
        folder: Where it runs.

    Raises:
        CredentialError: It cannot be started, fails, takes too long, or prints nothing usable.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except (OSError, ValueError) as error:
        raise CredentialError(f"{command[0]} cannot be started: {error}") from error
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT_S):
            output, _ = await process.communicate()
    except TimeoutError as error:
        raise CredentialError(f"{command[0]} took longer than {COMMAND_TIMEOUT_S} s") from error
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise CredentialError(f"{command[0]} ended with exit code {process.returncode}")
    text = output.decode("ascii", "replace").strip()
    if not 0 < len(text) <= OUTPUT_BYTES_MAX:
        raise CredentialError(f"{command[0]} printed nothing, or too much")
    return text


class Keeper:
    """Keeps one provider's credential fresh.

    Attributes:
        first: Set once there is one.
    """

    def __init__(self, provider: Provider, targets: Sequence[Target], folder: Path) -> None:
        self._provider = provider
        self._targets = targets
        self._folder = folder
        self.first = asyncio.Event()

    async def keep(self) -> None:
        """Fetch, wait, and fetch again, for ever; the old credential stays until a new one came."""
        again_s = AGAIN_S
        while True:
            try:
                await self._renew()
            except CredentialError as error:
                _log.warning("providers.%s.credential_command: %s", self._provider.id, error)
                await asyncio.sleep(again_s)
                again_s = min(2 * again_s, AGAIN_MAX_S)
            else:
                again_s = AGAIN_S
                await asyncio.sleep(self._provider.credential_refresh_ms / 1000)

    async def _renew(self) -> None:
        credential = await fetch(self._provider.credential_command, self._folder)
        try:
            for target in self._targets:
                target.renew(credential)
        except ValueError as error:
            raise CredentialError(str(error)) from error
        self.first.set()


async def keep_fresh(world: World, folder: Path) -> list[asyncio.Task[None]]:
    """Keep the credentials of all providers fresh that have a command for it.

    Waits for the first ones for a moment: a call that comes before them is sent without.

    Args:
        world: The data plane.
        folder: Where the commands run: that of the configuration file.
    """
    keepers = [
        Keeper(
            pool.provider,
            [target for target in world.targets.values() if target.pool is pool],
            folder,
        )
        for pool in world.pools
        if pool.provider.credential_command
    ]
    tasks = [asyncio.create_task(keeper.keep()) for keeper in keepers]
    firsts = [asyncio.create_task(keeper.first.wait()) for keeper in keepers]
    if firsts:
        _, late = await asyncio.wait(firsts, timeout=FIRST_WAIT_S)
        for waiting in late:
            waiting.cancel()
    return tasks
