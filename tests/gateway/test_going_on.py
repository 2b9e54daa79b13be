"""Calls that go on from a response that a provider keeps: where it is kept, and for whom."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from headgate.dialects.batches.lines import Asked as Line
from headgate.dialects.registry import dialects
from headgate.gateway.batching import quoting
from headgate.gateway.stored import made
from headgate.identity.delegation import mint
from headgate.identity.grant import Asked
from headgate.records.journal import DecisionRecord, HoldRecord
from headgate.records.makers import Maker
from headgate.simulator import Fault, FaultKind, Options, Simulator, SimulatorThread
from headgate.simulator.pace import INSTANT
from headgate.units.errors import Refusal
from tests.gateway.calls import ALICE, BOB, ask, encode, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Reply, Wire

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


def tell(gateway: Gateway, deployment: str) -> str:
    """Have the steward know a response of alice's that this worker knows nothing of."""
    maker = Maker("alice", (), deployment)
    gateway.steward.told["resp_told"] = msgspec.json.encode(maker).decode()
    return "resp_told"


def test_what_another_worker_had_made_is_asked_of_the_steward(gateway: Gateway) -> None:
    """Once: it goes where it is kept, which knows nothing of it here, and is nobody else's."""
    name = tell(gateway, "second")
    reply = respond(gateway, previous_response_id=name)
    gateway.steward.told.clear()

    assert reply.header("x-headgate-deployment") == "second"
    assert respond(gateway, "mini", previous_response_id=name).code == "response_unknown"
    assert respond(gateway, "mini", key=BOB, previous_response_id=name).status == 404


def test_what_made_it_may_be_configured_no_more(gateway: Gateway) -> None:
    """Then the call may go anywhere, and is still its maker's alone."""
    name = tell(gateway, "gone")

    assert respond(gateway, "mini", key=BOB, previous_response_id=name).code == "response_unknown"
    reply = respond(gateway, "mini", previous_response_id=name)
    assert reply.header("x-headgate-deployment") == "mini"


def test_without_a_steward_nobody_can_say_whose_it_is(gateway: Gateway) -> None:
    """The client is told to come again."""
    gateway.steward.absent = True

    refused = respond(gateway, "mini", previous_response_id="resp_unheard_of")

    assert (refused.status, refused.code) == (503, "ledger_unavailable")
    gateway.steward.absent = False


def test_a_steward_that_says_nothing_is_waited_for_in_bounds(gateway: Gateway) -> None:
    """The sweep refuses the call; an answer that comes after all breaks nothing."""
    gateway.steward.slow_control = True

    refused = respond(gateway, "mini", previous_response_id="resp_unheard_of")

    assert (refused.status, refused.code) == (503, "ledger_unavailable")
    gateway.run(gateway.steward.answer_control)
    assert respond(gateway, "mini", previous_response_id="resp_unheard_of").status == 400


def test_what_is_too_long_for_an_id_is_neither_asked_nor_remembered(gateway: Gateway) -> None:
    """Or clients could have a worker keep whatever they send; its provider judges it."""
    gateway.steward.slow_control = True

    reply = respond(gateway, "mini", previous_response_id="resp_" + "a" * 10_000)

    assert reply.status == 400
    assert not gateway.steward.control


def test_a_client_may_leave_while_the_steward_is_asked(gateway: Gateway) -> None:
    """Nothing is sent then, and nothing stays held."""
    gateway.steward.slow_control = True
    body = {"model": "mini", "input": "Hello", "previous_response_id": "resp_unheard_of"}
    with Wire(gateway.port) as wire:
        wire.send(request(body, PATH))
        gateway.until(lambda: bool(gateway.steward.control), "the steward is asked")
    gateway.until(lambda: not gateway.pipeline.exchanges, "the call is over")
    gateway.run(gateway.steward.answer_control)

    gateway.until_idle()
    assert not any(isinstance(each, HoldRecord) for each in gateway.records())


def test_no_line_of_a_batch_goes_on_from_a_response() -> None:
    """Whose it is would have to be asked of each of very many."""
    body = {"model": "mini", "input": "Hello", "previous_response_id": "resp_1"}
    dialect = dialects()["openai_responses"]
    refusal = quoting.read([Line("row", encode(body))], dialect, one_model=True)

    assert isinstance(refusal, Refusal)
    assert "Line 1: It goes on with a conversation" in refusal.message


def test_only_the_newest_are_known(
    gateway: Gateway, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that makes very many keeps no more than its bound."""
    monkeypatch.setattr(made, "KNOWN_MAX", 1)
    older, newer = (made_by_other(gateway, simulator) for _ in range(2))

    assert served_by(respond(gateway, previous_response_id=newer)) == "second"
    assert respond(gateway, previous_response_id=older).status == 400
