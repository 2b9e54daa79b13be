"""A prior: what public evaluations say of models, small enough to be shipped; numbers only.

Log-odds are a sum of the model's base, its weights of the text's clusters, and its weights of the
text's place among the leading directions of words. All are learned at once, towards what all
models share, so each is already as small as the evidence for it. There are no words in it: a text
is hashed (`features`), so nothing of what it was fitted on can be read from it.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.routing.quality import features
from headgate.routing.quality.features import Featuriser
from headgate.routing.quality.sparse import Floats, Singles
from headgate.routing.quality.standing import Odds
from headgate.routing.quality.topics import Topics

FORMAT = 1
LEVELS = 127
MILLI = 1_000


class PriorError(ValueError):
    """A prior's file is of another version, or damaged."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned of models, a row for each.

    Attributes:
        models: Names, in lower case, without a publisher in front.
        base: By model, log-odds whatever the text.
        cluster: Models by clusters, log-odds for a text that is wholly in a cluster.
        words: Models by directions, log-odds for each unit of the text's place.
        texts: How many texts a model was judged on in each cluster, as sums of shares.
        hard_cluster: What all models share of `cluster`.
        hard_words: What all models share of `words`.
    """

    models: tuple[str, ...]
    base: Floats
    cluster: Floats
    words: Floats
    texts: Floats
    hard_cluster: Floats
    hard_words: Floats


class PriorReading:
    """What a prior says of one text; see `headgate.routing.quality.standing.Reading`."""

    __slots__ = ("_cluster", "_prior", "_texts", "_words", "hard", "shares")

    def __init__(self, prior: "FittedPrior", shares: Floats, place: Floats) -> None:
        learned = prior.learned
        self._prior = prior
        self._cluster: list[float] = (learned.cluster @ shares).tolist()
        self._words: list[float] = (learned.words @ place).tolist()
        self._texts: list[float] = (learned.texts @ shares).tolist()
        self.shares: Sequence[float] = shares.tolist()
        hard = float(learned.hard_cluster @ shares) + float(learned.hard_words @ place)
        self.hard: Odds = {"hard": hard}

    def terms(self, model: str) -> tuple[Odds, float] | None:
        """Return a model's terms, and how many texts like this one they rest on."""
        row = self._prior.row_of(model)
        if row is None:
            return None
        base = self._prior.bases[row]
        terms = {"base": base, "cluster": self._cluster[row], "words": self._words[row]}
        return terms, self._texts[row]


class FittedPrior:
    """A prior that was fitted before.

    Attributes:
        learned: What it knows of models.
        bases: `learned.base` as numbers that Python adds quickly.
    """

    def __init__(self, featuriser: Featuriser, topics: Topics, learned: Learned) -> None:
        self._featuriser = featuriser
        self._topics = topics
        self.learned = learned
        self.bases: list[float] = learned.base.tolist()
        self._rows = {name: row for row, name in enumerate(learned.models)}

    def row_of(self, model: str) -> int | None:
        """Return the number of a model, None of one that is not known.

        Args:
            model: As prices name it; a publisher before a slash does not count.
        """
        return self._rows.get(model.rpartition("/")[2].lower())

    def read(self, text: str) -> PriorReading:
        """Return what is said of a text; an empty one is as much of every cluster."""
        columns, values = self._featuriser.row(text)
        place = values @ self._topics.directions[columns]
        shares = self._topics.shares(place[None])[0]
        return PriorReading(self, shares, place.astype(np.float64))

    def to_json(self) -> dict[str, Any]:
        """Return it as a document; arrays in steps of a 127th of the largest of each column."""
        learned, featuriser = self.learned, self._featuriser
        kept = np.flatnonzero(featuriser.column_of >= 0)
        return {
            "format": FORMAT,
            "models": list(learned.models),
            "buckets": _text(np.diff(kept, prepend=0).astype("<u2")),
            "rarity": _text(np.round(featuriser.rarity * MILLI).astype("<u2")),
            "directions": _packed(self._topics.directions),
            "centres": _packed(self._topics.centres),
            "base": np.round(learned.base * MILLI).astype(int).tolist(),
            "cluster": _packed(learned.cluster),
            "words": _packed(learned.words),
            "texts": _packed(learned.texts),
            "hard_cluster": np.round(learned.hard_cluster * MILLI).astype(int).tolist(),
            "hard_words": np.round(learned.hard_words * MILLI).astype(int).tolist(),
        }


def from_json(document: dict[str, Any]) -> FittedPrior:
    """Return the prior of a document.

    Raises:
        PriorError: It is of another version, or damaged.
    """
    if document.get("format") != FORMAT:
        raise PriorError(f"format {document.get('format')!r} is not {FORMAT}")
    try:
        kept = np.cumsum(_array(document["buckets"], "<u2").astype(np.int64))
        column_of = np.full(features.BUCKETS, -1, np.int64)
        column_of[kept] = np.arange(len(kept))
        rarity = (_array(document["rarity"], "<u2") / MILLI).astype(np.float32)
        topics = Topics(
            _unpacked(document["directions"]).astype(np.float32),
            _unpacked(document["centres"]).astype(np.float32),
        )
        learned = Learned(
            tuple(document["models"]),
            np.array(document["base"]) / MILLI,
            _unpacked(document["cluster"]),
            _unpacked(document["words"]),
            _unpacked(document["texts"]),
            np.array(document["hard_cluster"]) / MILLI,
            np.array(document["hard_words"]) / MILLI,
        )
        prior = FittedPrior(Featuriser(column_of, rarity), topics, learned)
        prior.read("a text")
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise PriorError(f"it cannot be read: {error!r}") from error
    return prior


def _text(array: NDArray[Any]) -> str:
    return base64.b85encode(array.tobytes()).decode("ascii")


def _array(text: str, kind: str) -> NDArray[Any]:
    return np.frombuffer(base64.b85decode(text), kind)


def _packed(table: Floats | Singles) -> dict[str, Any]:
    """Return a table as bytes, with the scale of each column."""
    scale = np.maximum(np.abs(table).max(axis=0), 1e-12) / LEVELS
    steps = np.round(table / scale).astype(np.int8)
    return {"columns": table.shape[1], "scale": _text(scale.astype("<f4")), "steps": _text(steps)}


def _unpacked(packed: dict[str, Any]) -> Floats:
    scale = _array(packed["scale"], "<f4").astype(np.float64)
    steps = _array(packed["steps"], "i1").reshape(-1, packed["columns"])
    return np.asarray(steps * scale)
