"""Exact arithmetic: enough digits, one rounding, and refusals instead of infinities."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.economics.exact import DomainError, divide, exp, ln, plain, power, rounded, sqrt

POSITIVE = st.fractions(Fraction(1, 1000), 1000, max_denominator=1000)


@given(POSITIVE)
def test_logarithm_and_exponential_undo_each_other(value: Fraction) -> None:
    """To far more digits than any report shows."""
    assert abs(exp(ln(value)) / value - 1) < Fraction(1, 10**40)


@given(POSITIVE)
def test_irrational_results_are_those_of_the_mathematics_library(value: Fraction) -> None:
    """Checked against floats, which know fifteen digits."""
    assert math.isclose(ln(value), math.log(value), rel_tol=1e-12, abs_tol=1e-12)
    assert math.isclose(sqrt(value), math.sqrt(value), rel_tol=1e-12)
    assert math.isclose(power(value, Fraction(3, 2)), float(value) ** 1.5, rel_tol=1e-12)


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (Fraction(1, 8), 2, "0.13"),
        (Fraction(-1, 8), 2, "-0.13"),
        (Fraction(-1, 1000), 2, "0.00"),
        (Fraction(2717), -2, "2700"),
        (Fraction(5, 2), 0, "3"),
        (Fraction(109, 10), 1, "10.9"),
    ],
)
def test_rounding_is_half_up(value: Fraction, places: int, text: str) -> None:
    """As in every charge of the ledger; nothing is shown as minus nothing."""
    assert rounded(value, places) == text


def test_plain_text_has_no_idle_zeros() -> None:
    """A whole number has no decimals, a third has the digits asked for."""
    assert plain(Fraction(2500)) == "2500"
    assert plain(Fraction(1, 4)) == "0.25"
    assert plain(Fraction(1, 3), 4) == "0.3333"


@pytest.mark.parametrize(
    "ask",
    [
        lambda: ln(Fraction(0)),
        lambda: sqrt(Fraction(-1)),
        lambda: power(Fraction(-1), Fraction(1, 2)),
        lambda: divide(Fraction(1), Fraction(0), "revenue"),
    ],
)
def test_what_has_no_answer_is_refused(ask: object) -> None:
    """With a sentence, not with an infinity."""
    assert callable(ask)
    with pytest.raises(DomainError):
        ask()
