"""The ways in which others have billed wrongly, each with the public case; here each is right.

Here the parts that decide the money are put together: a provider's reading of a reply and the book.
What a whole node does is shown by the tests of the rooms that do it; the cases of logs are in
`test_pitfalls_of_logs.py`.
"""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from headgate.catalog.aliases import read_alias
from headgate.catalog.check import check_book
from headgate.catalog.facts import ModelDirectory
from headgate.catalog.prices import PriceBook
from headgate.catalog.rates import RateCard
from headgate.catalog.rows import PriceRow, parse_row
from headgate.dialects import anthropic_messages
from headgate.dialects import gemini as gemini_dialect
from headgate.providers import anthropic, gemini, openai, openrouter
from headgate.records.charge import Charge
from headgate.records.demand import STANDARD, Terms
from headgate.records.report import Metered, Report
from headgate.units.instants import from_datetime
from headgate.units.usage import Usage, UsageError

MILLION = 1_000_000
NO_MODELS = ModelDirectory(())


def at(text: str) -> int:
    """Return an instant; a date alone is 00:00 UTC."""
    return from_datetime(datetime.fromisoformat(text if "T" in text else text + "T00:00:00Z"))


NOW = at("2026-11-20T12:00:00Z")


def card(
    book: PriceBook,
    model: str,
    terms: Terms = STANDARD,
    moment: int = NOW,
    known: int | None = None,
) -> RateCard:
    """Return the prices of a model that has some."""
    seller, name = model.split("/")
    found = book.rate_card(seller, name, terms, moment, known)
    assert found is not None
    return found


def acme(usd: dict[str, str], **more: Any) -> PriceRow:
    """Return a row of a seller of no note."""
    table = {
        "model": "m",
        "valid_from": date(2026, 1, 1),
        "recorded_at": date(2026, 1, 1),
        "usd_per_million": usd,
        "sources": ["https://example.com"],
    }
    return parse_row(table | more, seller="acme", bands={})


def report(tier: str | None = None, **usage: object) -> Report:
    """Return what a dialect hands on of a whole reply."""
    return Report(usage_json=json.dumps(usage).encode(), tier=tier, complete=True)


def charged(book: PriceBook, model: str, metered: Metered) -> Charge:
    """Return what a reply costs on the terms it was served on."""
    return card(book, model, metered.terms).rate(metered.usage)


def nanos(usd_per_million: str, tokens: int) -> int:
    """Return what tokens cost, from a price as it is published."""
    whole, _, part = usd_per_million.partition(".")
    scale: int = 10 ** len(part)
    return int(whole + part) * tokens * 1_000 // scale


def test_01_cache_writes_are_billed_once(book: PriceBook) -> None:
    """Anthropic counts written tokens beside the input, so they are not in it (litellm 9812)."""
    reply = report(
        input_tokens=100,
        cache_creation_input_tokens=10_000,
        cache_read_input_tokens=0,
        output_tokens=1,
    )

    usage = anthropic.metered(reply).usage

    assert (usage.input_uncached, usage.cache_write_5m, usage.prompt_tokens) == (
        100,
        10_000,
        10_100,
    )
    # 5, 6.25 and 25 dollars per million.
    amount = charged(book, "anthropic/claude-opus-4-8", anthropic.metered(reply)).amount_nanos
    assert amount == nanos("5", 100) + nanos("6.25", 10_000) + nanos("25", 1)


def test_02_a_streamed_cache_read_has_its_own_price(book: PriceBook) -> None:
    """The head of a stream tells the reads, the tail the output; both count (litellm 11789)."""
    head = {"input_tokens": 10, "cache_read_input_tokens": 90_000, "output_tokens": 1}
    start = {"type": "message_start", "message": {"id": "m", "model": "c", "usage": head}}
    delta = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 200}}
    stream = anthropic_messages.Stream(True)
    for event in (start, delta, {"type": "message_stop"}):
        text = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
        stream.feed(text.encode())

    amount = charged(
        book, "anthropic/claude-opus-4-8", anthropic.metered(stream.finish())
    ).amount_nanos

    assert amount == nanos("5", 10) + nanos("0.5", 90_000) + nanos("25", 200)


