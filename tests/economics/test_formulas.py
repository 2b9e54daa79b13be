"""The formulas give the figures that were worked out by hand, and keep their laws."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.economics.exact import DomainError, rounded
from headgate.economics.formulas import horizon, prices, saving, seats, tasks, vendors

F = Fraction
SHARES = st.fractions(0, 1, max_denominator=1000)
AMOUNTS = st.fractions(F(1, 100), 10_000, max_denominator=100)
QUARTER = F(1, 4)


@pytest.mark.parametrize(
    ("utilisation", "capacity", "price", "percent"),
    [
        ("0.01", 14_000, 200, "82.5"),
        ("0.05", 14_000, 200, "12.5"),
        ("0.1", 14_000, 200, "-75.0"),
        ("1", 14_000, 200, "-1650.0"),
        ("1", 8_000, 200, "-900.0"),
        ("1", 2_000, 100, "-400.0"),
        ("1", 400, 20, "-400.0"),
        ("1", 700, 20, "-775.0"),
    ],
)
def test_the_heat_map_of_margins(utilisation: str, capacity: int, price: int, percent: str) -> None:
    """A seat's margin at a utilisation, as published, at a serving cost of a quarter."""
    margin = seats.vendor_margin(F(utilisation), QUARTER, F(capacity), F(price))

    assert rounded(margin * 100, 1) == percent


@given(AMOUNTS, SHARES.filter(bool), AMOUNTS)
def test_a_vendor_earns_nothing_at_its_break_even(price: F, cost: F, capacity: F) -> None:
    """The margin at `P / (c V)` is exactly 0, and the user's break-even lies below it."""
    at = seats.vendor_break_even(price, cost, capacity)

    assert seats.vendor_margin(at, cost, capacity, price) == 0
    assert seats.user_break_even(price, capacity) <= at


def test_break_evens_of_users() -> None:
    """Against the API, and against routing at a twentieth of its cost."""
    assert rounded(100 * seats.user_break_even(F(200), F(14_000)), 2) == "1.43"
    assert rounded(100 * seats.routed_break_even(F(200), F(14_000), F("0.05")), 1) == "28.6"
    assert seats.routed_break_even(F(100), F(2_000), F("0.05")) == 1


def test_a_vendors_first_quarter_is_not_fixed_by_the_second() -> None:
    """With the second quarter's other costs as an amount or as a share: two different losses."""
    other = vendors.other_costs(F("10.9"), F("0.56"), F("0.559"))
    as_share = other / F("10.9") * F("4.8")

    assert rounded(vendors.operating_profit(F("4.8"), F("0.71"), other), 3) == "-2.845"
    assert rounded(vendors.operating_profit(F("4.8"), F("0.71"), as_share), 3) == "-0.474"


def test_at_a_fifth_of_the_price_cost_must_fall_to_a_fifth() -> None:
    """Otherwise the compute ratio rises; revenue depends on how demand answers."""
    assert vendors.ratio_after_price_change(F("0.56"), F(1, 5), F(1, 5)) == F("0.56")
    assert vendors.ratio_after_price_change(F("0.56"), F(1, 5), F(1)) == F("2.8")
    assert vendors.revenue_after_price_change(F(10), F(1, 5), F(1)) == 10
    assert vendors.revenue_after_price_change(F(10), F(1, 5), F(2)) == 50


def test_an_annuity_pays_its_loan_back() -> None:
    """The payments, discounted, are the loan; without interest they are equal parts."""
    payment = vendors.annuity(F(36), F("0.08"), F(5))
    worth = sum(payment / F("1.08") ** year for year in range(1, 6))

    assert worth == 36
    assert vendors.annuity(F(36), F(0), F(5)) == F("7.2")


