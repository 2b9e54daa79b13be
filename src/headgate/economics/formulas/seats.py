"""Flat plans: at which use a seat pays for the user, and at which the vendor loses on it.

`price` is dollars per seat and month; `capacity` what a fully used seat would cost at API list
prices, dollars per month, a measured and dated quantity; `cost` what serving costs the vendor as
a share of list price; utilisation a share of capacity.
"""

from fractions import Fraction

from headgate.economics.exact import divide


def times_the_price(capacity: Fraction, price: Fraction) -> Fraction:
    """Return how many times its price a full seat is worth at list prices: `V / P`."""
    return divide(capacity, price, "a plan's price")


def vendor_margin(
    utilisation: Fraction, cost: Fraction, capacity: Fraction, price: Fraction
) -> Fraction:
    """Return the vendor's gross margin on a seat: `1 - u c V / P`; below 0 it loses."""
    return 1 - divide(utilisation * cost * capacity, price, "a plan's price")


def vendor_break_even(price: Fraction, cost: Fraction, capacity: Fraction) -> Fraction:
    """Return the utilisation above which the vendor loses: `P / (c V)`; above 1 it never does."""
    return divide(price, cost * capacity, "what a full seat costs")


def user_break_even(price: Fraction, capacity: Fraction) -> Fraction:
    """Return the utilisation above which a seat is cheaper than the API: `P / V`."""
    return divide(price, capacity, "a plan's capacity")


def routed_break_even(price: Fraction, capacity: Fraction, routed_cost: Fraction) -> Fraction:
    """Return the utilisation above which a seat beats routing at a share of API cost: `P/(rho V)`.

    Above 1, routing is cheaper however much the seat is used.
    """
    return divide(price, routed_cost * capacity, "what routing a full seat's demand costs")
