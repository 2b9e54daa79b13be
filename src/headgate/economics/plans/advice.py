"""What to do with a seat: keep, drop, buy or move, why, and when it cannot be said.

Every choice is priced for a mean month: the API at list price, or a plan plus what it cannot give
at list price. It is priced at both ends of what the seat uses and of what the plans can give: one
choice that is cheapest at all of them is advised; otherwise the question stays open, with the
choices between which it lies.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Literal, NamedTuple

from headgate.catalog.plans import Plan
from headgate.economics.plans.break_even import month_cost
from headgate.economics.plans.estimate import Estimate

Verb = Literal["keep", "drop", "buy", "move", "stay on the API", "open", "not enough data"]
API = ""
"""Stands for a plan's id where usage is paid by the token."""
_BOUNDS = (0, 1, 2)
"""Places of the low, middle and high value in an estimate."""


class Advice(NamedTuple):
    """What to do.

    Attributes:
        verb: What; `open` when the cheapest choice differs within the intervals.
        plan: The plan it is about, `API` when it is none.
        reason: One sentence.
        saving: Against what the seat has now (the API when that is not known), a month.
        rivals: The choices that are cheapest somewhere within the intervals.
    """

    verb: Verb
    plan: str
    reason: str
    saving: Estimate
    rivals: tuple[str, ...]


class Offer(NamedTuple):
    """A plan that could carry the seat's use, and what it can give in a month."""

    plan: Plan
    capacity: Estimate


def advise(demand: Estimate | None, offers: Sequence[Offer], has: str) -> Advice:
    """Return what to do with a seat.

    Args:
        demand: What the seat uses in a month at list price; None when that is not known.
        offers: Plans whose capacity is known.
        has: Id of the plan it has, `API` when none is known.
    """
    nothing = Estimate(0, 0, 0)
    if demand is None:
        reason = "fewer than two whole weeks of use have been imported"
        return Advice("not enough data", has, reason, nothing, ())
    if has != API and all(offer.plan.id != has for offer in offers):
        reason = f"nobody has published what {has} can give, and its logs do not tell"
        return Advice("not enough data", has, reason, nothing, ())
    corners = [_costs(offers, used, which) for used, which in product(demand, _BOUNDS)]
    middle = _costs(offers, demand.middle, 1)
    best = _cheapest(middle, has)
    rivals = dict.fromkeys([best, *(_cheapest(costs, has) for costs in corners)])
    savings = sorted(costs[has] - costs[best] for costs in corners)
    saving = Estimate(savings[0], middle[has] - middle[best], savings[-1])
    if len(rivals) > 1:
        named = " or ".join(_name(one) for one in rivals)
        reason = f"within the intervals the cheapest is {named}; in the middle it is {_name(best)}"
        if has not in rivals:
            reason += f"; {_name(has) if has else 'paying by the token'} is never the cheapest"
        return Advice("open", best, reason, saving, tuple(rivals))
    return Advice(_verb(has, best), best, _reason(demand, offers, best), saving, (best,))


def _costs(offers: Sequence[Offer], demand_nanos: int, which: int) -> Mapping[str, int]:
    """Return the cost of each choice, with `which` bound of the plans' capacities."""
    return {API: demand_nanos} | {
        offer.plan.id: month_cost(offer.plan.price_nanos, offer.capacity[which], demand_nanos)
        for offer in offers
    }


def _cheapest(costs: Mapping[str, int], has: str) -> str:
    """Return the cheapest choice; of equals the one that changes nothing, then by name."""
    return min(costs, key=lambda plan: (costs[plan], plan != has, plan))


def _verb(has: str, best: str) -> Verb:
    if best == has:
        return "stay on the API" if best == API else "keep"
    if has == API:
        return "buy"
    return "drop" if best == API else "move"


def _reason(demand: Estimate, offers: Sequence[Offer], best: str) -> str:
    if best == API:
        if not offers:
            return "no plan covers these logs"
        return "its use costs less by the token than any plan"
    offer = next(one for one in offers if one.plan.id == best)
    if demand.high <= offer.capacity.low:
        return "its use costs more by the token, and fits into the plan"
    return "even with what the plan cannot give at list price, nothing is cheaper"


def _name(plan: str) -> str:
    return plan or "the API"
