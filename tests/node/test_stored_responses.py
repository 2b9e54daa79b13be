"""Responses that the provider keeps: shown to whom they belong, by the official client."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import openai
import pytest

from headgate.identity.delegation import mint
from headgate.identity.grant import Asked
from tests.node.harness import TestNode, once, running_node

ASK: Any = {"model": "mini", "input": "Name a colour", "max_output_tokens": 50}
CLOSING = ExitStack()

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node with two principals."""
    folder = tmp_path_factory.mktemp("stored")
    principals = {"alice": "research", "bob": "sales"}
    budgets = [once("organisation", "100.00")]
    with CLOSING, running_node(folder, budgets=budgets, principals=principals) as running:
        yield running


def client_of(node: TestNode, key: str | None = None) -> openai.OpenAI:
    """Return the official client with a key; it is closed with the node."""
    url, key = f"{node.gateway_url}/v1", key or node.key()
    return CLOSING.enter_context(openai.OpenAI(base_url=url, api_key=key, max_retries=0))


def delegate(node: TestNode, name: str) -> openai.OpenAI:
    """Return the client of an agent that alice delegates to."""
    return client_of(node, mint(node.key(), "alice", Asked(name)))


def ask(node: TestNode, method: str, path: str, key: str | None = None) -> httpx.Response:
    """Ask for a path as anybody may write it."""
    headers = {"authorization": f"Bearer {key or node.key()}"}
    return httpx.request(method, f"{node.gateway_url}/v1/responses/{path}", headers=headers)


def code(reply: httpx.Response) -> str | None:
    """Return the code of a refusal."""
    found: str | None = reply.headers.get("x-headgate-code")
    return found


def asked_of_provider(node: TestNode) -> int:
    """Return how many requests about stored responses the provider has had."""
    return sum("/responses/" in each.target for each in node.simulator.received.all())


def test_a_stored_response_is_shown_with_its_input_and_deleted(node: TestNode) -> None:
    """It is the one that its client had; what was deleted is unknown then."""
    client = client_of(node)
    made = client.responses.create(**ASK)

    shown = client.responses.with_raw_response.retrieve(made.id)
    items = list(client.responses.input_items.list(made.id))
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError) as gone:
        client.responses.retrieve(made.id)

    assert shown.parse().output == made.output
    assert shown.headers["x-headgate-deployment"] == "mini"
    assert [json.loads(each.to_json())["content"][0]["text"] for each in items] == [ASK["input"]]
    assert gone.value.response.headers["x-headgate-code"] == "response_unknown"


def test_a_streamed_response_is_shown_too(node: TestNode) -> None:
    """Its id stands in its first event."""
    client = client_of(node)
    events = list(client.responses.create(**ASK, stream=True))
    last: Any = events[-1]

    assert client.responses.retrieve(last.response.id).output == last.response.output


def test_it_costs_nothing(node: TestNode) -> None:
    """Neither the books nor the bill move, and nothing is held."""
    client = client_of(node)
    made = client.responses.create(**ASK)
    node.await_nothing_held()
    before, billed = node.standing("organisation"), node.simulator.bill.count

    client.responses.retrieve(made.id)
    client.responses.input_items.list(made.id)
    client.responses.delete(made.id)

    assert node.standing("organisation") == before
    assert node.simulator.bill.count == billed


@pytest.mark.parametrize(
    ("method", "below"),
    [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items"), ("HEAD", "")],
)
def test_nobody_gets_at_the_response_of_somebody_else(
    node: TestNode, method: str, below: str
) -> None:
    """It is as unknown as one that never was, and the provider is not asked."""
    made = client_of(node).responses.create(**ASK)
    before = asked_of_provider(node)

    other = ask(node, method, f"{made.id}{below}", node.key("bob"))
    never = ask(node, method, f"resp_0{below}", node.key("bob"))

    assert code(other) == code(never) == "response_unknown"
    assert other.text.replace(made.id, "resp_0") == never.text
    assert asked_of_provider(node) == before
    assert client_of(node).responses.retrieve(made.id).id == made.id


def test_an_agent_sees_what_was_made_for_it_and_for_whom_it_delegated_to(node: TestNode) -> None:
    """Its principal sees all of it, another agent nothing."""
    agent, other = delegate(node, "writer"), delegate(node, "reader")
    made = agent.responses.create(**ASK)
    own = client_of(node).responses.create(**ASK)

    assert agent.responses.retrieve(made.id).id == made.id
    assert client_of(node).responses.retrieve(made.id).id == made.id
    for name in (made.id, own.id):
        with pytest.raises(openai.NotFoundError):
            other.responses.retrieve(name)


def test_a_response_that_is_not_kept_is_unknown(node: TestNode) -> None:
    """Whether its client wanted it so, or another provider made it in other words."""
    client = client_of(node)
    unkept = client.responses.create(**ASK, store=False)
    translated = client.responses.create(**{**ASK, "model": "haiku"})

    for made in (unkept, translated):
        assert code(ask(node, "GET", made.id)) == "response_unknown"


def test_it_is_found_after_its_worker_died(node: TestNode) -> None:
    """The books know of it, not the worker."""
    made = client_of(node).responses.create(**ASK)

    node.await_successor("worker-0", node.kill("worker-0"))

    assert client_of(node).responses.retrieve(made.id).output == made.output


def test_whoever_goes_on_from_it_is_known_after_its_worker_died(node: TestNode) -> None:
    """Its maker may, and nobody else, though the new worker had to ask whose it is."""
    made = client_of(node).responses.create(**ASK)
    node.await_successor("worker-0", node.kill("worker-0"))

    with pytest.raises(openai.NotFoundError) as refused:
        client_of(node, node.key("bob")).responses.create(**ASK, previous_response_id=made.id)
    gone_on = client_of(node).responses.create(**ASK, previous_response_id=made.id)

    assert refused.value.response.headers["x-headgate-code"] == "response_unknown"
    assert gone_on.previous_response_id == made.id


def test_what_the_provider_refuses_is_passed_on(node: TestNode) -> None:
    """Only what runs in the background can be cancelled, and nothing does here."""
    client = client_of(node)
    made = client.responses.create(**ASK)

    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        client.responses.cancel(made.id)


def test_a_stream_of_a_stored_response_is_refused(node: TestNode) -> None:
    """The provider streams again what ran in the background alone."""
    client = client_of(node)
    made = client.responses.create(**ASK)

    with pytest.raises(openai.UnprocessableEntityError, match="in the background"):
        client.responses.retrieve(made.id, stream=True)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "resp_1", "GET, HEAD, DELETE"),
        ("GET", "resp_1/cancel", "POST"),
        ("DELETE", "resp_1/input_items", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_one(
    node: TestNode, method: str, path: str, allowed: str
) -> None:
    """405, whosever the response is."""
    reply = ask(node, method, path)

    assert (reply.status_code, reply.headers["allow"]) == (405, allowed)


def test_what_is_no_response_is_told_as_before(node: TestNode) -> None:
    """What else lies below the path is counted, or not served."""
    assert ask(node, "POST", "compact").status_code == 501
    assert ask(node, "GET", "input_tokens").status_code == 405
    assert ask(node, "GET", "resp_1/output").status_code == 501
    assert ask(node, "GET", "resp_1", "hg-nobody").status_code == 401
