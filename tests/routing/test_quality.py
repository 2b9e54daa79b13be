"""Estimates: the arithmetic against plain algebra, and planted answers that must be found."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.routing.quality import calibration, estimator, expenses, features, linear
from headgate.routing.quality.calibration import log_odds
from headgate.routing.quality.decision import decide
from headgate.routing.quality.estimator import Estimate, Fitted
from headgate.routing.quality.sparse import Sparse, stacked
from tests.routing.planted import MODELS, RATES, planted

ROWS = st.lists(
    st.dictionaries(st.integers(0, 5), st.integers(-4, 4).map(float), max_size=4), max_size=7
)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    """An estimator that has seen 600 planted texts."""
    seen = planted(600, 1)
    return estimator.fit(MODELS, seen.texts, seen.scores, seen.costs, seed=1)


def sparse(rows: list[dict[int, float]]) -> tuple[Sparse, np.ndarray]:
    """Return rows both ways, sparse and dense."""
    made = [
        (np.array(sorted(row), np.int64), np.array([row[at] for at in sorted(row)], np.float32))
        for row in rows
    ]
    dense = np.zeros((len(rows), 6))
    for at, row in enumerate(rows):
        dense[at, list(row)] = list(row.values())
    return stacked(made, 6), dense


@given(rows=ROWS)
def test_sparse_products_are_the_dense_ones(rows: list[dict[int, float]]) -> None:
    """Empty rows and columns too; turning twice and taking rows change nothing but the order."""
    matrix, dense = sparse(rows)
    right = np.arange(18, dtype=np.float32).reshape(6, 3)
    left = np.arange(2 * len(rows), dtype=np.float32).reshape(len(rows), 2)
    backwards = np.arange(len(rows))[::-1]

    assert np.allclose(matrix.times(right), dense @ right)
    assert np.allclose(matrix.transposed().times(left), dense.T @ left)
    assert np.allclose(matrix.rows(backwards).times(right), dense[::-1] @ right)


def test_ridge_is_the_closed_form() -> None:
    """Conjugate gradients end where solving the normal equations does."""
    chance = np.random.default_rng(2)
    dense = chance.normal(size=(80, 6)).astype(np.float32)
    targets = chance.normal(size=(80, 3))
    rows = stacked([(np.arange(6), row) for row in dense], 6)

    exact = np.linalg.solve(dense.T @ dense + 16 * np.eye(6), dense.T @ targets)

    assert np.allclose(linear.ridge(rows, targets, 16.0), exact, atol=1e-3)


def test_a_long_text_is_read_at_both_ends_only() -> None:
    """What lies between head and tail changes nothing, what lies in them does."""
    head, tail = "head " * 240, " tail" * 120

    assert _same(features.buckets(f"{head}{'x ' * 9000}{tail}"), features.buckets(head + tail))
    assert not _same(features.buckets("head"), features.buckets("tail"))
    assert len(features.buckets("")[0]) == 0


def _same(one: tuple[np.ndarray, ...], other: tuple[np.ndarray, ...]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_regression_finds_the_log_odds_of_what_it_is_shown() -> None:
    """Seven in ten where the input is 1, two in ten where it is 0."""
    inputs = np.column_stack([np.ones(20), np.repeat([1.0, 0.0], 10)])
    wanted = np.array([1.0] * 7 + [0.0] * 3 + [1.0] * 2 + [0.0] * 8)

    found = calibration.regress(inputs, wanted, prior=np.zeros(2), strength=np.full(2, 1e-9))

    assert calibration.rate(found[:1])[0] == pytest.approx(0.2, abs=1e-6)
    assert calibration.rate(found.sum(keepdims=True))[0] == pytest.approx(0.7, abs=1e-6)


def test_the_rates_of_each_topic_are_found(fitted: Fitted) -> None:
    """On texts it has not seen it tells the topics' rates to a few points, so who is best too."""
    unseen = planted(300, 2)
    quality, _ = fitted.estimator.predict(unseen.texts)

    for topic, rates in RATES.items():
        rows = [at for at, label in enumerate(unseen.groups) if label == topic]
        assert quality[rows].mean(axis=0) == pytest.approx(rates, abs=0.05)
        if topic != "chat":
            assert (quality[rows].argmax(axis=1) == MODELS.index(topic)).mean() > 0.95


def test_the_shares_of_a_text_are_one_text(fitted: Fitted) -> None:
    """Whatever it says, it belongs to the clusters once, and their sizes sum to all texts."""
    made = fitted.estimator
    rows = made.featuriser.rows(["verdict of the court", "", "zzz"])
    shares = made.topics.shares(rows.times(made.topics.directions))

    assert shares.sum(axis=1) == pytest.approx(1)
    assert made.texts_in_cluster.sum() == pytest.approx(600)


