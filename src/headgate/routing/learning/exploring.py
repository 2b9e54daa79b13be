"""Thompson sampling: each model is tried as often as it may yet prove to be the best.

What is known of a model is a normal distribution of log-odds: narrow where much is known. One value
is drawn from each, and the highest is taken (Thompson, Biometrika 25, 1933). Chance is a number
that the decision has in its record, so the same record draws the same.
"""

import math
from collections.abc import Sequence
from hashlib import blake2b
from statistics import NormalDist
from typing import NamedTuple

PPM = 1_000_000
N_MIN = 1.0
SPREAD_MIN = 1e-4
GRID = 41
REACH_SDS = 4.0
STANDARD = NormalDist()


class Belief(NamedTuple):
    """What is known of a model: log-odds of a good answer, and their standard error."""

    odds: float
    sd: float


def belief(quality_ppm: int, n_milli: int) -> Belief:
    """Return what an estimate says, from its rate in millionths and its n in thousandths."""
    rate = min(max(quality_ppm / PPM, 0.001), 0.999)
    n = max(n_milli / 1_000, N_MIN)
    return Belief(
        math.log(rate / (1 - rate)), 1 / math.sqrt(n * max(rate * (1 - rate), SPREAD_MIN))
    )


def uniform(draw: int, name: str) -> float:
    """Return a number above 0 and below 1 that follows from a draw and a name alone."""
    digest = blake2b(f"{draw}\0{name}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**64


def sampled(known: Belief, draw: int, name: str) -> float:
    """Return the value that a draw gives a model."""
    return known.odds + known.sd * STANDARD.inv_cdf(uniform(draw, name))


def chance_best(first: Belief, others: Sequence[Belief]) -> float:
    """Return with what chance the first has the highest value; by the trapezoidal rule."""
    step = 2 * REACH_SDS / (GRID - 1)
    total = 0.0
    for number in range(GRID):
        z = -REACH_SDS + number * step
        value = first.odds + first.sd * z
        weight = math.exp(-z * z / 2)
        for other in others:
            weight *= 0.5 * (1 + math.erf((value - other.odds) / (other.sd * math.sqrt(2))))
        total += weight
    return min(1.0, total * step / math.sqrt(2 * math.pi))
