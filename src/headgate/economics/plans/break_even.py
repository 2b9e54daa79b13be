"""The arithmetic of one seat on one plan.

P is the price of a seat and month, V what the plan can give in a month at API list price, D what is
asked of it (also at list price), u = D / V the utilisation, c what serving costs the seller as a
share of list price. All amounts are nano-dollars, all ratios exact fractions.

The formulas are those of `economics.formulas.seats`; here they take amounts and refuse what makes
no sense. The user gains above P / V, the seller loses above P / (c V), its margin is 1 - u c V / P.

Source: the public comparisons of plan limits of June 2026 (20 USD against 400 USD of usage, 200
against 14,000), which take c = 0.25. Limits: V was measured with some mix of tokens, c is a guess
from outside, and a plan's use is not fungible over its windows.
"""

from fractions import Fraction
from typing import Literal

from headgate.economics.formulas import seats

Zone = Literal["user overpays", "both gain", "seller loses"]

SERVING_COST = Fraction(1, 4)
"""c: what serving costs, as a share of list price, when nothing better is known."""
SERVING_COST_RANGE = (Fraction(1, 8), Fraction(3, 5))
"""Estimates of c reach from 0.125 to 0.6."""


class ParameterError(ValueError):
    """A parameter lies outside what makes sense; the message has the range."""


def user_break_even(price_nanos: int, capacity_nanos: int) -> Fraction:
    """Return the utilisation at which API and plan cost the user the same.

    20 USD against 400 USD of capacity: 1/20.
    """
    return seats.user_break_even(Fraction(price_nanos), _positive(capacity_nanos))


def seller_break_even(price_nanos: int, capacity_nanos: int, serving_cost: Fraction) -> Fraction:
    """Return the utilisation at which the seat pays what serving it costs; may be above 1.

    200 USD against 14,000 USD at c = 1/4: 2/35, or 5.7 %.

    Raises:
        ParameterError: The serving cost is not above 0 and at most 1.
    """
    if not 0 < serving_cost <= 1:
        raise ParameterError(f"a serving cost of {serving_cost} is not above 0 and at most 1")
    return seats.vendor_break_even(Fraction(price_nanos), serving_cost, _positive(capacity_nanos))


def margin(
    utilisation: Fraction, price_nanos: int, capacity_nanos: int, serving_cost: Fraction
) -> Fraction:
    """Return the seller's gross margin on a seat, as a share of its price; negative is a loss.

    200 USD against 14,000 USD at c = 1/4, fully used: -16.5, or -1650 %.

    Raises:
        ParameterError: The utilisation is not within 0 and 1, or the price is not above 0.
    """
    if not 0 <= utilisation <= 1:
        raise ParameterError(f"a utilisation of {utilisation} is not within 0 and 1")
    if price_nanos <= 0:
        raise ParameterError("a margin needs a price above 0")
    return seats.vendor_margin(
        utilisation, serving_cost, Fraction(capacity_nanos), Fraction(price_nanos)
    )


def zone(utilisation: Fraction, user_at: Fraction, seller_at: Fraction) -> Zone:
    """Return who gains at a utilisation; above the seller's break-even its rules may change."""
    if utilisation < user_at:
        return "user overpays"
    return "both gain" if utilisation <= seller_at else "seller loses"


def month_cost(price_nanos: int, capacity_nanos: int, demand_nanos: int) -> int:
    """Return what a month costs on a plan when what it cannot give is bought at list price."""
    return price_nanos + max(0, demand_nanos - capacity_nanos)


def _positive(capacity_nanos: int) -> Fraction:
    if capacity_nanos <= 0:
        raise ParameterError("a capacity must be above 0")
    return Fraction(capacity_nanos)
