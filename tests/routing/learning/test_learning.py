"""Learning from votes: they fade, can be undone, come late, err, and warn of drift."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.routing.learning import state
from headgate.routing.learning.drift import BASELINE_MIN, Detector
from headgate.routing.learning.learner import Learner
from headgate.routing.learning.outcomes import (
    EMPTY,
    NOTHING,
    WHOLE,
    Cell,
    Outcomes,
    largest,
    log_odds,
)
from headgate.routing.learning.settings import DAY_NS, Learning
from headgate.routing.learning.tally import Tally
from headgate.routing.learning.votes import RELIABILITY, Agreement, Vote, reliability_of
from headgate.units.sealed import StateError

T0 = 1_790_000_000_000_000_000
SETTINGS = Learning()
PERFECT = dict.fromkeys(RELIABILITY, 1.0)


def vote(seq: int = 1, score: float = 1.0, **other: Any) -> Vote:
    """Return a vote on a call of now on `small` at `here`."""
    fixed = Vote(seq, T0, "here", "small", "tests", score)
    return fixed._replace(**other)


def tally_of(*votes: Vote) -> Tally:
    """Return the tally of some votes with the usual half-life."""
    tally = Tally(SETTINGS.half_life_ns, T0)
    for each in votes:
        tally.add(each)
    return tally


VOTES = st.builds(
    vote,
    score=st.floats(0, 1),
    call_ns=st.integers(T0 - 90 * DAY_NS, T0 + 90 * DAY_NS),
    model=st.sampled_from(["small", "large"]),
    source=st.sampled_from(sorted(RELIABILITY)),
    expected=st.none() | st.floats(0.1, 0.9),
    shares=st.sampled_from([(), ((0, 1.0),), ((1, 0.25), (2, 0.75))]),
)


def test_of_a_model_without_votes_nothing_is_said() -> None:
    """The estimates stand alone."""
    assert NOTHING.term("small", largest([0.5, 0.5]), 1.0) == (0.0, 0.0)


@given(expected=st.floats(0.05, 0.95), votes=st.integers(1, 40))
def test_votes_that_say_what_was_expected_change_nothing(expected: float, votes: int) -> None:
    """Whatever else the estimate knows of a text is kept."""
    told = [vote(score=expected, expected=expected, shares=((1, 1.0),))] * votes
    outcomes = tally_of(*told).outcomes(T0, PERFECT, 1)

    for shares in (largest([1.0]), largest([0.3, 0.7])):
        added, _ = outcomes.term("small", shares, 2.0)
        assert added == pytest.approx(0.0, abs=1e-6)


def test_votes_without_an_estimate_are_taken_for_votes_on_such_texts() -> None:
    """So they move an estimate to the rate they say, not beyond it."""
    told = [vote(score=float(i % 10 < 8)) for i in range(1_000)]
    outcomes = tally_of(*told).outcomes(T0, PERFECT, 1)

    for expected in (-1.0, 0.0, 1.4):
        added, n = outcomes.term("small", (), expected)
        assert expected + added == pytest.approx(log_odds(0.8), abs=0.06)
        assert n == pytest.approx(1_000)


def test_a_cluster_speaks_for_its_texts_and_the_model_for_the_rest() -> None:
    """Bad votes in one cluster weigh there; elsewhere only their share in the model's."""
    told = [vote(score=0.0, shares=((0, 1.0),)) for _ in range(50)]
    told += [vote(score=1.0, shares=((1, 1.0),)) for _ in range(50)]
    outcomes = tally_of(*told).outcomes(T0, PERFECT, 100)

    bad, n = outcomes.term("small", largest([1.0, 0.0, 0.0]), 0.0)
    good, _ = outcomes.term("small", largest([0.0, 1.0, 0.0]), 0.0)
    unseen, n_unseen = outcomes.term("small", largest([0.0, 0.0, 1.0]), 0.0)
    whole, n_whole = outcomes.term("small", largest([1.0]), 0.0)

    assert bad < unseen < good
    assert unseen == pytest.approx(whole)
    assert (n_unseen, n, n_whole) == pytest.approx((10.0, 60.0, 100.0))


@given(told=st.lists(VOTES, max_size=12), order=st.randoms(use_true_random=False))
def test_votes_count_the_same_in_any_order(told: list[Vote], order: random.Random) -> None:
    """A late vote counts where its call belongs."""
    shuffled = list(told)
    order.shuffle(shuffled)

    assert _close(
        tally_of(*told).outcomes(T0, RELIABILITY, 1),
        tally_of(*shuffled).outcomes(T0, RELIABILITY, 1),
    )


