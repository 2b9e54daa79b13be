"""Approvals over a real node: who waits, who decides, what a decision binds, and what ends it."""

import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import anthropic
import openai
import pytest
from google import genai
from google.genai import types
from openai.types.chat import ChatCompletionChunk

from headgate.identity.delegation import mint
from headgate.identity.grant import Asked
from headgate.node.messages import Done, Freeze
from headgate.units.money import parse_usd
from tests.node.asking import (
    ASYNC,
    CHEAP,
    DEAR,
    PEOPLE,
    RULES,
    again,
    ask_raise,
    awaited,
    decide,
    meanwhile,
    request_of,
    requests,
    story,
    streamed,
    ticket,
)
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, MESSAGES, Reply, message, post


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node with rules."""
    with running_node(
        tmp_path_factory.mktemp("approvals"),
        budgets=[once("organisation", "1000"), once("principal:carol", "0.000001")],
        principals=PEOPLE,
        limits="approval_wait_max_ms = 1500",
        extra=RULES,
    ) as node:
        yield node


@pytest.fixture
def node(running: TestNode) -> Iterator[TestNode]:
    """The node; afterwards nothing is held and nobody waits."""
    yield running
    running.await_nothing_held()


def test_a_stream_waits_without_money_and_goes_on_when_it_is_approved(node: TestNode) -> None:
    """The official client sees nothing but a stream that took its time; the chain tells all."""
    with meanwhile() as pool:
        call: Future[list[ChatCompletionChunk]] = pool.submit(streamed, node)
        request = awaited(node)
        held = node.standing("organisation").held_nanos
        assert decide(node, request, reason="fine").status == 200
        chunks = call.result(30)

    assert held == 0
    assert any(chunk.choices and chunk.choices[0].finish_reason == "stop" for chunk in chunks)
    assert story(node, request.id) == [
        ("principal:alice", "requested"),
        ("principal:bob", "approved"),
        ("principal:alice", "used"),
    ]


def test_another_dialects_stream_ends_with_its_error_when_it_is_denied(node: TestNode) -> None:
    """Messages' official client raises the refusal that came as the stream's last event."""
    client = anthropic.Anthropic(base_url=node.gateway_url, api_key=node.key(), max_retries=0)

    def call() -> str:
        with client.messages.stream(
            model="opus",
            max_tokens=100_000,
            messages=[{"role": "user", "content": "Think hard."}],
        ) as stream:
            return "".join(stream.text_stream)

    with client, meanwhile() as pool:
        waiting = pool.submit(call)
        request = awaited(node)
        assert decide(node, request, "deny", reason="too dear").status == 200
        with pytest.raises(anthropic.APIError, match="denied by bob: too dear"):
            waiting.result(30)

    assert story(node, request.id)[-1] == ("principal:bob", "denied")


def test_a_third_dialects_stream_takes_the_wait_for_nothing(node: TestNode) -> None:
    """Gemini's official client reads every line it does not know as an error; none comes."""
    client = genai.Client(
        api_key=node.key(), http_options=types.HttpOptions(base_url=node.gateway_url)
    )
    config = types.GenerateContentConfig(max_output_tokens=60_000)

    def call() -> list[types.GenerateContentResponse]:
        contents = "Think. [sim:tokens=5]"
        return list(
            client.models.generate_content_stream(model="flash", contents=contents, config=config)
        )

    with meanwhile() as pool:
        waiting = pool.submit(call)
        assert decide(node, awaited(node)).status == 200
        chunks = waiting.result(30)

    assert any(chunk.text for chunk in chunks)


def test_a_call_that_has_become_dearer_is_asked_about_anew(node: TestNode) -> None:
    """Its deployment is frozen while it waits: the next one costs more than what was approved."""

    def frozen() -> bool:
        return post(node.gateway_url, CHAT, node.key(), CHEAP).code == "frozen"

    with meanwhile() as pool:
        call = pool.submit(streamed, node, "either")
        first = awaited(node)
        assert node.ask(Freeze("deployment:mini", frozen=True)) == Done()
        until(frozen, "mini is frozen")
        assert decide(node, first).status == 200
        second = awaited(node)
        assert node.ask(Freeze("deployment:mini", frozen=False)) == Done()
        until(lambda: not frozen(), "mini is thawed")
        assert decide(node, second).status == 200
        assert call.result(30)

    quotes = [json.loads(each.shown)["quote_nanos"] for each in (first, second)]
    assert second.id == f"{first.id}.2"
    assert quotes[0] < quotes[1]


