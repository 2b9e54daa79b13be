"""Kinds of text: task clusters that the training rows name, told from words alone.

Where rows say what they are about (`law`, `gsm8k`), models differ by that more than by anything
that clustering finds in words by itself; see docs/routing.md. So words are taught to tell it: a
text that is met later has no label, and belongs to each kind as far as its words say.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headgate.routing.quality.linear import ridge
from headgate.routing.quality.sparse import Floats, Ints, Singles, Sparse
from headgate.routing.quality.topics import softmax

KINDS_MAX = 64
TEXTS_MIN = 20
"""Labels of fewer training texts share one kind: a rate from so few says nothing by itself."""

PENALTY = 1.0
"""Of the regression that tells kinds apart; flat between 0.5 and 2."""

SHARPNESSES = (2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0)
LIKELY_MIN = 1e-9


@dataclass(frozen=True, slots=True)
class Kinds:
    """What tells kinds of text apart; stands where `topics.Topics` would.

    Attributes:
        directions: Features by kinds, of a regression on who is of which kind.
        usual: By kind, its share of the training texts.
        sharpness: What a regression's unit is in log-odds, so that shares are probabilities.
    """

    directions: Singles
    usual: Singles
    sharpness: float

    def shares(self, places: Singles) -> Floats:
        """Return how much each text belongs to each kind; the shares of a text sum to 1."""
        return softmax(self.sharpness * (places + self.usual).astype(np.float64))


def of_labels(labels: Sequence[str]) -> Singles | None:
    """Return texts by kinds, 1 where a text is of a kind; None if labels do not make two kinds."""
    counts = Counter(labels)
    named = [label for label, texts in counts.most_common(KINDS_MAX) if texts >= TEXTS_MIN]
    column_of = {label: column for column, label in enumerate(sorted(named))}
    columns = np.array([column_of.get(label, len(named)) for label in labels], np.int64)
    width = len(named) + int(len(named) < len(counts))
    return np.eye(width, dtype=np.float32)[columns] if width > 1 else None


def fit(rows: Sparse, members: Singles, fold_of: Ints) -> tuple[Kinds, Floats]:
    """Learn to tell kinds apart; return that, and what it says of each row when it is left out.

    Args:
        rows: Texts by features.
        members: Texts by kinds, from `of_labels`.
        fold_of: By text, the part that it is left out with.
    """
    usual = members.mean(axis=0)
    out = np.zeros_like(members)
    for fold in range(int(fold_of.max()) + 1):
        inside, outside = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        out[outside] = rows.rows(outside).times(_told(rows.rows(inside), members[inside]))

    def likelihood(sharpness: float) -> float:
        right = (Kinds(out, usual, sharpness).shares(out) * members).sum(axis=1)
        return float(np.log(np.maximum(right, LIKELY_MIN)).sum())

    kinds = Kinds(_told(rows, members), usual, max(SHARPNESSES, key=likelihood))
    return kinds, kinds.shares(out)


def _told(rows: Sparse, members: Singles) -> Singles:
    return ridge(rows, (members - members.mean(axis=0)).astype(np.float64), PENALTY)