@given(told=st.lists(VOTES, max_size=8), undone=VOTES)
def test_a_vote_that_is_taken_back_leaves_nothing(told: list[Vote], undone: Vote) -> None:
    """Whoever changes their mind counts once."""
    tally = tally_of(*told, undone)
    tally.add(undone, -1.0)

    kept = tally.outcomes(T0, RELIABILITY, 1)

    assert _close(kept, tally_of(*told).outcomes(T0, RELIABILITY, 1))


def _close(one: Outcomes, other: Outcomes) -> bool:
    mine, yours = _cells(one), _cells(other)
    return all(
        abs(a - b) < 1e-6
        for key in {*mine, *yours}
        for a, b in zip(mine.get(key, EMPTY), yours.get(key, EMPTY), strict=True)
    )


def _cells(outcomes: Outcomes) -> dict[object, Cell]:
    cells: dict[object, Cell] = dict(outcomes.models.items())
    cells.update(outcomes.clusters.items())
    return cells


def test_a_vote_counts_half_after_its_half_life() -> None:
    """And the anchor may move without a difference."""
    tally = tally_of(vote(), vote(score=0.0))
    later = T0 + SETTINGS.half_life_ns

    before = tally.outcomes(later, PERFECT, 2).models["small"]
    tally.move_anchor(later)

    assert before.n == pytest.approx(1.0)
    assert tally.outcomes(later, PERFECT, 2).models["small"] == pytest.approx(before)


def test_a_source_that_errs_is_corrected_and_weighs_less() -> None:
    """Of 1,000 calls 700 are good; a source that errs in a quarter says so of 600 of them."""
    told = [vote(score=float(i < 600), source="user") for i in range(1_000)]

    cell = tally_of(*told).outcomes(T0, {**RELIABILITY, "user": 0.75}, 1).models["small"]

    assert cell.good / cell.n == pytest.approx(0.7)
    assert cell.n == pytest.approx(250.0)
    assert "small" not in tally_of(*told).outcomes(T0, {**RELIABILITY, "user": 0.5}, 1).models


def test_reliability_is_learned_from_calls_that_two_judged() -> None:
    """A judge that agrees with tests as often as a coin is believed less and less."""
    settings = Learning()
    learner = Learner(Tally(settings.half_life_ns, T0), settings.order)
    for number in range(400):
        told = vote(number, float(number % 2), source="judge", beside=(("tests", 1.0),))
        learner.hear(told, None, settings)

    assert learner.reliability(settings)["judge"] < 0.55
    assert learner.reliability(settings)["tests"] == RELIABILITY["tests"]
    assert reliability_of(0.8, Agreement()) == pytest.approx(0.8)


def test_a_changed_mind_counts_once() -> None:
    """The earlier word is undone."""
    learner = Learner(Tally(SETTINGS.half_life_ns, T0), SETTINGS.order)
    learner.hear(vote(1, 0.0), None, SETTINGS)

    learner.hear(vote(2, 1.0), vote(1, 0.0), SETTINGS)

    cell = learner.outcomes(T0, SETTINGS).models["small"]
    once = Learner(Tally(SETTINGS.half_life_ns, T0), SETTINGS.order)
    once.hear(vote(2, 1.0), None, SETTINGS)
    assert cell == pytest.approx(once.outcomes(T0, SETTINGS).models["small"])


@given(
    words=st.lists(
        st.tuples(st.sampled_from(sorted(RELIABILITY)), st.sampled_from([0.0, 0.5, 1.0])),
        min_size=1,
        max_size=12,
    )
)
def test_a_thing_counts_once_however_many_sources_speak_of_it(
    words: list[tuple[str, float]],
) -> None:
    """In any order, with changes of mind: what the most reliable of them said last is what counts.

    So nobody makes more of a call by speaking as five.
    """
    learner = Learner(Tally(SETTINGS.half_life_ns, T0), SETTINGS.order)
    latest: dict[str, Vote] = {}
    for number, (source, score) in enumerate(words):
        told = vote(number, score, source=source)
        others = tuple(each for of, each in latest.items() if of != source)
        learner.hear(told, latest.get(source), SETTINGS, others)
        latest[source] = told

    best = max(latest, key=lambda source: (RELIABILITY[source], source))
    counted = learner.tally.cells
    once = tally_of(latest[best]).cells
    assert {key for key, cell in counted.items() if cell.n > 1e-9} == set(once)
    for key, cell in once.items():
        assert counted[key] == pytest.approx(cell)