def test_a_freeze_ends_what_waits(node: TestNode) -> None:
    """Nobody is asked about a call that may not be made any more."""
    with meanwhile() as pool:
        call = pool.submit(streamed, node)
        request = awaited(node)
        assert node.ask(Freeze("team:research", frozen=True)) == Done()
        with pytest.raises(openai.APIError, match="frozen"):
            call.result(30)
        assert node.ask(Freeze("team:research", frozen=False)) == Done()
    until(lambda: request_of(node, request.id).status == "withdrawn", "it is withdrawn")
    until(lambda: post(node.gateway_url, CHAT, node.key(), CHEAP).status == 200, "it is thawed")


def test_a_plain_call_is_held_open_and_then_told_to_come_back(node: TestNode) -> None:
    """Within the client's patience it is served; later it gets `approval_pending`, a ticket."""
    with meanwhile() as pool:
        call = pool.submit(post, node.gateway_url, CHAT, node.key(), DEAR)
        request = awaited(node)
        assert decide(node, request).status == 200
        served = call.result(30)
    late = post(node.gateway_url, CHAT, node.key(), DEAR)

    assert served.status == 200
    assert served.headers["x-headgate-approval"] == request.id
    assert (late.status, late.code) == (428, "approval_pending")
    assert late.headers["x-should-retry"] == "false"
    name = late.headers["x-headgate-approval"]
    assert decide(node, request_of(node, name)).status == 200
    assert again(node, name).status == 200


def test_a_ticket_is_polled_and_used_once_for_the_same_call(node: TestNode) -> None:
    """Who prefers to come back gets 202, polls, resends; replayed or altered it is refused."""
    name = ticket(node)
    path = f"/v1/approvals/{name}"

    def poll(who: str = "alice") -> Reply:
        return post(node.gateway_url, path, node.key(who), b"", method="GET")

    assert poll().document["status"] == "pending"
    assert poll("carol").code == "approval_unknown"
    assert decide(node, request_of(node, name)).status == 200
    assert poll().document["decided_by"] == "bob"
    other = DEAR.replace(b"hard", b"easy")
    assert again(node, name, other).code == "approval_altered"
    assert again(node, name, who="bob").code == "approval_unknown"
    served = again(node, name)
    assert served.status == 200, served
    assert again(node, name).code == "approval_used"
    assert poll().document["status"] == "used"
    assert [action for _, action in story(node, name)] == ["requested", "approved", "used"]
    quoted = poll().document["quote"]
    assert parse_usd(served.headers["x-headgate-hold-usd"]) <= parse_usd(quoted)


def test_a_ticket_does_not_use_up_an_idempotency_key(node: TestNode) -> None:
    """What was only asked about was not executed; what was approved is, and then it is replayed."""
    keyed = {"idempotency-key": "step-1"}
    name = ticket(node, DEAR, "alice", **keyed)
    assert decide(node, request_of(node, name)).status == 200

    replies = [again(node, name, DEAR, "alice", **keyed) for _ in range(2)]

    assert [reply.status for reply in replies] == [200, 200]
    assert replies[1].headers["x-headgate-replayed"] == "true"
    assert replies[0].body == replies[1].body


def test_only_an_approver_who_did_not_ask_decides_and_only_what_was_shown(node: TestNode) -> None:
    """The requester, strangers, delegations and other digests are refused; nothing changes."""
    name = ticket(node)
    request = request_of(node, name)
    agent = mint(node.key("bob"), "bob", Asked("helper"))
    body = json.dumps({"decision": "approve", "digest": request.digest}).encode()

    assert decide(node, request, who="alice").code == "approval_own"
    assert decide(node, request, who="carol").code == "approval_unknown"
    by_agent = post(node.gateway_url, f"/v1/approvals/{name}", agent, body)
    assert by_agent.code == "not_permitted"
    assert decide(node, request._replace(digest="0" * 64)).code == "approval_altered"
    assert decide(node, request, "maybe").code == "body_invalid"
    assert decide(node, request._replace(id="apr_none")).code == "approval_unknown"
    assert request_of(node, name).status == "pending"
    assert decide(node, request, "deny").status == 200
    assert decide(node, request).code == "approval_decided"
    assert again(node, name).code == "approval_denied"


def test_a_delegates_request_may_not_be_decided_by_those_above_it(node: TestNode) -> None:
    """Alice's agent asks: alice is an approver of the rule, and yet may not decide."""
    token = mint(node.key(), "alice", Asked("helper"))
    reply = post(node.gateway_url, CHAT, token, DEAR, headers=ASYNC)
    request = request_of(node, reply.document["approval"])

    assert json.loads(request.shown)["chain"][0].startswith("helper~")
    assert decide(node, request, who="alice").code == "approval_own"
    assert decide(node, request, "deny").status == 200


