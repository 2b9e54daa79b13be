"""The process that counts tokens for a worker: that it counts, ends, and may die."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from headgate.node.tallying import CHARACTERS_MAX, WAITING_MAX, Tallying, tallying
from tests.counting.vocabularies import needs_tokenizers

BOTH = ("cl100k_base", "o200k_base")
Totals = tuple[int, ...] | None


def asked(counter: Tallying, *texts: str) -> asyncio.Future[Totals]:
    """Have texts counted; what comes of it."""
    found: asyncio.Future[Totals] = asyncio.get_running_loop().create_future()
    counter.tally(BOTH, texts, found.set_result)
    return found


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run a test in a loop of its own."""

    async def main() -> None:
        await asyncio.wait_for(work(), 100)

    asyncio.run(main())


@pytest.mark.parametrize("command", [("false",), ("cat",), ("/no/such/program",)])
def test_a_process_that_does_not_count_is_no_trouble(command: tuple[str, ...]) -> None:
    """It ends, says something else or cannot be started: whoever waits is told, also the next."""

    async def work() -> None:
        counter = Tallying(command)
        assert await asked(counter, "one") is None
        first, second = asked(counter, "two"), asked(counter, "three")
        assert (await first, await second) == (None, None)
        await counter.close()

    run(work)


def test_too_many_are_told_at_once() -> None:
    """The line of those who wait is bounded, and whoever is in it is told at the end."""

    async def work() -> None:
        counter = Tallying(("sleep", "60"))
        waiting = [asked(counter, "one") for _ in range(WAITING_MAX)]
        late = asked(counter, "two")
        assert late.done()
        assert late.result() is None
        await counter.close()
        assert {await each for each in waiting} == {None}

    run(work)


def test_it_ends_whenever_it_is_told_to() -> None:
    """Also in the very turn in which somebody asks: a worker that stops waits for no count."""

    async def work() -> None:
        for turns in range(6):
            counter = Tallying(("sleep", "60"))
            waiting = asked(counter, "one")
            for _ in range(turns):
                await asyncio.sleep(0)
            closing = asyncio.create_task(counter.close())
            assert await asyncio.wait({closing}, timeout=5) == ({closing}, set())
            assert waiting.done()

    run(work)


def test_texts_that_are_too_long_together_are_told_at_once() -> None:
    """Whoever sends them and leaves has them neither kept nor counted; one alone always waits."""

    async def work() -> None:
        counter = Tallying(("sleep", "60"))
        first = asked(counter, "x" * CHARACTERS_MAX, "y")
        late = asked(counter, "two")
        assert (first.done(), late.done()) == (False, True)
        await counter.close()
        assert await first is None

    run(work)


@needs_tokenizers
@pytest.mark.slow
def test_texts_are_counted_by_another_process() -> None:
    """By each tokenizer, all texts together; one that cannot be counted makes it none."""

    async def work() -> None:
        counter = tallying()
        assert counter is not None
        assert await asked(counter, "antidisestablishmentarianism", "お誕生日おめでとう") == (
            15,
            14,
        )
        assert await asked(counter, "a\nb", "x" * 60_000) is None
        assert await asked(counter) == (0, 0)
        await counter.close()

    run(work)


@needs_tokenizers
@pytest.mark.slow
def test_a_process_that_is_idle_ends_and_starts_again() -> None:
    """Nobody has its memory when nobody counts."""

    async def work() -> None:
        used = tallying()
        assert used is not None
        counter = Tallying(used._command, idle_s=0.01)
        for _ in range(2):
            assert await asked(counter, "one") == (1, 1)
            serving = counter._serving
            assert serving is not None
            await serving
            assert counter._serving is None

    run(work)
