"""What is refused before any attempt: the status, the stable code, the words, and no money held."""

from functools import partial
from typing import Any

import pytest

from headgate.records.journal import HoldRecord
from tests.gateway.calls import (
    BOB,
    CHAT_PATH,
    MESSAGES_PATH,
    ask,
    call_of,
    chat,
    encode,
    message,
)
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Reply

BOTH = [(CHAT_PATH, chat), (MESSAGES_PATH, message)]
TIGHT = '[budgets.tight]\nnode = "{node}"\nperiod = "{period}"\nlimit_usd = "0.000001"'


def assert_refused(gateway: Gateway, reply: Reply, status: int, code: str) -> None:
    """See that a call was refused in words, that a record says so, and that nothing was held."""
    assert (reply.status, reply.code) == (status, code)
    assert reply.message.endswith((".", "?", "`."))
    assert not gateway.holds(call_of(reply))
    refused = [each for each in gateway.refusals() if each.call == call_of(reply)]
    assert [each.code for each in refused] == [code]


@pytest.mark.parametrize(("path", "body"), BOTH)
@pytest.mark.parametrize("key", ["hg_alice_wrong", "", "bearer"])
def test_a_wrong_key_is_401(gateway: Gateway, path: str, body: Any, key: str) -> None:
    """Nobody is behind it, so no record is kept and nothing of the key is told."""
    reply = ask(gateway, body(), path, key=key)

    assert (reply.status, reply.code) == (401, "key_invalid")
    assert reply.header("x-headgate-call") is None
    assert not key or key not in reply.message


@pytest.mark.parametrize(("path", "body"), BOTH)
def test_no_key_is_401_and_says_how_to_send_one(gateway: Gateway, path: str, body: Any) -> None:
    """The message names both headers."""
    reply = ask(gateway, body(), path, key=None)

    assert (reply.status, reply.code) == (401, "key_invalid")
    assert "Authorization: Bearer" in reply.message
    assert "x-api-key" in reply.message


@pytest.mark.parametrize(("path", "body"), BOTH)
def test_a_key_may_stand_in_either_header(gateway: Gateway, path: str, body: Any) -> None:
    """Both dialects take `Authorization: Bearer` and `x-api-key`."""
    alice = gateway.snapshot.keys["alice"].secret
    assert alice is not None
    assert ask(gateway, body(), path).status == 200
    assert ask(gateway, body(), path, key=None, headers=[("x-api-key", alice)]).status == 200


@pytest.mark.parametrize(("path", "body", "near"), [(*BOTH[0], "mini"), (*BOTH[1], "haiku")])
def test_an_unknown_model_is_404_with_near_names(
    gateway: Gateway, path: str, body: Any, near: str
) -> None:
    """A typing error is answered with what was probably meant."""
    reply = ask(gateway, body(model=near + "s"), path)

    assert_refused(gateway, reply, 404, "model_unknown")
    assert near in reply.message


def test_near_names_tell_no_secrets(gateway: Gateway) -> None:
    """A key learns only the names that it may use."""
    reply = ask(gateway, message(model="haikus"), MESSAGES_PATH, key=BOB)

    assert_refused(gateway, reply, 404, "model_unknown")
    assert "haiku'" not in reply.message.replace("'haikus'", "")


@pytest.mark.parametrize(("path", "body", "model"), [(*BOTH[0], "big"), (*BOTH[1], "haiku")])
def test_a_model_that_is_not_permitted_is_403(
    gateway: Gateway, path: str, body: Any, model: str
) -> None:
    """Bob's key may use one model only."""
    reply = ask(gateway, body(model=model), path, key=BOB)

    assert_refused(gateway, reply, 403, "not_permitted")
    assert model in reply.message


@pytest.mark.parametrize(("path", "body"), BOTH)
@pytest.mark.parametrize(
    ("node", "period", "renewal"),
    [
        ("organisation", "month", "renews at 20"),
        ("team:research", "once", "does not renew"),
        ("principal:alice", "month", "renews at 20"),
        ("run:*", "once", "does not renew"),
    ],
)
def test_over_budget_is_402_and_names_the_budget(
    start: Start, path: str, body: Any, node: str, period: str, renewal: str
) -> None:
    """The refusal says which budget, what the call may cost, what is left, and when it renews."""
    gateway = start(more=TIGHT.format(node=node, period=period))
    reply = ask(gateway, body(), path, headers=[("x-headgate-run", "r1")])

    assert_refused(gateway, reply, 402, "budget_exceeded")
    assert "'tight'" in reply.message
    assert renewal in reply.message
    assert reply.header("x-should-retry") == "false"
    assert reply.header("retry-after") is None
    assert gateway.refusals()[-1].budget == "tight"


