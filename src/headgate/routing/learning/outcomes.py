"""What was learned of models from votes on their calls: how often they are good, and on what.

A cell holds, for a model and a task cluster, how much was told and how good it was. Few votes in a
cluster are eked out by those on the model's other calls; how an estimate from before and this are
weighed is the estimate's own matter.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

BORROWED_MAX = 10.0
"""Votes on a model's other calls count as so many in a cluster at most."""

HALF_VOTE = 0.5
"""Half a good and half a bad vote are added, so that few votes are never certain."""

RATE_MIN = 1e-3
INTERVAL_SDS = 1.96
TRUSTED_HALF_WIDTH = 0.07
"""A model is trusted when the interval of its rate reaches no further than this to each side."""


class Cell(NamedTuple):
    """Votes on a model's calls, decayed and weighed.

    Attributes:
        n: How many they count as.
        good: The sum of their scores, within 0 and `n`.
    """

    n: float
    good: float


EMPTY = Cell(0.0, 0.0)


class Standing(NamedTuple):
    """What is known of a model from votes alone.

    Attributes:
        n: How many votes it rests on, decayed and weighed by how reliable their sources are.
        rate: The share of good ones.
        low: The lower end of an approximate 95 % interval of `rate`.
        high: Its upper end.
        probes: How many votes more until it is trusted; 0 when it is.
    """

    n: float
    rate: float
    low: float
    high: float
    probes: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What was learned, as it stood at one instant; nothing in it changes.

    Attributes:
        version: Counts what was told to workers; a newer one takes the place of an older.
        models: By model, all its votes.
        clusters: By model and number of the cluster, those on texts of it.
    """

    version: int = 0
    models: Mapping[str, Cell] = field(default_factory=dict)
    clusters: Mapping[tuple[str, int], Cell] = field(default_factory=dict)

    def term(self, model: str, shares: Sequence[float], /) -> tuple[float, float]:
        """Return the log-odds of a good answer, and how many votes say so.

        Args:
            model: As prices name it; for one that nobody voted on, both are 0.
            shares: How much the text belongs to each cluster, by its number; where all texts are
                of one cluster, all the model's votes count.
        """
        whole = self.models.get(model)
        if whole is None:
            return 0.0, 0.0
        rate = _rate(whole)
        if len(shares) < 2:
            return log_odds(rate), whole.n
        mixed = n = 0.0
        for number, share in enumerate(shares):
            cell = self.clusters.get((model, number), EMPTY)
            borrowed = min(BORROWED_MAX, max(0.0, whole.n - cell.n))
            known = cell.n + borrowed
            of_cluster = (cell.good + borrowed * rate) / known if known > 0 else rate
            mixed += share * of_cluster
            n += share * known
        return log_odds(mixed), n

    def standing(self, model: str) -> Standing:
        """Return what votes alone say of a model."""
        return standing_of(self.models.get(model, EMPTY))


NOTHING = Outcomes()
"""Nothing was told yet: the estimates stand alone."""


def _rate(cell: Cell) -> float:
    return (cell.good + HALF_VOTE) / (cell.n + 2 * HALF_VOTE)


def standing_of(cell: Cell) -> Standing:
    """Return the rate of a cell with its interval (Agresti and Coull, 1998)."""
    n = cell.n + INTERVAL_SDS**2
    share = (cell.good + INTERVAL_SDS**2 / 2) / n
    variance = share * (1 - share)
    reach = INTERVAL_SDS * math.sqrt(variance / n)
    needed = variance * (INTERVAL_SDS / TRUSTED_HALF_WIDTH) ** 2 - n
    low, high = max(0.0, share - reach), min(1.0, share + reach)
    return Standing(cell.n, _rate(cell), low, high, max(0, math.ceil(needed)))


def log_odds(share: float) -> float:
    """Return log(p / (1 - p)), with p kept within 0.001 and 0.999."""
    kept = min(max(share, RATE_MIN), 1 - RATE_MIN)
    return math.log(kept / (1 - kept))
