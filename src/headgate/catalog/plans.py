"""Subscriptions: what a seat costs, how it is limited, and what was measured that it can give."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Capacity:
    """What somebody measured that a plan can give, at API list price.

    Attributes:
        nanos_per_month: The most usage a month allows, valued at list price; holds for the mix of
            tokens that was measured.
        measured_on: The day it was measured, or read where the day is not known.
        method: How.
        source: Id of the catalogue's source.
    """

    nanos_per_month: int
    measured_on: date
    method: str
    source: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A subscription for one seat.

    Attributes:
        id: What commands call it.
        seller: Whose models it gives.
        logs: Kinds of usage logs whose usage it covers.
        observed_on: The day price and rules were read.
        price_nanos: Per seat and month.
        window_minutes: Lengths of the windows in which its use is limited.
        capacities: What was measured; empty when nobody has.
        credit_nanos: A monthly credit for programmatic use apart from the windows, 0 when none.
        credit_from: Since when there is one.
        sources: Ids of the catalogue's sources.
        note: What else must be known, "" when nothing.
    """

    id: str
    title: str
    seller: str
    logs: tuple[str, ...]
    observed_on: date
    price_nanos: int
    window_minutes: tuple[int, ...]
    capacities: tuple[Capacity, ...]
    credit_nanos: int
    credit_from: date | None
    sources: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class PlanCatalogue:
    """All plans, and where they were read.

    Attributes:
        sources: Id to a sentence with title, address and the day it was read.
    """

    plans: tuple[Plan, ...]
    sources: dict[str, str]

    def find(self, name: str) -> Plan | None:
        """Return the plan of an id, None when there is none."""
        return next((plan for plan in self.plans if plan.id == name), None)
