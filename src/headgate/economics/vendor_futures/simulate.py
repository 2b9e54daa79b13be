"""A vendor's quarters in many futures at once, each with its own growth, prices and costs.

The arithmetic is that of `vendor/model.py`, in floats and for all futures together: a future in
which nothing spreads is the exact one. Every scenario meets the same luck, drawn as `stress` draws.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

import numpy as np

from headgate.economics.inputs import Input, Inputs
from headgate.economics.stress.draws import Floats, generator, mirrored
from headgate.economics.vendor.model import BISECTIONS, MONTHS_PER_QUARTER, debt_of, parts_of

UNCERTAIN = (
    *("usage_growth", "growth_kept", "decay_factor", "price_share", "cost_share", "elasticity"),
    *("generation_factor", "generation_months", "other_growth"),
)
"""Inputs that differ between futures; each has another named `spread_` and its own name."""

NINE_OF_TEN = 1.6448536269514722
"""Standard deviations around the mean within which nine of ten normal numbers lie."""


@dataclass(frozen=True, slots=True)
class Futures:
    """What came out, a row per future.

    Attributes:
        profit: Operating profit by quarter, in billions.
        runway_months: Until cash is gone; infinite where it lasts.
        zero_price: The price at which the last quarter earns nothing, 1 being that of the first
            quarter; infinite where no price earns.
    """

    profit: Floats
    runway_months: Floats
    zero_price: Floats


@dataclass(frozen=True, slots=True)
class _Quarter:
    """A quarter in all futures; fields as in `vendor.model.Quarter`."""

    price: Floats
    revenue: Floats
    serving: Floats
    fixed: Floats

    @property
    def profit(self) -> Floats:
        return self.revenue - self.serving - self.fixed


def draw(seed: int, paths: int) -> dict[str, Floats]:
    """Return each uncertain input's luck: standard normal numbers, one per future."""
    source = generator(seed)
    return {name: mirrored(source, paths, 1)[:, 0] for name in UNCERTAIN}


def futures_of(inputs: Inputs, luck: Mapping[str, Floats]) -> Futures:
    """Return the futures around one scenario.

    Raises:
        InputError: As for `vendor.model.parts_of`.
    """
    with np.errstate(all="ignore"):  # what is beyond every number is told as none by the views
        value = {
            name: _spread(inputs.items[name], float(inputs[f"spread_{name}"]), numbers)
            for name, numbers in luck.items()
        }
        quarters = _quarters(inputs, value)
        profit: Floats = np.stack([one.profit for one in quarters], axis=1)
        debts = [float(debt_of(inputs, number)[0]) for number in range(len(quarters))]
        last = quarters[-1]
        zero: Floats = last.price * _zero_profit_price(last, value["elasticity"])
        return Futures(profit, _runway(profit - debts, float(inputs["cash_bn"])), zero)


def _spread(one: Input, spread: float, luck: Floats) -> Floats:
    """Return an input in every future: log-normal around its value, and within its range."""
    values: Floats = float(one.value) * np.exp(log(spread) / NINE_OF_TEN * luck)
    high = None if one.high is None else float(one.high)
    clipped: Floats = np.clip(values, float(one.low), high)
    return clipped


def _quarters(inputs: Inputs, value: Mapping[str, Floats]) -> list[_Quarter]:
    parts, revenue = parts_of(inputs), inputs["revenue_bn"]
    served = float(parts.api + parts.plans + parts.free + parts.unexplained)
    training, lease = float(parts.training), float(parts.lease)
    other = float(revenue * (1 - inputs["compute_ratio"]) - inputs["profit_bn"])
    decay = np.log(value["decay_factor"]) / float(inputs["decay_months"])
    growth, grown = value["usage_growth"], np.ones_like(value["usage_growth"])
    found = []
    for number in range(inputs.whole("quarters")):
        months = MONTHS_PER_QUARTER * number
        price = np.exp(-decay * value["price_share"] * months)
        use = grown * price ** -value["elasticity"]
        trained = training * value["generation_factor"] ** (months // value["generation_months"])
        others = other * (1 + value["other_growth"]) ** number
        serving = served * use * np.exp(-decay * value["cost_share"] * months)
        found.append(
            _Quarter(price, float(revenue) * price * use, serving, trained + lease + others)
        )
        grown, growth = grown * (1 + growth), growth * value["growth_kept"]
    return found


def _runway(left: Floats, cash: float) -> Floats:
    """Return the months until cash is gone, spending evenly in a quarter, per future."""
    runway: Floats = np.full(len(left), np.inf)
    before = np.full(len(left), cash)
    for number in range(left.shape[1]):
        month = left[:, number]
        part = np.where(month < 0, before / -month, 0)
        gone = np.isinf(runway) & (before + month < 0)
        spent = MONTHS_PER_QUARTER * number + np.floor(np.maximum(part, 0) * MONTHS_PER_QUARTER)
        runway = np.where(gone, spent, runway)
        before = before + month
    return runway


def _zero_profit_price(one: _Quarter, elasticity: Floats) -> Floats:
    """Return what `vendor.model.zero_profit_price` does, per future; infinite for None."""

    def profit(price: Floats) -> Floats:
        use = price**-elasticity
        return one.revenue * price * use - one.serving * use - one.fixed

    best = elasticity * one.serving / ((elasticity - 1) * one.revenue)
    high: Floats = np.where(elasticity > 1, best, 1024.0)
    never = (high == 0) | ~(profit(high) >= 0)
    low = np.zeros_like(high)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        losing = profit(middle) < 0
        low, high = np.where(losing, middle, low), np.where(losing, high, middle)
    found: Floats = np.where(never, np.inf, high)
    return found
