"""Trying models by chance: replayed from the record, with the chance that is logged, in bounds."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.routing.candidate import Estimated, Quoted
from headgate.routing.learning.exploring import Belief, chance_best
from headgate.routing.policies.explore import COST, DRAW, PROPENSITY, SPENT
from headgate.routing.policies.registry import chosen, policies
from headgate.routing.settings import PolicySettings
from tests.routing.test_policies import deployment

KNOWN = policies()
DAY_NANOS = 1_000_000
TRYING = PolicySettings(
    "trying", "explore", {"share": 200_000, "usd_per_day": DAY_NANOS}, {"serve": "cheapest"}
)
POLICY = chosen("trying", {"trying": TRYING}, KNOWN)


def quoted(name: str, nanos: int | None, quality_ppm: int, n_milli: int) -> Quoted:
    """Return a candidate of which something is known."""
    estimate = Estimated(quality_ppm=quality_ppm, n_milli=n_milli)
    return Quoted(deployment(name), nanos, 0, estimate=estimate)


CANDIDATES = (
    quoted("cheap", 100, 700_000, 80_000),
    quoted("maybe", 300, 650_000, 4_000),
    quoted("known", 400, 500_000, 400_000),
    quoted("dear", 2 * DAY_NANOS, 900_000, 1_000),
)


def test_each_is_tried_as_often_as_the_record_says() -> None:
    """Over 4,000 draws; and a call is replayed from its draw, bit for bit."""
    draws = range(4_000)
    firsts: Counter[str] = Counter()
    said: dict[str, float] = {}
    for draw in draws:
        inputs = {DRAW: draw, SPENT: 0}
        ranked = POLICY.rank(CANDIDATES, inputs)
        notes = POLICY.notes(ranked, inputs)
        firsts[ranked[0].deployment.id] += 1
        said[ranked[0].deployment.id] = float(notes[PROPENSITY]) / 1_000_000
        assert POLICY.rank(CANDIDATES[::-1], inputs) == ranked
        assert sorted(each.deployment.id for each in ranked) == ["cheap", "dear", "known", "maybe"]

    assert firsts["dear"] == 0
    assert firsts["maybe"] > 200
    for name, times in firsts.items():
        assert times / len(draws) == pytest.approx(said[name], abs=0.02)
    assert said["known"] < 0.001
    assert sum(said.values()) == pytest.approx(1.0, abs=0.01)


def test_without_a_draw_nothing_is_tried_and_nothing_is_noted() -> None:
    """So chance does not touch what it may not touch."""
    for inputs in ({}, {SPENT: 0}):
        assert POLICY.rank(CANDIDATES, inputs)[0].deployment.id == "cheap"
        assert POLICY.notes(CANDIDATES, inputs) == {}


@given(
    draw=st.integers(0, 2**32 - 1),
    spent=st.integers(0, 2 * DAY_NANOS),
    costs=st.lists(st.none() | st.integers(0, 2 * DAY_NANOS), min_size=1, max_size=5),
)
def test_trying_never_costs_more_than_is_left_today(
    draw: int, spent: int, costs: list[int | None]
) -> None:
    """Beyond what the other policy would have cost."""
    candidates = [quoted(f"d{number}", cost, 500_000, 1_000) for number, cost in enumerate(costs)]
    inputs = {DRAW: draw, SPENT: spent}

    ranked = POLICY.rank(candidates, inputs)
    usual = KNOWN["cheapest"].rank(candidates, POLICY.settings, {})

    more = ranked[0].net_nanos - usual[0].net_nanos
    assert more <= max(0, DAY_NANOS - spent)
    notes = POLICY.notes(ranked, inputs)
    assert notes.get(COST, 0) == max(0, more)
    assert 0 < int(notes.get(PROPENSITY, 1)) <= 1_000_000


def test_the_chance_to_be_best_is_what_the_normal_distribution_says() -> None:
    """A half against one's like, and nearly nothing against one that is surely better."""
    even = Belief(0.0, 1.0)

    assert chance_best(even, [even]) == pytest.approx(0.5, abs=1e-3)
    assert chance_best(even, [even, even]) == pytest.approx(1 / 3, abs=1e-3)
    assert chance_best(even, [Belief(9.0, 0.1)]) < 1e-4
    assert chance_best(even, []) == pytest.approx(1.0, abs=1e-3)
