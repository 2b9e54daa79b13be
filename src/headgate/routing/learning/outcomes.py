"""What was learned of models from votes on their calls, as a term beside what was expected.

A cell holds, for a model and a task cluster, how much was told, how good it was, and how good it
was expected to be. What counts is the difference: votes that say what an estimate said leave
it as it is, with all that it knows of the words of a text. (Letting votes take the estimate's place
instead made a router worse than what it began with, see docs/routing.md.)
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from operator import itemgetter
from typing import NamedTuple

MODEL_VOTES = 10.0
"""A model's votes count beside so many imaginary ones that say what was expected."""

CLUSTER_VOTES = 100.0
"""A cluster's votes count beside so many that say what is known of the model elsewhere: what an
estimate knows of the words of a text is worth more than a few dozen votes on texts like it."""

BLIND_SHARE = 0.1
"""That is this much weaker where nothing was expected of the calls that were voted on."""

BORROWED_MAX = 10.0
"""Votes on a model's other calls count as so many in a cluster at most, where n is told."""

WHOLE = -1
"""Stands for a model's votes of all clusters together."""

UNPLACED = -2
"""Stands for the cluster of votes on calls whose clusters nobody knows; they count for all."""

CLUSTERS_MAX = 4
"""So many clusters of a text count, and stand in its decision; the rest says little."""

Shares = Sequence[tuple[int, float]]
"""Clusters by number, with a text's shares of them."""

HALF_VOTE = 0.5
RATE_MIN = 1e-3
INTERVAL_SDS = 1.96
TRUSTED_HALF_WIDTH = 0.07
"""A model is trusted when the interval of its rate reaches no further than this to each side."""


class Cell(NamedTuple):
    """Votes on a model's calls, decayed and weighed.

    Attributes:
        n: How many they count as.
        good: The sum of their scores, within 0 and `n`.
        expected: The sum of what was expected of those of which something was.
        blind: How many of `n` were made without an estimate.
    """

    n: float
    good: float
    expected: float = 0.0
    blind: float = 0.0

    def times(self, by: float) -> "Cell":
        """Return as many times the votes."""
        return Cell(self.n * by, self.good * by, self.expected * by, self.blind * by)

    def plus(self, other: "Cell") -> "Cell":
        """Return the votes of both."""
        return Cell(*(one + another for one, another in zip(self, other, strict=True)))


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
        clusters: By model and number of the cluster, those on texts of it, and the `UNPLACED`.
    """

    version: int = 0
    models: Mapping[str, Cell] = field(default_factory=dict)
    clusters: Mapping[tuple[str, int], Cell] = field(default_factory=dict)
    _known: dict[tuple[str, int], float] = field(default_factory=dict, repr=False, compare=False)

    def term(self, model: str, shares: Shares, expected: float, /) -> tuple[float, float]:
        """Return what votes add to the log-odds of a good answer, and how many say so.

        Args:
            model: As prices name it; for one that nobody voted on, both are 0.
            shares: The clusters that the text belongs to most; see `largest`. What is left of it
                goes by all the model's votes.
            expected: The log-odds that are added to. Votes on calls of which nothing was expected
                are taken to be on texts like this one.
        """
        whole = self.models.get(model)
        if whole is None or whole.n <= 0:
            return 0.0, 0.0
        shift = self._shift(model, WHOLE, whole, expected)
        if not shares:
            return shift, whole.n
        unplaced = self.clusters.get((model, UNPLACED), EMPTY).n
        mixed, n, left = 0.0, unplaced, 1.0
        for number, share in shares:
            left -= share
            cell = self.clusters.get((model, number), EMPTY)
            moved = self._shift(model, number, cell, expected, shift) if cell.n > 0 else shift
            mixed += share * moved
            n += share * (cell.n + min(BORROWED_MAX, max(0.0, whole.n - unplaced - cell.n)))
        n += left * min(BORROWED_MAX, whole.n - unplaced)
        return mixed + left * shift, n

    def _shift(
        self, model: str, number: int, cell: Cell, expected: float, before: float = 0.0
    ) -> float:
        """Return by how much a cell's votes move log-odds; remembered where no text matters."""
        known = self._known.get((model, number))
        if known is not None:
            return known
        votes = MODEL_VOTES
        if number != WHOLE:
            votes = CLUSTER_VOTES * (1 - (1 - BLIND_SHARE) * cell.blind / cell.n)
        moved = _moved(cell, _rate_of(expected), before, votes)
        if cell.blind == 0 and (number == WHOLE or (model, WHOLE) in self._known):
            self._known[model, number] = moved
        return moved

    def standing(self, model: str) -> Standing:
        """Return what votes alone say of a model."""
        return standing_of(self.models.get(model, EMPTY))


NOTHING = Outcomes()
"""Nothing was told yet: the estimates stand alone."""


def largest(shares: Sequence[float]) -> Shares:
    """Return the clusters that a text belongs to most; none where all texts are of one."""
    if len(shares) < 2:
        return ()
    return nlargest(CLUSTERS_MAX, enumerate(shares), key=itemgetter(1))


def _moved(cell: Cell, plain: float, before: float, votes: float) -> float:
    """Return by how much votes move log-odds: few of them hardly from `before`.

    Args:
        cell: The votes, some at least.
        plain: The rate that stands for what was expected where nothing was.
        before: How far it is moved without them.
        votes: How firmly that is believed.
    """
    expected = log_odds((cell.expected + cell.blind * plain) / cell.n)
    believed = _rate_of(expected + before)
    return log_odds((cell.good + votes * believed) / (cell.n + votes)) - expected


def _rate_of(odds: float) -> float:
    return 1 / (1 + math.exp(-max(odds, -700.0)))


def standing_of(cell: Cell) -> Standing:
    """Return the rate of a cell with its interval (Agresti and Coull, 1998)."""
    n = cell.n + INTERVAL_SDS**2
    share = (cell.good + INTERVAL_SDS**2 / 2) / n
    variance = share * (1 - share)
    reach = INTERVAL_SDS * math.sqrt(variance / n)
    needed = variance * (INTERVAL_SDS / TRUSTED_HALF_WIDTH) ** 2 - n
    low, high = max(0.0, share - reach), min(1.0, share + reach)
    plain = (cell.good + HALF_VOTE) / (cell.n + 2 * HALF_VOTE)
    return Standing(cell.n, plain, low, high, max(0, math.ceil(needed)))


def log_odds(share: float) -> float:
    """Return log(p / (1 - p)), with p kept within 0.001 and 0.999."""
    kept = min(max(share, RATE_MIN), 1 - RATE_MIN)
    return math.log(kept / (1 - kept))
