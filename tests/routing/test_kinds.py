"""Kinds of text: rows that say what they are about teach words to tell it."""

import numpy as np
import pytest

from headgate.routing.quality import estimator, features, kinds
from tests.routing.planted import MODELS, planted


def test_labels_of_few_texts_share_a_kind() -> None:
    """Nineteen texts are too few for a kind of their own; each text is of one kind."""
    members = kinds.of_labels(["law"] * 30 + ["sums"] * 20 + ["rare"] * 19 + ["rarer"])

    assert members is not None
    assert members.sum(axis=0).tolist() == [30, 20, 20]
    assert (members.sum(axis=1) == 1).all()


@pytest.mark.parametrize(
    "labels", [[], ["mmlu"] * 100, [str(number) for number in range(100)]], ids=len
)
def test_labels_that_tell_nothing_apart_make_no_kinds(labels: list[str]) -> None:
    """None at all, one for all, or one for each text: clusters are found in the words then."""
    assert kinds.of_labels(labels) is None


def test_a_text_without_a_label_is_told_by_its_words() -> None:
    """Of unseen texts of three topics nearly all belong to their own, and shares sum to 1."""
    seen, unseen = planted(300, 1), planted(100, 2)
    given = MODELS, seen.texts, seen.scores, seen.costs
    made = estimator.fit(*given, seed=1, labels=seen.groups).estimator
    places = made.featuriser.rows(unseen.texts).times(made.topics.directions)
    shares = made.topics.shares(places)

    assert shares.sum(axis=1) == pytest.approx(1)
    assert shares.shape[1] == len(set(seen.groups))
    right = [sorted(set(seen.groups)).index(label) for label in unseen.groups]
    assert shares[np.arange(len(unseen)), right].min() > 0.8


def test_what_is_said_of_a_training_row_does_not_know_its_label() -> None:
    """Labels drawn by lot cannot be told from words, and nobody pretends to."""
    seen, chance = planted(300, 1), np.random.default_rng(4)
    members = kinds.of_labels([str(one) for one in chance.integers(3, size=300)])
    assert members is not None
    _, rows = features.fit(seen.texts)

    _, shares = kinds.fit(rows, members, np.arange(300) % 10)

    assert (shares * members).sum(axis=1).mean() == pytest.approx(1 / 3, abs=0.04)