def test_03_a_configured_price_keeps_the_rule_of_what_is_inside_what(book: PriceBook) -> None:
    """A price of one's own changes the price, not what is counted (litellm 40006)."""
    row = parse_row(
        {
            "model": "gpt-5.5",
            "valid_from": date(2026, 1, 1),
            "usd_per_million": {"input": "2", "cache_read": "1", "output": "4"},
        },
        seller="openai",
        bands={},
        origin="configuration",
        default_recorded_at_ns=0,
    )
    reply = report(
        prompt_tokens=1_000, completion_tokens=10, prompt_tokens_details={"cached_tokens": 900}
    )

    amount = charged(book.with_rows([row]), "openai/gpt-5.5", openai.metered(reply)).amount_nanos

    assert amount == nanos("2", 100) + nanos("1", 900) + nanos("4", 10)


def test_04_cached_tokens_of_gemini_are_inside_its_prompt() -> None:
    """Counted again they would make 190,000 tokens of 100,000 (litellm 14849)."""
    reply = report(
        promptTokenCount=100_000,
        cachedContentTokenCount=90_000,
        candidatesTokenCount=10,
        totalTokenCount=100_010,
    )

    usage = gemini.metered(reply).usage

    assert (usage.input_uncached, usage.cache_read, usage.prompt_tokens) == (
        10_000,
        90_000,
        100_000,
    )


def test_05_thoughts_of_gemini_count_once() -> None:
    """They stand beside the candidates, or inside them where the total says so (dify 3214)."""
    beside = report(
        promptTokenCount=5, candidatesTokenCount=10, thoughtsTokenCount=70, totalTokenCount=85
    )
    inside = report(
        promptTokenCount=5, candidatesTokenCount=80, thoughtsTokenCount=70, totalTokenCount=85
    )

    for reply in (beside, inside):
        usage = gemini.metered(reply).usage
        assert (usage.output_text, usage.output_reasoning) == (10, 70)


def test_06_a_late_chunk_does_not_erase_the_cache_count() -> None:
    """A trailing chunk without a count leaves the earlier one standing (OpenMinis 384)."""
    stream = gemini_dialect.Stream(True)
    for usage in (
        {"promptTokenCount": 50, "cachedContentTokenCount": 40},
        {"promptTokenCount": 50, "candidatesTokenCount": 3, "totalTokenCount": 53},
    ):
        event = {"candidates": [{"finishReason": "STOP"}], "usageMetadata": usage}
        stream.feed(b"data: " + json.dumps(event).encode() + b"\r\n\r\n")

    metered = gemini.metered(stream.finish()).usage

    assert (metered.input_uncached, metered.cache_read, metered.output_text) == (10, 40, 3)


def test_07_writes_for_an_hour_cost_what_an_hour_costs(book: PriceBook) -> None:
    """Twice the input price, not 1.25 times (ccusage 899)."""
    reply = report(
        input_tokens=0,
        cache_creation_input_tokens=MILLION,
        cache_creation={
            "ephemeral_5m_input_tokens": 220_000,
            "ephemeral_1h_input_tokens": 780_000,
        },
        output_tokens=0,
    )

    amount = charged(book, "anthropic/claude-opus-4-8", anthropic.metered(reply)).amount_nanos

    assert amount == nanos("6.25", 220_000) + nanos("10", 780_000)


@pytest.mark.parametrize(("tokens", "long"), [(199_999, False), (200_000, False), (200_001, True)])
def test_08_a_long_prompt_reprices_the_whole_request(
    book: PriceBook, tokens: int, long: bool
) -> None:
    """Not its end alone, nor each kind by its own count (ccusage tiered_cost)."""
    cached, fresh, output = 150_000, tokens - 150_000, 1_000
    usage = Usage(input_uncached=fresh, cache_read=cached, output_text=output)

    amount = card(book, "google/gemini-2.5-pro").rate(usage).amount_nanos

    prices = ("2.5", "0.25", "15") if long else ("1.25", "0.125", "10")
    counts = (fresh, cached, output)
    assert amount == sum(nanos(*each) for each in zip(prices, counts, strict=True))


