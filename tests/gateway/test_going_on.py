"""Calls that go on from a response that a provider keeps: where it is kept, and for whom."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from headgate.gateway.stored import made
from headgate.identity.delegation import mint
from headgate.identity.grant import Asked
from headgate.records.journal import DecisionRecord
from headgate.simulator import Fault, FaultKind, Options, Simulator, SimulatorThread
from headgate.simulator.pace import INSTANT
from tests.gateway.calls import ALICE, BOB, ask
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Reply

PATH = "/v1/responses"
MORE = """
[providers.other]
kind = "openai_compatible"
base_url = "{url}"
seller = "openai"
credential = {{ value = "sk-other" }}
{native}
[deployments.second]
provider = "other"
model = "gpt-5.4-mini"
[routes.both]
deployments = ["mini", "second"]
policy = "ordered"
"""


@pytest.fixture(scope="module")
def running_other() -> Iterator[Simulator]:
    """Another provider of the same models, with responses of its own."""
    with SimulatorThread(seed=9, options=Options(pace=INSTANT)) as simulator:
        yield simulator


@pytest.fixture
def other(running_other: Simulator) -> Iterator[Simulator]:
    """The other provider; it is well again afterwards."""
    yield running_other
    running_other.faults.clear()


@pytest.fixture
def gateway(start: Start, other: Simulator) -> Gateway:
    """A gateway whose calls go to one provider first, and else to the other."""
    native = 'dialects = ["openai_responses"]'
    return start(more=MORE.format(url=other.openai_url, native=native), openai=native)


def respond(gateway: Gateway, model: str = "both", *, key: str = ALICE, **fields: Any) -> Reply:
    """Ask for a response."""
    body = {"model": model, "input": "Name a colour", "max_output_tokens": 50, **fields}
    return ask(gateway, body, PATH, key=key)


def made_by_other(gateway: Gateway, simulator: Simulator) -> str:
    """Have the other provider make a response, for the first one fails once; return its id."""
    simulator.faults.add(Fault(FaultKind.SERVER_ERROR))
    reply = respond(gateway)
    assert served_by(reply) == "second"
    simulator.faults.clear()
    return name_of(reply)


def served_by(reply: Reply) -> str | None:
    """Return which deployment has answered."""
    assert reply.status == 200, reply.payload
    return reply.header("x-headgate-deployment")


def name_of(reply: Reply) -> str:
    """Return a response's id."""
    name: str = json.loads(reply.payload)["id"]
    return name


def test_a_call_goes_on_where_the_response_is_kept(gateway: Gateway, simulator: Simulator) -> None:
    """Whoever else would come first is passed over, and the decision says why."""
    name = made_by_other(gateway, simulator)

    assert served_by(respond(gateway)) == "mini"
    assert served_by(respond(gateway, previous_response_id=name)) == "second"
    gateway.until_idle()
    last = [each for each in gateway.records() if isinstance(each, DecisionRecord)][-1]
    rules = {each.deployment: each.excluded for each in last.candidates}
    assert rules == {"mini": "kept_elsewhere", "second": None}


def test_a_streamed_response_is_known_too(gateway: Gateway, simulator: Simulator) -> None:
    """Its id stands in its events."""
    simulator.faults.add(Fault(FaultKind.SERVER_ERROR))
    events = respond(gateway, stream=True).payload.split(b"\n\n")
    simulator.faults.clear()
    name = json.loads(events[0].partition(b"data: ")[2])["response"]["id"]

    assert served_by(respond(gateway, previous_response_id=name)) == "second"


def test_where_it_is_kept_may_fail(
    gateway: Gateway, simulator: Simulator, other: Simulator
) -> None:
    """Then the call has failed: nobody else knows what it goes on from."""
    name = made_by_other(gateway, simulator)
    other.faults.add(Fault(FaultKind.SERVER_ERROR))
    billed = simulator.bill.count

    reply = respond(gateway, previous_response_id=name)

    assert reply.status >= 500
    assert simulator.bill.count == billed


def test_where_a_call_cannot_go_is_told(gateway: Gateway, simulator: Simulator) -> None:
    """Whoever asks for another provider's deployment is told who keeps the response."""
    reply = respond(gateway, "mini", previous_response_id=made_by_other(gateway, simulator))

    assert (reply.status, reply.code) == (404, "response_unknown")
    assert "'other' keeps the response" in reply.message
    assert json.loads(reply.payload)["error"]["param"] == "previous_response_id"


def test_nobody_goes_on_from_anothers_response(gateway: Gateway, simulator: Simulator) -> None:
    """Bob learns nothing of it, and its provider is not asked."""
    name = name_of(respond(gateway, "mini"))
    billed = simulator.bill.count

    reply = respond(gateway, "mini", key=BOB, previous_response_id=name)

    assert (reply.status, reply.code) == (404, "response_unknown")
    assert reply.message == f"This key has no response '{name}' that a provider keeps."
    assert simulator.bill.count == billed


def test_an_agents_response_is_its_own_and_of_whom_it_works_for(gateway: Gateway) -> None:
    """An agent goes on from its own, not from another's nor from what stands above it."""
    agent, twin = (mint(ALICE, "alice", Asked(name)) for name in ("agent", "twin"))
    above, own = name_of(respond(gateway)), name_of(respond(gateway, key=agent))

    for key, name, status in (
        (agent, own, 200),
        (ALICE, own, 200),
        (twin, own, 404),
        (agent, above, 404),
    ):
        assert respond(gateway, key=key, previous_response_id=name).status == status


@pytest.mark.parametrize("model", ["both", "haiku"])
def test_what_is_not_known_is_the_providers_to_judge(gateway: Gateway, model: str) -> None:
    """It was made before, elsewhere, or by translation: nobody keeps that."""
    name = "resp_unheard_of" if model == "both" else name_of(respond(gateway, model))

    reply = respond(gateway, previous_response_id=name)

    assert reply.status == 400
    assert json.loads(reply.payload)["error"]["code"] == "previous_response_not_found"


def test_only_the_newest_are_known(
    gateway: Gateway, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that makes very many keeps no more than its bound."""
    monkeypatch.setattr(made, "KNOWN_MAX", 2)
    names = [made_by_other(gateway, simulator) for _ in range(3)]
    replies = [respond(gateway, previous_response_id=name) for name in names]

    assert [reply.status for reply in replies] == [400, 200, 200]
