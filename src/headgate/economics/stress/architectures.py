"""Four ways to buy the same demand, and what each costs in a world."""

from dataclasses import dataclass

import numpy as np

from headgate.economics.stress.draws import Floats
from headgate.economics.stress.terms import Terms
from headgate.economics.stress.world import World

LOCKED = "locked"
PROTECTED = "price-protected"
ROUTABLE = "routable"
HYBRID = "hybrid"
NAMES = (LOCKED, PROTECTED, ROUTABLE, HYBRID)


@dataclass(frozen=True, slots=True)
class Architecture:
    """How demand is split; the shares add up to 1.

    Attributes:
        fixed: Committed at today's list price less the discount, whatever happens to prices.
        discounted: Committed at the list price of the day less the discount.
        listed: At the incumbent's list price of the day, free to leave.
        routed: At the market's price and the overhead of routing.
        prepared: A second vendor is in use, so that others can take over what is not served.
    """

    fixed: float
    discounted: float
    listed: float
    routed: float
    prepared: bool

    @property
    def incumbent(self) -> float:
        """The share that the incumbent serves."""
        return self.fixed + self.discounted + self.listed


def architecture(name: str, terms: Terms) -> Architecture:
    """Return one of `NAMES` under given terms."""
    routable, committed = terms.value["routable"], terms.value["hybrid_committed"]
    if name == LOCKED:
        return Architecture(0.0, 1.0, 0.0, 0.0, prepared=False)
    if name == PROTECTED:
        return Architecture(1.0, 0.0, 0.0, 0.0, prepared=False)
    if name == ROUTABLE:
        return Architecture(0.0, 0.0, 1 - routable, routable, prepared=True)
    routed = min(routable, 1 - committed)
    return Architecture(committed, 0.0, 1 - committed - routed, routed, prepared=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an architecture costs, paths by months where not said otherwise.

    Attributes:
        spend_usd: What vendors bill, shortfalls of a commitment and changes of model included.
        loss_usd: What work is lost because nobody served it.
        overhead_usd: The part of spend that routing itself costs.
        unserved: Share of all demand that nobody served, one per path.
    """

    spend_usd: Floats
    loss_usd: Floats
    overhead_usd: Floats
    unserved: Floats

    @property
    def cost_usd(self) -> Floats:
        """Spend and losses of all months together, one per path."""
        total: Floats = (self.spend_usd + self.loss_usd).sum(axis=1)
        return total


def outcome(chosen: Architecture, world: World, terms: Terms) -> Outcome:
    """Return what an architecture costs on every path."""
    value, demand = terms.value, world.demand_usd
    elsewhere = demand * world.market_price
    overhead = value["overhead"] * elsewhere
    served = np.where(world.gone, 0.0, 1 - world.unserved)
    left = value["prepared"] if chosen.prepared else 1.0
    downtime = left * value["downtime_months"] * chosen.incumbent * world.leaves
    # Once the vendor has left, its share is bought where the market is, as routed demand is.
    routed = chosen.routed + np.where(world.gone, chosen.incumbent, 0.0) - downtime
    spend = _incumbent_spend(chosen, world, terms, served) + routed * (elsewhere + overhead)
    short = np.where(world.gone, 0.0, chosen.incumbent * world.unserved)
    spilled = short if chosen.prepared else np.zeros_like(short)
    spend += spilled * (elsewhere + overhead) * (1 + value["spill_premium"])
    at_incumbent = chosen.incumbent > 0
    spend += left * at_incumbent * value["retired_usd"] * (world.retired & ~world.gone)
    spend += left * at_incumbent * value["migration_usd"] * world.leaves
    lost = demand * (short - spilled + downtime)
    return Outcome(
        spend_usd=spend,
        loss_usd=lost * value["loss_per_usd"],
        overhead_usd=(routed + spilled * (1 + value["spill_premium"])) * overhead,
        unserved=lost.sum(axis=1) / demand.sum(axis=1),
    )


def _incumbent_spend(chosen: Architecture, world: World, terms: Terms, served: Floats) -> Floats:
    """Return what the incumbent bills: the committed part is never below its minimum."""
    kept = 1 - terms.value["discount"]
    committed = chosen.fixed * kept + chosen.discounted * kept * world.list_price
    used = served * world.demand_usd
    minimum = terms.value["commitment"] * terms.value["spend_usd"] * kept
    minimum *= chosen.fixed + chosen.discounted
    # What the vendor does not serve, it cannot ask for.
    billed = np.maximum(used * committed, served * minimum)
    return billed + used * chosen.listed * world.list_price