def test_08_a_threshold_that_is_itself_long_is_written_one_lower(book: PriceBook) -> None:
    """A seller whose long price begins at 200,000 itself has a row above 199,999."""
    rows = [
        acme({"input": "1", "output": "1"}),
        acme({"input": "2", "output": "2"}, min_prompt_tokens_exclusive=199_999),
    ]
    found = card(book.with_rows(rows), "acme/m")

    amounts = [found.rate(Usage(input_uncached=each)).amount_nanos for each in (199_999, 200_000)]
    assert amounts == [199_999_000, 400_000_000]


@pytest.mark.parametrize(
    ("asked", "served", "price"),
    [("priority", "default", "5"), ("flex", "priority", "12.5"), ("flex", None, "5")],
)
def test_09_the_served_tier_is_billed(
    book: PriceBook, asked: str, served: str | None, price: str
) -> None:
    """The reply says which it was, and a silent one was served as usual (litellm 31837)."""
    metered = openai.metered(
        report(served, prompt_tokens=1_000, completion_tokens=0), Terms(tier=asked)
    )

    assert charged(book, "openai/gpt-5.5", metered).amount_nanos == nanos(price, 1_000)


def test_10_thinking_on_a_dearer_tier_has_its_price(book: PriceBook) -> None:
    """Reasoning is output of the tier that served it (litellm 35925)."""
    metered = openai.metered(
        report(
            "priority",
            prompt_tokens=0,
            completion_tokens=1_000,
            completion_tokens_details={"reasoning_tokens": 900},
        )
    )

    charge = charged(book, "openai/gpt-5.5", metered)

    assert {line.meter: line.amount_nanos for line in charge.lines} == {
        "output_text": nanos("75", 100),
        "output_reasoning": nanos("75", 900),
    }


def test_11_a_snapshot_without_a_tier_is_unpriced(book: PriceBook) -> None:
    """It does not fall back to the standard tier in silence (litellm 37046)."""
    snapshot = ("openai", "gpt-5.3-codex-2026-02-05")

    assert book.rate_card(*snapshot, Terms(tier="flex"), NOW) is None
    assert book.rate_card("openai", "gpt-5.5-2026-04-23", Terms(tier="flex"), NOW) is not None


def test_12_an_absent_count_is_no_zero_and_a_zero_is_no_estimate(book: PriceBook) -> None:
    """A reply cut off has no usage, and is posted at its bound (litellm 33736, 36008, 37992)."""
    with pytest.raises(UsageError):
        openai.metered(Report(complete=False))

    told = openai.metered(report(prompt_tokens=10, completion_tokens=0))
    assert charged(book, "openai/gpt-5.5", told).amount_nanos == nanos("5", 10)


def test_13_a_cost_of_zero_in_a_reply_is_no_price(book: PriceBook) -> None:
    """The tokens are rated by the book; what the reply says stands beside it (litellm 37924)."""
    reply = report(prompt_tokens=1_000, completion_tokens=10, cost=0)

    metered = openrouter.metered(reply)

    assert metered.reported_nanos == 0
    assert charged(book, "openai/gpt-5.5", metered).amount_nanos == nanos("5", 1_000) + nanos(
        "30", 10
    )


