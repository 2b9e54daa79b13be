"""A vendor's profit and loss, quarter by quarter, with every part of its compute explicit.

Amounts are exact, in whatever the inputs have (billions of dollars). Demand answers prices with a
constant elasticity: use grows by itself and by `price ** -elasticity`.
"""

from dataclasses import dataclass
from fractions import Fraction

from headgate.economics.exact import exp, power, rounded
from headgate.economics.formulas import prices, vendors
from headgate.economics.inputs import InputError, Inputs

MONTHS_PER_QUARTER = 3


@dataclass(frozen=True, slots=True)
class Quarter:
    """One quarter; the number 0 is the first, whose figures are inputs.

    Attributes:
        number: Of the quarter.
        price: The vendor's price, 1 in the first quarter.
        revenue: All of it.
        serving: Compute that serves API, plans and free use, and what nothing explains.
        training: Compute that trains.
        lease: Compute that is leased, whatever it is used for.
        other: Every other cost.
        debt_service: Interest and amortisation of own debt; below operating profit.
        interest: The interest in it.
        use: Use, 1 in the first quarter.
    """

    number: int
    price: Fraction
    revenue: Fraction
    serving: Fraction
    training: Fraction
    lease: Fraction
    other: Fraction
    debt_service: Fraction
    interest: Fraction
    use: Fraction

    @property
    def compute(self) -> Fraction:
        """All compute; leases are inside it, so they must not be counted as debt too."""
        return self.serving + self.training + self.lease

    @property
    def compute_ratio(self) -> Fraction:
        """Compute per dollar of revenue."""
        return self.compute / self.revenue

    @property
    def profit(self) -> Fraction:
        """Operating profit: before interest and amortisation of own debt."""
        return self.revenue - self.compute - self.other

    @property
    def cash(self) -> Fraction:
        """What the quarter leaves."""
        return self.profit - self.debt_service

    @property
    def interest_cover(self) -> Fraction | None:
        """How often operating profit pays the interest; None without own debt."""
        return self.profit / self.interest if self.interest else None

    @property
    def service_cover(self) -> Fraction | None:
        """How often what is earned before leases and debt pays for both; None without any."""
        fixed = self.lease + self.debt_service
        return (self.profit + self.lease) / fixed if fixed else None


@dataclass(frozen=True, slots=True)
class Parts:
    """The compute of the first quarter, part by part.

    Attributes:
        api: Serving the API.
        plans: Serving plans.
        free: Serving free use.
        training: Training.
        lease: Leases.
        unexplained: What is left of the stated ratio; it grows with use, like serving.
    """

    api: Fraction
    plans: Fraction
    free: Fraction
    training: Fraction
    lease: Fraction
    unexplained: Fraction


def parts_of(inputs: Inputs) -> Parts:
    """Return the parts of the first quarter's compute.

    Raises:
        InputError: They are more than the stated ratio holds, or both a lease and an own debt
            stand for the same machines.
    """
    if inputs["lease_bn"] and inputs["debt_bn"]:
        raise InputError(
            "lease_bn and debt_bn are both above 0, so the same machines would be paid twice.",
            "Set one of them to 0: a lease is inside compute, own debt is served below profit.",
        )
    revenue, plan_share = inputs["revenue_bn"], inputs["plan_share"]
    known = (
        revenue * (1 - plan_share) * inputs["api_cost"],
        revenue * plan_share * inputs["plan_cost"],
        inputs["free_bn"],
        inputs["training_bn"],
        inputs["lease_bn"],
    )
    stated = vendors.compute_cost(revenue, inputs["compute_ratio"])
    if sum(known) > stated:
        raise InputError(
            f"The parts of compute are {rounded(sum(known, Fraction(0)), 3)}, more than the "
            f"stated {rounded(stated, 3)}.",
            "Lower a part (api_cost, plan_cost, free_bn, training_bn, lease_bn), or raise "
            "compute_ratio.",
        )
    return Parts(*known, unexplained=stated - sum(known))


def quarters_of(inputs: Inputs) -> list[Quarter]:
    """Return the coming quarters, the first included.

    Raises:
        InputError: As for `parts_of`.
    """
    parts = parts_of(inputs)
    return [_quarter(inputs, parts, number) for number in range(inputs.whole("quarters"))]


def _quarter(inputs: Inputs, parts: Parts, number: int) -> Quarter:
    months = Fraction(MONTHS_PER_QUARTER * number)
    decay = prices.decay_rate(inputs["decay_factor"], inputs["decay_months"])
    price = exp(-decay * inputs["price_share"] * months)
    unit_cost = exp(-decay * inputs["cost_share"] * months)
    use = _growth(inputs, number) * power(price, -inputs["elasticity"])
    served = parts.api + parts.plans + parts.free + parts.unexplained
    generation = months // inputs["generation_months"]
    other = vendors.other_costs(inputs["revenue_bn"], inputs["compute_ratio"], inputs["profit_bn"])
    service, interest = debt_of(inputs, number)
    return Quarter(
        number=number,
        price=price,
        revenue=inputs["revenue_bn"] * price * use,
        serving=served * use * unit_cost,
        training=parts.training * power(inputs["generation_factor"], Fraction(generation)),
        lease=parts.lease,
        other=other * (1 + inputs["other_growth"]) ** number,
        debt_service=service,
        interest=interest,
        use=use,
    )


