"""Commitments and capacity: periods, what is owed, and shares that add up."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.commitments import Capacity, Commitment, Standing, periods_of, shares
from headgate.units.instants import NANOS_PER_SECOND, from_datetime

HOUR = 3_600 * NANOS_PER_SECOND


def at(*day: int) -> int:
    return from_datetime(datetime(*day, tzinfo=UTC))  # type: ignore[misc, arg-type]


def test_periods_are_counted_from_the_start() -> None:
    """From the 31st on a shorter month ends a period on its last day, and no day drifts."""
    months = Commitment("c", "p", 1, at(2026, 1, 31), at(2026, 5, 31), "month")
    quarters = Commitment("c", "p", 1, at(2025, 11, 15), at(2026, 5, 15), "quarter")

    starts = [(2026, 1, 31), (2026, 2, 28), (2026, 3, 31), (2026, 4, 30)]
    assert [start for start, _ in periods_of(months)] == [at(*day) for day in starts]
    assert periods_of(quarters) == (
        (at(2025, 11, 15), at(2026, 2, 15)),
        (at(2026, 2, 15), at(2026, 5, 15)),
    )
    assert periods_of(months._replace(cycle="term")) == ((at(2026, 1, 31), at(2026, 5, 31)),)


def test_a_term_of_broken_periods_is_refused() -> None:
    """Whether half a month owes half or all of it is for the contract to say."""
    with pytest.raises(ValueError, match="whole periods of a month"):
        periods_of(Commitment("c", "p", 1, at(2026, 1, 1), at(2026, 2, 15), "month"))


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.booleans())
def test_what_was_promised_is_drawn_left_or_owed(amount: int, drawn: int, ended: bool) -> None:
    """To the nano-dollar, and nothing is owed before the end nor left after it."""
    standing = Standing(0, 1, amount, drawn, ended)

    assert amount + standing.beyond_nanos == (
        drawn + standing.left_nanos + standing.shortfall_nanos
    )
    assert not (standing.left_nanos and ended)
    assert not (standing.shortfall_nanos and not ended)


@given(
    st.integers(0, 10**18),
    st.dictionaries(st.text(max_size=3), st.integers(0, 10**12), min_size=1, max_size=6),
)
def test_shares_add_up_to_the_whole(amount: int, weights: dict[str, int]) -> None:
    """Nobody gets a nano-dollar more or less than one beside the exact share."""
    parts = shares(amount, weights)
    whole = sum(weights.values())

    if not whole:
        assert parts == {}
        return
    assert sum(parts.values()) == amount
    for name, part in parts.items():
        assert abs(part * whole - amount * weights[name]) < whole


def test_capacity_costs_by_the_hour_while_it_is_held() -> None:
    """A part of an hour costs that part; what it serves has a price of zero by the token."""
    held = Capacity("ptu", "acme", ("d",), 36_000_000_000, 10 * HOUR, 20 * HOUR)

    assert held.cost_nanos(0, 12 * HOUR) == 72_000_000_000
    assert held.cost_nanos(19 * HOUR + HOUR // 2, 30 * HOUR) == 18_000_000_000
    assert held.cost_nanos(0, 5 * HOUR) == 0
    assert held.contract().nodes == {"deployment:d"}
    assert set(held.contract().prices_femto or ()) == {0, None}