@pytest.mark.parametrize(
    ("moment", "price"),
    [
        ("2026-08-16T15:59:59Z", "0.435"),  # flat, on the last second of it
        ("2026-11-20T00:59:59Z", "0.66"),  # Friday, 08:59:59 in Beijing
        ("2026-11-20T01:00:00Z", "1.32"),
        ("2026-11-20T09:59:59Z", "1.32"),
        ("2026-11-20T10:00:00Z", "0.66"),
        ("2026-11-21T01:00:00Z", "0.66"),  # Saturday
        ("2026-10-01T01:00:00Z", "0.66"),  # National Day
    ],
)
def test_14_a_price_of_the_hour_is_that_of_the_hour(
    book: PriceBook, moment: str, price: str
) -> None:
    """The zone, the days and the holidays are the seller's (litellm 37255, genai-prices 571)."""
    found = card(book, "deepseek/deepseek-v4-pro", moment=at(moment))

    assert found.rate(Usage(input_uncached=MILLION)).amount_nanos == nanos(price, MILLION)


def test_15_a_name_is_served_by_another_model_from_a_day_on(book: PriceBook) -> None:
    """Its own rows price what was before that day, the other model's what is after it."""
    alias = read_alias(
        {
            "alias": "gpt-5.6-luna",
            "model": "gpt-5.6-sol",
            "valid_from": datetime(2026, 11, 1, tzinfo=UTC),
            "recorded_at": datetime(2026, 10, 20, tzinfo=UTC),
        },
        "openai",
    )
    moved = PriceBook(book.rows, aliases=book.aliases, dated_aliases=(alias,))
    before, after = at("2026-10-31T23:59:59Z"), at("2026-11-01")

    assert card(moved, "openai/gpt-5.6-luna", moment=before).model == "gpt-5.6-luna"
    assert card(moved, "openai/gpt-5.6-luna", moment=before).valid_until_ns == after
    assert card(moved, "openai/gpt-5.6-luna", moment=after).model == "gpt-5.6-sol"
    early = card(moved, "openai/gpt-5.6-luna", moment=after, known=at("2026-10-19"))
    assert early.model == "gpt-5.6-luna"


def test_16_a_rounded_display_price_is_found(book: PriceBook) -> None:
    """A tenth of 1.25 is 0.125, whatever a page shows (models.dev, litellm)."""
    assert card(book, "openai/gpt-5.4", Terms(tier="batch")).rates[0].prices_femto[1] == 125_000_000
    copied = acme({"input": "1.25", "cache_read": "0.13", "output": "7.5"})

    assert [each.rule for each in check_book(PriceBook((copied,)), NO_MODELS)] == ["cache_rounded"]


def test_17_swapped_cache_columns_are_found() -> None:
    """A read that costs more than the input, and a write that costs less, are errors."""
    usd = {"input": "3", "cache_read": "3.75", "cache_write_5m": "0.3", "output": "15"}
    swapped = acme(usd)

    found = check_book(PriceBook((swapped,)), NO_MODELS)

    assert [each.rule for each in found if each.severity == "error"] == ["cache_order"] * 2


def test_18_a_rise_that_was_cancelled_is_never_charged(book: PriceBook) -> None:
    """It was announced for 1 September; as known in July it was coming, and it never came."""
    moment = at("2026-09-02")
    model = "anthropic/claude-sonnet-5"

    announced = card(book, model, moment=moment, known=at("2026-07-15"))
    charged_now = card(book, model, moment=moment)

    assert announced.rates[0].prices_femto[0] == 3_000_000_000
    assert charged_now.rates[0].prices_femto[0] == 2_000_000_000


def test_24_with_a_key_of_ones_own_the_fee_is_not_the_cost() -> None:
    """The provider's own bill is added to the router's fee."""
    reply = report(
        prompt_tokens=1_000,
        completion_tokens=0,
        cost=0.001,
        is_byok=True,
        cost_details={"upstream_inference_cost": 0.02},
    )

    assert openrouter.metered(reply).reported_nanos == 21_000_000


def test_24_searches_are_billed_each_not_per_request(book: PriceBook) -> None:
    """The unit that is counted is the search: three in one request are three."""
    reply = report(input_tokens=0, output_tokens=0, server_tool_use={"web_search_requests": 3})

    amount = charged(book, "anthropic/claude-opus-4-8", anthropic.metered(reply)).amount_nanos

    assert amount == 3 * 10_000_000