MALFORMED = {
    "nothing": b"",
    "no JSON": b"hello",
    "cut off": encode(chat())[:-5],
    "more behind it": encode(chat(max_tokens=5)) + b"{}",
    "a list": b"[]",
    "not UTF-8": b'{"model": "\xff\xfe", "max_tokens": 5, "messages": []}',
    "a byte order mark": b"\xef\xbb\xbf" + encode(chat()),
    "not a number": encode(chat()).replace(b"100", b"NaN"),
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
@pytest.mark.parametrize("path", [CHAT_PATH, MESSAGES_PATH])
def test_what_is_no_json_object_is_400(gateway: Gateway, path: str, raw: bytes) -> None:
    """The message says what is wrong."""
    reply = ask(gateway, raw, path)

    expected = "body_invalid" if raw == b"[]" else "body_malformed"
    assert_refused(gateway, reply, 400, expected)


def test_the_deepest_body_that_can_be_read_is_served_or_refused(gateway: Gateway) -> None:
    """There is no depth between the two at which a call falls through: each level around the
    last that is served, where a later look at the body has less room than the first.
    """

    def status(depth: int) -> int:
        nested = b'{"a":' * depth + b"{}" + b"}" * depth
        return ask(gateway, encode(chat()).replace(b'"mini"', b'"mini", "x": ' + nested)).status

    low, high = 64, 1_100
    assert (status(low), status(high)) == (200, 400)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if status(middle) == 200 else (low, middle)

    assert {status(depth) for depth in range(low - 2, low + 16)} == {200, 400}


def test_malformed_json_is_told_with_its_place(gateway: Gateway) -> None:
    """The byte at which the body stops being JSON."""
    reply = ask(gateway, b'{"model": "mini", oops}')

    assert_refused(gateway, reply, 400, "body_malformed")
    assert "18" in reply.message


WRONG_TYPES = [
    (CHAT_PATH, chat(model=5), "model"),
    (CHAT_PATH, chat(n=-1), "n"),
    (CHAT_PATH, chat(n=0), "n"),
    (CHAT_PATH, chat(n=1000), "n"),
    (CHAT_PATH, chat(n="two"), "n"),
    (CHAT_PATH, chat(max_completion_tokens=-5), "max_completion_tokens"),
    (CHAT_PATH, chat(max_completion_tokens=0), "max_completion_tokens"),
    (CHAT_PATH, chat(max_completion_tokens=1.5), "max_completion_tokens"),
    (CHAT_PATH, chat(max_tokens="many"), "max_tokens"),
    (CHAT_PATH, chat(stream="yes"), "stream"),
    (CHAT_PATH, chat(messages={"role": "user"}), "messages"),
    (CHAT_PATH, chat(messages=["hello"]), "messages[0]"),
    (CHAT_PATH, chat(stream_options={"include_usage": "yes"}), "stream_options.include_usage"),
    (CHAT_PATH, {"messages": []}, "model"),
    (MESSAGES_PATH, message(max_tokens=-1), "max_tokens"),
    (MESSAGES_PATH, message(max_tokens=None), "max_tokens"),
    (MESSAGES_PATH, message(model=None), "model"),
    (MESSAGES_PATH, message(thinking={"budget_tokens": "much"}), "thinking.budget_tokens"),
    (MESSAGES_PATH, {"model": "haiku", "messages": []}, "max_tokens"),
]


@pytest.mark.parametrize(("path", "body", "param"), WRONG_TYPES)
def test_a_wrong_type_is_400_with_the_field(
    gateway: Gateway, path: str, body: dict[str, Any], param: str
) -> None:
    """Only fields that decide the cost are judged here; the refusal names the field."""
    reply = ask(gateway, body, path)

    assert_refused(gateway, reply, 400, "body_invalid")
    error = reply.json["error"]
    assert error.get("param", error.get("details", {}).get("param")) == param


DUPLICATES = [
    (CHAT_PATH, encode(chat())[:-1] + b', "max_completion_tokens": 9}', "max_completion_tokens"),
    (CHAT_PATH, encode(chat())[:-1] + b', "MODEL": "big"}', "MODEL"),
    (CHAT_PATH, encode(chat())[:-1] + b', "\\u006dodel": "big"}', "model"),
    (CHAT_PATH, encode(chat())[:-1] + b', "user": "a", "user": "b"}', "user"),
    (MESSAGES_PATH, encode(message())[:-1] + b', "max_tokens": 9}', "max_tokens"),
]


@pytest.mark.parametrize(("path", "raw", "key"), DUPLICATES)
def test_a_key_that_stands_there_twice_is_400(
    gateway: Gateway, path: str, raw: bytes, key: str
) -> None:
    """Which of two values counts would be the provider's choice, so neither is taken."""
    reply = ask(gateway, raw, path)

    assert_refused(gateway, reply, 400, "key_duplicate")
    assert repr(key) in reply.message


@pytest.mark.parametrize(
    "header",
    [
        ("content-type", "text/plain"),
        ("content-type", "multipart/form-data; boundary=x"),
        ("content-encoding", "gzip"),
        ("content-encoding", "identity, br"),
    ],
)
def test_what_is_not_plain_json_is_415(gateway: Gateway, header: tuple[str, str]) -> None:
    """Only `application/json`, and not compressed: bombs stay outside."""
    reply = ask(gateway, chat(), headers=[header])

    assert_refused(gateway, reply, 415, "content_unsupported")


@pytest.mark.parametrize("value", ["application/json; charset=utf-8", "APPLICATION/JSON"])
def test_json_by_any_spelling_is_taken(gateway: Gateway, value: str) -> None:
    """Parameters and case do not matter, nor does `content-encoding: identity`."""
    headers = [("content-type", value), ("content-encoding", "identity")]

    assert ask(gateway, chat(), headers=headers).status == 200


@pytest.mark.parametrize("run", ["two words", "-dash", "a" * 65, "\xe4", ""])
def test_a_run_that_is_no_name_is_400(gateway: Gateway, run: str) -> None:
    """A run is a node of the budget tree, so its name is checked."""
    reply = ask(gateway, chat(), headers=[("x-headgate-run", run)])

    assert_refused(gateway, reply, 400, "run_invalid")


UNBOUNDED = [
    (CHAT_PATH, chat(web_search_options={}), "web_search_options"),
    (CHAT_PATH, chat(tools=[{"type": "web_search"}]), "web_search"),
    (CHAT_PATH, chat(modalities=["text", "audio"], audio={"voice": "x"}), "audio"),
    (CHAT_PATH, chat(n_predict=-1), "n_predict"),
    (CHAT_PATH, chat(prediction={"type": "content", "content": "x"}), "prediction"),
    (
        MESSAGES_PATH,
        message(tools=[{"type": "web_search_20250305", "name": "web_search"}]),
        "web_search_20250305",
    ),
    (MESSAGES_PATH, message(mcp_servers=[{"type": "url", "url": "x"}]), "mcp_servers"),
]


@pytest.mark.parametrize(("path", "body", "feature"), UNBOUNDED)
def test_a_cost_without_bound_is_422_under_a_hard_budget(
    gateway: Gateway, path: str, body: dict[str, Any], feature: str
) -> None:
    """What no output limit bounds cannot be held, so a hard budget does not take it."""
    reply = ask(gateway, body, path)

    assert_refused(gateway, reply, 422, "feature_unbounded")
    assert feature in reply.message


def test_an_unpriced_model_is_422_under_a_hard_budget(start: Start) -> None:
    """A missing price is never zero."""
    deployment = '[deployments.strange]\nprovider = "openai"\nmodel = "strange-1"\n'
    sizes = "context_tokens = 1000\noutput_tokens_max = 1000\noutput_tokens_default = 100"
    gateway = start(more=deployment + sizes)
    reply = ask(gateway, chat(model="strange"))

    assert_refused(gateway, reply, 422, "unpriced")
    assert "openai/strange-1" in reply.message


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        (
            CHAT_PATH,
            chat(service_tier="scale"),
            "openai/gpt-5.4-mini has no price in tier 'scale' now",
        ),
        (
            MESSAGES_PATH,
            message(speed="fast"),
            "anthropic/claude-haiku-4-5 has no price in tier 'fast' now",
        ),
        (
            MESSAGES_PATH,
            message(inference_geo="eu"),
            "anthropic/claude-haiku-4-5 has no price in region 'eu' now",
        ),
    ],
)
def test_terms_without_a_price_are_named(
    gateway: Gateway, path: str, body: dict[str, Any], named: str
) -> None:
    """A model that has prices, but none for what the call asks for, is not told to have none."""
    reply = ask(gateway, body, path)

    assert_refused(gateway, reply, 422, "unpriced")
    assert named in reply.message