def _alarm_after(rate: float, change: float, votes: int, chance: random.Random) -> int | None:
    """Return after how many votes at the new rate the alarm came, None for none."""
    detector = Detector()
    for _ in range(BASELINE_MIN + 300):
        detector.hear(float(chance.random() < rate), 0.0)
    for number in range(1, votes + 1):
        if detector.hear(float(chance.random() < rate - change), 0.0):
            return number
    return None


@pytest.mark.parametrize("rate", [0.9, 0.75, 0.5])
def test_a_drop_of_twenty_points_shows_within_200_votes(rate: float) -> None:
    """In at least 9 of 10 simulated courses, and 1,000 votes without a drop seldom warn."""
    chance = random.Random(7)
    courses = 60

    found = [_alarm_after(rate, 0.2, 200, chance) for _ in range(courses)]
    false = [_alarm_after(rate, 0.0, 1_000, chance) for _ in range(courses)]

    assert sum(after is not None for after in found) >= 0.9 * courses
    assert sum(after is not None for after in false) <= 0.1 * courses


def test_after_an_alarm_old_votes_count_little() -> None:
    """What the model was no longer stands for what it is."""
    learner = Learner(Tally(SETTINGS.half_life_ns, T0), SETTINGS.order)
    chance, drift, votes = random.Random(3), None, 0
    for votes in range(2_000):
        good = chance.random() < (0.8 if votes < 1_000 else 0.4)
        drift = learner.hear(vote(votes, float(good)), None, SETTINGS)
        if drift is not None:
            break

    assert drift is not None
    assert drift[:3] == ("here", "small", "tests")
    assert 1_000 < votes < 1_200
    assert drift.now < drift.usual - 0.1
    assert learner.outcomes(T0, SETTINGS).models["small"].n < 150


def test_what_was_learned_survives_as_text() -> None:
    """Of a learner, and of what workers are told."""
    learner = Learner(Tally(SETTINGS.half_life_ns, T0), SETTINGS.order)
    for number in range(1, 9):
        told = vote(number, 1.0, shares=((3, 0.5), (4, 0.5)), beside=(("command", 0.0),))
        learner.hear(told, None, SETTINGS)
    outcomes = learner.outcomes(T0, SETTINGS)

    assert state.read_learner(state.learner_text(learner)) == learner
    assert state.read_outcomes(state.outcomes_text(outcomes)) == outcomes


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("headgate-learner 3", "headgate-learner 4"),
        lambda text: text[:-20],
        lambda text: text.replace("small", "smell"),
        lambda _text: "",
        lambda _text: "\x00\udcff{",
        lambda _text: state.outcomes_text(NOTHING),
    ],
)
def test_a_state_of_another_version_or_damaged_is_refused(spoil: Callable[[str], str]) -> None:
    """Whole: half of it would be worse than nothing."""
    learner = Learner(Tally(SETTINGS.half_life_ns, T0), SETTINGS.order)
    learner.hear(vote(), None, SETTINGS)

    with pytest.raises(StateError):
        state.read_learner(spoil(state.learner_text(learner)))


def test_standing_says_how_many_probes_until_a_model_is_trusted() -> None:
    """About a hundred and fifty for a rate near 0.7; the interval shrinks with them."""
    few = tally_of(*[vote(score=float(i % 10 < 7)) for i in range(20)])
    many = tally_of(*[vote(score=float(i % 10 < 7)) for i in range(400)])

    early = few.outcomes(T0, PERFECT, 1).standing("small")
    late = many.outcomes(T0, PERFECT, 1).standing("small")

    assert 100 < early.probes < 200
    assert late.probes == 0
    assert late.low < 0.7 < late.high
    assert late.high - late.low < early.high - early.low
    assert log_odds(0.5) == 0.0


def test_cells_are_bounded_and_the_weakest_make_room() -> None:
    """What is known of a model as a whole stays as long as anything else can go."""
    tally = Tally(SETTINGS.half_life_ns, T0, cells_max=4)
    told = [vote(shares=((0, 0.9), (1, 0.1))), vote(shares=((2, 0.5),)), vote(model="large")]

    for each in told:
        tally.add(each)

    assert len(tally.cells) == 4
    assert ("small", WHOLE, "tests") in tally.cells
    assert ("large", WHOLE, "tests") in tally.cells
    assert ("small", 1, "tests") not in tally.cells
