"""Evidence: what each model made of each text or task, and what it cost."""

from dataclasses import dataclass, replace

import numpy as np

from headgate.routing.quality import folds as folding
from headgate.routing.quality.sparse import Floats, Ints


class EvidenceError(Exception):
    """A file of evidence cannot be used.

    Attributes:
        problem: What is wrong with it.
        fix: What to do.
    """

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Evidence:
    """What models made of texts or tasks: arrays with a row for each, and a column a model.

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

    def rows(self, chosen: Ints) -> "Evidence":
        """Return the evidence of these rows, in this order."""
        return Evidence(
            self.models,
            tuple(self.texts[row] for row in chosen),
            self.scores[chosen],
            self.costs[chosen],
            self.output_tokens[chosen],
            self.calls[chosen],
            tuple(self.groups[row] for row in chosen),
        )

    def with_shuffled_scores(self, seed: int) -> "Evidence":
        """Return the same texts with the scores of other rows: nothing can be learned from it."""
        order = np.random.default_rng(seed).permutation(len(self))
        return replace(self, scores=self.scores[order])

    def best_single(self) -> int:
        """Return the column with the highest mean score; of equal ones the cheapest."""
        means, costs = self.scores.mean(axis=0), self.costs.mean(axis=0)
        return int(np.lexsort((costs, -means))[0])


def folds(evidence: Evidence, count: int, seed: int) -> list[tuple[Evidence, Evidence]]:
    """Return (training part, test part) of each fold; each row is in one test part.

    Rows of one text are in the same.
    """
    fold_of = folding.folds(evidence.texts, count, seed)
    parts = (
        (np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)) for fold in range(count)
    )
    return [(evidence.rows(inside), evidence.rows(outside)) for inside, outside in parts]


def joined(several: list[Evidence]) -> Evidence:
    """Return the rows of evidence of the same models, one after another."""
    return Evidence(
        several[0].models,
        tuple(text for one in several for text in one.texts),
        np.concatenate([one.scores for one in several]),
        np.concatenate([one.costs for one in several]),
        np.concatenate([one.output_tokens for one in several]),
        np.concatenate([one.calls for one in several]),
        tuple(group for one in several for group in one.groups),
    )
