"""Evaluating calls: planted savings are found, shuffled ones are not, and nothing peeks."""

from dataclasses import replace

import numpy as np
import pytest

from headgate.routing.evaluation import bounded, choosing
from headgate.routing.evaluation.bounded import Protocol
from headgate.routing.evaluation.choosing import Operating, choose_points, mix_points
from headgate.routing.evaluation.evidence import Evidence, EvidenceError, folds
from headgate.routing.evaluation.result import Result, mean_of
from headgate.routing.evaluation.summary import summarise
from headgate.routing.quality import estimator
from tests.routing.planted import MODELS, of_pair, planted


def no_clock() -> int:
    """Return an instant that stands still."""
    return 0


def evaluate(train: Evidence, test: Evidence | None, how: Protocol) -> Result:
    """Evaluate as the command does."""
    made = bounded.parts(train, test, how)
    readings = [bounded.read(learned, unseen, how.seed, no_clock) for learned, unseen in made]
    told = bounded.told(how, apart=test is not None)
    joined = bounded.joined(readings)
    return summarise(joined, how, told, train_rows=len(made[0][0]), dropped=0)


@pytest.fixture(scope="module")
def found() -> Result:
    """The evaluation of 600 planted rows on 400 others."""
    return evaluate(planted(600, 1), planted(400, 2), Protocol(seed=1))


def test_a_planted_saving_is_found(found: Result) -> None:
    """Three cheap specialists beat the dear generalist: more quality for a sixth of its cost."""
    assert found.best_single.model == "dear"
    assert found.points["100"].saved_share > 0.75
    assert found.points["max"].diff_ci_low_pp > 5
    assert found.points["max"].quality > found.zero_router.points["max"].quality
    assert found.aiq > found.zero_router.aiq
    assert found.ece < 0.05


def test_the_rows_of_comparison_are_counted_by_hand(found: Result) -> None:
    """Best single, cheapest and oracle are plain means over the test part."""
    test = planted(400, 2)
    right = test.scores.max(axis=1)
    costs = [
        min((cost for score, cost in zip(*row, strict=True) if score == best))
        for row, best in zip(zip(test.scores, test.costs, strict=True), right, strict=True)
    ]

    assert found.best_single.quality == pytest.approx(test.scores[:, 3].mean())
    assert (found.cheapest.model, found.cheapest.cost_per_call) == ("cheap", 1.0)
    assert found.cheapest.quality == pytest.approx(test.scores[:, 0].mean())
    assert found.oracle.quality == pytest.approx(right.mean())
    assert found.oracle.cost_per_call == pytest.approx(np.mean(costs))


def test_points_say_the_same_in_every_field(found: Result) -> None:
    """Shares and differences follow from quality and cost, and lie within their interval."""
    best = found.best_single
    for point in (*found.points.values(), *found.zero_router.points.values()):
        assert point.saved_share == pytest.approx(1 - point.cost_per_call / best.cost_per_call)
        assert point.quality_ratio == pytest.approx(point.quality / best.quality)
        assert point.diff_pp == pytest.approx(100 * (point.quality - best.quality))
        assert point.diff_ci_low_pp <= point.diff_pp <= point.diff_ci_high_pp


def test_the_scores_of_the_test_part_decide_nothing() -> None:
    """With other scores in the test part the same models are chosen for its texts."""
    train, test = planted(300, 1), planted(100, 2)
    other = replace(test, scores=1 - test.scores)

    readings = [bounded.read(train, one, 1, no_clock) for one in (test, other)]

    for name in choosing.TARGETS:
        assert np.array_equal(readings[0].picks[name], readings[1].picks[name])
    assert np.array_equal(readings[0].quality, readings[1].quality)
    assert np.array_equal(readings[0].best_single, readings[1].best_single)


def test_shuffled_scores_fall_to_chance() -> None:
    """What cannot be learned is not: an APGR near one half, and no gain over the best single."""
    how = Protocol(seed=3, shuffled=True)
    pair = evaluate(of_pair(planted(900, 1)), of_pair(planted(900, 2)), how)
    pool = evaluate(planted(900, 1), planted(900, 2), how)

    assert pair.pair is not None
    assert pair.pair.apgr == pytest.approx(0.5)
    for name in ("100", "max"):
        assert (pool.points[name].diff_pp, pool.points[name].saved_share) == (0, 0)


