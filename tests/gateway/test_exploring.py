"""Trying models on real calls: who is spared, what it costs, and that each decision is repeated."""

from headgate.records.journal import DecisionRecord
from headgate.routing.deciding import chosen_of, decided_again, placed
from headgate.routing.policies.explore import COST, DRAW, PROPENSITY, SPENT
from headgate.routing.policies.registry import policies
from headgate.simulator import Simulator
from tests.gateway.calls import ask, chat
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway

MORE = """
[policies.try]
kind = "explore"
serve = "cheapest"
share = "1"
usd_per_day = "1.00"
[policies.thrifty]
kind = "explore"
serve = "cheapest"
share = "1"
usd_per_day = "0"
[routes.try]
deployments = ["big", "mini"]
policy = "try"
[routes.thrifty]
deployments = ["big", "mini"]
policy = "thrifty"
[data_classes.secret]
[requirements.kept]
data_classes = ["secret"]
providers = ["openai"]
"""


def decisions(gateway: Gateway, asked: str) -> list[DecisionRecord]:
    """Return what was decided for a name."""
    records = gateway.records()
    return [each for each in records if isinstance(each, DecisionRecord) and each.asked == asked]


def test_calls_try_models_within_bounds(start: Start, simulator: Simulator) -> None:
    """The draw, its chance and its cost are written down; whom chance may not touch has none."""
    gateway = start(more=MORE)
    for _ in range(24):
        assert ask(gateway, chat(model="try")).status == 200
    for _ in range(6):
        assert ask(gateway, chat(model="thrifty")).status == 200
    assert (
        ask(gateway, chat(model="try"), headers=[("x-headgate-data-class", "secret")]).status == 200
    )
    assert ask(gateway, chat(model="big")).status == 200

    *tried, last = decisions(gateway, "try")
    thrifty = decisions(gateway, "thrifty")

    firsts = {record.candidates[0].deployment for record in tried}
    assert firsts == {"big", "mini"}
    cost = 0
    for record in tried:
        policy = chosen_of(record, policies())
        assert policy is not None
        assert decided_again(record, policy) == placed(record)
        assert 0 < int(record.notes[PROPENSITY]) < 1_000_000
        assert record.inputs[SPENT] == cost
        cost += int(record.notes[COST])
    assert cost > 0
    assert {record.candidates[0].deployment for record in thrifty} == {"mini"}
    for record in (last, *decisions(gateway, "big")):
        assert DRAW not in record.inputs
        assert PROPENSITY not in record.notes
