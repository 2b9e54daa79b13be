"""What another policy would have reached on past calls, from those in which both agree.

A past call says something of another policy where it was sent where that policy would have sent
it. Each such call counts as often as chance made it rare (Horvitz and Thompson); the sum is divided
by the sum of those counts (SNIPS: Swaminathan and Joachims, 2015), or corrects what estimates say
of all calls (doubly robust: Dudík, Langford and Li, 2011). Neither knows anything of places where
the past policy never went: where too few calls are left, that is said instead of a figure to trust.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from headgate.routing.quality.sparse import Floats, Ints

RESAMPLES = 1_000
RESAMPLED_MAX = 4_000_000
AGREED_MIN = 30
EFFECTIVE_MIN = 50.0
"""Fewer calls, counted by how evenly they weigh, are too thin to trust."""

PROPENSITY_MIN = 1e-4
EVEN = 0.5
"""Stands for an estimate where a decision was made without one."""


@dataclass(frozen=True, slots=True)
class Logged:
    """Past calls that were voted on, a number for each.

    Attributes:
        score: How good the answer was, within 0 and 1.
        propensity: With what chance the call went where it went; 1 where nothing was left to it.
        agrees: 1 where the other policy would have sent it there too, else 0.
        expected: What was expected of whoever answered; NaN where nothing was.
        expected_there: What was expected of whom the other policy would have chosen.
    """

    score: Floats
    propensity: Floats
    agrees: Floats
    expected: Floats
    expected_there: Floats


class Interval(NamedTuple):
    """A mean score with the ends of its 95 % interval, by bootstrap over calls."""

    mean: float
    low: float
    high: float


class Verdict(NamedTuple):
    """What is known of a policy before it goes live.

    Attributes:
        calls: How many were voted on.
        agreed: In how many the other policy would have done the same.
        effective: How many equally weighing calls these are worth.
        logged: The mean score as it was.
        snips: That of the other policy, from the calls in which both agree.
        doubly_robust: The same, helped by estimates.
        is_thin: Whether too little overlaps for either to be trusted.
    """

    calls: int
    agreed: int
    effective: float
    logged: Interval
    snips: Interval | None
    doubly_robust: Interval | None
    is_thin: bool


def check(logged: Logged, seed: int) -> Verdict:
    """Return what past calls say of another policy; without a call in which both agree, nothing."""
    calls = len(logged.score)
    weights = logged.agrees / np.maximum(logged.propensity, PROPENSITY_MIN)
    squares = float((weights**2).sum())
    effective = float(weights.sum()) ** 2 / squares if squares else 0.0
    agreed = int(logged.agrees.sum())
    chance = np.random.default_rng(seed)
    drawn = _drawn(calls, chance)
    snips = doubly = None
    if agreed:
        snips = _interval(_snips(weights, logged.score, drawn), _ratio(weights, logged.score))
        known = np.where(np.isnan(logged.expected), EVEN, logged.expected)
        there = np.where(np.isnan(logged.expected_there), EVEN, logged.expected_there)
        each = there + weights * (logged.score - known)
        doubly = _interval(_means(each, drawn), float(each.mean()))
    thin = agreed < AGREED_MIN or effective < EFFECTIVE_MIN
    plain = _interval(_means(logged.score, drawn), float(logged.score.mean()))
    return Verdict(calls, agreed, effective, plain, snips, doubly, thin)


def _drawn(calls: int, chance: np.random.Generator) -> Ints:
    rounds = max(50, min(RESAMPLES, RESAMPLED_MAX // max(1, calls)))
    return chance.integers(calls, size=(rounds, calls))


def _means(values: Floats, drawn: Ints) -> Floats:
    return np.asarray(values[drawn].mean(axis=1))


def _snips(weights: Floats, scores: Floats, drawn: Ints) -> Floats:
    total = weights[drawn].sum(axis=1)
    kept = total > 0
    return np.asarray((weights * scores)[drawn].sum(axis=1)[kept] / total[kept])


def _ratio(weights: Floats, scores: Floats) -> float:
    return float((weights * scores).sum() / weights.sum())


def _interval(resampled: Floats, mean: float) -> Interval:
    low, high = np.quantile(resampled, (0.025, 0.975)).tolist()
    return Interval(mean, low, high)
