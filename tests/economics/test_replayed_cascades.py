"""Replays of cascades and by cascades: which attempts are one call, and what steps come to."""

import pytest
from msgspec import structs

from headgate.economics.replays.answered import answered
from headgate.economics.replays.report import latency_ms, quality
from headgate.routing.policies import cascade
from tests.economics.test_replays import CHEAPEST, ORDERED, call, record, replayed, world
from tests.economics.test_whatif_routed import cascaded, verifiable


def test_a_cascades_attempts_are_one_call() -> None:
    """What was asked on the way was paid, and falls away where one alone would have answered."""
    made = structs.replace(record(), notes={cascade.CHAIN: "mini -> gpt"})
    mini = call(made)._replace(attempt="a.1", deployment="mini", posted_nanos=900, final=False)
    calls = [mini, call(made)._replace(attempt="a.2")]

    dear, cheap = (replayed(calls, world(policy)) for policy in (ORDERED, CHEAPEST))

    assert (dear.every.calls, dear.attempts) == (1, 2)
    assert (dear.every.was_nanos, dear.every.would_nanos) == (12_500_900, 12_500_000)
    assert (dear.every.moved, dear.unpriced, dear.cold_nanos) == (1, 0, 0)
    # What the first one cost is known, for it was asked.
    assert (cheap.every.moved, cheap.every.would_nanos) == (0, 900)
    assert latency_ms(dear.places, there=False) == 80
    assert latency_ms(dear.places, there=True) == 40


@pytest.mark.parametrize("winner", ["a.1", "a.2"])
@pytest.mark.parametrize("last", ["a.1", "a.2"])
def test_of_a_hedged_call_only_the_answer_counts(winner: str, last: str) -> None:
    """Whichever ended last: what lost was asked by no policy, and is no call of its own."""
    made = [
        call(record())._replace(attempt=name, lost=name != winner, final=name == last)
        for name in ("a.1", "a.2")
    ]
    after = call(record())._replace(attempt="b.1")

    found = list(answered([*made, after]))

    assert sorted(each.answer.attempt for each in found) == [winner, "b.1"]
    assert all(not each.others for each in found)


def test_by_a_cascade_a_call_costs_its_steps_and_their_checks() -> None:
    """Each step by the chance that it is asked; its quality is what the formula expects."""
    found = replayed([call(verifiable())], world(cascaded()))

    asked_on = found.places["gpt"].would_ppm
    assert asked_on == 180_000
    cold = 10_000 * 750 + 100 * 4_500
    assert found.places["mini"].would_ppm == 1_000_000
    assert found.every.would_nanos == cold + 12_500_000 * asked_on // 1_000_000 + 1_000
    assert found.places["mini -> gpt"].would == 1
    reached = quality(found.places, there=True)
    assert reached is not None
    # From 0.922, as uncertain as each step is, to 1: the interval is told as its half width.
    assert (reached.value, reached.low) == pytest.approx((0.972, 0.972 - 0.078 / 2))
