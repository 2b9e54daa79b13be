"""A vendor's figures: compute per dollar of revenue, what is left, debt, value and generations.

Amounts may have any one unit (billions here); ratios are shares of revenue; rates are per year.
"""

from fractions import Fraction

from headgate.economics.exact import DomainError, divide, ln, power


def compute_cost(revenue: Fraction, compute_ratio: Fraction) -> Fraction:
    """Return what compute costs at a ratio per dollar of revenue."""
    return revenue * compute_ratio


def margin(profit: Fraction, revenue: Fraction) -> Fraction:
    """Return profit as a share of revenue."""
    return divide(profit, revenue, "revenue")


def other_costs(revenue: Fraction, compute_ratio: Fraction, profit: Fraction) -> Fraction:
    """Return every cost that is not compute: `R (1 - k) - op`."""
    return revenue * (1 - compute_ratio) - profit


def operating_profit(revenue: Fraction, compute_ratio: Fraction, other: Fraction) -> Fraction:
    """Return `R (1 - k) - X`."""
    return revenue * (1 - compute_ratio) - other


def break_even_ratio(revenue: Fraction, other: Fraction) -> Fraction:
    """Return the compute per dollar of revenue at which nothing is earned: `(R - X) / R`."""
    return divide(revenue - other, revenue, "revenue")


def marginal_ratio(
    revenues: tuple[Fraction, Fraction], ratios: tuple[Fraction, Fraction]
) -> Fraction:
    """Return the compute that each *added* dollar of revenue took, between two periods."""
    before, after = (r * k for r, k in zip(revenues, ratios, strict=True))
    return divide(after - before, revenues[1] - revenues[0], "the growth of revenue")


def annualised(quarterly: Fraction) -> Fraction:
    """Return four times a quarter's amount."""
    return 4 * quarterly


def multiple(value: Fraction, quarterly_revenue: Fraction) -> Fraction:
    """Return a valuation as a multiple of annualised revenue."""
    return divide(value, annualised(quarterly_revenue), "revenue")


def interest(debt: Fraction, yearly_rate: Fraction) -> Fraction:
    """Return a year's interest."""
    return debt * yearly_rate


def coupon_at_cover_one(quarterly_profit: Fraction, debt: Fraction) -> Fraction:
    """Return the yearly rate at which interest takes the whole annualised operating profit."""
    return divide(annualised(quarterly_profit), debt, "the debt")


def annuity(debt: Fraction, yearly_rate: Fraction, years: Fraction) -> Fraction:
    """Return the equal yearly payment of interest and amortisation: `D r / (1 - (1+r)^-n)`."""
    if yearly_rate == 0:
        return divide(debt, years, "the years of a loan")
    return divide(debt * yearly_rate, 1 - power(1 + yearly_rate, -years), "the years of a loan")


def sustainable_cadence(
    growth_of_cost: Fraction, revenue_before: Fraction, revenue_after: Fraction
) -> Fraction:
    """Return the months between generations that keep training's share of revenue constant.

    `3 ln(gamma) / ln(R2 / R1)`, R being the revenue of two quarters in a row: while a generation
    costs gamma times the last, revenue must have grown gamma-fold too.

    Raises:
        DomainError: Revenue does not grow; no cadence is sustainable then.
    """
    if not 0 < revenue_before < revenue_after:
        raise DomainError("a cadence needs a revenue that grows")
    return 3 * ln(growth_of_cost) / ln(revenue_after / revenue_before)


def monthly_share(amount: Fraction, quarterly_revenue: Fraction) -> Fraction:
    """Return a month's amount as a share of a third of a quarter's revenue."""
    return divide(3 * amount, quarterly_revenue, "revenue")


def ratio_after_price_change(
    compute_ratio: Fraction, price_factor: Fraction, cost_factor: Fraction
) -> Fraction:
    """Return the compute ratio after prices and unit costs changed: `k cost' / price'`.

    At a fifth of the price, unit cost must fall to a fifth too, or the ratio rises.
    """
    return divide(compute_ratio * cost_factor, price_factor, "the price that is left")


def revenue_after_price_change(
    revenue: Fraction, price_factor: Fraction, elasticity: Fraction
) -> Fraction:
    """Return revenue when demand answers a price with a constant elasticity: `R p^(1 - eps)`."""
    return revenue * power(price_factor, 1 - elasticity)
