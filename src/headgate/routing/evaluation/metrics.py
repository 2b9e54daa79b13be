"""The measures of a router, by the names the literature gives them.

PGR, APGR and CPT are RouteLLM's (arXiv 2406.18665), AIQ and the zero router RouterBench's
(arXiv 2403.12031), ECE is by Guo et al. (arXiv 1706.04599). None of them looks at anything but
numbers given to it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from headgate.routing.quality.sparse import Floats, Ints

RESAMPLES = 2_000
RESAMPLED_MAX = 4_000_000
"""Row numbers drawn at once."""

ECE_BINS = 15


class Pair(NamedTuple):
    """How well a router orders texts by their need of the strong one of two models.

    Attributes:
        apgr: The recovered share of the quality gap, averaged over all shares of strong calls; 0.5
            is chance. NaN where the models are equally good.
        cpt50: Per cent of calls to the strong model that recover half the gap; NaN if none does.
        cpt80: The same for four fifths.
    """

    apgr: float
    cpt50: float
    cpt80: float


def pair(preference: Floats, weak: Floats, strong: Floats) -> Pair:
    """Return the measures of sending the texts with the highest `preference` to the strong model.

    Texts of equal preference are taken together, by their mean, so their order does not matter.
    """
    gain = strong - weak
    if len(gain) == 0 or gain.sum() == 0:
        return Pair(np.nan, np.nan, np.nan)
    _, level, counts = np.unique(-preference, return_inverse=True, return_counts=True)
    evened = (np.bincount(level, gain) / counts)[level]
    order = np.argsort(-preference, kind="stable")
    recovered = np.concatenate([[0.0], np.cumsum(evened[order])]) / gain.sum()
    apgr = float(np.trapezoid(recovered, dx=1 / len(gain)))
    return Pair(apgr, _share_needed(recovered, 0.5), _share_needed(recovered, 0.8))


def _share_needed(recovered: Floats, wanted: float) -> float:
    reached = np.flatnonzero(recovered >= wanted)
    return 100.0 * float(reached[0]) / (len(recovered) - 1) if len(reached) else np.nan


class Spot(NamedTuple):
    """A point of cost and quality, means per call."""

    cost: float
    quality: float


def hull(spots: list[Spot]) -> list[Spot]:
    """Return the non-decreasing upper convex hull: what mixing these choices at random reaches."""
    best: list[Spot] = []
    for spot in sorted(spots, key=lambda one: (one.cost, -one.quality)):
        if best and spot.quality <= best[-1].quality:
            continue
        while len(best) >= 2 and _below(best[-2], best[-1], spot):
            best.pop()
        best.append(spot)
    return best


def _below(left: Spot, middle: Spot, right: Spot) -> bool:
    rise = (middle.quality - left.quality) * (right.cost - left.cost)
    return rise <= (right.quality - left.quality) * (middle.cost - left.cost)


def aiq(spots: list[Spot], cost_min: float, cost_max: float) -> float:
    """Return the mean quality of the hull between two costs; 0 where it has not begun yet.

    NaN when the costs are the same.
    """
    if cost_max <= cost_min:
        return np.nan
    edge = hull(spots)
    costs = np.array([one.cost for one in edge])
    inside = costs[(costs > cost_min) & (costs < cost_max)]
    grid = np.concatenate([[max(cost_min, costs[0])], inside[inside > costs[0]], [cost_max]])
    if grid[0] >= cost_max:
        return 0.0
    heights = np.interp(grid, costs, [one.quality for one in edge])
    return float(np.trapezoid(heights, grid) / (cost_max - cost_min))


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float


def paired_interval(differences: Floats, seed: int) -> Interval:
    """Return mean and percentile bootstrap interval of differences between two choices, by row."""
    chance = np.random.default_rng(seed)
    rows = len(differences)
    at_once = max(1, RESAMPLED_MAX // rows)
    means = [
        differences[chance.integers(rows, size=(min(at_once, RESAMPLES - done), rows))].mean(axis=1)
        for done in range(0, RESAMPLES, at_once)
    ]
    low, high = np.quantile(np.concatenate(means), (0.025, 0.975))
    return Interval(float(differences.mean()), float(low), float(high))


class Bin(NamedTuple):
    """Estimates of about the same height: how many, their mean, and the mean of what came."""

    n: int
    estimated: float
    observed: float


def reliability(estimated: Floats, observed: Floats) -> list[Bin]:
    """Return fifteen equally wide bins of estimates within 0 and 1; empty ones are left out."""
    flat, came = estimated.reshape(-1), observed.reshape(-1)
    bin_of: Ints = np.minimum((flat * ECE_BINS).astype(np.int64), ECE_BINS - 1)
    n = np.bincount(bin_of, minlength=ECE_BINS)
    sums = np.bincount(bin_of, flat, ECE_BINS), np.bincount(bin_of, came, ECE_BINS)
    return [
        Bin(int(n[one]), float(sums[0][one] / n[one]), float(sums[1][one] / n[one]))
        for one in np.flatnonzero(n)
    ]


def ece(estimated: Floats, observed: Floats) -> float:
    """Return the expected calibration error: the bins' mean gap, weighted by their size."""
    bins = reliability(estimated, observed)
    total = sum(one.n for one in bins)
    return sum(one.n * abs(one.estimated - one.observed) for one in bins) / total
