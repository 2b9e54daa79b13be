"""Requirements over real HTTP: whoever violates them never gets a byte, whatever else fails."""

import json
from typing import Any

import pytest

from headgate.records.journal import DecisionRecord, HoldRecord, RouteRecord
from headgate.simulator import Fault, FaultKind, Simulator
from tests.gateway.calls import ask, chat
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway

RULES = """
[deployments.eu]
provider = "openai"
model = "gpt-5.4-mini"
region = "eu-central-1"
retention_days = 0
[deployments.eu2]
provider = "openai"
model = "gpt-5.4"
region = "eu-west-1"
[deployments.us]
provider = "openai"
model = "gpt-5.5"
region = "us-east-1"
retention_days = 0
[routes.any]
deployments = ["us", "eu", "eu2"]
policy = "ordered"
regions = ["*"]
[data_classes.personal]
[data_classes.public]
[requirements.in-the-eu]
data_classes = ["personal"]
residency = ["eu"]
[requirements.short-memory]
nodes = ["principal:bob"]
retention_days_max = 0
"""
PERSONAL = [("x-headgate-data-class", "personal")]


@pytest.fixture
def gateway(start: Start) -> Gateway:
    """A gateway with deployments here and there."""
    return start(more=RULES)


def went_to(gateway: Gateway) -> list[str]:
    """Return where attempts were sent, in order."""
    gateway.until_idle()
    records = gateway.records()
    routes = {each.number: each for each in records if isinstance(each, RouteRecord)}
    holds = [each for each in records if isinstance(each, HoldRecord)]
    return [routes[each.route].deployment for each in holds]


def decision(gateway: Gateway) -> DecisionRecord:
    """Return the last decision."""
    return [each for each in gateway.records() if isinstance(each, DecisionRecord)][-1]


def test_a_class_of_data_decides_who_is_asked(gateway: Gateway) -> None:
    """Without it the first of the list is, with it the first that may; the record says why."""
    assert ask(gateway, chat(model="any")).status == 200
    assert ask(gateway, chat(model="any"), headers=PERSONAL).status == 200

    assert went_to(gateway) == ["us", "eu"]
    last = decision(gateway)
    assert (last.requirements, last.data_class) == (("in-the-eu",), "personal")
    excluded = {each.deployment: each.excluded for each in last.candidates}
    assert excluded == {"eu": None, "eu2": None, "us": "residency: asked eu, is us-east-1"}


def test_what_is_required_of_a_caller_adds_up(gateway: Gateway) -> None:
    """Two requirements leave only who satisfies both."""
    bob = "hg_bob_0123456789abcdef0123456789abcdef"
    reply = ask(gateway, chat(), key=bob)

    assert reply.code == "requirements_unmet"
    assert "mini: retention: asked 0 days at most, is unknown" in reply.message


@pytest.mark.parametrize("kind", [FaultKind.RATE_LIMIT, FaultKind.SERVER_ERROR, FaultKind.RESET])
def test_no_failure_makes_a_call_leave(
    gateway: Gateway, simulator: Simulator, kind: FaultKind
) -> None:
    """With everybody in the Union failing, the call fails; nobody elsewhere sees a byte."""
    for model in ("gpt-5.4-mini", "gpt-5.4"):
        simulator.faults.add(Fault(kind, model=model))
    billed = simulator.bill.count
    for _ in range(8):
        reply = ask(gateway, chat(model="any"), headers=PERSONAL)
        assert reply.status >= 400

    assert set(went_to(gateway)) <= {"eu", "eu2"}
    assert all(entry.model != "gpt-5.5" for entry in simulator.bill.entries[billed:])


def test_a_pinned_deployment_is_no_way_around(gateway: Gateway) -> None:
    """Who asks for a deployment by name is told why not."""
    reply = ask(gateway, chat(model="us"), headers=PERSONAL)

    assert (reply.status, reply.code) == (403, "requirements_unmet")
    assert "us: residency: asked eu, is us-east-1" in reply.message
    assert went_to(gateway) == []


def test_an_unknown_class_is_refused_by_name(gateway: Gateway) -> None:
    """With the names that are near, and nothing held."""
    reply = ask(gateway, chat(model="any"), headers=[("x-headgate-data-class", "personnal")])

    assert reply.code == "data_class_unknown"
    assert "personal" in reply.message
    assert went_to(gateway) == []
    document: Any = json.loads(reply.payload)
    assert document["error"]["param"] == "x-headgate-data-class"
