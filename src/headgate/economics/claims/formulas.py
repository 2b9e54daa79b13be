"""The formulas that claims may name, each with its arguments in order."""

from collections.abc import Callable
from fractions import Fraction

from headgate.economics.formulas import horizon, prices, saving, seats, tasks, vendors

Formula = Callable[..., Fraction | bool]


def given(value: Fraction) -> Fraction:
    """Return an input as it is."""
    return value


def plus(*values: Fraction) -> Fraction:
    """Return a sum."""
    return sum(values, Fraction(0))


def times(value: Fraction, other: Fraction) -> Fraction:
    """Return a product."""
    return value * other


def same(stated: Fraction, found: Fraction) -> bool:
    """Tell whether what was stated is what was found."""
    return stated == found


def about(stated: Fraction, found: Fraction) -> bool:
    """Tell whether what was stated is within a quarter of what was found."""
    return abs(stated - found) * 4 <= found


FORMULAS: dict[str, Formula] = {
    "given": given,
    "plus": plus,
    "times": times,
    "same": same,
    "about": about,
    "ratio": prices.ratio,
    "change": prices.change,
    "complement": prices.complement,
    "whole_days": lambda earlier, later: Fraction((later - earlier) // 1),
    "after_discount": prices.after_discount,
    "before_discount": prices.before_discount,
    "with_cache": prices.with_cache,
    "blend": lambda a, b, c, x, y, z: prices.blend((a, b, c), (x, y, z)),
    "monthly_change": lambda factor, months: prices.price_left(factor, months, Fraction(1)) - 1,
    "change_after": lambda factor, months, after: prices.price_left(factor, months, after) - 1,
    "fall": prices.fall,
    "half_life": prices.half_life,
    "mean_price": prices.mean_price,
    "stream_tokens": prices.stream_tokens,
    "stream_cost": prices.stream_cost,
    "highest_saving": saving.highest,
    "share_needed": saving.share_needed,
    "times_the_price": seats.times_the_price,
    "vendor_break_even": seats.vendor_break_even,
    "compute_cost": vendors.compute_cost,
    "margin": vendors.margin,
    "other_costs": vendors.other_costs,
    "break_even_ratio": vendors.break_even_ratio,
    "marginal_ratio": lambda r1, k1, r2, k2: vendors.marginal_ratio((r1, r2), (k1, k2)),
    "multiple": vendors.multiple,
    "interest": vendors.interest,
    "coupon_at_cover_one": vendors.coupon_at_cover_one,
    "annuity": vendors.annuity,
    "quarter_of": lambda yearly: yearly / 4,
    "sustainable_cadence": vendors.sustainable_cadence,
    "monthly_share": vendors.monthly_share,
    "spend_to_salary": tasks.spend_to_salary,
    "best_cost": horizon.best_cost,
}
"""Name to formula; the docstrings of `economics/formulas/` and docs/economics.md explain them."""
