"""Learning from partial feedback, simulated: each call shows the score of the model it chose alone.

What learns is what a gateway learns by: the cells of `routing.learning.outcomes`, and Thompson's
rule for choosing. Half of the calls go to the dearer model, those in which it promises most, so
what is measured is how well texts are told apart, not how many calls are dear.
"""

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from headgate.routing.evaluation import metrics
from headgate.routing.evaluation.evidence import Evidence, EvidenceError
from headgate.routing.evaluation.metrics import Pair
from headgate.routing.learning.exploring import belief, sampled
from headgate.routing.learning.outcomes import EMPTY, Cell, Outcomes, Shares, largest
from headgate.routing.quality import calibration, estimator, features, topics
from headgate.routing.quality.sparse import Floats, Ints

MARKS = (0, 500, 1_000, 2_000, 4_000)
"""After so many votes it is measured, and at the end."""

WINDOW = 500
MODELS = 2
PPM = 1_000_000
MILLI = 1_000
PRIOR_N = 10.0
"""What a warm start counts as, beside votes."""


class Mark(NamedTuple):
    """How well texts are told apart after so many votes."""

    votes: int
    pair: Pair


@dataclass(slots=True)
class _Learning:
    """Votes as they come.

    Attributes:
        models: By model; see `routing.learning.outcomes`.
        clusters: By model and cluster, likewise.
        warm: How many votes the warm start counts as; 0 without one.
    """

    models: dict[str, Cell]
    clusters: dict[tuple[str, int], Cell]
    warm: float

    def odds(self, model: str, shares: Shares, expected: float) -> tuple[float, float]:
        """Return the log-odds of a good answer and the n that they rest on."""
        added, n = Outcomes(0, self.models, self.clusters).term(model, shares, expected)
        return expected + added, n + self.warm

    def hear(self, model: str, shares: Shares, score: float, expected: float) -> None:
        """Take the score of the model that was chosen."""
        blind = 0.0 if self.warm else 1.0
        cell = Cell(1.0, score, (1 - blind) * float(calibration.rate(np.array(expected))), blind)
        self.models[model] = self.models.get(model, EMPTY).plus(cell)
        for number, share in shares:
            key = (model, number)
            self.clusters[key] = self.clusters.get(key, EMPTY).plus(cell.times(share))


@dataclass(frozen=True, slots=True)
class _Texts:
    """What is known of texts before any vote: their clusters, and what the warm start expects."""

    shares: list[Shares]
    expected: list[list[float]]


def simulate(train: Evidence, test: Evidence, seed: int, warm: int) -> list[Mark]:
    """Let texts of one part come as calls, in random order, and measure on the other.

    Args:
        train: Of two models.
        test: The texts that are told apart.
        seed: What all chance follows from.
        warm: So many rows are known with the scores of both models before; 0 for none.

    Raises:
        EvidenceError: It is not about two models, or too few rows are left.
    """
    if len(train.models) != MODELS:
        raise EvidenceError("Partial feedback is simulated for two models", "Give --models a,b.")
    if warm and not estimator.ROWS_MIN <= warm < len(train):
        problem = f"A warm start of {warm} rows cannot be made of {len(train)}"
        raise EvidenceError(problem, f"Give --warm from {estimator.ROWS_MIN} on, or 0.")
    order = np.random.default_rng(seed).permutation(len(train))
    known, unseen = _texts(train, test, order[:warm], seed)
    learning = _Learning({}, {}, PRIOR_N if warm else 0.0)
    weak, strong = np.argsort(train.costs.mean(axis=0)).tolist()
    marks, gains = [], _Median()
    calls = order[warm:].tolist()
    for votes, row in enumerate((*calls, -1)):
        if votes in MARKS or votes == len(calls):
            marks.append(Mark(votes, _measured(learning, test, unseen, (weak, strong))))
        if row < 0:
            break
        gain = _drawn(learning, train, known, row, strong) - _drawn(
            learning, train, known, row, weak
        )
        chosen = strong if gains.is_above(gain) else weak
        score = float(train.scores[row, chosen])
        shares, expected = known.shares[row], known.expected[row][chosen]
        learning.hear(train.models[chosen], shares, score, expected)
    return marks


def _texts(train: Evidence, test: Evidence, warm: Ints, seed: int) -> tuple[_Texts, _Texts]:
    """Return both parts as they are read; clusters come from texts alone, without any score."""
    parts = (train, test)
    if not len(warm):
        featuriser, rows = features.fit(train.texts)
        groups = topics.fit(rows, seed)
        blank = [np.zeros((len(part), MODELS)) for part in parts]
        places = [rows, featuriser.rows(test.texts)]
        shares = [groups.shares(one.times(groups.directions)) for one in places]
        return _read(shares[0], blank[0]), _read(shares[1], blank[1])
    first = train.rows(warm)
    made = estimator.fit(first.models, first.texts, first.scores, first.costs, seed=seed).estimator
    found = []
    for part in parts:
        places_of = made.featuriser.rows(part.texts).times(made.topics.directions)
        quality, _ = made.predict(part.texts)
        found.append(_read(made.topics.shares(places_of), calibration.log_odds(quality)))
    return found[0], found[1]


def _read(shares: Floats, expected: Floats) -> _Texts:
    return _Texts([largest(row) for row in shares.tolist()], expected.tolist())


def _drawn(learning: _Learning, train: Evidence, known: _Texts, row: int, model: int) -> float:
    """Return the rate that chance gives a model for a text, by what is known of it."""
    name = train.models[model]
    odds, n = learning.odds(name, known.shares[row], known.expected[row][model])
    rate = float(calibration.rate(np.array(odds)))
    value = sampled(belief(round(rate * PPM), round(n * MILLI)), row, name)
    return float(calibration.rate(np.array(value)))


def _measured(learning: _Learning, test: Evidence, unseen: _Texts, places: tuple[int, int]) -> Pair:
    """Return how well the texts of the other part are told apart now."""
    columns = []
    for place in places:
        name = test.models[place]
        odds = [
            learning.odds(name, shares, expected[place])[0]
            for shares, expected in zip(unseen.shares, unseen.expected, strict=True)
        ]
        columns.append(calibration.rate(np.array(odds)))
    weak, strong = places
    return metrics.pair(columns[1] - columns[0], test.scores[:, weak], test.scores[:, strong])


class _Median:
    """The middle of the latest values."""

    def __init__(self) -> None:
        self._latest: deque[float] = deque()
        self._sorted: list[float] = []

    def is_above(self, value: float) -> bool:
        """Take a value; tell whether it is at least the middle of the latest ones."""
        self._latest.append(value)
        insort(self._sorted, value)
        if len(self._latest) > WINDOW:
            del self._sorted[bisect_left(self._sorted, self._latest.popleft())]
        return value >= self._sorted[len(self._sorted) // 2]


def mean_of(runs: list[list[Mark]]) -> list[Mark]:
    """Return the means of several simulations; the last mark is that of their ends."""
    return [
        Mark(
            round(sum(mark.votes for mark in marks) / len(marks)),
            Pair(
                *(float(np.mean(column)) for column in zip(*(m.pair for m in marks), strict=True))
            ),
        )
        for marks in zip(*runs, strict=True)
    ]
