"""Batches that are made again: with an idempotency key once, whoever asks how often and when."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tests.node.harness import TestNode, once, running_node, until
from tests.node.test_batches import (
    CLOSING,
    anthropic_client,
    at_provider,
    carved,
    line,
    openai_client,
)
from tests.node.test_batches import ended as ended_of
from tests.node.test_batches import uploaded as uploaded_of

CHAT = "/v1/chat/completions"
MESSAGE: Any = {
    "custom_id": "one",
    "params": {
        "model": "haiku",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "Hello"}],
    },
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node with two principals, whose batches wait until a test lets them run."""
    budgets = [once("organisation", "100.00"), once("principal:bob", "0.10")]
    principals = {"alice": "research", "bob": "sales"}
    folder = tmp_path_factory.mktemp("repeats")
    with CLOSING, running_node(folder, budgets=budgets, principals=principals) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_left(node: TestNode) -> Iterator[None]:
    """Each test begins with batches that wait, and leaves none behind."""
    node.simulator.batches.held = True
    yield
    node.simulator.batches.held = False
    until(lambda: not carved(node), "every batch is settled")


def make(client: openai.OpenAI, file: str, key: str | None) -> Any:
    """Make a batch of a file under a key; returns the raw reply."""
    return client.batches.with_raw_response.create(
        extra_headers={} if key is None else {"idempotency-key": key},
        input_file_id=file,
        endpoint="/v1/chat/completions",
        completion_window="24h",
    )


def key(name: str) -> str:
    """Return a key that no other test has."""
    return f"{name}-{time.monotonic_ns()}"


def test_a_repeat_with_the_key_is_told_of_the_batch_that_there_is(node: TestNode) -> None:
    """Nothing more is held, and the provider gets one; the reply says that it was made before."""
    client, name = openai_client(node), key("twice")
    file = uploaded_of(client, line(1))

    first = make(client, file, name)
    held = carved(node)
    again = make(client, file, name)

    assert again.parse().id == first.parse().id
    assert "x-headgate-replayed" not in first.headers
    assert again.headers["x-headgate-replayed"] == "true"
    assert carved(node) == held > 0
    node.simulator.batches.held = False
    assert ended_of(client, first.parse().id).status == "completed"
    assert at_provider(node).count(first.parse().id) == 1


def test_a_message_batch_is_made_once_under_its_key(node: TestNode) -> None:
    """Its lines come with the request; they are compared with those of the first."""
    client, headers = anthropic_client(node), {"idempotency-key": key("messages")}
    other: Any = {**MESSAGE, "custom_id": "two"}

    first = client.messages.batches.create(requests=[MESSAGE], extra_headers=headers)
    again = client.messages.batches.create(requests=[MESSAGE], extra_headers=headers)

    assert again.id == first.id
    with pytest.raises(anthropic.UnprocessableEntityError, match=first.id):
        client.messages.batches.create(requests=[other], extra_headers=headers)


def test_without_a_key_a_repeat_is_another_batch(node: TestNode) -> None:
    """The same bytes are no sign of the same work."""
    client = openai_client(node)
    file = uploaded_of(client, line(1))

    first, second = make(client, file, None).parse(), make(client, file, None).parse()

    assert first.id != second.id


def test_a_client_that_hung_up_finds_its_batch(node: TestNode) -> None:
    """It never read an answer; its repeat makes no second batch, as the list shows."""
    client, name = openai_client(node, "bob"), key("hung-up")
    file = uploaded_of(client, line(1))
    body = b'{"input_file_id":"%s","endpoint":"%s","completion_window":"24h"}'
    body %= (file.encode(), CHAT.encode())
    head = (
        f"POST /v1/batches HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {node.key('bob')}\r\n"
        f"idempotency-key: {name}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    address = httpx.URL(node.gateway_url)
    with socket.create_connection((address.host, address.port)) as peer:
        peer.sendall(head.encode() + body)
    until(lambda: carved(node) > 0, "the batch is held")
    made = [each.id for each in client.batches.list()]
    headers = {
        "authorization": f"Bearer {node.key('bob')}",
        "idempotency-key": name,
        "content-type": "application/json",
    }

    again = httpx.post(f"{node.gateway_url}/v1/batches", content=body, headers=headers)

    assert again.json()["id"] == made[0]
    assert [each.id for each in client.batches.list()] == made


def test_many_at_once_with_one_key_are_one_batch(node: TestNode) -> None:
    """None of them is refused: each is told of the one that came first."""
    client, name = openai_client(node), key("at-once")
    file = uploaded_of(client, line(1))

    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda _: make(client, file, name), range(12)))

    assert len({each.parse().id for each in replies}) == 1
    assert sum("x-headgate-replayed" not in each.headers for each in replies) == 1


