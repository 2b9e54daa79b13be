"""Names: asked for once for all who wait, kept for a while, and longer when the resolver fails."""

import asyncio
import socket
from collections.abc import Sequence

import pytest

from headgate.dial.resolver import NAMES_MAX, Address, Resolver
from headgate.dial.settings import Resolving

GOOD = Address(socket.AF_INET, ("127.0.0.1", 443))
OTHER = Address(socket.AF_INET, ("127.0.0.2", 443))
ALWAYS_OLD = Resolving(ttl_ms=0, stale_ms=60_000)


class Names:
    """A resolver's other side: answers, fails, or keeps those who ask waiting.

    Attributes:
        asked: The hosts that were asked for.
        fails: Whether it has broken down.
        gate: What it waits for before it answers, None to answer at once.
    """

    def __init__(self, *answer: Address) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.fails = False
        self.gate: asyncio.Event | None = None

    async def look_up(self, host: str, _port: int) -> Sequence[Address]:
        """Answer as a `Lookup` does."""
        self.asked.append(host)
        if self.gate is not None:
            await self.gate.wait()
        if self.fails:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self.answer


def test_a_name_is_kept() -> None:
    """Within its time it is not asked for again; another port is another question."""

    async def run() -> None:
        names = Names(GOOD)
        resolver = Resolver(lookup=names.look_up)

        assert await resolver.addresses("a.example", 443) == (GOOD,)
        assert await resolver.addresses("a.example", 443) == (GOOD,)
        await resolver.addresses("a.example", 80)

        assert len(names.asked) == 2

    asyncio.run(run())


def test_many_who_ask_at_once_ask_once() -> None:
    """A thousand calls that find no connection do not become a thousand lookups; and who gives up
    takes the answer from nobody else."""

    async def run() -> None:
        names = Names(GOOD)
        names.gate = asyncio.Event()
        resolver = Resolver(lookup=names.look_up)
        asking = [asyncio.create_task(resolver.addresses("a.example", 1)) for _ in range(20)]
        await asyncio.sleep(0)
        asking[0].cancel()
        names.gate.set()
        found = await asyncio.gather(*asking, return_exceptions=True)

        assert isinstance(found[0], asyncio.CancelledError)
        assert found[1:] == [(GOOD,)] * 19
        assert names.asked == ["a.example"]

    asyncio.run(run())


def test_an_old_answer_is_used_while_the_resolver_fails() -> None:
    """What is too old is asked for again; when that fails it is still the best there is."""

    async def run() -> None:
        names = Names(GOOD)
        resolver = Resolver(ALWAYS_OLD, names.look_up)
        await resolver.addresses("a.example", 1)
        names.fails = True

        assert await resolver.addresses("a.example", 1) == (GOOD,)
        names.fails, names.answer = False, (OTHER,)
        assert await resolver.addresses("a.example", 1) == (OTHER,)
        assert len(names.asked) == 3

    asyncio.run(run())


def test_an_old_answer_is_used_while_the_resolver_is_silent() -> None:
    """A resolver that does not answer holds nobody up who can do without."""

    async def run() -> None:
        names = Names(GOOD)
        resolver = Resolver(ALWAYS_OLD._replace(slow_ms=10), names.look_up)
        await resolver.addresses("a.example", 1)
        names.gate = asyncio.Event()

        assert await resolver.addresses("a.example", 1) == (GOOD,)
        names.gate.set()

    asyncio.run(run())


def test_an_answer_is_not_used_for_ever() -> None:
    """Beyond its second bound a failure is a failure, and no failure is kept."""

    async def run() -> None:
        names = Names(GOOD)
        resolver = Resolver(Resolving(ttl_ms=0, stale_ms=0), names.look_up)
        await resolver.addresses("a.example", 1)
        names.fails = True
        with pytest.raises(socket.gaierror):
            await resolver.addresses("a.example", 1)
        names.fails = False
        assert await resolver.addresses("a.example", 1) == (GOOD,)

    asyncio.run(run())


def test_only_so_many_names_are_kept() -> None:
    """The name that was asked for longest ago is forgotten first."""

    async def run() -> None:
        names = Names(GOOD)
        resolver = Resolver(lookup=names.look_up)
        for number in range(NAMES_MAX + 1):
            await resolver.addresses(f"{number}.example", 1)
        await resolver.addresses("1.example", 1)
        await resolver.addresses("0.example", 1)

        assert names.asked[NAMES_MAX + 1 :] == ["0.example"]

    asyncio.run(run())


def test_an_address_that_was_dead_a_moment_ago_comes_last() -> None:
    """It is still there, for it may be the only one; and first again once it was connected to."""

    async def run() -> None:
        resolver = Resolver()
        resolver.failed(GOOD)
        assert list(resolver.living_first([GOOD, OTHER])) == [OTHER, GOOD]
        resolver.served(GOOD)
        assert list(resolver.living_first([GOOD, OTHER])) == [GOOD, OTHER]

    asyncio.run(run())


def test_the_system_knows_this_machine() -> None:
    """Without a stand-in the system's resolver is asked."""

    async def run() -> Sequence[Address]:
        return await Resolver().addresses("127.0.0.1", 8080)

    assert list(asyncio.run(run())) == [Address(socket.AF_INET, ("127.0.0.1", 8080))]