def test_what_a_rule_is_about(node: TestNode) -> None:
    """Amount, class and model each make a call wait, within the rule's node only."""
    cheap = post(node.gateway_url, CHAT, node.key(), CHEAP)
    classed = ticket(node, CHEAP, "dave", **{"x-headgate-data-class": "secret"})
    dear = post(node.gateway_url, CHAT, node.key("dave"), DEAR)
    model = post(node.gateway_url, MESSAGES, node.key("dave"), message("Hi"), headers=ASYNC)

    assert (cheap.status, dear.status, model.status) == (200, 200, 202)
    shown = json.loads(request_of(node, classed).shown)
    assert (shown["rule"], shown["data_class"]) == ("secrets", "secret")
    assert "Hello" in shown["prompt"]
    assert model.document["rule"] == "pro"
    for name in (classed, model.document["approval"]):
        assert decide(node, request_of(node, name), "deny").status == 200


def test_a_client_that_goes_away_withdraws_its_request(node: TestNode) -> None:
    """Nobody is asked any more about a stream whose client hung up."""
    client = openai.OpenAI(base_url=f"{node.gateway_url}/v1", api_key=node.key(), max_retries=0)
    with client:
        stream = client.chat.completions.create(
            model="mini",
            max_completion_tokens=100_000,
            messages=[{"role": "user", "content": "Think hard."}],
            stream=True,
        )
        request = awaited(node)
        stream.close()
    until(lambda: request_of(node, request.id).status == "withdrawn", "it is withdrawn")

    assert decide(node, request).code == "approval_decided"


def test_an_approved_raise_is_in_force_until_its_instant(node: TestNode) -> None:
    """What was refused is served once somebody has approved more, and refused again after it."""

    def call() -> Reply:
        return post(node.gateway_url, CHAT, node.key("carol"), CHEAP)

    assert call().code == "budget_exceeded"
    asked = ask_raise(node)
    assert asked.status == 202, asked
    request = request_of(node, asked.document["id"])
    assert call().code == "budget_exceeded"
    assert decide(node, request, who="carol").code == "approval_own"
    assert decide(node, request).document["status"] == "used"
    raised = node.standing("principal:carol")
    assert call().status == 200
    assert raised.limit_nanos == raised.raised_nanos + 1_000 == 2_000_001_000
    until(lambda: call().code == "budget_exceeded", "the raise is over")
    assert node.standing("principal:carol").raised_nanos == 0
    ended = [("principal:bob", "budget.raised"), ("steward", "budget.raise_ended")]
    until(lambda: story(node, "budget:principal-carol") == ended, "its end is told")


@pytest.mark.parametrize(
    ("who", "more", "code"),
    [
        ("bob", {}, "not_permitted"),
        ("carol", {"by_usd": "0.01"}, "not_permitted"),
        ("carol", {"budget": "principal-carl"}, "body_invalid"),
        ("carol", {"by_usd": "-1"}, "body_invalid"),
        ("carol", {"until": "2020-01-01T00:00:00Z"}, "body_invalid"),
        ("carol", {"until": "2030-01-01T00:00:00"}, "body_invalid"),
        ("carol", {"reason": ""}, "body_invalid"),
    ],
)
def test_what_cannot_be_raised_is_refused(
    node: TestNode, who: str, more: dict[str, str], code: str
) -> None:
    """By strangers, without a rule, of no budget, by nothing, or until no instant to come."""
    assert ask_raise(node, who, **more).code == code


def test_requests_outlive_the_steward_but_not_the_worker_that_waits(tmp_path: Path) -> None:
    """Killed -9, a steward is followed by one that knows; a worker's own requests end with it."""
    with (
        running_node(tmp_path, principals=PEOPLE, extra=RULES) as node,
        meanwhile() as pool,
    ):
        call = pool.submit(streamed, node)
        request = awaited(node)
        node.await_successor("steward", node.kill("steward"))
        assert request_of(node, request.id).status == "pending"
        assert decide(node, request).status == 200
        assert call.result(30)
        free = ticket(node)
        call = pool.submit(streamed, node)
        until(lambda: len(requests(node)) == 2, "two requests are pending")
        (held,) = [each for each in requests(node) if each.id != free]
        node.await_successor("worker-0", node.kill("worker-0"))
        assert isinstance(call.exception(30), Exception)
        until(lambda: request_of(node, held.id).status == "withdrawn", "its request is withdrawn")
        assert request_of(node, free).status == "pending"
        assert story(node, held.id)[-1] == ("steward", "withdrawn")
        node.await_nothing_held()
        call = pool.submit(streamed, node)
        until(lambda: len(requests(node)) == 2, "two requests are pending again")
        assert node.stop() == 0
        with pytest.raises(openai.APIError, match="shutting down"):
            call.result(30)
        assert [each.id for each in requests(node)] == [free]