def test_what_is_frozen_is_403(gateway: Gateway) -> None:
    """A frozen node spends nothing; what is frozen is named."""
    for node, named in (("team:research", "team:research"), ("deployment:mini", "deployment:mini")):
        gateway.run(partial(setattr, gateway.pipeline, "frozen", frozenset({node})))
        try:
            reply = ask(gateway, chat())
        finally:
            gateway.run(lambda: setattr(gateway.pipeline, "frozen", frozenset()))
        assert_refused(gateway, reply, 403, "frozen")
        assert named in reply.message


def test_without_a_ledger_nothing_is_spent(start: Start) -> None:
    """While nobody lends, calls that fit into no slice are refused in time, and can be retried."""
    gateway = start()
    gateway.steward.absent = True
    reply = ask(gateway, chat())

    assert_refused(gateway, reply, 503, "ledger_unavailable")
    assert reply.header("retry-after") == "2"
    assert ask(gateway, path="/readyz", method="GET", key=None).status == 503


def test_a_gateway_that_stops_takes_no_new_call(start: Start) -> None:
    """New calls are told to come back; readiness says so to a balancer."""
    gateway = start()
    gateway.run(lambda: setattr(gateway.pipeline, "stopping", True))

    reply = ask(gateway, chat())
    assert_refused(gateway, reply, 503, "shutting_down")
    assert reply.header("retry-after") == "5"
    assert ask(gateway, path="/readyz", method="GET", key=None).status == 503


