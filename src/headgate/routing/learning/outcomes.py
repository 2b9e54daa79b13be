"""What was learned of models from votes on their calls, as a term beside the estimates.

A cell holds, for a model and a task cluster, how much was told, how good it was, and how good it
was expected to be. What counts is the difference: where no vote came, the term is nothing and the
estimate stands as it is.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

SHRINKAGE = 10.0
"""A cell counts this many imaginary votes that say what is known of the model elsewhere."""
RATE_MIN = 1e-3
INTERVAL_SDS = 1.96
TRUSTED_HALF_WIDTH = 0.07
"""A model is trusted when the interval of its rate reaches no further than this to each side."""


class Cell(NamedTuple):
    """Votes on a model's calls, decayed and weighed.

    Attributes:
        n: How many they count as.
        good: The sum of their scores, within 0 and `n`.
        expected: The sum of what was expected of these calls before.
    """

    n: float
    good: float
    expected: float


EMPTY = Cell(0.0, 0.0, 0.0)


class Standing(NamedTuple):
    """What is known of a model from votes alone.

    Attributes:
        n: How many votes it rests on, decayed and weighed by how reliable their sources are.
        rate: The share of good ones, shrunk towards what was expected.
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

    def term(self, model: str, shares: Sequence[float] = ()) -> tuple[float, float]:
        """Return what votes add to a model's estimate in log-odds, and the n that this rests on.

        Args:
            model: Its name; for one that nobody voted on, both are 0.
            shares: How much the text belongs to each cluster, by its number; without them the
                term is that of all the model's votes.
        """
        whole = self.models.get(model)
        if whole is None:
            return 0.0, 0.0
        shift = _shift(whole, 0.0)
        if not len(shares):
            return shift, whole.n
        added = n = 0.0
        for number, share in enumerate(shares):
            cell = self.clusters.get((model, number), EMPTY)
            added += share * _shift(cell, shift)
            n += share * cell.n
        return added, n

    def standing(self, model: str) -> Standing:
        """Return what votes alone say of a model."""
        return standing_of(self.models.get(model, EMPTY))


NOTHING = Outcomes()
"""Nothing was told yet: the estimates stand alone."""


def _shift(cell: Cell, before: float) -> float:
    """Return how far votes move the log-odds: shrunk towards `before`, which stands without any."""
    if cell.n <= 0:
        return before
    plain = log_odds(cell.expected / cell.n)
    prior = rate(plain + before)
    return log_odds((cell.good + SHRINKAGE * prior) / (cell.n + SHRINKAGE)) - plain


def standing_of(cell: Cell) -> Standing:
    """Return the rate of a cell with its interval (Agresti and Coull, 1998, with our prior)."""
    prior = cell.expected / cell.n if cell.n > 0 else 0.5
    n = cell.n + SHRINKAGE
    share = (cell.good + SHRINKAGE * prior) / n
    variance = max(share * (1 - share), RATE_MIN)
    reach = INTERVAL_SDS * math.sqrt(variance / n)
    needed = variance * (INTERVAL_SDS / TRUSTED_HALF_WIDTH) ** 2 - n
    low, high = max(0.0, share - reach), min(1.0, share + reach)
    return Standing(cell.n, share, low, high, max(0, math.ceil(needed)))


def log_odds(share: float) -> float:
    """Return log(p / (1 - p)), with p kept within 0.001 and 0.999."""
    kept = min(max(share, RATE_MIN), 1 - RATE_MIN)
    return math.log(kept / (1 - kept))


def rate(odds: float) -> float:
    """Return the rate of log-odds."""
    return 1 / (1 + math.exp(-odds))
