"""The estimator: for a text, how likely each model is to do well, why, and how sure that is.

Log-odds of success are a sum of three terms: the model's base, what is known of it in clusters
of similar texts, and what the words say. That this simple sum is on a par with far larger methods
is the finding of LLMRouterBench (2026) and of our own measurements, see docs/routing.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from headgate.routing.quality import calibration, expenses, features, kinds, topics
from headgate.routing.quality.calibration import Weighing, log_odds
from headgate.routing.quality.expenses import Expenses
from headgate.routing.quality.features import Featuriser
from headgate.routing.quality.folds import folds
from headgate.routing.quality.kinds import Kinds
from headgate.routing.quality.linear import ridge
from headgate.routing.quality.sparse import Floats, Ints, Singles, Sparse
from headgate.routing.quality.topics import Topics

SHRINKAGE = 10.0
"""A cluster's rate counts this many imaginary texts at the model's overall rate."""

PENALTY = 16.0
"""Of the ridge regression on words; chosen by cross-validation, flat between 8 and 32."""

FOLDS = 10
INTERVAL_SDS = 1.96
ROWS_MIN = 50


class Estimate(NamedTuple):
    """What is expected of one model for one text.

    Attributes:
        model: Its name.
        quality: The chance of success, or the expected score, within 0 and 1.
        low: The lower end of an approximate 95 % interval of `quality`.
        high: Its upper end.
        n: How many training texts the text's clusters rest on, weighted by its shares of them.
        base: Log-odds of the model whatever the text.
        cluster: What the clusters add, in log-odds.
        words: What the words add, in log-odds.
        cost_usd: Expected cost of the call.
        cost_low_usd: Nineteen calls in twenty cost more, by the training part.
        cost_high_usd: Nineteen in twenty cost less.
    """

    model: str
    quality: float
    low: float
    high: float
    n: float
    base: float
    cluster: float
    words: float
    cost_usd: float
    cost_low_usd: float
    cost_high_usd: float


@dataclass(frozen=True, slots=True)
class Terms:
    """The statistics of labelled rows: what clusters and words say, before they are weighed.

    Attributes:
        overall: By model, the mean score.
        by_cluster: Clusters by models, shrunk mean scores.
        weights: Features by models, of the regression.
    """

    overall: Floats
    by_cluster: Floats
    weights: Singles

    def cluster_term(self, shares: Floats) -> Floats:
        """Return by text and model how clusters differ from the overall rate, in log-odds."""
        return log_odds(shares @ self.by_cluster) - log_odds(self.overall)

    def word_term(self, predicted: Singles) -> Floats:
        """Return the regression's deviations as log-odds, by the slope at the overall rate."""
        rate = np.clip(self.overall, 0.02, 0.98)
        return np.asarray(predicted.astype(np.float64) / (rate * (1 - rate)))


