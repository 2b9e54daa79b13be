"""Ratings from choices, and other policies from past calls, where the right answer is known."""

import numpy as np
import pytest

from headgate.routing.evaluation import online
from headgate.routing.evaluation.evidence import EvidenceError
from headgate.routing.learning import arena, offpolicy
from headgate.routing.learning.offpolicy import Logged
from tests.routing.planted import of_pair, planted

RATES = np.array([0.4, 0.6, 0.8])


def test_ratings_find_the_strengths_that_made_the_choices() -> None:
    """With intervals that hold them, and narrower ones where more was chosen."""
    chance = np.random.default_rng(3)
    strengths = {"a": 4.0, "b": 2.0, "c": 1.0}
    duels = []
    for _ in range(900):
        one, other = chance.choice(list(strengths), 2, replace=False)
        wins = chance.random() < strengths[one] / (strengths[one] + strengths[other])
        duels.append((str(one), str(other)) if wins else (str(other), str(one)))

    found = arena.ratings(duels)
    early = arena.ratings(duels[:60])

    assert [each.model for each in found] == ["a", "b", "c"]
    assert sum(each.games for each in found) == 2 * len(duels)
    assert sum(each.wins for each in found) == len(duels)
    apart = 400 * np.log10(2)
    assert found[0].rating - found[1].rating == pytest.approx(apart, abs=60)
    assert found[1].rating - found[2].rating == pytest.approx(apart, abs=60)
    by_name = {each.model: each for each in early}
    assert all(
        each.high - each.low < by_name[each.model].high - by_name[each.model].low for each in found
    )


def test_one_choice_makes_nobody_endlessly_strong() -> None:
    """Nor is a rating certain then."""
    (winner, loser) = arena.ratings([("a", "b")])

    assert winner.model == "a"
    assert winner.low < loser.high
    assert winner.rating - loser.rating < 400


def test_without_choices_there_is_no_rating() -> None:
    """And no error."""
    assert arena.ratings([]) == []


def _past(calls: int, exploring: float, target: int) -> Logged:
    """Return calls of a policy that takes the first model, except where chance explores."""
    chance = np.random.default_rng(11)
    explored = chance.random(calls) < exploring
    arm = np.where(explored, chance.integers(3, size=calls), 0)
    propensity = np.where(arm == 0, 1 - exploring + exploring / 3, exploring / 3)
    score = (chance.random(calls) < RATES[arm]).astype(np.float64)
    wrong = np.full(calls, 0.5)
    return Logged(score, propensity, (arm == target).astype(np.float64), wrong, wrong)


def test_another_policy_is_judged_by_the_calls_that_chance_sent_its_way() -> None:
    """Both estimators find the rate of a model the past policy hardly took."""
    found = offpolicy.check(_past(6_000, 0.2, target=2), seed=1)

    assert not found.is_thin
    assert found.logged.mean == pytest.approx(0.44, abs=0.03)
    for each in (found.snips, found.doubly_robust):
        assert each is not None
        assert each.low < RATES[2] < each.high
        assert each.low > found.logged.high


def test_without_overlap_nothing_is_claimed() -> None:
    """A policy that goes where nobody went cannot be judged."""
    none = offpolicy.check(_past(2_000, 0.0, target=2), seed=1)
    little = offpolicy.check(_past(500, 0.03, target=2), seed=1)

    assert (none.agreed, none.snips, none.doubly_robust, none.is_thin) == (0, None, None, True)
    assert little.is_thin
    assert offpolicy.check(_past(2_000, 0.2, target=2), 1) == offpolicy.check(
        _past(2_000, 0.2, target=2), 1
    )


@pytest.mark.slow
def test_what_the_chosen_model_shows_is_enough_to_tell_texts_apart() -> None:
    """Far beyond chance after 400 votes; with two models alone, and rows enough for a start."""
    evidence = of_pair(planted(700, 3))
    train, test = evidence.rows(np.arange(400)), evidence.rows(np.arange(400, 700))

    cold = online.simulate(train, test, 1, 0)
    warm = online.simulate(train, test, 1, 100)

    assert [mark.votes for mark in cold] == [0, 400]
    assert cold[0].pair.apgr == pytest.approx(0.5)
    assert cold[1].pair.apgr > 0.6
    assert warm[1].pair.apgr > 0.6
    assert online.mean_of([cold, cold]) == cold
    assert online.simulate(train, test, 1, 0) == cold


def test_learning_is_simulated_for_two_models_and_rows_enough_for_a_start() -> None:
    """Anything else is refused with its fix."""
    pair = of_pair(planted(60, 3))

    with pytest.raises(EvidenceError):
        online.simulate(pair, pair, 1, 20)
    with pytest.raises(EvidenceError):
        online.simulate(planted(60, 1), pair, 1, 0)
