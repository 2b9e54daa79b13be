"""Policies that go by more than prices, on real calls: measured here, decided, written down."""

import msgspec

from headgate.records.journal import DecisionRecord
from headgate.routing.deciding import chosen_of, decided_again, placed
from headgate.routing.policies.registry import policies
from headgate.simulator import Simulator
from tests.gateway.calls import ask, chat
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway

MORE = """
[policies.floor]
kind = "quality_floor"
floor = "0.9"
[policies.trial]
kind = "shadow"
serve = "ordered"
shadow = "floor"
[policies.split]
kind = "ab"
arms = { ordered = 1, cheapest = 1 }
[routes.floored]
deployments = ["big", "mini", "haiku"]
policy = "floor"
translated = "mixed"
[routes.tried]
deployments = ["big", "mini"]
policy = "trial"
[routes.split]
deployments = ["big", "mini"]
policy = "split"
[routes.quick]
deployments = ["big", "mini"]
policy = "fastest"
"""


def decisions(gateway: Gateway, asked: str) -> list[DecisionRecord]:
    """Return what was decided for a name."""
    records = gateway.records()
    return [each for each in records if isinstance(each, DecisionRecord) and each.asked == asked]


def test_decisions_of_policies_stand_in_the_journal(start: Start, simulator: Simulator) -> None:
    """Estimates, settings, arms and shadows are recorded, never the text; each is made again."""
    gateway = start(more=MORE)
    sessions = [("x-headgate-session", f"s{number}") for number in range(8)]
    for _ in range(2):
        for header in sessions:
            assert ask(gateway, chat(model="split"), headers=[header]).status == 200
    for name in ("floored", "tried"):
        assert ask(gateway, chat("a secret word", model=name)).status == 200
    assert ask(gateway, chat(model="quick", stream=True)).status == 200

    (floored,), (tried,) = decisions(gateway, "floored"), decisions(gateway, "tried")
    split = decisions(gateway, "split")
    (quick,) = decisions(gateway, "quick")
    known = policies()
    for record in (floored, tried, *split, quick):
        policy = chosen_of(record, known)
        assert policy is not None
        assert decided_again(record, policy) == placed(record)
    estimates = [each.estimate for each in floored.candidates]
    assert [each.n_milli for each in estimates if each is not None] == [0, 0, 0]
    assert floored.settings is not None
    assert floored.settings.values == {"floor": 900_000}
    assert tried.notes.keys() == {"trial"}
    assert tried.candidates[0].deployment == "big"
    # Calls of one arm share a decision, so there is one for each.
    assert {record.notes["split"] for record in split} == {"ordered", "cheapest"}
    assert len(split) == 2
    assert b"secret word" not in msgspec.json.encode(gateway.records())


def test_what_was_measured_is_in_the_next_estimate(start: Start, simulator: Simulator) -> None:
    """After a streamed answer and one that was not, pace is known; lengths only after many."""
    gateway = start(more=MORE)
    assert ask(gateway, chat(model="floored")).status == 200
    assert ask(gateway, chat(model="floored", stream=True)).status == 200
    assert ask(gateway, chat(model="floored")).status == 200

    first, *_, last = decisions(gateway, "floored")

    served = first.candidates[0].deployment
    before = {each.deployment: each.estimate for each in first.candidates}[served]
    after = {each.deployment: each.estimate for each in last.candidates}[served]
    assert before is not None
    assert after is not None
    assert (before.ttft_ms, before.tokens_per_s_milli) == (None, None)
    assert after.ttft_ms is not None
    assert after.tokens_per_s_milli is not None
    assert after.output_tokens == 0