def test_a_pair_is_ordered_by_who_needs_the_strong_one() -> None:
    """The cheap model fails at two topics of three, so little of the rest is sent to the dear."""
    found = evaluate(of_pair(planted(600, 1)), of_pair(planted(400, 2)), Protocol(seed=1))

    assert found.pair is not None
    assert found.pair.apgr > 0.6
    assert found.pair.cpt50 < 40
    assert set(found.groups) == {"law", "sums", "chat"}
    assert sum(group.rows for group in found.groups.values()) == 400


def test_each_row_is_read_once_in_cross_validation() -> None:
    """The test parts of the folds are the file, and no fold learns from what it is tested on."""
    whole = planted(103, 1)
    whole = replace(whole, texts=tuple(f"{at} {text}" for at, text in enumerate(whole.texts)))

    made = folds(whole, 5, seed=1)

    assert sorted(text for _, test in made for text in test.texts) == sorted(whole.texts)
    assert all(not set(train.texts) & set(test.texts) for train, test in made)


def test_rows_of_one_text_are_left_out_together() -> None:
    """Where scores are those of other texts, rows that are there twice teach nothing either."""
    once = planted(100, 1).with_shuffled_scores(1)
    twice = once.rows(np.tile(np.arange(100), 2))

    fitted = estimator.fit(once.models, twice.texts, twice.scores, twice.costs, seed=1)

    # What is left are rates, each without a tenth of the rows.
    assert fitted.quality.std(axis=0).max() < 0.03
    assert all(not set(a.texts) & set(b.texts) for a, b in folds(twice, 5, seed=1))


def test_texts_that_were_learned_from_are_counted() -> None:
    """Who tests on what was learned is told so."""
    train, other = planted(200, 1), planted(100, 2)

    assert evaluate(train, train.rows(np.arange(50)), Protocol()).seen_rows == 50
    assert evaluate(train, other, Protocol()).seen_rows == 0


def _repeated(texts: int, times: int) -> Evidence:
    """Return so many texts, each in so many rows."""
    return planted(texts, 1).rows(np.tile(np.arange(texts), times))


def test_labels_are_a_sample_and_the_rest_is_read() -> None:
    """Without a test file all rows of other texts are the test part."""
    whole = planted(400, 1)
    ((train, test),) = bounded.parts(whole, None, Protocol(seed=2, labels=150))
    ((sample, other),) = bounded.parts(whole, whole, Protocol(seed=2, labels=400))

    assert (len(train), len(test)) == (150, 250)
    assert (len(sample), len(other)) == (400, 400)


def test_a_sample_takes_rows_of_one_text_together() -> None:
    """Of the last text the rows beyond what is asked for are read by nobody."""
    ((train, test),) = bounded.parts(_repeated(200, 3), None, Protocol(seed=2, labels=301))

    assert (len(train), len(test)) == (301, 297)
    assert not set(train.texts) & set(test.texts)
    assert {test.texts.count(text) for text in test.texts} == {3}


@pytest.mark.parametrize(
    ("train", "test", "how"),
    [
        (planted(40, 1), None, Protocol()),
        (planted(400, 1), None, Protocol(labels=20)),
        (planted(400, 1), None, Protocol(labels=400)),
        (_repeated(99, 2), None, Protocol()),
        (_repeated(200, 5), None, Protocol(labels=150)),
        (_repeated(101, 2), None, Protocol(labels=201)),
    ],
)
def test_too_few_rows_are_refused(train: Evidence, test: Evidence | None, how: Protocol) -> None:
    """Nothing is learned from a handful, and nothing is tested on no row."""
    with pytest.raises(EvidenceError) as refused:
        bounded.parts(train, test, how)

    assert refused.value.fix.startswith("Give ")


