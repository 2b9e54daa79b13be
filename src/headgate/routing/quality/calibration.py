"""Log-odds: how the terms of an estimate are weighed so that 70 % means seven in ten."""

from dataclasses import dataclass

import numpy as np

from headgate.routing.quality.sparse import Floats

RATE_MIN = 1e-3
"""Rates are kept this far from 0 and 1, where log-odds have no end."""

STEPS_MAX = 25
STEP_MIN = 1e-8
WEIGHT_STRENGTH = 1.0
CROSS_STRENGTH = 300.0
"""What one model's terms say of another counts only as far as this many doubtful texts bear out."""


def log_odds(rates: Floats) -> Floats:
    """Return log(p / (1 - p)), with p kept within 0.001 and 0.999."""
    kept = np.clip(rates, RATE_MIN, 1 - RATE_MIN)
    return np.asarray(np.log(kept / (1 - kept)))


def rate(odds: Floats) -> Floats:
    """Return the rates of log-odds."""
    return np.asarray(1 / (1 + np.exp(-odds)))


@dataclass(frozen=True, slots=True)
class Weighing:
    """What terms count for: log-odds = base of the model + each term's share.

    A term counts in two parts: that which all models share (how hard the text is) and that which
    is a model's own (who is good at it), because the second is known less well. Besides, each
    model heeds what is said of the others: models that are alike succeed alike.

    Attributes:
        bases: By model.
        weights: A row for each term: the weight of its shared and of its own part.
        across: Terms by parts by models: what each part of a term adds to each model. The parts
            are the own parts of all models and, last, the shared one.
    """

    bases: Floats
    weights: Floats
    across: Floats

    def weigh(self, terms: list[Floats]) -> list[Floats]:
        """Return each term in log-odds, weighed; a term has one row a text, one column a model."""
        found = []
        for term, weights, across in zip(terms, self.weights, self.across, strict=True):
            shared = term.mean(axis=1, keepdims=True)
            own = term - shared
            # The weights of the parts are a matrix too, so one product does it all.
            mixing = across[:-1] + np.diag(np.full(len(across) - 1, weights[1]))
            found.append(own @ mixing + shared * (weights[0] + across[-1]))
        return found

    def rates(self, terms: list[Floats]) -> Floats:
        """Return the estimated rates."""
        return rate(self.bases + sum(self.weigh(terms)))


def fit(terms: list[Floats], scores: Floats) -> Weighing:
    """Weigh terms by two logistic regressions on scores within 0 and 1.

    The first finds the weights, the same for all models; the second, with the first for its
    offset, what models have to do with each other (stacking: Breiman, 1996). Priors keep the
    weights near an even share and the rest near nothing, so that few rows do no harm. The terms
    have to come from rows that were not used to make them, or they are believed too much.
    """
    texts, models = scores.shape
    shared = [term.mean(axis=1, keepdims=True) for term in terms]
    own = [term - mean for term, mean in zip(terms, shared, strict=True)]
    columns = [
        np.broadcast_to(part, (texts, models)).reshape(-1)
        for pair in zip(shared, own, strict=True)
        for part in pair
    ]
    model_of = np.eye(models)[np.tile(np.arange(models), texts)]
    even = np.full(2 * len(terms), 1 / len(terms))
    common = regress(
        np.column_stack([model_of, *columns]),
        scores.reshape(-1),
        prior=np.concatenate([log_odds(scores.mean(axis=0)), even]),
        strength=np.repeat([1e-6, WEIGHT_STRENGTH], [models, len(even)]),
    )
    plain = Weighing(
        common[:models], common[models:].reshape(-1, 2), np.zeros((len(terms), models + 1, models))
    )
    parts = [part for pair in zip(own, shared, strict=True) for part in pair]
    return _heeding(plain, terms, np.column_stack(parts), scores)


def _heeding(plain: Weighing, terms: list[Floats], parts: Floats, scores: Floats) -> Weighing:
    """Return the weighing with what each part adds to each model."""
    offset = plain.bases + sum(plain.weigh(terms))
    middle = parts.mean(axis=0)
    scale = float(parts.std()) or 1.0
    inputs = np.column_stack([np.ones(len(parts)), (parts - middle) / scale])
    width = inputs.shape[1]
    strength = np.repeat([1e-6, CROSS_STRENGTH], [1, width - 1])
    found = np.column_stack(
        [
            regress(
                inputs,
                scores[:, model],
                prior=np.zeros(width),
                strength=strength,
                offset=offset[:, model],
            )
            for model in range(scores.shape[1])
        ]
    )
    across = found[1:] / scale
    bases = plain.bases + found[0] - middle @ across
    return Weighing(bases, plain.weights, across.reshape(len(terms), -1, scores.shape[1]))


def regress(
    inputs: Floats,
    wanted: Floats,
    *,
    prior: Floats,
    strength: Floats,
    offset: Floats | None = None,
) -> Floats:
    """Return the weights of a logistic regression with a Gaussian prior, by Newton's method.

    Args:
        inputs: Rows by weights.
        wanted: By row, within 0 and 1; need not be whole.
        prior: What each weight is without rows.
        strength: How firmly: the inverse of its variance.
        offset: Log-odds to begin from, by row; None is 0.
    """
    begin = np.zeros(len(inputs)) if offset is None else offset
    found = prior.copy()
    for _ in range(STEPS_MAX):
        guessed = rate(begin + inputs @ found)
        slope = inputs.T @ (guessed - wanted) + strength * (found - prior)
        spread = np.maximum(guessed * (1 - guessed), 1e-6)
        bend = (inputs * spread[:, None]).T @ inputs + np.diag(strength)
        step = np.linalg.solve(bend, slope)
        found = found - step
        if np.abs(step).max() < STEP_MIN:
            break
    return found
