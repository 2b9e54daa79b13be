"""The contract of routing policies, over every file in the folder; and `cheapest`, by hand."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.settings import Deployment
from headgate.routing.candidate import Outcome, Quoted
from headgate.routing.policies.registry import Policy, chosen, policies, spread_of

POLICIES = {
    kind: each
    for kind, each in policies().items()
    if not any(one.required for one in each.SETTINGS)
}
"""Those that can be named without settings."""


def deployment(name: str) -> Deployment:
    """Return a deployment of which only the name matters."""
    return Deployment(name, "p", "m", "p", "m", 1000, 100, 100)


def ranked_by(kind: str, candidates: Sequence[Quoted]) -> tuple[Quoted, ...]:
    """Rank by a policy of which the configuration says nothing."""
    return chosen(kind, {}, POLICIES).rank(candidates)


QUOTED = st.lists(
    st.builds(
        Quoted,
        deployment=st.from_regex("[a-z]{1,3}", fullmatch=True).map(deployment),
        expected_nanos=st.none() | st.integers(0, 10**12),
        position=st.integers(0, 9),
        weight=st.integers(0, 5),
        warm_nanos=st.integers(0, 10**12),
    ),
    unique_by=lambda quoted: quoted.deployment.id,
    max_size=6,
)


@given(candidates=QUOTED)
def test_a_ranking_keeps_every_candidate_and_is_repeatable(candidates: list[Quoted]) -> None:
    """Nobody is lost or doubled, and the order of the configuration decides nothing."""
    for each in POLICIES.values():
        ranked = ranked_by(each.KIND, candidates)

        assert sorted(ranked, key=repr) == sorted(candidates, key=repr)
        assert ranked_by(each.KIND, candidates[::-1]) == ranked


@given(candidates=QUOTED, outcomes=st.lists(st.sampled_from(Outcome), min_size=8, max_size=8))
def test_a_plan_ends_and_tries_nobody_twice(
    candidates: list[Quoted], outcomes: list[Outcome]
) -> None:
    """Whatever the outcomes are, a plan comes to its end, at the first final one at the latest."""
    for each in POLICIES.values():
        plan = each.plan(ranked_by(each.KIND, candidates))
        first = next(plan, None)
        tried = [] if first is None else [first]
        for outcome in outcomes if tried else []:
            try:
                tried.append(plan.send(outcome))
            except StopIteration:
                break
            assert outcome is Outcome.RETRYABLE

        assert len({quoted.deployment.id for quoted in tried}) == len(tried)


def test_the_cheapest_goes_first_and_the_unpriced_last() -> None:
    """What has no price may cost anything, so it is the last resort; equal costs go by name."""
    dear, cheap, twin, blank = (
        Quoted(deployment("dear"), 900),
        Quoted(deployment("cheap"), 100),
        Quoted(deployment("also"), 100),
        Quoted(deployment("blank"), None),
    )

    ranked = ranked_by("cheapest", [blank, dear, cheap, twin])

    assert ranked == (twin, cheap, dear, blank)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
@pytest.mark.parametrize("outcome", [Outcome.SERVED, Outcome.FATAL])
def test_a_final_outcome_ends_the_plan(policy: Policy, outcome: Outcome) -> None:
    """A served call is not sent again, and a bad request is not tried elsewhere."""
    ranked = ranked_by(policy.KIND, [Quoted(deployment("one"), 1), Quoted(deployment("two"), 2)])
    plan = policy.plan(ranked)
    next(plan)

    with pytest.raises(StopIteration):
        plan.send(outcome)


def weighed(**weights: int) -> list[Quoted]:
    """Return candidates of these weights, in the order of the configuration."""
    return [
        Quoted(deployment(name), None, place, weight)
        for place, (name, weight) in enumerate(weights.items())
    ]


def test_ordered_goes_by_the_list() -> None:
    """What is dear or unpriced goes first when it is listed first."""
    listed = [
        Quoted(deployment("zoe"), None, 0),
        Quoted(deployment("dear"), 900, 1),
        Quoted(deployment("cheap"), 1, 2),
    ]

    assert ranked_by("ordered", listed[::-1]) == tuple(listed)


@given(
    weights=st.lists(st.integers(0, 9), min_size=1, max_size=5).filter(any),
    start=st.integers(0, 10**9),
    step=st.integers(1, 50),
)
def test_weights_are_shares_of_any_run_of_calls(weights: list[int], start: int, step: int) -> None:
    """From any call on, and for any alias's part of them, shares come out within a few calls."""
    policy = POLICIES["weighted"]
    spread = spread_of(policy)
    assert spread is not None
    ranked = ranked_by(
        policy.KIND, weighed(**{f"d{n}": weight for n, weight in enumerate(weights)})
    )
    calls = 400

    firsts = Counter(spread(ranked, start + step * turn)[0].deployment.id for turn in range(calls))

    for number, weight in enumerate(weights):
        wanted = calls * weight / sum(weights)
        assert abs(firsts[f"d{number}"] - wanted) <= calls * 0.1, (firsts, weights)


@given(weights=st.lists(st.integers(0, 9), max_size=5), turn=st.integers(0, 10**12))
def test_a_turn_puts_one_in_front_and_loses_nobody(weights: list[int], turn: int) -> None:
    """The rest follow in their order; whoever has no weight is never in front of who has."""
    policy = POLICIES["weighted"]
    spread = spread_of(policy)
    assert spread is not None
    ranked = ranked_by(
        policy.KIND, weighed(**{f"d{n}": weight for n, weight in enumerate(weights)})
    )

    turned = spread(ranked, turn)

    assert sorted(turned, key=repr) == sorted(ranked, key=repr)
    rest = [quoted for quoted in ranked if quoted != turned[0]] if turned else []
    assert list(turned[1:]) == rest
    if any(weights):
        assert turned[0].weight > 0
    else:
        assert turned == ranked


def test_policies_without_turns_give_every_call_the_same_order() -> None:
    """Only who spreads calls has an order of its own for each."""
    assert spread_of(POLICIES["cheapest"]) is None
    assert spread_of(POLICIES["ordered"]) is None


def test_a_session_stays_where_it_is_warm_while_that_is_cheaper() -> None:
    """`cheapest` takes off what a warm prefix saves, and no more than that."""
    policy = POLICIES["cheapest"]
    dear = Quoted(deployment("dear"), 900, warm_nanos=801)
    cheap = Quoted(deployment("cheap"), 100)
    blank = Quoted(deployment("blank"), None, warm_nanos=5_000)

    assert ranked_by(policy.KIND, [cheap, dear, blank]) == (dear, cheap, blank)
    assert ranked_by(policy.KIND, [cheap, dear._replace(warm_nanos=799)])[0] is cheap
    assert ranked_by("ordered", [cheap, dear])[0] is cheap


def test_weights_share_out_what_is_warm_nowhere() -> None:
    """A call that is warm somewhere goes there at any turn, unless its weight there is 0."""
    spread = spread_of(POLICIES["weighted"])
    assert spread is not None
    here, there = Quoted(deployment("a"), 5, 0, 3), Quoted(deployment("b"), 5, 1, 1)
    warm, idle = there._replace(warm_nanos=1), there._replace(warm_nanos=1, weight=0)

    assert {spread((here, warm), turn)[0] for turn in range(8)} == {warm}
    assert {spread((here, there), turn)[0] for turn in range(8)} == {here, there}
    assert {spread((here, idle), turn)[0] for turn in range(8)} == {here}
