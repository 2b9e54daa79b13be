"""Log-odds: how the terms of an estimate are weighed so that 70 % means seven in ten."""

from dataclasses import dataclass

import numpy as np

from headgate.routing.quality.sparse import Floats

RATE_MIN = 1e-3
"""Rates are kept this far from 0 and 1, where log-odds have no end."""

STEPS_MAX = 25
PRIOR_STRENGTH = 1.0
STEP_MIN = 1e-8


def log_odds(rates: Floats) -> Floats:
    """Return log(p / (1 - p)), with p kept within 0.001 and 0.999."""
    kept = np.clip(rates, RATE_MIN, 1 - RATE_MIN)
    return np.asarray(np.log(kept / (1 - kept)))


def rate(odds: Floats) -> Floats:
    """Return the rates of log-odds."""
    return np.asarray(1 / (1 + np.exp(-odds)))


@dataclass(frozen=True, slots=True)
class Weighing:
    """What terms count for: log-odds = base of the model + terms times weights.

    Each term counts in two parts, that which all models share (how hard the text is) and that
    which is a model's own (who is good at it), because the second is known less well. The weights
    are the same for all models.

    Attributes:
        bases: By model.
        weights: Two for each term: of its shared part, of its own part.
    """

    bases: Floats
    weights: Floats

    def weigh(self, terms: list[Floats]) -> list[Floats]:
        """Return each term in log-odds, weighed; a term has one row a text, one column a model."""
        parts = _parts(terms)
        pairs = zip(parts[0::2], parts[1::2], self.weights.reshape(-1, 2), strict=True)
        return [np.asarray(shared * of[0] + own * of[1]) for shared, own, of in pairs]

    def rates(self, terms: list[Floats]) -> Floats:
        """Return the estimated rates."""
        return rate(self.bases + sum(self.weigh(terms)))


def fit(terms: list[Floats], scores: Floats) -> Weighing:
    """Weigh terms by logistic regression on scores within 0 and 1 (Newton's method).

    A weak prior keeps each weight near an even share, so that few rows do no harm. The terms
    have to come from rows that were not used to make them, or they are believed too much.
    """
    texts, models = scores.shape
    parts = _parts(terms)
    values = np.stack(parts, axis=2).reshape(texts * models, len(parts))
    model_of = np.tile(np.arange(models), texts)
    wanted = scores.reshape(-1)
    prior = np.concatenate([log_odds(scores.mean(axis=0)), np.full(len(parts), 1 / len(terms))])
    strength = np.concatenate([np.zeros(models), np.full(len(parts), PRIOR_STRENGTH)])
    found = prior.copy()
    for _ in range(STEPS_MAX):
        guessed = rate(found[model_of] + values @ found[models:])
        slope, bend = _derivatives(values, model_of, guessed, wanted, models)
        # The tiny diagonal keeps a model that is always right or wrong from making it singular.
        step = np.linalg.solve(bend + np.diag(strength + 1e-9), slope + strength * (found - prior))
        found = found - step
        if np.abs(step).max() < STEP_MIN:
            break
    return Weighing(found[:models], found[models:])


def _derivatives(
    values: Floats, model_of: np.ndarray, guessed: Floats, wanted: Floats, models: int
) -> tuple[Floats, Floats]:
    """Return gradient and Hessian of the negative log-likelihood."""
    missed, spread = guessed - wanted, guessed * (1 - guessed)
    slope = np.concatenate([np.bincount(model_of, missed, models), values.T @ missed])
    size = models + values.shape[1]
    bend = np.zeros((size, size))
    bend[:models, :models] = np.diag(np.bincount(model_of, spread, models))
    mixed = [np.bincount(model_of, column * spread, models) for column in values.T]
    bend[models:, :models] = mixed
    bend[:models, models:] = np.transpose(mixed)
    bend[models:, models:] = (values * spread[:, None]).T @ values
    return slope, bend


def _parts(terms: list[Floats]) -> list[Floats]:
    shared = [np.broadcast_to(term.mean(axis=1, keepdims=True), term.shape) for term in terms]
    return [part for one, term in zip(shared, terms, strict=True) for part in (one, term - one)]
