"""Rating in bulk says what rating one by one says, to the nano-dollar."""

from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.contracts import read_contract
from headgate.catalog.load import load_price_book
from headgate.catalog.prices import PriceBook
from headgate.catalog.rates import UnpricedMeterError
from headgate.catalog.surcharges import read_surcharge
from headgate.economics.prices.bulk import Way, batch_of, rate_batch
from headgate.records.demand import Terms
from headgate.units.instants import from_datetime
from headgate.units.usage import METERS, QUANTITY_MAX, Usage

START = from_datetime(datetime(2026, 1, 1, tzinfo=UTC))
END = from_datetime(datetime(2026, 12, 31, tzinfo=UTC))
DAY = date(2026, 6, 1)


def grown() -> PriceBook:
    """Return the built-in book with a discount, surcharges, and a price beyond all bounds."""
    book = load_price_book()
    table: dict[str, object] = {"valid_from": DAY, "models": ["gpt-5.5"]}
    dear: dict[str, object] = {
        "per_million_tokens": {"input": "900000", "output": "900000.000000001"}
    }
    return replace(
        book,
        contracts=(
            read_contract(table | {"discount_percent": "12.34"}, "off", "openai"),
            read_contract({"valid_from": DAY} | dear, "dear", "mistral"),
        ),
        surcharges=(
            read_surcharge({"percent": "5.5", "valid_from": DAY}, "fee", "openai"),
            read_surcharge({"percent": "0.0001", "valid_from": DAY}, "small", "openai"),
        ),
    )


BOOK = grown()
WAYS: list[Way] = [
    (seller, model, Terms(tier, region))
    for seller, model in (*BOOK.models(), ("openai", "no-such-model"))
    for tier, region in (("standard", "global"), ("batch", "global"), ("standard", "us"))
]
few = st.integers(0, 50) | st.integers(0, 2_000_000) | st.integers(199_990, 272_010)
counts = st.just(0) | few | st.integers(QUANTITY_MAX - 5, QUANTITY_MAX)
usages = st.builds(Usage, *(counts for _ in METERS))
records = st.tuples(st.sampled_from(WAYS), st.integers(START, END), usages)


def one_by_one(way: Way, at_ns: int, usage: Usage) -> int | None:
    """Return what a record costs by its card, None when it is unpriced."""
    card = BOOK.rate_card(*way, at_ns)
    try:
        return None if card is None else card.rate(usage).amount_nanos
    except UnpricedMeterError:
        return None


@given(st.lists(records, max_size=30))
def test_many_cost_what_each_costs(several: list[tuple[Way, int, Usage]]) -> None:
    """Whatever the model, the hour, the length and the size: the same integers, the same gaps."""
    rated = rate_batch(BOOK, batch_of(several))

    told = [
        amount if priced else None
        for amount, priced in zip(rated.amounts_nanos.tolist(), rated.priced.tolist(), strict=True)
    ]
    assert told == [one_by_one(*record) for record in several]


def test_a_model_that_begins_and_ends_is_priced_while_it_is_sold() -> None:
    """Records before, in and after a gap are told apart, in whatever order they come."""
    way: Way = ("deepseek", "deepseek-chat", Terms())
    days = [date(2026, 8, 1), date(2025, 3, 1), date(2024, 1, 1), date(2025, 10, 1)]
    several = [
        (
            way,
            from_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC)),
            Usage(input_uncached=7),
        )
        for day in days
    ]

    rated = rate_batch(BOOK, batch_of(several))

    told = [
        amount if priced else None
        for amount, priced in zip(rated.amounts_nanos.tolist(), rated.priced.tolist(), strict=True)
    ]
    assert told == [one_by_one(*record) for record in several]
    assert None in told
