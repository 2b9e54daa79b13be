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

GAIN_ERRORS_MIN = 2.0


def log_odds(rates: Floats) -> Floats:
    """Return log(p / (1 - p)), with p kept within 0.001 and 0.999."""
    kept = np.clip(rates, RATE_MIN, 1 - RATE_MIN)
    return np.asarray(np.log(kept / (1 - kept)))


def rate(odds: Floats) -> Floats:
    """Return the rates of log-odds."""
    return np.asarray(1 / (1 + np.exp(-odds)))


@dataclass(frozen=True, slots=True)
class Weighing:
    """What terms count for: log-odds = base of the model + each term times its matrix.

    Attributes:
        bases: By model.
        matrices: One for each term, models by models: what is said of one model (row) adds to
            what is expected of another (column), of itself most of all.
    """

    bases: Floats
    matrices: Floats

    def weigh(self, terms: list[Floats]) -> list[Floats]:
        """Return each term in log-odds, weighed; a term has one row a text, one column a model."""
        return [term @ matrix for term, matrix in zip(terms, self.matrices, strict=True)]

    def rates(self, terms: list[Floats]) -> Floats:
        """Return the estimated rates."""
        return rate(self.bases + sum(self.weigh(terms)))


def fit(terms: list[Floats], scores: Floats) -> Weighing:
    """Weigh terms by two logistic regressions on scores within 0 and 1.

    A term counts in two parts: that which all models share (how hard the text is) and that which
    is a model's own (who is good at it), because the second is known less well. The first
    regression finds two weights for each term, the same for all models. The second begins where
    the first ends, and lets each model heed what is said of the others, because models that are
    alike succeed alike (stacking: Breiman, 1996). Priors keep the weights near an even share and
    the rest near nothing, so that few rows do no harm. The terms have to come from rows that were
    not used to make them, or they are believed too much.
    """
    shared = [np.repeat(term.mean(axis=1, keepdims=True), term.shape[1], axis=1) for term in terms]
    own = [term - mean for term, mean in zip(terms, shared, strict=True)]
    common = _common(shared, own, scores)
    parts = [part for pair in zip(own, shared, strict=True) for part in (pair[0], pair[1][:, :1])]
    return _heeding(common, terms, np.column_stack(parts), scores)


def _common(shared: list[Floats], own: list[Floats], scores: Floats) -> Weighing:
    """Return the weighing with the same two weights of a term for all models."""
    texts, models = scores.shape
    columns = [part.reshape(-1) for pair in zip(shared, own, strict=True) for part in pair]
    model_of = np.eye(models)[np.tile(np.arange(models), texts)]
    even = np.full(len(columns), 1 / len(shared))
    found = regress(
        np.column_stack([model_of, *columns]),
        scores.reshape(-1),
        prior=np.concatenate([log_odds(scores.mean(axis=0)), even]),
        strength=np.repeat([1e-6, WEIGHT_STRENGTH], [models, len(columns)]),
    )
    matrices = [
        _matrix(np.eye(models) * of_own, np.full(models, of_shared))
        for of_shared, of_own in found[models:].reshape(-1, 2)
    ]
    return Weighing(found[:models], np.stack(matrices))


def _heeding(common: Weighing, terms: list[Floats], parts: Floats, scores: Floats) -> Weighing:
    """Return the weighing with what the parts of all terms add to each model besides."""
    offset = common.bases + sum(common.weigh(terms))
    middle = parts.mean(axis=0)
    scale = float(parts.std()) or 1.0
    inputs = np.column_stack([np.ones(len(parts)), (parts - middle) / scale])
    prior = np.zeros(inputs.shape[1])
    strength = np.repeat([1e-6, CROSS_STRENGTH], [1, len(prior) - 1])
    found = [
        regress(inputs, wanted, prior=prior, strength=strength, offset=begin)
        for wanted, begin in zip(scores.T, offset.T, strict=True)
    ]
    bases, added = np.array([one[0] for one in found]), np.column_stack(found)[1:] / scale
    matrices = [
        matrix + _matrix(of_term[:-1], of_term[-1])
        for matrix, of_term in zip(
            common.matrices, added.reshape(len(terms), -1, scores.shape[1]), strict=True
        )
    ]
    return Weighing(common.bases + bases - middle @ added, np.stack(matrices))


def _matrix(of_own: Floats, of_shared: Floats) -> Floats:
    """Return the matrix of a whole term from those of its parts.

    With e the mean over models, own = t - e and shared = e, so own A + e b = t A + e (b - 1 A).
    """
    models = len(of_shared)
    return of_own + np.outer(np.full(models, 1 / models), of_shared - of_own.sum(axis=0))


def knows_more(rates: Floats, plain: Floats, scores: Floats) -> bool:
    """Tell whether out-of-fold rates say more of the scores than plain ones do.

    The mean gain in log-likelihood per row has to be two standard errors above nothing. Otherwise
    what looks like knowledge is noise, and choosing by it is worse than not choosing.
    """
    gained = (_likelihood(rates, scores) - _likelihood(plain, scores)).mean(axis=1)
    error = gained.std(ddof=1) / np.sqrt(len(gained))
    return bool(gained.mean() > GAIN_ERRORS_MIN * error)


def _likelihood(rates: Floats, scores: Floats) -> Floats:
    kept = np.clip(rates, RATE_MIN, 1 - RATE_MIN)
    return np.asarray(scores * np.log(kept) + (1 - scores) * np.log(1 - kept))


def silent(terms: int, scores: Floats) -> Weighing:
    """Return the weighing that heeds no term: every text gets each model's overall rate."""
    models = scores.shape[1]
    return Weighing(log_odds(scores.mean(axis=0)), np.zeros((terms, models, models)))


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