@dataclass(frozen=True, slots=True)
class Estimator:
    """Estimates of quality and cost for any text, for the models it was fitted on."""

    models: tuple[str, ...]
    featuriser: Featuriser
    topics: Topics | Kinds
    terms: Terms
    weighing: Weighing
    expenses: Expenses
    texts_in_cluster: Floats
    """How many training texts each cluster holds, as a sum of shares."""

    table: Singles
    """Directions and regression weights side by side, so that one gather serves both."""

    def estimate(self, text: str) -> tuple[Estimate, ...]:
        """Return an estimate for each model, in the order of `models`."""
        columns, values = self.featuriser.row(text)
        places, predicted = self._split((values @ self.table[columns])[None])
        shares = self.topics.shares(places)
        terms = self._terms(shares, predicted)
        cluster, words = (one[0] for one in self.weighing.weigh(terms))
        odds = self.weighing.bases + cluster + words
        cost = self.expenses.expected(np.array([len(text)]), shares)[0]
        n = float(shares[0] @ self.texts_in_cluster)
        quality = calibration.rate(odds)
        # The standard error of a rate from n texts, carried over to log-odds (delta method).
        width = INTERVAL_SDS / np.sqrt(np.maximum(quality * (1 - quality), 1e-4) * (n + SHRINKAGE))
        low, high = calibration.rate(odds - width), calibration.rate(odds + width)
        costs = (cost, *(cost * self.expenses.spread))
        columns_of = (quality, low, high, self.weighing.bases, cluster, words, *costs)
        return tuple(
            Estimate(model, one[0], one[1], one[2], n, *one[3:])
            for model, one in zip(self.models, np.stack(columns_of, axis=1).tolist(), strict=True)
        )

    def predict(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """Return quality and expected cost, one row a text, as `estimate` would one by one."""
        rows = self.featuriser.rows(texts)
        places, predicted = self._split(rows.times(self.table))
        shares = self.topics.shares(places)
        quality = self.weighing.rates(self._terms(shares, predicted))
        return quality, self.expenses.expected(_chars(texts), shares)

    def _split(self, both: Singles) -> tuple[Singles, Singles]:
        directions = self.topics.directions.shape[1]
        return both[:, :directions], both[:, directions:]

    def _terms(self, shares: Floats, predicted: Singles) -> list[Floats]:
        return [self.terms.cluster_term(shares), self.terms.word_term(predicted)]


@dataclass(frozen=True, slots=True)
class Fitted:
    """An estimator, and what it says of its own training rows when each is left out.

    Attributes:
        estimator: Fitted on all rows.
        quality: Out of fold, rows by models.
        cost_usd: Expected cost, rows by models.
    """

    estimator: Estimator
    quality: Floats
    cost_usd: Floats


def fit(
    models: tuple[str, ...],
    texts: Sequence[str],
    scores: Floats,
    costs: Floats,
    *,
    seed: int,
    labels: Sequence[str] = (),
) -> Fitted:
    """Learn from scored texts: `scores` within 0 and 1, `costs` in dollars, rows by models.

    Where `labels` say what the texts are about, one each, clusters are those kinds, told from
    words; without, or where all are alike, clusters are found.
    The statistics behind a row's out-of-fold estimate have not seen the row's scores, nor have the
    weights been fitted on them; rows of one text are left out together. The texts alone, without
    scores, choose features and clusters once for all folds. The same input gives the same result.
    """
    assert len(texts) >= ROWS_MIN, "the reader of the file refuses fewer"
    featuriser, rows = features.fit(texts)
    fold_of = folds(texts, FOLDS, seed)
    found, shares = _clusters(rows, labels, fold_of, seed)
    out = [np.zeros_like(scores), np.zeros_like(scores)]
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        terms = _terms_of(rows.rows(inside), shares[inside], scores[inside])
        predicted = rows.rows(outside).times(terms.weights)
        out[0][outside] = terms.cluster_term(shares[outside])
        out[1][outside] = terms.word_term(predicted)
    quality, weighing = _weighed(out, scores, fold_of)
    terms = _terms_of(rows, shares, scores)
    paid = expenses.fit(_chars(texts), shares, costs)
    estimator = Estimator(
        models=models,
        featuriser=featuriser,
        topics=found,
        terms=terms,
        weighing=weighing,
        expenses=paid,
        texts_in_cluster=shares.sum(axis=0),
        table=np.concatenate([found.directions, terms.weights], axis=1),
    )
    return Fitted(estimator, quality, paid.expected(_chars(texts), shares))


def _clusters(
    rows: Sparse, labels: Sequence[str], fold_of: Ints, seed: int
) -> tuple[Topics | Kinds, Floats]:
    """Return clusters and the rows' shares of them; those of kinds do not know the row's label."""
    members = kinds.of_labels(labels)
    if members is not None:
        return kinds.fit(rows, members, fold_of)
    found = topics.fit(rows, seed)
    return found, found.shares(rows.times(found.directions))


def _terms_of(rows: Sparse, shares: Floats, scores: Floats) -> Terms:
    overall = scores.mean(axis=0)
    counted = shares.sum(axis=0)[:, None] + SHRINKAGE
    by_cluster = (shares.T @ scores + SHRINKAGE * overall) / counted
    return Terms(overall, by_cluster, ridge(rows, scores - overall, PENALTY))


def _weighed(out: list[Floats], scores: Floats, fold_of: Ints) -> tuple[Floats, Weighing]:
    """Return out-of-fold quality, whose weights too come from the other folds, and the weighing.

    Where the terms turn out to say nothing, neither heeds them.
    """
    quality, plain = np.zeros_like(scores), np.zeros_like(scores)
    for fold in range(FOLDS):
        inside, outside = fold_of != fold, fold_of == fold
        weighing = calibration.fit([term[inside] for term in out], scores[inside])
        quality[outside] = weighing.rates([term[outside] for term in out])
        plain[outside] = scores[inside].mean(axis=0)
    if calibration.knows_more(quality, plain, scores):
        return quality, calibration.fit(out, scores)
    return plain, calibration.silent(len(out), scores)


def _chars(texts: Sequence[str]) -> Floats:
    return np.array([len(text) for text in texts], np.float64)
