"""Cascades and step caps: expectations by enumeration, and when none pays, none is used."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.routing.evaluation import cascades, sessions
from headgate.routing.evaluation.cascades import Cascade, StepCap, Verifier
from headgate.routing.evaluation.evidence import Evidence, EvidenceError
from tests.routing.planted import planted, tasks

SHARE = st.integers(0, 10).map(lambda tenths: tenths / 10)


def evidence(
    scores: list[list[float]], costs: list[list[float]], calls: list[list[float]]
) -> Evidence:
    """Return tasks with these evidence."""
    shape = np.array(scores)
    models = tuple("abc"[: shape.shape[1]])
    nothing = ("",) * len(shape)
    unknown = np.full(shape.shape, np.nan)
    return Evidence(
        models, nothing, shape, np.array(costs), unknown, np.array(calls, float), nothing
    )


@given(
    solved=st.lists(st.integers(0, 1), min_size=3, max_size=3),
    accepted=SHARE,
    fooled=SHARE,
)
def test_a_cascade_is_the_sum_over_all_that_the_verifier_may_say(
    solved: list[int], accepted: float, fooled: float
) -> None:
    """Enumerate its answers to the first two attempts; the third is taken as it is."""
    costs = [1.0, 3.0, 10.0]
    given_tasks = evidence([[float(one) for one in solved]], [costs], [[1, 1, 1]])
    reached = Cascade((0, 1, 2), Verifier(accepted, fooled)).expected(given_tasks)

    score = paid = 0.0
    for answers in itertools.product((True, False), repeat=2):
        chances = [accepted if one else fooled for one in solved[:2]]
        said = zip(answers, chances, strict=True)
        chance = float(np.prod([one if yes else 1 - one for yes, one in said]))
        stop = answers.index(True) if True in answers else 2
        score += chance * solved[stop]
        paid += chance * sum(costs[: stop + 1])

    assert reached.scores[0] == pytest.approx(score)
    assert reached.costs[0] == pytest.approx(paid)


def test_a_step_cap_pays_for_what_was_done_until_it_stopped() -> None:
    """Ten of forty calls cost a quarter, and then the dear model begins anew."""
    two = evidence([[1, 0], [1, 0]], [[4.0, 10.0], [1.0, 10.0]], [[40, 5], [8, 5]])

    reached = StepCap(0, 1, 10).expected(two)

    assert reached.scores.tolist() == [0, 1]
    assert reached.costs.tolist() == [11.0, 1.0]


def test_the_best_single_model_is_not_the_lucky_one() -> None:
    """Of models that cannot be told apart the cheapest is the reference."""
    scores = [[1.0, 1.0, 0.0]] * 50 + [[1.0, 0.0, 0.0]] * 2 + [[0.0, 1.0, 0.0]]
    seen = evidence(scores, [[9.0, 3.0, 1.0]] * 53, [[1, 1, 1]] * 53)

    assert seen.best_single() == 0
    assert cascades.best_single(seen) == 1


def test_a_good_verifier_makes_a_cascade_pay() -> None:
    """The cheap model is tried first, nothing is lost, and most of the cost is saved."""
    found = sessions.evaluate(tasks(600, 1), tasks(600, 2), Verifier(0.95, 0.05), 1)

    assert found.cascade.chosen == {"cheap -> dear": 1}
    assert found.cascade.point.saved_share > 0.3
    assert found.cascade.point.diff_ci_low_pp > -1.5
    assert found.best_single.model == "dear"
    assert found.zero_router.saved_share == pytest.approx(0, abs=1e-9)


def test_a_useless_verifier_is_noticed() -> None:
    """When it accepts everything alike, the best single model is used, at its cost."""
    found = sessions.evaluate(tasks(600, 1), None, Verifier(0.5, 0.5), 1)

    assert found.cascade.chosen == {"dear": 5}
    assert (found.cascade.point.diff_pp, found.cascade.point.saved_share) == (0, 0)


def test_quartiles_show_where_a_cheap_model_loses() -> None:
    """It holds on short tasks and fails on long ones; the quarters are the whole."""
    found = sessions.evaluate(tasks(600, 1), tasks(600, 2), Verifier(0.95, 0.05), 1)
    quarters = found.cheapest_model.quartiles

    assert sum(one.tasks for one in quarters) == 600
    assert quarters[0].point.diff_pp > -15
    assert quarters[3].point.diff_pp < -40
    assert all(a.calls_max < b.calls_min for a, b in itertools.pairwise(quarters))


def test_tasks_without_calls_have_neither_caps_nor_quartiles() -> None:
    """Scores and costs alone are enough for cascades."""
    found = sessions.evaluate(planted(200, 1), planted(200, 2), Verifier(0.95, 0.05), 1)

    assert found.cascade.quartiles == []
    assert list(found.step_cap.chosen) == [found.best_single.model]


def test_a_handful_of_tasks_is_refused() -> None:
    """Nothing can be chosen on thirty tasks."""
    with pytest.raises(EvidenceError, match="30 tasks"):
        sessions.evaluate(tasks(30, 1), None, Verifier(0.9, 0.1), 1)
