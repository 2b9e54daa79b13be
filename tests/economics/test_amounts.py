"""Amounts in reports: thousands apart, the same amount, and no digits that mean nothing."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.economics.amounts import billions, billions_together, dollars, grouped, places_of

F = Fraction


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("0.00", "0.00"),
        ("999.99", "999.99"),
        ("1234567.50", "1,234,567.50"),
        ("-1234", "-1,234"),
        ("+1234.5", "+1,234.5"),
    ],
)
def test_thousands_stand_apart(number: str, shown: str) -> None:
    """With a sign or without, before the point alone."""
    assert grouped(number) == shown


@given(st.fractions(min_value=-(10**15), max_value=10**15, max_denominator=10**9))
def test_an_amount_is_within_half_a_cent_of_what_is_shown(value: Fraction) -> None:
    """Separators change no digit, and nothing is shown as less than nothing that is not."""
    shown = dollars(value)

    assert abs(F(shown.replace(",", "")) - value) <= F("0.005")
    assert shown != "-0.00"


def test_amounts_that_stand_together_are_shown_to_the_same_place() -> None:
    """Cents only while all are below ten thousand; of billions four digits of the largest."""
    assert places_of([F("9999.99"), F(-5)]) == 2
    assert places_of([F(10_000), F("0.5")]) == 0
    assert billions_together([[F("79.317"), F("-0.5")], [F("1.3444")]]) == [
        ["79.32", "-0.50"],
        ["1.34"],
    ]
    assert [billions(F(one)) for one in ("0.559", "2574.04")] == ["0.559", "2,574"]
