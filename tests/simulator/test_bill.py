"""The bill equals what a hand computes, to the last fraction."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from headgate.simulator import (
    MODELS,
    PRICES,
    Bill,
    BillEntry,
    ProviderName,
    Simulator,
    Usage,
    find_row,
)
from headgate.simulator.bill import as_decimal

MILLION = 1_000_000


def entry(model: str, **usage: int) -> BillEntry:
    """Return a charge for this usage."""
    provider = ProviderName.ANTHROPIC if model.startswith("claude") else ProviderName.OPENAI
    return BillEntry("req_1", "reply_1", provider, model, Usage(**usage), True, 0)


@pytest.mark.parametrize(
    ("charge", "dollars"),
    [
        (
            entry("gpt-5.4-2026-03-05", input_uncached=1000, cache_read=1024, output=100),
            Fraction("0.0025") + Fraction("0.000256") + Fraction("0.0015"),
        ),
        (
            entry("gpt-5.6-sol", input_uncached=1, cache_write_5m=2, cache_write_24h=3),
            Fraction(4 + 10 + 30, MILLION),
        ),
        (
            entry(
                "claude-opus-4-8",
                input_uncached=7,
                cache_read=100,
                cache_write_5m=10,
                cache_write_1h=20,
                output=3,
            ),
            Fraction(35 * 2 + 50 * 2 + 125 + 200 * 2 + 75 * 2, 2 * MILLION),
        ),
        (entry("claude-haiku-4-5-20251001", output=1), Fraction(5, MILLION)),
    ],
)
def test_amounts_by_hand(charge: BillEntry, dollars: Fraction) -> None:
    """Each meter is charged at its own price, and the lines add up."""
    assert charge.amount == dollars


@pytest.mark.parametrize(
    ("model", "threshold", "below", "above"),
    [
        ("gpt-5.4-2026-03-05", 272_000, "15", "22.5"),
        ("gpt-5.5-2026-04-23", 272_000, "30", "45"),
        ("claude-haiku-5-5", 100_000, "0.5", "2.5"),
    ],
)
def test_long_prompts_reprice_the_whole_request(
    model: str, threshold: int, below: str, above: str
) -> None:
    """The dearer row holds for all meters once the prompt, cached parts included, exceeds it."""
    at_threshold = entry(model, input_uncached=1, cache_read=threshold - 1, output=1)
    over = entry(model, input_uncached=1, cache_read=threshold, output=1)

    assert at_threshold.lines[-1].amount == Fraction(below) / MILLION
    assert over.lines[-1].amount == Fraction(above) / MILLION
    assert over.lines[0].unit_price > at_threshold.lines[0].unit_price


NEEDED = ("input_uncached", "cache_read", "output")


def test_every_row_prices_input_reading_and_output() -> None:
    """No row lacks a meter that any request may need; an embedding reads and does no more.

    Images and sound are billed by meters of their own.
    """
    openai = MODELS[ProviderName.OPENAI]
    embeddings = {facts.served for facts in openai if facts.dimensions}
    media = tuple(facts.served for facts in openai if facts.mode != "text")
    for model, rows in PRICES.items():
        if model.startswith(media):
            continue
        for row in rows:
            needed = {"input_uncached"} if model in embeddings else set(NEEDED)
            assert needed <= row.unit_prices.keys()
            assert all(price > 0 for price in row.unit_prices.values())


def test_total_is_the_sum_of_all_entries(tmp_path: Path) -> None:
    """The total kept by quantities equals the sum of the amounts, and of the log's lines."""
    log = tmp_path / "bill.jsonl"
    bill = Bill(log)
    for number in range(1, 50):
        bill.add(entry("gpt-5.6-luna", input_uncached=number * 9001, output=number))
        bill.add(entry("claude-haiku-5-5", cache_read=number * 4999, output=number))

    logged = [json.loads(line) for line in log.read_text().splitlines()]
    bill.close()

    assert bill.total == sum(charge.amount for charge in bill.entries)
    assert bill.total == sum(Fraction(line["amount"]) for line in logged)
    assert Fraction(as_decimal(bill.total)) == bill.total


def test_openai_call_by_hand(simulator: Simulator, openai_client: openai.OpenAI) -> None:
    """A real call: 2 prompt tokens and 100 generated ones, reasoning included."""
    before = simulator.bill.total

    raw = openai_client.chat.completions.with_raw_response.create(
        model="gpt-5.5",
        messages=[{"role": "user", "content": "[sim:tokens=68]"}],
        reasoning_effort="medium",
    )
    reply = raw.parse()

    charge = simulator.bill.entries[-1]
    # A line break, `user`, a line break and 15 characters: 21 bytes, 6 tokens.
    assert charge.usage == Usage(input_uncached=6, output=100, reasoning=32)
    assert simulator.bill.total - before == Fraction(6 * 5 + 100 * 30, MILLION)
    assert charge.request_id == raw.headers["x-request-id"]
    assert charge.reply_id == reply.id
    assert charge.completed


def test_anthropic_stream_by_hand(
    simulator: Simulator, anthropic_client: anthropic.Anthropic
) -> None:
    """A real stream: a written prefix of one hour at its own price."""
    system: Any = [
        {"type": "text", "text": "x" * 8184, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    ]

    with anthropic_client.messages.stream(
        model="claude-sonnet-5",
        max_tokens=10,
        system=system,
        messages=[{"role": "user", "content": "hello"}],
    ) as events:
        reply = events.get_final_message()

    charge = simulator.bill.entries[-1]
    assert reply.usage.cache_creation is not None
    assert reply.usage.cache_creation.ephemeral_1h_input_tokens == 2048
    assert charge.amount == Fraction(3 * 2 + 2048 * 4 + 10 * 10, MILLION)


def test_a_model_without_long_rows_has_one_price() -> None:
    """A model whose price does not depend on length has the same row at any length."""
    assert find_row("claude-opus-4-8", 1) is find_row("claude-opus-4-8", 900_000)
