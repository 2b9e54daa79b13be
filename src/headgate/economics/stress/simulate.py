"""Runs a stress test and measures what came out of it."""

from dataclasses import dataclass, replace

import numpy as np

from headgate.economics.inputs import InputError, Inputs
from headgate.economics.stress.architectures import (
    NAMES,
    PROTECTED,
    ROUTABLE,
    Architecture,
    Outcome,
    architecture,
    outcome,
)
from headgate.economics.stress.draws import Draws, Floats, draw
from headgate.economics.stress.terms import Terms, terms_of
from headgate.economics.stress.world import World, repriced, world_of

TAIL = 0.05
"""CVaR95 is the mean of this worst share of paths."""

DECAY_SHARES = ("-0.25", "0", "0.125", "0.25", "0.375", "0.5", "0.75", "1", "1.5")
ROUTABLE_SHARES = (0.1, 0.3, 0.5, 0.8, 0.95)


@dataclass(frozen=True, slots=True)
class Run:
    """A finished simulation.

    Attributes:
        inputs: What it ran on.
        seed: What its chance followed from.
        draws: All of its chance.
        world: What happened.
        outcomes: Name of an architecture to what it cost.
    """

    inputs: Inputs
    seed: int
    draws: Draws
    world: World
    outcomes: dict[str, Outcome]


def simulate(inputs: Inputs, seed: int, paths: int, months: int) -> Run:
    """Run all architectures through the same paths.

    Raises:
        InputError: Amounts grow beyond what can be computed with.
    """
    draws, terms = draw(seed, paths, months), terms_of(inputs)
    with np.errstate(over="ignore", invalid="ignore"):
        world = world_of(draws, terms)
        outcomes = {name: outcome(architecture(name, terms), world, terms) for name in NAMES}
        if not all(np.isfinite(one.cost_usd).all() for one in outcomes.values()):
            raise InputError(
                "With these inputs amounts grow beyond every number.",
                "Lower demand_growth, a noise or months, or raise decay_share.",
            )
    return Run(inputs, seed, draws, world, outcomes)


def worst_mean(costs: Floats) -> float:
    """Return CVaR95: the mean of the worst twentieth."""
    worst = np.sort(costs)[-max(1, int(len(costs) * TAIL)) :]
    return float(worst.mean())


def standard_error(costs: Floats) -> float:
    """Return the standard error of the mean: of means of a path and its mirror."""
    half = (len(costs) + 1) // 2
    pairs = (costs[: len(costs) - half] + costs[half:]) / 2
    return float(pairs.std(ddof=1) / np.sqrt(len(pairs)))


def option_value(run: Run, name: str) -> float:
    """Return what the freedom to route is worth against an architecture, less what it costs.

    `E[(S_L - S_R)+] - E[overhead]`, with S_R before the overhead of routing.
    """
    routed = run.outcomes[ROUTABLE]
    overhead = routed.overhead_usd.sum(axis=1)
    gain = run.outcomes[name].cost_usd - (routed.cost_usd - overhead)
    return float(np.maximum(gain, 0.0).mean() - overhead.mean())


@dataclass(frozen=True, slots=True)
class Harm:
    """What a shock adds to the cost of an architecture: with it, less without it.

    Attributes:
        shock: Key of a question to the vendor.
        mean_usd: On average.
        worst_usd: In the mean of the worst twentieth.
    """

    shock: str
    mean_usd: float
    worst_usd: float


_WITHOUT: dict[str, dict[str, str]] = {
    "rises": {"reprice_up": "0"},
    "cache": {"cache_gone": "0"},
    "rationing": {"ration_begin": "0"},
    "outage": {"outage": "0"},
    "retirement": {"retired": "0"},
    "vendor_event": {"vendor_event": "0"},
    "commitment": {"commitment": "0"},
}


def harms(run: Run, name: str) -> list[Harm]:
    """Return what hurts an architecture, worst first, on the very paths of the run."""
    costs = run.outcomes[name].cost_usd
    found = []
    for shock, changes in _WITHOUT.items():
        terms = terms_of(run.inputs.changed_by(changes))
        without = outcome(architecture(name, terms), world_of(run.draws, terms), terms).cost_usd
        found.append(_harm(shock, costs, without))
    terms = terms_of(run.inputs)
    fixed = architecture(name, terms)
    if fixed.fixed:
        falls = outcome(_falling(fixed), _only_falling(run.world), terms).cost_usd
        found.append(_harm("decay", costs, falls))
    return sorted(found, key=lambda harm: -harm.worst_usd)


def _harm(shock: str, costs: Floats, without: Floats) -> Harm:
    mean = float(costs.mean() - without.mean())
    return Harm(shock, mean, worst_mean(costs) - worst_mean(without))


def _falling(chosen: Architecture) -> Architecture:
    """Return the same with a fixed price that would follow the list price."""
    return replace(chosen, fixed=0.0, discounted=chosen.discounted + chosen.fixed)


def _only_falling(world: World) -> World:
    """Return the same with a list price that is never above the lowest so far."""
    lowest: Floats = np.minimum.accumulate(world.list_price, axis=1)
    return replace(world, list_price=lowest)


def routable_shares(run: Run) -> list[float]:
    """Return the shares the surface has rows for: the usual ones and the run's own, rising."""
    return sorted({float(run.inputs["routable"]), *ROUTABLE_SHARES})


def regret_surface(run: Run) -> list[list[float]]:
    """Return the median of price-protected less routable cost: a row per `routable_shares`.

    Columns are `DECAY_SHARES`. Above 0 routing wins.
    """
    shares = routable_shares(run)
    rows: list[list[float]] = [[] for _ in shares]
    for decay in DECAY_SHARES:
        terms = terms_of(run.inputs.changed_by({"decay_share": decay}))
        world = repriced(run.world, run.draws, terms)
        protected = outcome(architecture(PROTECTED, terms), world, terms).cost_usd
        for row, share in zip(rows, shares, strict=True):
            routable = _with_share(terms, share)
            costs = outcome(architecture(ROUTABLE, routable), world, routable).cost_usd
            row.append(float(np.median(protected - costs)))
    return rows


def crossover(row: list[float]) -> float | None:
    """Return the decay share at which routing begins to win; None within what was looked at."""
    decays = [float(one) for one in DECAY_SHARES]
    for index in range(1, len(row)):
        low, high = row[index - 1], row[index]
        if low <= 0 < high:
            part = -low / (high - low)
            return decays[index - 1] + part * (decays[index] - decays[index - 1])
    return None


def _with_share(terms: Terms, routable: float) -> Terms:
    return replace(terms, value=terms.value | {"routable": routable})
