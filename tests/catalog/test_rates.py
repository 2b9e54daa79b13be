"""Rate cards: exact charges, and bounds that no usage within them can exceed."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from headgate.catalog.load import load_price_book
from headgate.catalog.rates import OUTPUT_TOKENS_LIMIT, Rate, RateCard, UnpricedMeterError
from headgate.catalog.rates import dearest as dearest_of
from headgate.records.charge import Charge
from headgate.records.demand import STANDARD, Terms
from headgate.units.instants import from_datetime
from headgate.units.money import FEMTO_PER_NANO, line_nanos, round_half_up
from headgate.units.usage import INPUT_METERS, METERS, OUTPUT_METERS, Usage

NOW = from_datetime(datetime(2026, 11, 20, 2, tzinfo=UTC))
BOOK = load_price_book()
CARDS = [
    card
    for seller, model in BOOK.models()
    for tier in ("standard", "batch", "flex", "priority", "fast", "ultrafast")
    for region in ("global", "us")
    for retention in ("default", "24h")
    if (card := BOOK.rate_card(seller, model, Terms(tier, region, retention), NOW))
]
# Models of images and sound have meters of their own; `test_units.py` is about them.
cards = st.sampled_from([card for card in CARDS if card.rates[0].prices_femto[6] is not None])
tokens = st.integers(0, 2_000_000) | st.integers(0, 50) | st.integers(199_990, 272_010)


@st.composite
def priced_usage(draw: st.DrawFn, card: RateCard, input_max: int, output_max: int) -> Usage:
    """Draw any usage within the limits on meters that the card and its terms can have."""
    allowed = [
        meter
        for index, meter in enumerate(METERS)
        if all(rate.prices_femto[index] is not None for rate in card.rates)
        and (meter != "cache_write_24h" or card.terms.cache_retention == "24h")
    ]
    counts: dict[str, int] = {}
    for meters, left in ((INPUT_METERS, input_max), (OUTPUT_METERS, output_max)):
        for meter in meters:
            if meter in allowed:
                counts[meter] = draw(st.integers(0, left))
                left -= counts[meter]
    return Usage(**counts)


@given(st.data(), cards, tokens, tokens)
def test_the_worst_case_bounds_every_charge(
    data: st.DataObject, card: RateCard, input_max: int, output_max: int
) -> None:
    """However the tokens fall on meters and rows, the hold covers the charge."""
    usage = data.draw(priced_usage(card, input_max, output_max))

    assert card.rate(usage).amount_nanos <= card.worst_nanos(input_max, output_max)


@given(cards, tokens, tokens, st.integers(0, 1_000), st.integers(0, 1_000))
def test_the_worst_case_grows_with_both_limits(
    card: RateCard, input_max: int, output_max: int, more_input: int, more_output: int
) -> None:
    """A larger limit never makes a smaller hold."""
    assert card.worst_nanos(input_max, output_max) <= card.worst_nanos(
        input_max + more_input, output_max + more_output
    )


@given(cards, st.integers(-10, 10**12), tokens)
def test_the_affordable_output_is_the_exact_inverse(
    card: RateCard, amount: int, input_max: int
) -> None:
    """The answer fits, one token more does not; a negative answer means that nothing fits."""
    affordable = card.output_tokens_within(amount, input_max)

    if affordable < 0:
        assert card.worst_nanos(input_max, 0) > amount
    else:
        assert card.worst_nanos(input_max, affordable) <= amount
        if affordable < OUTPUT_TOKENS_LIMIT:
            assert card.worst_nanos(input_max, affordable + 1) > amount


@given(st.data(), cards, tokens, tokens)
def test_an_amount_alone_is_that_of_the_lines(
    data: st.DataObject, card: RateCard, input_max: int, output_max: int
) -> None:
    """With the same rows, each once; who prices many records saves only the lines."""
    usage = data.draw(priced_usage(card, input_max, output_max))

    charge = card.rate(usage)

    rows = tuple(dict.fromkeys(line.price_row for line in charge.lines))
    assert card.amount(usage) == (charge.amount_nanos, rows)


@given(st.data(), cards, tokens, tokens)
def test_each_line_is_exact_to_half_a_nano(
    data: st.DataObject, card: RateCard, input_max: int, output_max: int
) -> None:
    """Against exact fractions each line differs by half a nano at most, and the sum is the sum."""
    usage = data.draw(priced_usage(card, input_max, output_max))
    charge = card.rate(usage)

    for line in charge.lines:
        exact = Fraction(line.quantity * line.price_femto, FEMTO_PER_NANO)
        assert abs(line.amount_nanos - exact) <= Fraction(1, 2)
    assert charge.amount_nanos == sum(line.amount_nanos for line in charge.lines)
    assert {line.meter: line.quantity for line in charge.lines} == usage.quantities()


@given(cards.filter(lambda card: not card.rates[0].units), tokens, tokens)
def test_the_expected_cost_is_that_of_a_cold_call(card: RateCard, prompt: int, output: int) -> None:
    """Where only tokens are billed, quotes are charges of uncached input and plain output."""
    charge = card.rate(Usage(input_uncached=prompt, output_text=output))

    assert card.expected_nanos(prompt, output) == charge.amount_nanos


def plain(**prices: int) -> RateCard:
    """Return a card with one row."""
    by_meter = tuple(prices.get(meter) for meter in METERS)
    dearest = dearest_of(by_meter, STANDARD)
    rows = ("row",) * len(METERS)
    entries = tuple(zip(METERS, by_meter, rows, strict=True))
    return RateCard("x", "m", STANDARD, NOW, (Rate(-1, by_meter, rows, *dearest, entries),), ())


def test_nothing_used_costs_nothing() -> None:
    """An empty usage is a charge without lines."""
    assert plain(input_uncached=1, output_text=1).rate(Usage()) == Charge(0, ())


def test_a_meter_without_a_price_is_an_error() -> None:
    """Absent is not zero: the charge fails and names meter and row."""
    card = plain(input_uncached=1, output_text=1)

    with pytest.raises(UnpricedMeterError, match="row has no price for cache_read") as caught:
        card.rate(Usage(cache_read=1))
    assert (caught.value.meter, caught.value.price_row) == ("cache_read", "row")


def test_half_a_nano_is_rounded_up() -> None:
    """Half a nano becomes one; the hold still covers it."""
    card = plain(input_uncached=500_000, output_text=499_999)

    assert card.rate(Usage(input_uncached=1)).amount_nanos == 1
    assert card.rate(Usage(output_text=1)).amount_nanos == 0
    assert card.worst_nanos(1, 1) >= 2


def test_rounding_of_many_small_lines_is_covered() -> None:
    """Each line may be rounded up by half a nano; the bound has room for all of them."""
    prices = dict.fromkeys((*INPUT_METERS, *OUTPUT_METERS), 500_000)
    card = plain(**prices)
    usage = Usage(1, 1, 1, 1, 0, 1, 1, 1, 1)

    assert card.rate(usage).amount_nanos == 8
    assert card.worst_nanos(5, 3) >= 8


def test_the_long_hour_write_is_always_in_the_hold() -> None:
    """A one-hour write may be asked for in any block of the prompt, so it bounds the input."""
    card = BOOK.rate_card("anthropic", "claude-opus-4-8", STANDARD, NOW)
    assert card is not None

    assert card.worst_nanos(1_000_000, 0) == 10_000_000_000 + 9


@pytest.mark.parametrize(("retention", "dollars"), [("default", 5), ("24h", 10)])
def test_the_24_hour_write_is_in_the_hold_when_it_was_asked_for(
    retention: str, dollars: int
) -> None:
    """Only the terms that ask for it can be charged for it."""
    card = BOOK.rate_card("openai", "gpt-5.6-sol", Terms(cache_retention=retention), NOW)
    assert card is not None

    assert card.worst_nanos(100_000, 0) == dollars * 100_000_000 + 9


def test_free_output_is_affordable_up_to_the_limit() -> None:
    """Where output costs nothing any limit fits, if the prompt does."""
    card = plain(input_uncached=1_000_000, output_text=0)

    assert card.output_tokens_within(1_000, 100) == OUTPUT_TOKENS_LIMIT
    assert card.output_tokens_within(50, 100) < 0


@given(cards)
def test_every_built_in_card_can_be_charged(card: RateCard) -> None:
    """Input, output and reasoning are priced in every row that can be chosen."""
    assume(card.rates)
    for rate in card.rates:
        for meter in ("input_uncached", "output_text", "output_reasoning"):
            assert rate.prices_femto[METERS.index(meter)] is not None


@given(st.integers(0, 2**40), st.integers(0, 2**45))
def test_a_line_is_quantity_times_price_rounded_half_up(quantity: int, price_femto: int) -> None:
    """However large both are, not a nano-dollar is lost where they are multiplied in parts."""
    exact = Fraction(quantity * price_femto, FEMTO_PER_NANO)

    assert line_nanos(quantity, price_femto) == round_half_up(exact)


@given(cards, tokens, tokens)
def test_the_worst_case_is_the_dearest_row_and_a_nano_for_each_line(
    card: RateCard, input_max: int, output_max: int
) -> None:
    """It is exact to the nano-dollar, so that no hold is larger than it must be."""
    assume(not card.surcharges)
    reached = [rate for rate in card.rates if input_max > rate.above_tokens]
    dearest = max(
        input_max * rate.input_femto_max + output_max * rate.output_femto_max for rate in reached
    )

    lines = len(INPUT_METERS) + len(OUTPUT_METERS)
    assert card.worst_nanos(input_max, output_max) == -(-dearest // FEMTO_PER_NANO) + lines
