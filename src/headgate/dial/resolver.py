"""Names to addresses: looked up off the loop, and kept for a while; longer when nobody answers.

The system's resolver does not tell how long an answer holds, so one bound holds for all. That a
name does not exist is never kept.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from headgate.dial.settings import Resolving

USUAL = Resolving()
NAMES_MAX = 256
DEAD_S = 10.0
"""So long an address that could not be connected to comes last."""
DEAD_MAX = 256


class Address(NamedTuple):
    """Where to connect.

    Attributes:
        family: `socket.AF_INET` or `socket.AF_INET6`.
        sockaddr: What `socket.connect` takes of that family.
    """

    family: int
    sockaddr: tuple[str, int] | tuple[str, int, int, int]


Lookup = Callable[[str, int], Awaitable[Sequence[Address]]]
"""From a host and a port to addresses, the best first; raises OSError or UnicodeError."""


async def system_lookup(host: str, port: int) -> Sequence[Address]:
    """Ask the system, in a thread of its loop if it has to look; in the order of RFC 6724.

    Raises:
        OSError: There is no such name, or nobody answers.
        UnicodeError: It is no name.
    """
    try:
        # An address as it is written is looked up nowhere. A process in which a thread has ever
        # run pays for that with each system call, so none is begun for it.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    wanted = (socket.AF_INET, socket.AF_INET6)
    return tuple(
        dict.fromkeys(Address(row[0], row[4]) for row in found if row[0] in wanted)  # type: ignore[arg-type]  # typeshed knows other families
    )


class _Known(NamedTuple):
    addresses: Sequence[Address]
    at_s: float


class Resolver:
    """Knows the addresses of the last few names; one for a process and its event loop."""

    def __init__(
        self,
        settings: Resolving = USUAL,
        lookup: Lookup = system_lookup,
    ) -> None:
        self._ttl_s = settings.ttl_ms / 1000
        self._kept_s = (settings.ttl_ms + settings.stale_ms) / 1000
        self._slow_s = settings.slow_ms / 1000
        self._lookup = lookup
        self._known: dict[tuple[str, int], _Known] = {}
        self._running: dict[tuple[str, int], asyncio.Task[Sequence[Address]]] = {}
        self._dead: dict[Address, float] = {}

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """Return where a host is.

        Several who ask for the same name at once wait for one answer.

        Raises:
            OSError: There is no such name, or nobody answers and nothing is known of it.
            UnicodeError: It is no name.
        """
        key = (host, port)
        known = self._known.get(key)
        age_s = 0.0 if known is None else self._now_s() - known.at_s
        if known is not None and age_s < self._ttl_s:
            return known.addresses
        task = self._running.get(key) or self._begin(key)
        if known is None or age_s >= self._kept_s:
            return await asyncio.shield(task)
        await asyncio.wait({task}, timeout=self._slow_s)
        good = task.done() and not task.cancelled() and task.exception() is None
        return task.result() if good else known.addresses

    def failed(self, address: Address) -> None:
        """Note that an address could not be connected to."""
        self._dead.pop(address, None)
        if len(self._dead) >= DEAD_MAX:
            del self._dead[next(iter(self._dead))]
        self._dead[address] = self._now_s() + DEAD_S

    def served(self, address: Address) -> None:
        """Note that an address was connected to."""
        self._dead.pop(address, None)

    def living_first(self, addresses: Sequence[Address]) -> Sequence[Address]:
        """Return addresses, last those that were dead a moment ago: they may be the only ones."""
        if not self._dead:
            return addresses
        now_s = self._now_s()
        # Sorting keeps the order of those that are equal.
        return sorted(addresses, key=lambda each: self._dead.get(each, 0.0) > now_s)

    def _begin(self, key: tuple[str, int]) -> asyncio.Task[Sequence[Address]]:
        task = asyncio.get_running_loop().create_task(self._look_up(key))
        self._running[key] = task
        task.add_done_callback(lambda done: self._end(key, done))
        return task

    def _end(self, key: tuple[str, int], done: asyncio.Task[Sequence[Address]]) -> None:
        del self._running[key]
        if not done.cancelled():
            # Whoever waits raises it; when everybody has left, nobody has to hear of it.
            done.exception()

    async def _look_up(self, key: tuple[str, int]) -> Sequence[Address]:
        found = await self._lookup(*key)
        if not found:
            raise OSError(0, "the name has no address")
        self._known.pop(key, None)
        if len(self._known) >= NAMES_MAX:
            del self._known[next(iter(self._known))]
        self._known[key] = _Known(found, self._now_s())
        return found

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()
