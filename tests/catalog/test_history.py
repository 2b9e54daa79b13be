"""The published price history of 2025 and 2026 as the built-in book tells it.

Expected prices are typed here from the sellers' announcements, in dollars per million tokens.
"""

from datetime import datetime
from decimal import Decimal

import pytest

from headgate.catalog.prices import PriceBook
from headgate.records.demand import Terms
from headgate.units.instants import from_datetime
from headgate.units.money import line_nanos
from headgate.units.usage import METERS, Usage

MILLION = 1_000_000


def at(text: str) -> int:
    """Return an instant; a date alone is 00:00 UTC."""
    return from_datetime(datetime.fromisoformat(text if "T" in text else text + "T00:00:00Z"))


def price(
    book: PriceBook, model: str, moment: str, *, tokens: int = 1, tier: str = "standard"
) -> tuple[str, str | None, str] | None:
    """Return input, cache read and output of the row for a prompt, None when unpriced."""
    seller, name = model.split("/")
    card = book.rate_card(seller, name, Terms(tier=tier), at(moment))
    if card is None:
        return None
    rate = [rate for rate in card.rates if tokens > rate.above_tokens][-1]
    dollars = [
        None if femto is None else f"{Decimal(femto).scaleb(-9).normalize():f}"
        for femto in rate.prices_femto
    ]
    return dollars[0] or "", dollars[1], dollars[6] or ""


LAUNCH = ("1.74", "0.145", "3.48")
CUT = ("0.435", "0.003625", "0.87")
OFF_PEAK = ("0.66", "0.022", "1.98")
PEAK = ("1.32", "0.044", "3.96")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-04-23T23:59:59.999999Z", None),
        ("2026-04-24", LAUNCH),
        ("2026-04-26T12:14:59.999999Z", LAUNCH),
        ("2026-04-26T12:15:00Z", CUT),
        ("2026-05-31T15:58:59.999999Z", CUT),
        ("2026-05-31T15:59:00Z", CUT),
        ("2026-08-16T15:59:59.999999Z", CUT),
        ("2026-08-16T16:00:00Z", OFF_PEAK),
        ("2026-08-17T00:59:59.999999Z", OFF_PEAK),
        ("2026-08-17T01:00:00Z", PEAK),
        ("2026-08-17T04:00:00Z", OFF_PEAK),
        ("2026-08-17T06:00:00Z", PEAK),
        ("2026-08-17T10:00:00Z", OFF_PEAK),
        ("2026-08-22T01:00:00Z", PEAK),  # a Saturday before the weekday rule
        ("2026-08-23T01:00:00Z", OFF_PEAK),  # the first Sunday after it
        ("2026-08-28T09:59:59.999999Z", PEAK),  # Friday
        ("2026-08-29T06:00:00Z", OFF_PEAK),  # Saturday
        ("2026-08-31T01:00:00Z", PEAK),  # Monday
        ("2026-09-24T01:00:00Z", PEAK),
        ("2026-09-25T01:00:00Z", OFF_PEAK),  # Mid-Autumn Festival, a Friday
        ("2026-10-01T01:00:00Z", OFF_PEAK),  # National Day, a Thursday
        ("2026-10-07T06:00:00Z", OFF_PEAK),  # its last day, a Wednesday
        ("2026-10-08T01:00:00Z", PEAK),
        ("2026-10-10T01:00:00Z", OFF_PEAK),  # a Saturday worked in exchange
        ("2027-01-01T01:00:00Z", PEAK),  # not in the calendar: never under what may be billed
    ],
)
def test_deepseek_v4_pro(book: PriceBook, moment: str, expected: object) -> None:
    """Launch, cache cut with promotion, permanent price, peak hours, weekday rule, holidays."""
    assert price(book, "deepseek/deepseek-v4-pro", moment) == expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-04-24", ("0.14", "0.028", "0.28")),
        ("2026-04-26T12:15:00Z", ("0.14", "0.0028", "0.28")),
        ("2026-08-16T15:59:59Z", ("0.14", "0.0028", "0.28")),
        ("2026-08-16T16:00:00Z", ("0.22", "0.007", "0.66")),
        ("2026-08-17T01:00:00Z", ("0.44", "0.014", "1.32")),
        ("2026-08-29T01:00:00Z", ("0.22", "0.007", "0.66")),
        ("2026-09-09T15:59:59Z", ("0.22", "0.007", "0.66")),
        ("2026-09-09T16:00:00Z", ("0.15", "0.003", "0.6")),
        ("2026-09-10T01:00:00Z", ("0.3", "0.006", "1.2")),
    ],
)
def test_deepseek_v4_flash(book: PriceBook, moment: str, expected: object) -> None:
    """The name outlives its model: V4.1 Flash serves it, at its own price, from 10 September."""
    assert price(book, "deepseek/deepseek-v4-flash", moment) == expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2025-02-25T20:00:00Z", ("0.27", "0.07", "1.1")),
        ("2025-03-01T16:29:59Z", ("0.27", "0.07", "1.1")),
        ("2025-03-01T16:30:00Z", ("0.135", "0.035", "0.55")),
        ("2025-03-02T00:29:59Z", ("0.135", "0.035", "0.55")),
        ("2025-03-02T00:30:00Z", ("0.27", "0.07", "1.1")),
        ("2025-10-01", None),
        ("2026-08-01", None),
    ],
)
def test_deepseek_chat(book: PriceBook, moment: str, expected: object) -> None:
    """The night discount of 2025 crosses midnight; a gap and a retired name are unpriced."""
    assert price(book, "deepseek/deepseek-chat", moment) == expected


