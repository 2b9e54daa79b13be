"""The measures, by hand, by brute force, and by what must hold whatever the numbers."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.routing.evaluation.metrics import (
    Spot,
    aiq,
    ece,
    hull,
    pair,
    paired_interval,
    reliability,
)

SCORES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=7
)
SPOTS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda two: Spot(*map(float, two))),
    min_size=1,
    max_size=12,
)


def test_apgr_of_four_texts_by_hand() -> None:
    """Only the first of four texts needs the strong model: 1 of 1 recovered from a quarter on."""
    found = pair(np.array([4.0, 3, 2, 1]), np.array([0.0, 1, 1, 1]), np.ones(4))

    # Recovered shares 0, 1, 1, 1, 1 at 0, 25, 50, 75, 100 % strong calls; trapezoids of 1/4.
    assert found.apgr == pytest.approx((0.5 + 1 + 1 + 1) / 4)
    assert (found.cpt50, found.cpt80) == (25.0, 25.0)


def test_a_router_that_prefers_the_wrong_texts_is_worse_than_chance() -> None:
    """The same four texts, ordered the other way round."""
    found = pair(np.array([1.0, 2, 3, 4]), np.array([0.0, 1, 1, 1]), np.ones(4))

    assert found.apgr == pytest.approx(0.5 / 4)
    assert (found.cpt50, found.cpt80) == (100.0, 100.0)


@given(rows=SCORES)
def test_apgr_is_the_mean_over_all_orders_of_equals(rows: list[tuple[int, int, int]]) -> None:
    """Brute force: average the area over every order that the preferences allow."""
    preference, weak, strong = (np.array(column, float) for column in zip(*rows, strict=True))
    gain = strong - weak
    found = pair(preference, weak, strong)

    if gain.sum() == 0:
        assert np.isnan(found.apgr)
        return
    areas = []
    for order in itertools.permutations(range(len(rows))):
        ranks = [preference[one] for one in order]
        if ranks != sorted(ranks, reverse=True):
            continue
        recovered = [sum(gain[one] for one in order[:k]) for k in range(len(rows) + 1)]
        steps = itertools.pairwise(recovered)
        areas.append(sum((a + b) / 2 for a, b in steps) / len(rows) / gain.sum())
    assert found.apgr == pytest.approx(sum(areas) / len(areas))


def test_one_preference_for_all_is_chance() -> None:
    """Who cannot tell texts apart has an APGR of one half, in whatever order they lie."""
    weak = np.array([1.0, 0, 0, 1, 0])

    assert pair(np.zeros(5), weak, np.ones(5)).apgr == pytest.approx(0.5)


@given(spots=SPOTS)
def test_a_hull_is_over_every_spot_and_bends_one_way(spots: list[Spot]) -> None:
    """Nothing single beats it, costs and quality rise, and each dollar buys less than before."""
    edge = hull(spots)
    costs, heights = [one.cost for one in edge], [one.quality for one in edge]

    for spot in spots:
        assert spot.cost >= costs[0]
        assert spot.quality <= np.interp(spot.cost, costs, heights) + 1e-9
    assert set(edge) <= set(spots)
    slopes = [(b.quality - a.quality) / (b.cost - a.cost) for a, b in itertools.pairwise(edge)]
    assert all(slope > 0 for slope in slopes)
    assert slopes == sorted(slopes, reverse=True)


def test_aiq_by_hand() -> None:
    """From 0.4 at 1 straight to 0.8 at 3, then level until 5."""
    spots = [Spot(1, 0.4), Spot(3, 0.8), Spot(5, 0.7), Spot(2, 0.1)]

    assert aiq(spots, 1, 5) == pytest.approx((0.6 * 2 + 0.8 * 2) / 4)
    assert aiq([Spot(3, 0.8)], 1, 5) == pytest.approx(0.8 / 2)
    assert np.isnan(aiq(spots, 1, 1))


@given(spots=SPOTS)
def test_aiq_is_the_mean_height_on_a_fine_grid(spots: list[Spot]) -> None:
    """An independent sum over many small steps comes to the same."""
    edge = hull(spots)
    grid = (np.arange(20_000) + 0.5) / 20_000 * 20
    heights = np.interp(grid, [one.cost for one in edge], [one.quality for one in edge])

    assert aiq(spots, 0, 20) == pytest.approx(
        np.where(grid < edge[0].cost, 0, heights).mean(), abs=2e-3
    )


def test_ece_by_hand() -> None:
    """Three estimates of 0.9, two right; one of 0.1, wrong: (3 x |0.9 - 2/3| + 0.1) / 4."""
    estimated, came = np.array([0.9, 0.9, 0.9, 0.1]), np.array([1.0, 1, 0, 0])

    assert ece(estimated, came) == pytest.approx((3 * (0.9 - 2 / 3) + 0.1) / 4)
    assert [one.n for one in reliability(estimated, came)] == [1, 3]


def test_an_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Of samples of a known mean about 95 in 100 have it inside; the same seed, the same ends."""
    chance = np.random.default_rng(5)
    samples = chance.normal(0.3, 1.0, size=(200, 100))
    found = [paired_interval(one, 7) for one in samples]

    assert 180 <= sum(one.low <= 0.3 <= one.high for one in found) <= 199
    assert paired_interval(samples[0], 7) == found[0]
    assert paired_interval(np.full(9, 0.25), 7) == (found[0].__class__)(0.25, 0.25, 0.25)
