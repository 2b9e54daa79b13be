"""Outcomes: what each model made of each text or task, and what it cost."""

from dataclasses import dataclass, replace

import numpy as np

from headgate.routing.quality.sparse import Floats, Ints


class OutcomesError(Exception):
    """A file of outcomes cannot be used.

    Attributes:
        problem: What is wrong with it.
        fix: What to do.
    """

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Rows of outcomes; every array has one row a text or task and one column a model.

    Attributes:
        models: Names, in the order of the columns.
        texts: What was asked; empty strings where tasks have no text.
        scores: Within 0 and 1.
        costs: Dollars, or another unit that is the same for all models.
        output_tokens: NaN where unknown.
        calls: How many calls a task took; NaN where unknown.
        groups: A label of each row, such as the benchmark it is from; empty where there is none.
        dropped: How many rows of the file were left out, for want of a score within 0 and 1.
    """

    models: tuple[str, ...]
    texts: tuple[str, ...]
    scores: Floats
    costs: Floats
    output_tokens: Floats
    calls: Floats
    groups: tuple[str, ...]
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self, chosen: Ints) -> "Outcomes":
        """Return the outcomes of these rows, in this order."""
        return Outcomes(
            self.models,
            tuple(self.texts[row] for row in chosen),
            self.scores[chosen],
            self.costs[chosen],
            self.output_tokens[chosen],
            self.calls[chosen],
            tuple(self.groups[row] for row in chosen),
        )

    def with_shuffled_scores(self, seed: int) -> "Outcomes":
        """Return the same texts with the outcomes of other rows: nothing can be learned from it."""
        order = np.random.default_rng(seed).permutation(len(self))
        return replace(self, scores=self.scores[order])

    def best_single(self) -> int:
        """Return the column with the highest mean score; of equal ones the cheapest."""
        means, costs = self.scores.mean(axis=0), self.costs.mean(axis=0)
        return int(np.lexsort((costs, -means))[0])


def folds(outcomes: Outcomes, count: int, seed: int) -> list[tuple[Outcomes, Outcomes]]:
    """Return (training part, test part) of each fold; each row is in one test part."""
    fold_of = np.random.default_rng(seed).permutation(len(outcomes)) % count
    parts = (
        (np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)) for fold in range(count)
    )
    return [(outcomes.rows(inside), outcomes.rows(outside)) for inside, outside in parts]


def joined(several: list[Outcomes]) -> Outcomes:
    """Return the rows of outcomes of the same models, one after another."""
    return Outcomes(
        several[0].models,
        tuple(text for one in several for text in one.texts),
        np.concatenate([one.scores for one in several]),
        np.concatenate([one.costs for one in several]),
        np.concatenate([one.output_tokens for one in several]),
        np.concatenate([one.calls for one in several]),
        tuple(group for one in several for group in one.groups),
    )
