"""Fitting a prior on evaluations of several sets, whose models are not all the same."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from headgate.routing.quality import features, topics
from headgate.routing.quality.calibration import log_odds, regress
from headgate.routing.quality.prior import FittedPrior, Learned
from headgate.routing.quality.sparse import Floats, Ints

COLUMNS_MAX = 2_816
DIRECTIONS_MAX = 32
"""The sizes of what is shipped: nearly all of it is columns by directions."""

SHARED_STRENGTH = 2.0
OWN_STRENGTH = 20.0
"""How firmly a model's weights are held to what all share; found by cross-validation, flat."""

FREE = 1e-6


class Judged(NamedTuple):
    """One set of evaluations.

    Attributes:
        texts: What was asked.
        scores: By model, within 0 and 1, a score for each text.
    """

    texts: tuple[str, ...]
    scores: Mapping[str, Floats]

    def rows(self, chosen: Ints) -> "Judged":
        """Return the set with these texts only."""
        texts = tuple(self.texts[row] for row in chosen)
        return Judged(texts, {name: each[chosen] for name, each in self.scores.items()})


def fit(sets: Sequence[Judged], seed: int) -> FittedPrior:
    """Return what sets of evaluations say of the models in them; the same for the same seed."""
    texts = [text for each in sets for text in each.texts]
    featuriser, rows = features.fit(texts, COLUMNS_MAX)
    found = topics.fit(rows, seed, DIRECTIONS_MAX)
    places = rows.times(found.directions)
    shares = found.shares(places)
    inputs = np.column_stack([np.ones(len(texts)), shares, places.astype(np.float64)])
    starts = np.cumsum([0, *(len(each.texts) for each in sets)])
    shared = _shared(sets, inputs)
    judged = _by_model(sets, starts)
    weights = np.array([_own(inputs[at], scores, shared) for at, scores in judged.values()])
    clusters = shares.shape[1]
    learned = Learned(
        tuple(judged),
        weights[:, 0],
        weights[:, 1 : 1 + clusters],
        weights[:, 1 + clusters :],
        np.array([shares[at].sum(axis=0) for at, _ in judged.values()]),
        shared[1 : 1 + clusters],
        shared[1 + clusters :],
    )
    return FittedPrior(featuriser, found, learned)


def _by_model(sets: Sequence[Judged], starts: Ints) -> dict[str, tuple[Ints, Floats]]:
    """Return the rows and scores of each model, from all sets that have it, by name."""
    found: dict[str, tuple[Ints, Floats]] = {}
    for one, start in zip(sets, starts.tolist(), strict=False):
        here = np.arange(start, start + len(one.texts))
        for name, scores in one.scores.items():
            rows, before = found.get(name, (here[:0], scores[:0]))
            found[name] = np.concatenate([rows, here]), np.concatenate([before, scores])
    return dict(sorted(found.items()))


def _shared(sets: Sequence[Judged], inputs: Floats) -> Floats:
    """Return what makes a text hard for all models: weights of mean scores, less each set's own."""
    means = [np.mean(list(each.scores.values()), axis=0) for each in sets]
    offsets = [np.full(len(mean), log_odds(mean.mean(keepdims=True))[0]) for mean in means]
    width = inputs.shape[1]
    strength = np.repeat([FREE, SHARED_STRENGTH], [1, width - 1])
    return regress(
        inputs,
        np.concatenate(means),
        prior=np.zeros(width),
        strength=strength,
        offset=np.concatenate(offsets),
    )


def _own(inputs: Floats, scores: Floats, shared: Floats) -> Floats:
    """Return a model's weights, near the shared ones as far as its scores do not say otherwise."""
    prior = shared.copy()
    prior[0] = log_odds(scores.mean(keepdims=True))[0]
    strength = np.repeat([FREE, OWN_STRENGTH], [1, len(prior) - 1])
    return regress(inputs, scores, prior=prior, strength=strength)
