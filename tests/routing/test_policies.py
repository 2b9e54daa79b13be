"""The contract of routing policies, over every file in the folder; and `cheapest`, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.settings import Deployment
from headgate.routing.candidate import Outcome, Quoted
from headgate.routing.policies.registry import Policy, policies

POLICIES = policies()


def deployment(name: str) -> Deployment:
    """Return a deployment of which only the name matters."""
    return Deployment(name, "p", "m", "p", "m", 1000, 100, 100)


QUOTED = st.lists(
    st.builds(
        Quoted,
        deployment=st.from_regex("[a-z]{1,3}", fullmatch=True).map(deployment),
        expected_nanos=st.none() | st.integers(0, 10**12),
    ),
    unique_by=lambda quoted: quoted.deployment.id,
    max_size=6,
)


@given(candidates=QUOTED)
def test_a_ranking_keeps_every_candidate_and_is_repeatable(candidates: list[Quoted]) -> None:
    """Nobody is lost or doubled, and the order of the configuration decides nothing."""
    for each in POLICIES.values():
        ranked = each.rank(candidates)

        assert sorted(ranked, key=repr) == sorted(candidates, key=repr)
        assert each.rank(candidates[::-1]) == ranked


@given(candidates=QUOTED, outcomes=st.lists(st.sampled_from(Outcome), min_size=8, max_size=8))
def test_a_plan_ends_and_tries_nobody_twice(
    candidates: list[Quoted], outcomes: list[Outcome]
) -> None:
    """Whatever the outcomes are, a plan comes to its end, at the first final one at the latest."""
    for each in POLICIES.values():
        plan = each.plan(each.rank(candidates))
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

    ranked = POLICIES["cheapest"].rank([blank, dear, cheap, twin])

    assert ranked == (twin, cheap, dear, blank)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
@pytest.mark.parametrize("outcome", [Outcome.SERVED, Outcome.FATAL])
def test_a_final_outcome_ends_the_plan(policy: Policy, outcome: Outcome) -> None:
    """A served call is not sent again, and a bad request is not tried elsewhere."""
    ranked = policy.rank([Quoted(deployment("one"), 1), Quoted(deployment("two"), 2)])
    plan = policy.plan(ranked)
    next(plan)

    with pytest.raises(StopIteration):
        plan.send(outcome)
