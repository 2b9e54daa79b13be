"""Offers, users and what a month of one costs with the other; whole nano-dollars."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Kind = Literal["seat", "usage", "machine"]

ANY_VENDOR = "any"
"""The vendor of an offer that no single vendor stands behind."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to serve a user.

    Attributes:
        id: What users and reports call it.
        vendor: Who is paid.
        kind: `seat` has a price and a capacity per user, `usage` a share of API list price,
            `machine` a price and a capacity per machine, shared by its users.
        price_nanos: Per seat or machine and month.
        capacity_nanos: What a seat or machine serves in a month, at API list prices.
        overage: Price beyond a seat's capacity as a share of API list price; None: it stops
            there, and work is lost.
        cost_share: Of usage: its cost as a share of API list price, retries and all included.
        quality: From 0 to 1, on the scale of the users' floors.
        regions: Where it may serve; empty for everywhere.
        seats_min: Users it takes at least, if any.
        seats_max: Users it takes at most; None for no limit.
        minimum_nanos: What its users together pay at least in a month, if it is taken.
    """

    id: str
    vendor: str
    kind: Kind
    price_nanos: int
    capacity_nanos: int
    overage: Fraction | None
    cost_share: Fraction
    quality: Fraction
    regions: frozenset[str]
    seats_min: int
    seats_max: int | None
    minimum_nanos: int


@dataclass(frozen=True, slots=True)
class User:
    """Who is served.

    Attributes:
        id: The user.
        demand_nanos: What each month's demand costs at API list prices; all users have the
            same months.
        now: The offer that serves the user today, None when that is not told.
        quality: The least quality that will do.
        region: Where it must be served, None for anywhere.
    """

    id: str
    demand_nanos: tuple[int, ...]
    now: str | None
    quality: Fraction
    region: str | None


def allowed(user: User, offer: Offer) -> bool:
    """Tell whether an offer may serve a user."""
    here = user.region is None or not offer.regions or user.region in offer.regions
    return here and offer.quality >= user.quality


def month_cost(demand_nanos: int, offer: Offer, loss_per_usd: Fraction) -> int:
    """Return what a user's month costs, rounded half up: spend, and lost work where it stops.

    A machine costs nothing per user; its price is counted once.
    """
    if offer.kind == "machine":
        return 0
    if offer.kind == "usage":
        return _rounded(demand_nanos * offer.cost_share)
    beyond = max(0, demand_nanos - offer.capacity_nanos)
    share = loss_per_usd if offer.overage is None else offer.overage
    return offer.price_nanos + _rounded(beyond * share)


def _rounded(value: Fraction) -> int:
    half_up = value + Fraction(1, 2)
    return half_up.numerator // half_up.denominator


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be chosen.

    Attributes:
        users: In order.
        offers: In order.
        vendor_share_max: Of all that is spent.
        budget_nanos: What all but a twentieth of months may cost.
        loss_per_usd: Work lost per dollar that is not served.
    """

    users: tuple[User, ...]
    offers: tuple[Offer, ...]
    vendor_share_max: Fraction
    budget_nanos: int
    loss_per_usd: Fraction

    @property
    def months(self) -> int:
        """How many months of demand there are."""
        return len(self.users[0].demand_nanos)

    def costs(self, user: User, offer: Offer) -> tuple[int, ...]:
        """Return what each month of a user costs with an offer."""
        return tuple(month_cost(one, offer, self.loss_per_usd) for one in user.demand_nanos)


def team_costs(problem: Problem, chosen: Sequence[int]) -> list[int]:
    """Return what each month of the team costs, exactly: an offer's index for each user.

    Minimums of commitments and the machines that are needed are counted.
    """
    totals = [0] * problem.months
    for index, offer in enumerate(problem.offers):
        users = [user for user, taken in zip(problem.users, chosen, strict=True) if taken == index]
        if not users:
            continue
        costs = [problem.costs(user, offer) for user in users]
        sums = [max(offer.minimum_nanos, sum(month)) for month in zip(*costs, strict=True)]
        if offer.kind == "machine":
            machines = machines_needed(offer, users)
            sums = [one + machines * offer.price_nanos for one in sums]
        totals = [total + one for total, one in zip(totals, sums, strict=True)]
    return totals


def machines_needed(offer: Offer, users: Sequence[User]) -> int:
    """Return how many machines serve the users' busiest month."""
    months = zip(*(user.demand_nanos for user in users), strict=True)
    busiest: int = max(sum(month) for month in months)
    return -(-busiest // offer.capacity_nanos)