def test_terms_add_up_and_lie_within_their_interval(fitted: Fitted) -> None:
    """The log-odds of the quality are base + cluster + words, for a text without a word too."""
    for text in ("verdict of the court", "", "zzz qqq", "x" * 5000, "\ud800 court"):
        for one in fitted.estimator.estimate(text):
            assert log_odds(np.array([one.quality]))[0] == pytest.approx(
                one.base + one.cluster + one.words, abs=1e-6
            )
            assert 0 < one.low < one.quality < one.high < 1
            assert 0 < one.n <= 600


def test_one_text_is_estimated_as_among_many(fitted: Fitted) -> None:
    """The quick path for a decision and the path for a file agree."""
    texts = planted(20, 3).texts
    quality, cost = fitted.estimator.predict(texts)

    for at, text in enumerate(texts):
        single = fitted.estimator.estimate(text)
        assert np.allclose([one.quality for one in single], quality[at], atol=1e-5)
        assert np.allclose([one.cost_usd for one in single], cost[at], atol=1e-5)


def test_the_same_rows_and_seed_give_the_same_estimator(fitted: Fitted) -> None:
    """Nothing but the arguments takes part."""
    seen = planted(600, 1)
    again = estimator.fit(MODELS, seen.texts, seen.scores, seen.costs, seed=1)

    assert np.array_equal(again.quality, fitted.quality)
    assert again.estimator.estimate("a court") == fitted.estimator.estimate("a court")


def test_out_of_fold_estimates_know_no_answers() -> None:
    """With scores that follow from nothing, estimates of the training rows do not follow them."""
    seen = planted(600, 1).with_shuffled_scores(4)
    fitted = estimator.fit(MODELS, seen.texts, seen.scores, seen.costs, seed=1)

    for model in range(len(MODELS)):
        apart = seen.scores[:, model] - seen.scores[:, model].mean()
        assert abs(np.mean(apart * fitted.quality[:, model])) < 0.01
    for one in fitted.estimator.estimate("a court"):
        assert (one.cluster, one.words) == (0, 0)


def test_cost_follows_the_length_of_the_text() -> None:
    """Two dollars and a cent a character, whatever the cluster."""
    chars = np.arange(100.0, 200.0)
    shares = np.full((100, 2), 0.5)
    fitted = expenses.fit(chars, shares, (2 + 0.01 * chars)[:, None])

    assert fitted.expected(np.array([300.0]), shares[:1])[0, 0] == pytest.approx(5.0)
    assert fitted.expected(np.array([9e9]), shares[:1])[0, 0] == pytest.approx(42.0)


def test_nine_costs_in_ten_lie_within_the_spread() -> None:
    """It is a share of what is expected, so a text twice as long has twice the room."""
    chars, shares = np.full(1000, 100.0), np.ones((1000, 1))
    costs = np.random.default_rng(1).uniform(1, 3, size=(1000, 1))
    fitted = expenses.fit(chars, shares, costs)
    low, high = (fitted.expected(chars[:1], shares[:1]) * fitted.spread)[:, 0]

    assert (low, high) == (pytest.approx(1.1, abs=0.05), pytest.approx(2.9, abs=0.05))


@pytest.mark.parametrize("texts", [[""] * 60, ["same words"] * 60, list(map(chr, range(97, 157)))])
def test_texts_that_tell_nothing_are_estimated_at_the_overall_rate(texts: list[str]) -> None:
    """No word, no difference, or no word twice: there is nothing to learn, and nothing breaks."""
    scores = np.tile([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], (20, 1))
    fitted = estimator.fit(("a", "b"), texts, scores, np.ones((60, 2)), seed=1)

    for text in ("", "same", "zzz"):
        quality = [one.quality for one in fitted.estimator.estimate(text)]
        assert quality == pytest.approx([2 / 3, 1 / 3], abs=0.01)


def test_lengths_of_answers_are_quantiles_of_those_measured() -> None:
    """What was not measured does not count; a model without a measurement has none."""
    tokens = np.column_stack([[1.0, 2, 3, np.nan], [np.nan] * 4])
    found = expenses.lengths(tokens)

    assert found.n == (3, 0)
    assert (found.median[0], found.high[0]) == (2.0, pytest.approx(2.8))
    assert math.isnan(found.median[1])


def estimate(model: str, quality: float, cost: float) -> Estimate:
    """Return an estimate of which only quality and cost matter."""
    return Estimate(model, quality, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, cost, cost, cost)


def test_a_decision_flips_at_the_price_it_names() -> None:
    """A little below that price the choice stands, a little above the runner-up wins."""
    a, b, c = estimate("a", 0.9, 2.0), estimate("b", 0.7, 1.0), estimate("c", 0.1, 0.1)
    decision = decide((b, c, a), 0.1)

    assert (decision.chosen, decision.runner_up) == (a, b)
    assert decision.flip_share == pytest.approx(0.5)
    for share, chosen in ((0.49, "a"), (0.51, "b")):
        dearer = a._replace(cost_usd=a.cost_usd * (1 + share))
        assert decide((dearer, b, c), 0.1).chosen.model == chosen
    assert decide((a,), 0.1).runner_up is None
    assert decide((a, b), 0.0).flip_share is None
