"""Prompt caches: what is read, what is written, how long it stays, and that it gets cheaper."""

from fractions import Fraction
from typing import Any

import anthropic
import openai
import pytest

from headgate.simulator import Simulator
from headgate.simulator.caches import Block, Prefixes, read_blocks, read_steps

STEP = 128 * 4


class Clock:
    """Time that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at zero."""
    return Clock()


@pytest.fixture
def prefixes(clock: Clock) -> Prefixes:
    """An empty cache."""
    return Prefixes(clock)


def steps(prefixes: Prefixes, prompt: bytes) -> tuple[int, int]:
    """Read a prompt as OpenAI does; return tokens read and written."""
    hit = read_steps(prefixes, b"key", prompt, tokens_min=1024, lifetime_s=300)
    return hit.read, hit.written


def blocks(prefixes: Prefixes, *given: Block) -> tuple[int, int, int, int]:
    """Read a prompt as Anthropic does; return tokens read, written 5m, written 1h, uncached."""
    hit = read_blocks(prefixes, b"key", given, tokens_min=1024)
    return hit.read, hit.written_5m, hit.written_1h, hit.uncached


def block(letter: str, tokens: int, lifetime_s: int | None = None) -> Block:
    """Return a block of so many tokens."""
    return Block(letter.encode() * 4 * tokens, lifetime_s)


def test_steps_of_128_from_1024(prefixes: Prefixes) -> None:
    """Below 1024 tokens nothing is cached; above, whole steps of 128 tokens are."""
    assert steps(prefixes, b"a" * (8 * STEP - 1)) == (0, 0)
    assert steps(prefixes, b"a" * (8 * STEP + 1)) == (0, 1024)
    assert steps(prefixes, b"a" * (9 * STEP + 300)) == (1024, 128)
    assert steps(prefixes, b"a" * (9 * STEP + 300)) == (1152, 0)


def test_another_beginning_is_another_prefix(prefixes: Prefixes) -> None:
    """A prompt that differs in its first byte shares nothing."""
    steps(prefixes, b"a" * 20 * STEP)

    assert steps(prefixes, b"b" + b"a" * (20 * STEP - 1))[0] == 0


def test_steps_expire_and_are_refreshed(prefixes: Prefixes, clock: Clock) -> None:
    """A prefix lives five minutes from its last use."""
    prompt = b"a" * 10 * STEP
    steps(prefixes, prompt)
    clock.now = 299
    assert steps(prefixes, prompt) == (1280, 0)
    clock.now = 598
    assert steps(prefixes, prompt) == (1280, 0)
    clock.now = 899

    assert steps(prefixes, prompt) == (0, 1280)


def test_breakpoints_are_written_once_then_read(prefixes: Prefixes) -> None:
    """What lies up to a breakpoint is written, then read; the rest stays uncached."""
    prompt = (block("s", 2000, 300), block("u", 10))

    assert blocks(prefixes, *prompt) == (0, 2000, 0, 10)
    assert blocks(prefixes, *prompt) == (2000, 0, 0, 10)


def test_growing_chat_reads_its_past(prefixes: Prefixes) -> None:
    """A later breakpoint finds the earlier entry some blocks before, and writes the difference."""
    blocks(prefixes, block("s", 1500), block("u", 100, 300))

    grown = (block("s", 1500), block("u", 100), block("a", 50), block("u", 30, 300))

    assert blocks(prefixes, *grown) == (1600, 80, 0, 0)


def test_lookback_ends(prefixes: Prefixes) -> None:
    """An entry more than twenty blocks before the breakpoint is not found."""
    blocks(prefixes, block("s", 1500, 300))

    grown = (block("s", 1500), *(block("u", 1) for _ in range(20)), block("z", 1, 300))

    assert blocks(prefixes, *grown) == (0, 1521, 0, 0)


def test_two_lifetimes_are_told_apart(prefixes: Prefixes, clock: Clock) -> None:
    """Each part is written with the lifetime of its breakpoint, and expires with it."""
    prompt = (block("s", 2000, 3600), block("u", 500, 300))
    assert blocks(prefixes, *prompt) == (0, 500, 2000, 0)
    clock.now = 301

    assert blocks(prefixes, *prompt) == (2000, 500, 0, 0)


def test_short_prefixes_are_not_cached(prefixes: Prefixes) -> None:
    """A breakpoint below the model's minimum is ignored."""
    prompt = (block("s", 1023, 300),)

    assert blocks(prefixes, *prompt) == blocks(prefixes, *prompt) == (0, 0, 0, 1023)


def test_openai_gets_cheaper(simulator: Simulator, openai_client: openai.OpenAI) -> None:
    """The second call with a long prefix costs less; its count includes the cached tokens."""
    text = "cheaper at OpenAI " * 1000

    usages = []
    for _ in range(2):
        reply = openai_client.chat.completions.create(
            model="gpt-5.6-luna", messages=[{"role": "user", "content": text}]
        )
        assert reply.usage is not None
        usages.append(reply.usage)

    first, second = (usage.prompt_tokens_details for usage in usages)
    assert first is not None
    assert second is not None
    assert (first.cached_tokens, first.cache_write_tokens) == (0, 4480)
    assert (second.cached_tokens, second.cache_write_tokens) == (4480, 0)
    assert usages[0].prompt_tokens == usages[1].prompt_tokens == 4502
    dear, cheap = (entry.amount for entry in simulator.bill.entries[-2:])
    assert cheap < dear


def test_anthropic_gets_cheaper_until_it_expires(
    simulator: Simulator, anthropic_client: anthropic.Anthropic
) -> None:
    """Written, read, and written again after five minutes; counts exclude one another."""
    system: Any = [
        {
            "type": "text",
            "text": "cheaper at Anthropic " * 1000,
            "cache_control": {"type": "ephemeral"},
        }
    ]

    def call() -> tuple[int, int | None, int | None]:
        usage = anthropic_client.messages.create(
            model="claude-sonnet-5",
            max_tokens=5,
            system=system,
            messages=[{"role": "user", "content": "hello"}],
        ).usage
        return (
            usage.input_tokens,
            usage.cache_creation_input_tokens,
            usage.cache_read_input_tokens,
        )

    assert call() == (3, 5252, 0)
    assert call() == (3, 0, 5252)
    simulator.advance(301)
    assert call() == (3, 5252, 0)
    written, read, again = (entry.amount for entry in simulator.bill.entries[-3:])
    assert written == again > read > Fraction(0)