def test_the_cheapest_price_that_reaches_a_target_is_taken() -> None:
    """Four texts, two models, estimates that are right: each target by hand."""
    evidence = _four()
    points = choose_points(evidence, evidence.scores, evidence.costs)

    reached = {}
    for name, point in points.items():
        columns = point.choose(evidence.scores, evidence.costs)
        reached[name] = evidence.scores[range(4), columns].sum()

    # The dear one solves three; each target needs them all, the best reachable is all four.
    assert reached == {"95": 4.0, "98": 4.0, "100": 4.0, "max": 4.0}
    assert points["100"].quality_per_usd is not None


def test_a_point_that_was_lucky_is_not_taken() -> None:
    """A cheap model that scored nearly as well, but is expected to fail at half, is no choice."""
    evidence = of_pair(planted(200, 5))
    scores = np.ones_like(evidence.scores)
    scores[0, 0] = 0.0
    evidence = replace(evidence, scores=scores)
    believed, doubted = np.tile([0.99, 1.0], (200, 1)), np.tile([0.5, 1.0], (200, 1))

    cheap = choose_points(evidence, believed, evidence.costs)["98"]
    dear = choose_points(evidence, doubted, evidence.costs)["98"]

    assert cheap.choose(believed, evidence.costs).tolist() == [0] * 200
    assert dear.choose(doubted, evidence.costs).tolist() == [1] * 200


def test_a_point_that_only_just_equals_is_not_enough_for_all_of_the_quality() -> None:
    """A cheap model that wins as often as it loses reaches 98 per cent for sure, 100 by luck."""
    evidence = of_pair(planted(200, 5))
    scores = np.tile([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], (50, 1))
    scores[0, 0] = 0.0
    evidence = replace(evidence, scores=scores)
    alike = np.tile(scores.mean(axis=0), (200, 1))

    points = choose_points(evidence, alike, evidence.costs)

    assert points["98"].choose(alike, evidence.costs).tolist() == [0] * 200
    assert points["100"].choose(alike, evidence.costs).tolist() == [1] * 200


def test_without_a_gain_the_best_single_is_used() -> None:
    """Estimates that mislead choose nothing: every target falls back to the best single model."""
    evidence = _four().rows(np.arange(100) % 4)
    points = choose_points(evidence, 1 - evidence.scores, evidence.costs)

    assert points["100"] == Operating(None, 1)
    assert points["100"].choose(np.zeros((2, 2)), np.zeros((2, 2))).tolist() == [1, 1]


def test_a_mix_has_the_wanted_quality_by_hand() -> None:
    """Singles of 0.5 at 1 and 0.75 at 10: 98 % of the best is a mix of six parts in a hundred."""
    mix = mix_points(_four())["98"]

    assert (mix.cheap, mix.dear) == (0, 1)
    assert mix.dear_share == pytest.approx((0.98 * 0.75 - 0.5) / 0.25)
    assert mix.of(_four().costs).mean() == pytest.approx(1 + 9 * mix.dear_share)
    assert mix_points(_four())["max"].of(_four().scores).mean() == pytest.approx(0.75)


def _four() -> Evidence:
    """Return four texts: the cheap model solves two, the dear one three, together all."""
    scores = np.array([[1.0, 0], [1, 1], [0, 1], [0, 1]])
    unknown = np.full((4, 2), np.nan)
    costs = np.tile([1.0, 10.0], (4, 1))
    return Evidence(("cheap", "dear"), ("a",) * 4, scores, costs, unknown, unknown, ("",) * 4)


def test_a_mean_over_seeds_keeps_each_pair(found: Result) -> None:
    """Every number is the mean; what is the same stays the same."""
    one = evaluate(of_pair(planted(300, 1)), of_pair(planted(100, 2)), Protocol(seed=1))
    two = evaluate(of_pair(planted(300, 3)), of_pair(planted(100, 4)), Protocol(seed=2))
    mean = mean_of([one, two])

    assert one.pair is not None
    assert two.pair is not None
    assert mean.pair is not None
    assert mean.pair.apgr == pytest.approx((one.pair.apgr + two.pair.apgr) / 2)
    assert mean.points["95"].saved_share == pytest.approx(
        (one.points["95"].saved_share + two.points["95"].saved_share) / 2
    )
    assert mean.repeats == [one.pair, two.pair]
    assert list(mean_of([found]).models) == list(MODELS)
