"""What calls for images and sound are billed by: prices by the piece, bounds, and charges."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.fields import PriceRowError
from headgate.catalog.load import load_price_book
from headgate.catalog.prices import PriceBook
from headgate.catalog.rates import RateCard, UnpricedMeterError
from headgate.catalog.rows import parse_row
from headgate.catalog.spans import EVER
from headgate.catalog.surcharges import Surcharge
from headgate.records.demand import STANDARD, Terms
from headgate.units.instants import from_datetime
from headgate.units.usage import UNIT_METERS, Usage

BOOK = load_price_book()
NOW = from_datetime(datetime(2026, 11, 26, 12, tzinfo=UTC))


def card_of(model: str, variant: str = "") -> RateCard | None:
    return BOOK.rate_card("openai", model, Terms(variant=variant), NOW)


def row(**fields: Any) -> PriceBook:
    base = {"model": "m", "valid_from": date(2026, 1, 1), "recorded_at": date(2026, 1, 1)}
    return PriceBook((parse_row(base | fields, seller="acme", bands={}),))


@pytest.mark.parametrize(
    ("model", "variant", "nanos"),
    [
        ("dall-e-3", "1024x1024", 40_000_000),
        ("dall-e-3", "hd/1024x1792", 120_000_000),
        ("dall-e-2", "256x256", 16_000_000),
    ],
)
def test_an_image_is_priced_by_quality_and_size(model: str, variant: str, nanos: int) -> None:
    """A variant that has a row has its price."""
    card = card_of(model, variant)
    assert card is not None

    assert card.rate_with(Usage(), {"image": 2}).amount_nanos == 2 * nanos


def test_a_variant_without_a_row_is_unpriced_where_others_have_rows_alone() -> None:
    """A size that the seller does not list has no price; models without variants have theirs."""
    assert card_of("dall-e-3", "256x256") is None
    assert card_of("gpt-image-1.5", "256x256") is not None


def test_tokens_of_images_bound_like_others() -> None:
    """The worst case of tokens takes the dearest, which those of images are."""
    card = card_of("gpt-image-1.5")
    assert card is not None

    charge = card.rate_with(Usage(input_uncached=10), {"input_image": 1_000, "output_image": 4_160})
    assert charge.amount_nanos == 50_000 + 8_000_000 + 133_120_000
    assert card.worst_nanos(1_010, 4_160) >= charge.amount_nanos


def test_what_has_no_price_is_never_free() -> None:
    """Tokens of images at a model that sells none make the charge fail."""
    card = card_of("whisper-1")
    assert card is not None

    assert card.sells("audio_second")
    with pytest.raises(UnpricedMeterError):
        card.rate_with(Usage(), {"output_image": 1})


@given(units=st.dictionaries(st.sampled_from(UNIT_METERS), st.integers(0, 10**6)))
@pytest.mark.parametrize("percent", [0, 5_000])
def test_the_bound_covers_the_charge(units: dict[str, int], percent: int) -> None:
    """Whatever is counted, with a surcharge or without."""
    prices = {meter: f"0.00000{place + 1}37" for place, meter in enumerate(UNIT_METERS[2:])}
    tokens = {"input": "1", "input_image": "2.5", "output_image": "8"}
    book = row(usd_per_unit=prices, usd_per_million=tokens)
    card = book.rate_card("acme", "m", STANDARD, NOW)
    assert card is not None
    if percent:
        card = RateCard(
            card.seller, card.model, card.terms, NOW + 1, card.rates, (("fee", percent * 10),)
        )

    assert card.units_nanos(units) >= card.rate_with(Usage(), units).amount_nanos


@pytest.mark.parametrize(
    "fields",
    [
        {"usd_per_unit": {"image": 0.04}},
        {"usd_per_unit": {"image": "-1"}},
        {"usd_per_unit": {"image": "0.0000000000000001"}},
        {"usd_per_unit": {"input_image": "0.04"}},
        {"usd_per_unit": {"picture": "0.04"}},
        {"usd_per_million": {"input": "1"}},
        {},
    ],
)
def test_prices_that_cannot_be_used_are_refused(fields: dict[str, Any]) -> None:
    """A number, a negative or too fine price, an unknown meter, nothing at all."""
    with pytest.raises(PriceRowError):
        row(**fields)


def test_a_surcharge_comes_last() -> None:
    """On tokens and pieces together, once."""
    book = row(usd_per_unit={"image": "0.04"}, usd_per_million={"input": "1", "output": "2"})
    extra = Surcharge("s", "acme", 50_000, EVER)
    card = PriceBook(book.rows, surcharges=(extra,)).rate_card("acme", "m", STANDARD, NOW)
    assert card is not None

    lines = card.rate_with(Usage(input_uncached=1_000), {"image": 1}).lines

    assert [line.meter for line in lines] == ["input_uncached", "image", "surcharge"]
    assert lines[-1].quantity == 41_000_000


@pytest.mark.parametrize(
    ("model", "variant", "nanos"),
    [
        ("dall-e-2", "512x512", 18_000_000),
        ("gpt-image-1.5", "", 10 * 5_000 + 512 * 10_000 + 512 * 32_000),
        ("whisper-1", "", 6_000_000),
        ("tts-1", "", 40 * 15_000),
    ],
)
def test_models_can_be_compared_by_what_a_usual_call_costs(
    model: str, variant: str, nanos: int
) -> None:
    """An image, a minute, or the characters of the input: none of them seems free."""
    card = card_of(model, variant)
    assert card is not None

    assert card.expected_nanos(10, 512) == nanos