def test_sol_promotion_runs_on(book: PriceBook) -> None:
    """A promotion without a known end stays in force until a row says otherwise."""
    before, after = "2026-08-21T19:33:59Z", "2026-08-21T19:34:00Z"

    assert price(book, "openai/gpt-5.6-sol", before) == ("5", "0.5", "30")
    assert price(book, "openai/gpt-5.6-sol", after) == ("4", "0.4", "20")
    assert price(book, "openai/gpt-5.6-sol", "2026-12-24") == ("4", "0.4", "20")
    assert price(book, "openai/gpt-5.6-sol", "2026-07-08") is None


def test_luna_cut(book: PriceBook) -> None:
    """Luna fell by 80 percent in its fifth week, Terra by a fifth."""
    assert price(book, "openai/gpt-5.6-luna", "2026-07-29T23:59:59Z") == ("1", "0.1", "6")
    assert price(book, "openai/gpt-5.6-luna", "2026-07-30") == ("0.2", "0.02", "1.2")
    assert price(book, "openai/gpt-5.6-terra", "2026-07-30") == ("2", "0.2", "12")


def test_sonnet_5_never_rose(book: PriceBook) -> None:
    """The announced rise was cancelled: no row charges it, though a row remembers it."""
    assert price(book, "anthropic/claude-sonnet-5", "2026-09-01") == ("2", "0.2", "10")
    assert price(book, "anthropic/claude-sonnet-5", "2026-11-21") == ("2", "0.2", "10")
    assert any(
        row.superseded_at_ns is not None for row in book.rows_of("anthropic", "claude-sonnet-5")
    )


def test_a_report_as_known_then_does_not_move(book: PriceBook) -> None:
    """As known in July the rise was coming; as known after its cancellation it was not."""

    def input_femto(known: str) -> int | None:
        card = book.rate_card(
            "anthropic", "claude-sonnet-5", Terms(), at("2026-09-02"), known_at_ns=at(known)
        )
        return card.rates[0].prices_femto[0] if card else None

    assert input_femto("2026-06-29") is None
    assert input_femto("2026-07-15") == 3_000_000_000
    assert input_femto("2026-08-14") == 2_000_000_000
    assert input_femto("2026-11-21") == 2_000_000_000


def test_a_cut_is_not_known_before_it_is(book: PriceBook) -> None:
    """As known in July 2026, Luna was going to stay at its launch price."""
    july = at("2026-07-15")
    card = book.rate_card("openai", "gpt-5.6-luna", Terms(), at("2026-08-15"), known_at_ns=july)

    assert card is not None
    assert card.rates[0].prices_femto[0] == 1_000_000_000


@pytest.mark.parametrize("model", ["claude-opus-4-6", "claude-sonnet-4-6"])
def test_the_long_context_premium_of_4_6_was_removed(book: PriceBook, model: str) -> None:
    """Above 200,000 prompt tokens the whole request cost double, until 13 March 2026."""
    name, day = f"anthropic/{model}", "2026-03-12T23:59:59Z"
    ordinary = price(book, name, day)
    premium = {"claude-opus-4-6": ("10", "1", "37.5"), "claude-sonnet-4-6": ("6", "0.6", "22.5")}

    assert price(book, name, day, tokens=200_000) == ordinary
    assert price(book, name, day, tokens=200_001) == premium[model]
    assert price(book, name, "2026-03-13", tokens=200_001) == ordinary


