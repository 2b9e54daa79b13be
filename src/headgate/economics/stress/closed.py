"""The mean cost of an architecture in closed form, to hold the simulation against.

It holds when shocks do not share luck (correlation 0) and no commitment binds, because then every
mean is a product of means. Source: expectations of lognormal walks, of jumps that strike with a
fixed chance each month, and of a chain of two states.
"""

import math

from headgate.economics.stress.architectures import Architecture
from headgate.economics.stress.terms import Terms


def mean_cost_usd(chosen: Architecture, terms: Terms, months: int) -> float:
    """Return the mean of `Outcome.cost_usd`; correlation and commitment are taken as 0."""
    rationed, total = 0.0, 0.0
    for month in range(months):
        rationed = _rationed(rationed, terms)
        total += _month(chosen, terms, month, rationed)
    return total


def _rationed(before: float, terms: Terms) -> float:
    stays = before * (1 - terms.chance["ration_end"])
    return stays + (1 - before) * terms.chance["ration"]


def _month(chosen: Architecture, terms: Terms, month: int, rationed: float) -> float:
    value, chance = terms.value, terms.chance
    demand = value["spend_usd"] * (1 + value["demand_growth"]) ** month
    elsewhere = demand * math.exp(-terms.decay * month) * (1 + value["overhead"])
    there = (1 - chance["vendor"]) ** (month + 1)
    leaves = chance["vendor"] * (1 - chance["vendor"]) ** month
    unserved = 1 - (1 - rationed * (1 - value["ration_served"])) * (
        1 - chance["outage"] * value["outage_lost"]
    )
    kept = 1 - value["discount"]
    price = chosen.fixed * kept + (chosen.discounted * kept + chosen.listed) * _list(terms, month)
    left = value["prepared"] if chosen.prepared else 1.0
    short = chosen.incumbent * unserved * there
    short_usd = (
        short * elsewhere * (1 + value["spill_premium"])
        if chosen.prepared
        else short * demand * value["loss_per_usd"]
    )
    changes = chance["retired"] * value["retired_usd"] * there + leaves * value["migration_usd"]
    downtime = left * leaves * value["downtime_months"] * chosen.incumbent
    return (
        there * (1 - unserved) * demand * price
        + (chosen.routed + chosen.incumbent * (1 - there) - downtime) * elsewhere
        + short_usd
        + left * changes * (chosen.incumbent > 0)
        + downtime * demand * value["loss_per_usd"]
    )


def _list(terms: Terms, month: int) -> float:
    """Return the mean list price: a chance of a rise and one of a cut in every month since."""
    value, chance = terms.value, terms.chance
    spread = math.exp(value["reprice_noise"] ** 2 / 2)
    up, down = value["reprice_up_factor"], value["reprice_down_factor"]
    only_up = chance["up"] * (1 - chance["down"])
    only_down = chance["down"] * (1 - chance["up"])
    both = chance["up"] * chance["down"]
    # Both in a month share one size, so its logarithm counts twice.
    jump = 1 - only_up - only_down - both
    jump += spread * (only_up * up + only_down * down) + spread**4 * both * up * down
    follow, rate = chance["follow"], terms.decay * value["follows"]
    followed = (1 - follow) ** month + sum(
        follow * (1 - follow) ** (month - last) * math.exp(-rate * last)
        for last in range(1, month + 1)
    )
    cached = (1 - chance["cache"]) ** month
    return jump**month * followed * (cached + (1 - cached) * value["cache_gone_factor"])
