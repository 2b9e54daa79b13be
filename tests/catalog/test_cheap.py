"""When a call costs less than now: by the bands of the built-in price book."""

from datetime import UTC, datetime
from functools import partial

import pytest

from headgate.catalog.cheap import Cheaper, cheaper_hour
from headgate.catalog.load import load_price_book
from headgate.catalog.rates import RateCard
from headgate.records.demand import Terms
from headgate.units.instants import from_datetime

BOOK = load_price_book()
HOUR_NS = 3_600 * 10**9


def instant(day: int, hour: int) -> int:
    """Return an hour of October 2026, UTC; the 14th is an ordinary Wednesday in China."""
    return from_datetime(datetime(2026, 10, day, hour, tzinfo=UTC))


def card_at(at_ns: int) -> RateCard | None:
    """Return the prices of a model that costs double from 9 to 12 and 14 to 18 in Beijing."""
    return BOOK.rate_card("deepseek", "deepseek-v4-pro", Terms(), at_ns)


cheaper = partial(cheaper_hour, card_at, 1_000, 1_000)


def test_a_call_at_the_peak_costs_less_when_it_is_over() -> None:
    """The first cheap hour is found, with what the call costs then and what that saves."""
    found = cheaper(now_ns=instant(14, 2), until_ns=instant(15, 2))

    now, later = card_at(instant(14, 2)), card_at(instant(14, 4))
    assert now is not None
    assert later is not None
    dear, cheap = now.expected_nanos(1_000, 1_000), later.expected_nanos(1_000, 1_000)
    assert found == Cheaper(instant(14, 4), cheap, dear - cheap)
    assert dear == 2 * cheap


@pytest.mark.parametrize(
    ("day", "hour", "until_hour"),
    [(14, 5, 23), (17, 2, 23), (14, 2, 3)],
    ids=["between the peaks", "on a Saturday", "with a deadline before the peak is over"],
)
def test_nothing_is_cheaper(day: int, hour: int, until_hour: int) -> None:
    """Where now is as cheap as any later instant that will do, there is nothing to wait for."""
    assert cheaper(now_ns=instant(day, hour), until_ns=instant(day, until_hour)) is None


def test_what_has_no_price_is_not_cheaper() -> None:
    """A model that the book does not know is never put off."""
    found = cheaper_hour(lambda _at_ns: None, 1, 1, now_ns=0, until_ns=HOUR_NS)

    assert found is None
