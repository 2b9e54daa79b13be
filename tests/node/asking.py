"""Asking and deciding over a real node: what the tests of approvals share."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import openai
from openai.types.chat import ChatCompletionChunk

from headgate.governance.keeper import find, listed
from headgate.governance.requests import Request
from headgate.store import audit
from headgate.store.database import open_store_readonly
from tests.node.harness import TestNode, until
from tests.node.wire import CHAT, Reply, chat, post

PEOPLE = {"alice": "research", "bob": "research", "carol": "sales", "dave": "sales"}
RULES = """
[routes.either]
deployments = ["mini", "gpt-5-5"]

[data_classes.secret]

[approvals.dear]
node = "team:research"
over_usd = "0.01"
approvers = ["bob", "alice"]

[approvals.secrets]
data_classes = ["secret"]
approvers = ["bob"]
show_prompt = true

[approvals.raises]
node = "team:sales"
over_usd = "0.01"
budget_raises = true
approvers = ["bob"]

[approvals.pro]
node = "principal:dave"
models = ["haiku"]
approvers = ["bob"]
"""
ASYNC = {"prefer": "respond-async"}
DEAR = chat("Think hard. [sim:tokens=5]", tokens=100_000)
CHEAP = chat("Hello. [sim:tokens=5]")


def requests(node: TestNode, status: str = "pending") -> list[Request]:
    """Return the requests of a status."""
    engine = open_store_readonly(node.data_dir)
    try:
        with engine.connect() as connection:
            return [each for each in listed(connection) if each.status == status]
    finally:
        engine.dispose()


def request_of(node: TestNode, name: str) -> Request:
    """Return one request."""
    engine = open_store_readonly(node.data_dir)
    try:
        with engine.connect() as connection:
            found = find(connection, name)
    finally:
        engine.dispose()
    assert found is not None, name
    return found


def story(node: TestNode, name: str) -> list[tuple[str, str]]:
    """Return what the audit chain tells of a request: actors and actions."""
    engine = open_store_readonly(node.data_dir)
    try:
        with engine.connect() as connection:
            assert audit.verify(connection).broken_at is None
            found = [each for each in audit.entries(connection) if each.subject == name]
    finally:
        engine.dispose()
    return [(each.actor, each.action.removeprefix("approval.")) for each in found]


def awaited(node: TestNode) -> Request:
    """Wait until somebody is asked, and return that request."""
    until(lambda: len(requests(node)) == 1, "one request is pending")
    return requests(node)[0]


def decide(
    node: TestNode, request: Request, decision: str = "approve", who: str = "bob", **said: str
) -> Reply:
    """Decide as a principal."""
    body = {"decision": decision, "digest": request.digest, **said}
    path = f"/v1/approvals/{request.id}"
    return post(node.gateway_url, path, node.key(who), json.dumps(body).encode())


def ticket(node: TestNode, body: bytes = DEAR, who: str = "alice", **headers: str) -> str:
    """Send a call that would rather come back; return its ticket."""
    reply = post(node.gateway_url, CHAT, node.key(who), body, headers={**ASYNC, **headers})
    assert reply.status == 202, reply
    assert reply.document["status"] == "pending"
    assert reply.document["approval"] == reply.headers["x-headgate-approval"]
    return str(reply.document["approval"])


def again(
    node: TestNode, name: str, body: bytes = DEAR, who: str = "alice", **headers: str
) -> Reply:
    """Send a call with its ticket."""
    sent = {"x-headgate-approval": name, **headers}
    return post(node.gateway_url, CHAT, node.key(who), body, headers=sent)


@contextmanager
def meanwhile() -> Iterator[ThreadPoolExecutor]:
    """Run calls beside the test."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


def streamed(node: TestNode, model: str = "mini") -> list[ChatCompletionChunk]:
    """Make a dear streamed call with the official client and return all of it."""
    with openai.OpenAI(
        base_url=f"{node.gateway_url}/v1", api_key=node.key(), max_retries=0
    ) as client:
        return list(
            client.chat.completions.create(
                model=model,
                max_completion_tokens=100_000,
                messages=[{"role": "user", "content": "Think hard. [sim:tokens=5]"}],
                stream=True,
            )
        )


def ask_raise(node: TestNode, who: str = "carol", **more: str) -> Reply:
    """Ask for a raise of carol's budget."""
    later = datetime.now(UTC) + timedelta(seconds=3)
    wanted = {"budget": "principal-carol", "by_usd": "2", "until": later.isoformat()}
    body = json.dumps({**wanted, "reason": "a big week", **more}).encode()
    return post(node.gateway_url, "/v1/approvals", node.key(who), body)
