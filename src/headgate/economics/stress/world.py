"""What happens to demand, to prices and to the vendor, on every path in every month.

Months count from 0, the first month of the contract, in which today's prices hold.
"""

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from headgate.economics.stress.draws import Draws, Floats
from headgate.economics.stress.terms import Terms

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class World:
    """One array per quantity, paths by months.

    Attributes:
        demand_usd: What the month's demand costs at today's list price of the incumbent.
        list_price: The incumbent's list price, 1 today, with what the cache discount was worth.
        market_price: What other vendors ask for the same, 1 today.
        unserved: The share of demand the incumbent does not serve.
        retired: The model in use is retired this month.
        leaves: The vendor leaves this month.
        gone: The vendor has left, this month or before.
    """

    demand_usd: Floats
    list_price: Floats
    market_price: Floats
    unserved: Floats
    retired: Flags
    leaves: Flags
    gone: Flags


def world_of(draws: Draws, terms: Terms) -> World:
    """Return what happens on these draws under these terms."""
    value = terms.value
    month = np.arange(draws.common.shape[1])
    demand = _walk(draws.own["demand"], value["demand_noise"])
    demand *= value["spend_usd"] * (1 + value["demand_growth"]) ** month
    gone = np.logical_or.accumulate(_happens("vendor", draws, terms), axis=1)
    leaves = gone.copy()
    leaves[:, 1:] &= ~gone[:, :-1]
    return World(
        demand_usd=demand,
        list_price=_list_price(draws, terms),
        market_price=_market_price(draws, terms),
        unserved=_unserved(draws, terms),
        retired=_happens("retired", draws, terms),
        leaves=leaves,
        gone=gone,
    )


def repriced(world: World, draws: Draws, terms: Terms) -> World:
    """Return the same world under other prices: all else in `terms` must be as it was."""
    prices = _list_price(draws, terms), _market_price(draws, terms)
    return replace(world, list_price=prices[0], market_price=prices[1])


_ALONE = frozenset({"follow", "down", "cache", "retired", "ration_end"})
"""Shocks that do not share the month's luck: they are no sign of scarcity."""


def _happens(name: str, draws: Draws, terms: Terms) -> Flags:
    """Return where a shock strikes."""
    chance = terms.chance[name]
    if chance <= 0 or chance >= 1:
        return np.full(draws.common.shape, chance >= 1)
    numbers = draws.of(name, 0.0 if name in _ALONE else terms.value["correlation"])
    struck: Flags = numbers < NormalDist().inv_cdf(chance)
    return struck


def _walk(numbers: Floats, deviation: float) -> Floats:
    """Return a random walk of logarithms that starts at 1 and stays at 1 in the mean."""
    steps = deviation * numbers - deviation**2 / 2
    steps[:, 0] = 0.0
    walked: Floats = np.exp(np.cumsum(steps, axis=1))
    return walked


def _market_price(draws: Draws, terms: Terms) -> Floats:
    """Return what others ask: a fall at a constant rate, and noise."""
    # Bad luck is low numbers, and for a buyer of the market a slow fall is bad luck.
    noise = -draws.of("market", terms.value["correlation"])
    fall = np.exp(-terms.decay * np.arange(noise.shape[1]))
    prices: Floats = _walk(noise, terms.value["market_noise"]) * fall
    return prices


def _list_price(draws: Draws, terms: Terms) -> Floats:
    """Return the incumbent's list price: what follows the market, rises, cuts, the cache."""
    value = terms.value
    size = value["reprice_noise"] * draws.own["size"]
    jumps = np.where(
        _happens("up", draws, terms), np.log(value["reprice_up_factor"]) + size, 0.0
    ) + np.where(_happens("down", draws, terms), np.log(value["reprice_down_factor"]) + size, 0.0)
    jumps[:, 0] = 0.0
    month = np.arange(jumps.shape[1])
    adjusted = np.where(_happens("follow", draws, terms), month, 0)
    followed = np.maximum.accumulate(adjusted, axis=1) * terms.decay * value["follows"]
    gone = _happens("cache", draws, terms)
    gone[:, 0] = False
    gone = np.logical_or.accumulate(gone, axis=1)
    prices: Floats = np.exp(np.cumsum(jumps, axis=1) - followed)
    return prices * np.where(gone, value["cache_gone_factor"], 1.0)


def _unserved(draws: Draws, terms: Terms) -> Floats:
    """Return the share lost to rationing, a chain of two states, and to outages."""
    begins, ends = _happens("ration", draws, terms), _happens("ration_end", draws, terms)
    rationed = begins.copy()
    for month in range(1, rationed.shape[1]):
        before = rationed[:, month - 1]
        rationed[:, month] = np.where(before, ~ends[:, month], begins[:, month])
    served = np.where(rationed, terms.value["ration_served"], 1.0)
    served *= np.where(_happens("outage", draws, terms), 1 - terms.value["outage_lost"], 1.0)
    return 1 - served
