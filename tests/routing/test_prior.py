"""The shipped prior, and what is known of models from it and from outcomes."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.routing.learning.outcomes import UNPLACED, Cell, Outcomes
from headgate.routing.quality.fit_prior import Judged, fit
from headgate.routing.quality.load_prior import load_prior
from headgate.routing.quality.prior import FittedPrior, PriorError, from_json
from headgate.routing.quality.standing import NOTHING_READ, Prior, Standing


def seen(rate: float, n: float) -> Outcomes:
    """Return outcomes of two models of which so many votes are told, and so many are good."""
    cell = Cell(n, rate * n, 0.0, n)
    models = {"gpt-4o": cell, "any": cell}
    return Outcomes(1, models, {(model, UNPLACED): cell for model in models})


@pytest.fixture(scope="module")
def shipped() -> Prior:
    """The prior that comes with the package."""
    prior = load_prior()
    assert prior is not None
    return prior


def planted() -> FittedPrior:
    """Return a prior of two sets with one model in common: sums are easy, `poet` rhymes."""
    chance = np.random.default_rng(1)
    sums = tuple(f"add the numbers {n} and {n + 1}" for n in range(60))
    poems = tuple(f"write a verse about rivers and moons {n}" for n in range(60))
    high = (chance.random(60) < 0.9).astype(np.float64)
    low = (chance.random(60) < 0.2).astype(np.float64)
    both = np.concatenate([high, low])
    return fit(
        [
            Judged((*sums, *poems), {"clerk": both, "poet": both[::-1]}),
            Judged(sums, {"clerk": high}),
        ],
        seed=1,
    )


def test_a_prior_learns_who_is_good_at_what() -> None:
    """Of two models each is better at its own kind of text, and its file says the same."""
    prior = planted()
    read = from_json(json.loads(json.dumps(prior.to_json())))

    for one in (prior, read):
        adding = Standing(one).quality(one.read("add the numbers 7 and 9"), ["clerk", "poet"])
        verse = Standing(one).quality(one.read("write a verse about rivers"), ["clerk", "poet"])
        assert adding["clerk"].quality_ppm > adding["poet"].quality_ppm + 200_000
        assert verse["poet"].quality_ppm > verse["clerk"].quality_ppm + 200_000


def test_a_damaged_prior_is_refused() -> None:
    """Another version, a missing part, a table that is too short."""
    document = planted().to_json()
    for damage in ({"format": 0}, {"centres": None}, {"directions": document["centres"]}):
        with pytest.raises(PriorError):
            from_json(document | damage)


def test_the_shipped_prior_is_small_and_orders_what_it_knows(shipped: Prior) -> None:
    """Stronger models are expected to do better on a hard question, with intervals that overlap."""
    standing = Standing(shipped)
    models = ["gpt-4o", "google/gemma-2-2b-it", "a-model-of-tomorrow"]
    text = "Compute the eigenvalues of the matrix [[2, 1], [1, 2]]. (A) 1 and 3 (B) 0 and 2"

    strong, weak, new = standing.quality(standing.read(text), models).values()

    assert strong.quality_ppm > weak.quality_ppm + 150_000
    assert strong.n_milli == 10_000
    assert new.n_milli == 0
    assert new.low_ppm < 50_000
    assert new.high_ppm > 900_000


def test_nothing_known_is_said_with_no_confidence() -> None:
    """Without prior and outcomes: even odds, n = 0, and an interval from 2 to 98 %."""
    (quality,) = Standing().quality(NOTHING_READ, ["any"]).values()

    assert quality.quality_ppm == 500_000
    assert (quality.n_milli, quality.terms) == (0, ())
    assert (quality.low_ppm, quality.high_ppm) == (19_455, 980_545)


def test_outcomes_win_in_the_end(shipped: Prior) -> None:
    """Ten outcomes weigh as much as the prior, a thousand far more; the term says how much."""
    prior = Standing(shipped).quality(shipped.read("hello"), ["gpt-4o"])["gpt-4o"]
    few, many = (
        Standing(shipped, seen(0.119, n)).quality(shipped.read("hello"), ["gpt-4o"])["gpt-4o"]
        for n in (10.0, 1_000.0)
    )

    assert prior.quality_ppm > few.quality_ppm > many.quality_ppm
    assert abs(many.quality_ppm - 119_000) < 10_000
    assert many.n_milli == 1_010_000
    assert dict(many.terms)["learned"] < dict(few.terms)["learned"] < 0


@given(rate=st.floats(0, 1), n=st.floats(0, 10**9))
def test_an_estimate_is_always_within_its_interval(rate: float, n: float) -> None:
    """Whatever outcomes say, also where all of them say the same."""
    (told,) = Standing(None, seen(rate, n)).quality(NOTHING_READ, ["any"]).values()

    assert 0 <= told.low_ppm <= told.quality_ppm <= told.high_ppm <= 1_000_000
