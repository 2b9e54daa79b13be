"""Control requests over a real node: who is let in, what bad input gets, what is answered."""

import json
from collections.abc import Iterator

import pytest

from headgate.node.control.registry import answers
from headgate.records.control import BATCHES, BODY_BYTES_MAX, FILES, REPEATS, RESOURCES
from tests.node.harness import TestNode, running_node
from tests.node.wire import CHAT, Reply, chat, post

OUTCOMES = "/v1/outcomes"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node with two principals."""
    principals = {"alice": "research", "bob": "sales"}
    with running_node(tmp_path_factory.mktemp("control"), principals=principals) as running:
        yield running


def tell(node: TestNode, body: object, who: str = "alice") -> Reply:
    """Tell an outcome."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return post(node.gateway_url, OUTCOMES, node.key(who), sent)


def test_every_resource_has_somebody_who_answers() -> None:
    """A line in the records without its file, or a file without its line, is found."""
    assert sorted(answers()) == sorted([*RESOURCES, REPEATS, BATCHES, FILES])


def test_an_outcome_is_taken_as_soon_as_the_call_was_answered(node: TestNode) -> None:
    """Nothing has to be waited for, and only its own principal may tell it."""
    reply = post(node.gateway_url, CHAT, node.key(), chat("Hello"))
    call = reply.headers["x-headgate-call"]

    told = tell(node, {"call": call, "success": True})
    foreign = tell(node, {"call": call, "success": True}, "bob")

    assert (told.status, told.document) == (200, {"call": call, "success": True})
    assert (foreign.status, foreign.code) == (404, "call_unknown")


def test_an_outcome_of_a_session(node: TestNode) -> None:
    """A session is named by its calls; only names are written down."""
    for name in ("chat-7", "not a name"):
        headers = {"x-headgate-session": name}
        assert post(node.gateway_url, CHAT, node.key(), chat("Hi"), headers=headers).status == 200

    told = tell(node, {"session": "chat-7", "success": True})
    other = tell(node, {"session": "not a name", "success": True})
    foreign = tell(node, {"session": "chat-7", "success": True}, "bob")

    assert (told.status, told.document) == (200, {"session": "chat-7", "success": True})
    assert other.code == foreign.code == "call_unknown"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "body_malformed"),
        (b"{", "body_malformed"),
        (b"\xff", "body_malformed"),
        ({}, "body_invalid"),
        ({"success": True}, "body_invalid"),
        ({"success": True, "call": "a", "run": "b"}, "body_invalid"),
        ({"success": True, "session": "a", "run": "b"}, "body_invalid"),
        ({"success": "yes", "call": "a"}, "body_invalid"),
        ({"success": True, "call": "a", "unknown": 1}, "body_invalid"),
        ({"success": True, "call": "a", "value_usd": "much"}, "body_invalid"),
        ({"success": True, "call": "a", "human_minutes": -1}, "body_invalid"),
        ({"success": True, "call": "a"}, "call_unknown"),
        (b"x" * (BODY_BYTES_MAX + 1), "body_too_large"),
    ],
)
def test_bad_input_is_refused_by_its_code(node: TestNode, body: object, code: str) -> None:
    """And nothing is kept of it."""
    assert tell(node, body).code == code


def test_others_are_not_let_in(node: TestNode) -> None:
    """Without a key 401, with another method 405, and what does not exist 404."""
    body = b'{"run": "r", "success": true}'
    assert post(node.gateway_url, OUTCOMES, None, body).code == "key_invalid"
    assert post(node.gateway_url, OUTCOMES, node.key(), b"", method="GET").status == 405
    assert post(node.gateway_url, f"{OUTCOMES}/1", node.key(), body).code == "path_unknown"
    assert post(node.gateway_url, "/v1/outcome", node.key(), body).code == "path_unknown"