@pytest.mark.parametrize(
    ("model", "threshold", "below", "above"),
    [
        ("openai/gpt-5.5", 272_000, ("5", "0.5", "30"), ("10", "1", "45")),
        ("openai/gpt-5.4", 272_000, ("2.5", "0.25", "15"), ("5", "0.5", "22.5")),
        ("anthropic/claude-haiku-5-5", 100_000, ("0.1", "0.01", "0.5"), ("0.5", "0.05", "2.5")),
    ],
)
def test_the_long_context_row_starts_above_its_threshold(
    book: PriceBook, model: str, threshold: int, below: object, above: object
) -> None:
    """Exactly at the threshold the ordinary row holds; one token more and the other does."""
    assert price(book, model, "2026-11-20", tokens=threshold) == below
    assert price(book, model, "2026-11-20", tokens=threshold + 1) == above


def test_the_whole_request_is_priced_by_the_long_row(book: PriceBook) -> None:
    """Cached tokens count towards the threshold, and no part keeps the lower price."""
    card = book.rate_card("openai", "gpt-5.5", Terms(), at("2026-11-20"))
    assert card is not None
    at_threshold = card.rate(Usage(input_uncached=2_000, cache_read=270_000, output_text=100))
    above = card.rate(Usage(input_uncached=2_001, cache_read=270_000, output_text=100))

    assert at_threshold.amount_nanos == 10_000_000 + 135_000_000 + 3_000_000
    assert above.amount_nanos == 20_010_000 + 270_000_000 + 4_500_000
    assert {line.price_row for line in above.lines} == {
        "openai/gpt-5.5/standard/2026-04-23/above-272000"
    }


def test_one_hour_writes_cost_more_than_five_minute_writes(book: PriceBook) -> None:
    """The class of a cache write decides: 1.25 times the input price, or twice."""
    card = book.rate_card("anthropic", "claude-opus-4-8", Terms(), at("2026-11-20"))
    assert card is not None

    assert card.rate(Usage(cache_write_5m=MILLION)).amount_nanos == 6_250_000_000
    assert card.rate(Usage(cache_write_1h=MILLION)).amount_nanos == 10_000_000_000
    assert card.rate(Usage(cache_read=MILLION)).amount_nanos == 500_000_000


def test_reasoning_is_priced_as_output(book: PriceBook) -> None:
    """Thinking is billed like the text it leads to, in the priority tier too."""
    for tier, nanos in (("standard", 30_000), ("priority", 75_000)):
        card = book.rate_card("openai", "gpt-5.5", Terms(tier=tier), at("2026-11-20"))
        assert card is not None
        charge = card.rate(Usage(output_text=1, output_reasoning=1))
        assert [line.amount_nanos for line in charge.lines] == [nanos, nanos]


@pytest.mark.parametrize(
    ("model", "tier", "expected"),
    [
        ("openai/gpt-5.5", "batch", ("2.5", "0.25", "15")),
        ("openai/gpt-5.5", "flex", ("2.5", "0.25", "15")),
        ("openai/gpt-5.5", "priority", ("12.5", "1.25", "75")),
        ("openai/gpt-6-astra", "ultrafast", ("60", "6", "300")),
        ("anthropic/claude-opus-4-8", "fast", ("10", "1", "50")),
        ("anthropic/claude-opus-4-8", "batch", ("2.5", "0.25", "12.5")),
        ("openai/gpt-5.3-codex", "flex", None),
        ("openai/gpt-4o-2024-05-13", "flex", None),
    ],
)
def test_tiers_have_their_own_rows(
    book: PriceBook, model: str, tier: str, expected: object
) -> None:
    """A tier without a row is unpriced; it never falls back to the standard tier."""
    assert price(book, model, "2026-11-20", tier=tier) == expected


@pytest.mark.parametrize("tier", ["batch", "flex"])
def test_displayed_prices_are_not_copied(book: PriceBook, tier: str) -> None:
    """A cache read that pages show as 0.13 is 0.125, a tenth of the input price."""
    assert price(book, "openai/gpt-5.4", "2026-11-20", tier=tier) == ("1.25", "0.125", "7.5")


def test_a_tiny_cached_prompt_is_not_free(book: PriceBook) -> None:
    """One cached token at 0.003625 per million rounds to 0 or 4 nanos, never through a float."""
    card = book.rate_card("deepseek", "deepseek-v4-pro", Terms(), at("2026-06-01"))
    assert card is not None

    assert card.rate(Usage(cache_read=1)).amount_nanos == line_nanos(1, 3_625_000) == 4
    assert card.rates[0].prices_femto[METERS.index("cache_read")] == 3_625_000
