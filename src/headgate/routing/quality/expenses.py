"""What a call would cost at each model, and how long its answer would be.

Costs here are measured dollars of past calls, for comparing models; what a budget holds or a
charge is made of is computed elsewhere, from prices, in whole nano-dollars.
"""

from dataclasses import dataclass, replace

import numpy as np

from headgate.routing.quality.sparse import Floats

CHARS_MAX = 4_000
"""Longer texts count as this long: few are, and they would bend the line for all others."""

SHRINKAGE = 10.0
COST_MIN = 1e-12
COST_SHARE_MIN = 0.05
"""No call is expected to cost less than this share of the model's mean."""


@dataclass(frozen=True, slots=True)
class Expenses:
    """Cost by model: a line over the length of the text, and what a cluster adds to it.

    Attributes:
        fixed: By model, dollars.
        per_char: By model, dollars for each character of the text.
        by_cluster: Clusters by models, dollars more or less than the line says.
        means: By model, dollars.
        spread: Two rows by models: of what was expected, how much nineteen calls in twenty cost at
            least, and at most.
    """

    fixed: Floats
    per_char: Floats
    by_cluster: Floats
    means: Floats
    spread: Floats

    def expected(self, chars: Floats, shares: Floats) -> Floats:
        """Return expected dollars, one row a text, from lengths and shares of clusters."""
        line = self.fixed + np.minimum(chars, CHARS_MAX)[:, None] * self.per_char
        return np.maximum(line + shares @ self.by_cluster, self.means * COST_SHARE_MIN)


def fit(chars: Floats, shares: Floats, costs: Floats) -> Expenses:
    """Fit lines by least squares, and what is left by cluster, shrunk towards none."""
    lengths = np.column_stack([np.ones(len(chars)), np.minimum(chars, CHARS_MAX)])
    line, *_ = np.linalg.lstsq(lengths, costs, rcond=None)
    left = costs - lengths @ line
    by_cluster = shares.T @ left / (shares.sum(axis=0)[:, None] + SHRINKAGE)
    means = costs.mean(axis=0)
    fitted = Expenses(line[0], line[1], by_cluster, means, np.ones((2, len(means))))
    ratios = costs / np.maximum(fitted.expected(chars, shares), COST_MIN)
    return replace(fitted, spread=np.quantile(ratios, (0.05, 0.95), axis=0))


@dataclass(frozen=True, slots=True)
class Lengths:
    """Quantiles of the length of answers, in tokens, by model.

    Attributes:
        n: By model, how many answers were measured.
        median: By model.
        high: By model; nine answers in ten are no longer.
    """

    n: tuple[int, ...]
    median: Floats
    high: Floats


def lengths(output_tokens: Floats) -> Lengths:
    """Return the quantiles of measured answers; NaN is an answer that was not measured."""
    n = (~np.isnan(output_tokens)).sum(axis=0)
    columns = [column[~np.isnan(column)] for column in output_tokens.T]
    median, high = (
        np.array([np.quantile(column, share) if len(column) else np.nan for column in columns])
        for share in (0.5, 0.9)
    )
    return Lengths(tuple(int(one) for one in n), median, high)