@pytest.mark.parametrize(
    ("mix", "blended"),
    [
        (("5", "0.5", "25"), "3.40000"),
        (("5", "0.5", "30"), "3.90000"),
        (("0.435", "0.003625", "0.87"), "0.13340"),
        (("1.74", "0.145", "3.48"), "0.63800"),
        (("1.32", "0.044", "3.96"), "0.56320"),
        (("0.14", "0.0028", "0.28"), "0.04424"),
    ],
)
def test_blended_prices(mix: tuple[str, str, str], blended: str) -> None:
    """Ten parts fresh input, eighty cached, ten output."""
    fresh, cached, output = map(F, mix)
    price = prices.blend((fresh, cached, output), (F("0.1"), F("0.8"), F("0.1")))

    assert rounded(price, 5) == blended


def test_the_august_repricing() -> None:
    """Twice as dear off-peak, four times at peak, two and a half over an even week."""
    before, off_peak, peak = F("0.1334"), F("0.2816"), F("0.5632")

    assert rounded(off_peak / before, 2) == "2.11"
    assert rounded(peak / before, 2) == "4.22"
    assert rounded(prices.over_the_week(off_peak, peak, F(35)) / before, 2) == "2.55"


def test_a_fixed_price_overpays_half_of_a_fivefold_fall() -> None:
    """What is not overpaid is the mean price."""
    assert rounded(100 * prices.overpaid_by_fixing(F(5)), 1) == "50.3"
    mean = prices.mean_price(F(5), F(18), F(18))
    assert abs(prices.overpaid_by_fixing(F(5)) + mean - 1) < F(1, 10**40)


@given(SHARES, SHARES)
def test_a_saving_is_reached_or_refused(wanted: F, price_ratio: F) -> None:
    """The share that is needed gives exactly the saving; beyond the highest there is none."""
    if saving.possible(wanted, price_ratio):
        share = saving.share_needed(wanted, price_ratio)
        assert 0 <= share <= 1
        assert share * (1 - price_ratio) == wanted
    else:
        with pytest.raises(DomainError):
            saving.share_needed(wanted, price_ratio)


@given(SHARES.filter(bool), AMOUNTS, AMOUNTS, st.integers(1, 9))
def test_the_threshold_does_not_depend_on_the_number_of_attempts(
    success: F, human: F, review: F, attempts_max: int
) -> None:
    """At exactly `p C_h - C_r` per attempt, machine and person cost the same."""
    attempt = tasks.attempt_threshold(success, human, review)

    cost = tasks.cost_per_resolved(attempt, review, human, success, attempts_max)

    assert cost == human


def test_attempts_without_success_are_all_made() -> None:
    """At a success rate of 0 each attempt is made and paid, and then the person."""
    assert tasks.expected_attempts(F(0), 3) == 3
    assert tasks.cost_per_resolved(F(1), F(2), F(50), F(0), 3) == 59
    with pytest.raises(DomainError):
        tasks.expected_attempts(F(2), 1)


@pytest.mark.parametrize(
    ("half_life", "run", "interval", "cost"),
    [("8", "5", "5.50", "122.98"), ("2", "1", "2.61", "209.10"), ("1", "0.05", "1.44", "377.92")],
)
def test_long_tasks(half_life: str, run: str, interval: str, cost: str) -> None:
    """An eight-hour task of three models, at 25 dollars a check-in."""
    arguments = (F(run), F(25), F(half_life))

    assert rounded(horizon.best_interval(*arguments), 2) == interval
    assert rounded(horizon.best_cost(F(8), *arguments), 2) == cost


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.fractions(F(1, 2), 2).filter(lambda f: f != 1))
def test_no_other_interval_is_cheaper(run: F, check: F, half_life: F, factor: F) -> None:
    """The best interval's cost is at most that of any other."""
    best = horizon.best_interval(run, check, half_life)

    other = horizon.cost_at(best * factor, F(8), run, check, half_life)

    assert horizon.best_cost(F(8), run, check, half_life) <= other


def test_half_of_the_runs_are_right_at_the_half_life() -> None:
    """Whatever the shape; and all at the start."""
    for shape in (F(1), F("0.6")):
        assert rounded(horizon.survival(F(3), F(3), shape), 30) == "0.5" + 29 * "0"
        assert horizon.survival(F(0), F(3), shape) == 1