def _growth(inputs: Inputs, number: int) -> Fraction:
    """Return use at unchanged prices: each quarter keeps a part of the last one's growth."""
    use, growth = Fraction(1), inputs["usage_growth"]
    for _ in range(number):
        use *= 1 + growth
        growth *= inputs["growth_kept"]
    return use


def debt_of(inputs: Inputs, number: int) -> tuple[Fraction, Fraction]:
    """Return a quarter's service of own debt and the interest in it, paid back in equal parts."""
    debt, quarters = inputs["debt_bn"], 4 * inputs["debt_years"]
    if number >= quarters:
        return Fraction(0), Fraction(0)
    left = debt * (1 - Fraction(number) / quarters)
    interest = left * inputs["debt_rate"] / 4
    return interest + debt / quarters, interest


def runway_months(quarters: list[Quarter], cash: Fraction) -> int | None:
    """Return the months until cash is gone, spending evenly in a quarter; None: it lasts."""
    for one in quarters:
        if cash + one.cash < 0:
            part = cash / -one.cash if one.cash < 0 else Fraction(0)
            return MONTHS_PER_QUARTER * one.number + int(max(part, Fraction(0)) * 3)
        cash += one.cash
    return None


def first_profitable_year(quarters: list[Quarter]) -> int | None:
    """Return the first four quarters, from 1, that earn together; None: none of them do."""
    for year in range(len(quarters) // 4):
        if sum(one.profit for one in quarters[4 * year : 4 * year + 4]) > 0:
            return year + 1
    return None


BISECTIONS = 80


def zero_profit_price(one: Quarter, elasticity: Fraction) -> Fraction | None:
    """Return the price, as a multiple of the quarter's, below which the quarter earns nothing.

    Use answers the price, and serving follows use: `A p^(1-e) - B p^-e - F = 0`, where A is
    revenue, B serving and F all else. None when no price earns.
    """
    fixed = one.training + one.lease + one.other

    def profit(price: Fraction) -> Fraction:
        use = power(price, -elasticity)
        return one.revenue * price * use - one.serving * use - fixed

    high = Fraction(1024)
    if elasticity > 1:
        # A price above this one only loses customers; below it, dearer earns more.
        high = elasticity * one.serving / ((elasticity - 1) * one.revenue)
    if high == 0 or profit(high) < 0:
        return None
    low = Fraction(0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if profit(middle) < 0:
            low = middle
        else:
            high = middle
    return high


@dataclass(frozen=True, slots=True)
class Layers:
    """Profit of a quarter by who makes it.

    Attributes:
        upstream: Those who sell compute.
        model: The vendor.
        application: Those who build on it.
    """

    upstream: Fraction
    model: Fraction
    application: Fraction


def layers_of(one: Quarter, inputs: Inputs) -> Layers:
    """Return who earns what in a quarter, under the inputs' margins."""
    added = one.revenue * inputs["app_revenue"] * inputs["app_markup"]
    return Layers(
        upstream=one.compute * inputs["upstream_margin"],
        model=one.profit,
        application=added * (1 - inputs["app_costs"]),
    )


@dataclass(frozen=True, slots=True)
class Generation:
    """Whether a generation of models pays for itself.

    Attributes:
        number: Of the generation, from 0.
        cost: What its training costs.
        margin: What serving earns while it is the newest: revenue less serving and leases.
        pays_itself: Margin is at least its own cost.
        pays_next: Margin is at least the next one's cost.
    """

    number: int
    cost: Fraction
    margin: Fraction
    pays_itself: bool
    pays_next: bool


def generations_of(quarters: list[Quarter], inputs: Inputs) -> list[Generation]:
    """Return the generations that begin and end within the quarters.

    A generation costs its quarterly training times the quarters it is the newest.
    """
    life = inputs["generation_months"] / MONTHS_PER_QUARTER
    found: dict[int, list[Quarter]] = {}
    for one in quarters:
        found.setdefault(int(Fraction(one.number) // life), []).append(one)
    generations = []
    for number, lived in sorted(found.items()):
        if (number + 1) * life > len(quarters):
            break
        cost = sum((one.training for one in lived), Fraction(0))
        margin = sum((one.revenue - one.serving - one.lease for one in lived), Fraction(0))
        following = cost * inputs["generation_factor"]
        generations.append(Generation(number, cost, margin, margin >= cost, margin >= following))
    return generations