def test_a_key_belongs_to_what_it_was_first_sent_with(node: TestNode) -> None:
    """Another body, or the other path, is a mistake that names the batch."""
    client, name = openai_client(node), key("other")
    first = make(client, uploaded_of(client, line(1)), name).parse()

    with pytest.raises(openai.UnprocessableEntityError, match=first.id) as refused:
        make(client, uploaded_of(client, line(2)), name)
    with pytest.raises(anthropic.UnprocessableEntityError, match=first.id):
        anthropic_client(node).messages.batches.create(
            requests=[MESSAGE], extra_headers={"idempotency-key": name}
        )

    assert refused.value.response.headers["x-headgate-code"] == "idempotency_mismatch"


def test_a_key_is_its_principals_own(node: TestNode) -> None:
    """Somebody else with the same key makes a batch of his own, and learns of no other."""
    alice, bob, name = openai_client(node), openai_client(node, "bob"), key("shared")
    first = make(alice, uploaded_of(alice, line(1)), name).parse()

    own = make(bob, uploaded_of(bob, line(1)), name)

    assert own.parse().id != first.id
    assert "x-headgate-replayed" not in own.headers


def test_a_batch_that_was_refused_leaves_its_key_free(node: TestNode) -> None:
    """Nothing was held, so the same key makes the smaller batch."""
    bob, name = openai_client(node, "bob"), key("refused")

    with pytest.raises(openai.APIStatusError) as refused:
        make(bob, uploaded_of(bob, *(line(n, max_tokens=20_000) for n in range(40))), name)
    made = make(bob, uploaded_of(bob, line(1)), name)

    assert refused.value.response.headers["x-headgate-code"] == "budget_exceeded"
    assert "x-headgate-replayed" not in made.headers


@pytest.mark.parametrize("process", ["steward", "worker-0"])
def test_a_key_outlives_the_processes_and_the_file(node: TestNode, process: str) -> None:
    """Who comes back after a kill, with the file deleted, is told of the batch all the same."""
    client, name = openai_client(node), key("killed")
    file = uploaded_of(client, line(1))
    first = make(client, file, name).parse()

    dead = node.kill(process)
    node.await_successor(process, dead)
    client = openai_client(node)
    client.files.delete(file)

    assert make(client, file, name).parse().id == first.id


def test_a_batch_that_was_deleted_is_not_made_again(node: TestNode) -> None:
    """Its key says that it was there: another one would be paid for."""
    client, headers = anthropic_client(node), {"idempotency-key": key("deleted")}
    node.simulator.batches.held = False
    batch = client.messages.batches.create(requests=[MESSAGE], extra_headers=headers)
    until(
        lambda: client.messages.batches.retrieve(batch.id).processing_status == "ended", "it ended"
    )
    client.messages.batches.delete(batch.id)

    with pytest.raises(anthropic.ConflictError) as refused:
        client.messages.batches.create(requests=[MESSAGE], extra_headers=headers)

    assert refused.value.response.headers["x-headgate-code"] == "idempotency_done"


@pytest.mark.parametrize("name", ["with a blank", "x" * 256])
def test_a_key_that_is_none_is_refused(node: TestNode, name: str) -> None:
    """Before anything is read of the file."""
    with pytest.raises(openai.BadRequestError) as refused:
        make(openai_client(node), "file-0", name)

    assert refused.value.response.headers["x-headgate-code"] == "idempotency_key_invalid"