@pytest.mark.parametrize("path", ["/v1/models", "/v1/calls/call_1"])
def test_what_spends_nothing_needs_a_key_all_the_same(gateway: Gateway, path: str) -> None:
    """Models and calls are nobody else's business."""
    assert ask(gateway, path=path, method="GET", key=None).code == "key_invalid"


def test_models_are_listed_in_the_dialect_that_asks(gateway: Gateway) -> None:
    """By the header `anthropic-version`; only what the key may use."""
    openai = ask(gateway, path="/v1/models", method="GET", key=BOB)
    versioned = [("anthropic-version", "2023-06-01")]
    anthropic = ask(gateway, path="/v1/models", method="GET", key=BOB, headers=versioned)

    assert [each["id"] for each in openai.json["data"]] == ["mini"]
    assert openai.json["data"][0]["object"] == "model"
    assert [each["id"] for each in anthropic.json["data"]] == ["mini"]
    assert anthropic.json["data"][0]["type"] == "model"


def test_every_kind_of_refusal_can_be_read_by_both_clients(gateway: Gateway) -> None:
    """The same refusal in the words of each dialect."""
    openai = ask(gateway, chat(model="nothing")).json
    anthropic = ask(gateway, message(model="nothing"), MESSAGES_PATH).json

    assert set(openai["error"]) == {"message", "type", "param", "code", "call"}
    assert openai["error"]["type"] == "invalid_request_error"
    assert anthropic["type"] == "error"
    assert anthropic["error"]["type"] == "not_found_error"
    assert anthropic["error"]["details"]["error_code"] == "model_unknown"
    assert anthropic["request_id"].startswith("call_")


def test_a_refusal_holds_nothing(gateway: Gateway) -> None:
    """After a hundred refusals the books are as before."""
    before = [each for each in gateway.records() if isinstance(each, HoldRecord)]
    for _ in range(100):
        ask(gateway, chat(model="nothing"))

    assert [each for each in gateway.records() if isinstance(each, HoldRecord)] == before
