"""Features without a bound: under a budget only with a cap, which is held and posted by."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from headgate.records.journal import HoldRecord, SettleRecord
from tests.gateway.calls import CHAT_PATH, MESSAGES_PATH, ask, call_of, chat, message
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import Line, Provider, completion, whole

CAP_NANOS = 100_000_000
SEARCH_NANOS = 10_000_000
"""What Anthropic asks for a search."""
ROUTES = """
[routes.searcher]
deployments = ["haiku"]
unbounded_usd_max = "0.10"
[routes.chatter]
deployments = ["mini"]
unbounded_usd_max = "0.10"
[budgets.alice]
node = "principal:alice"
period = "once"
on_tight = "shorten"
limit_usd = "100"
"""
WEB = {"type": "web_search_20250305", "name": "web_search"}
CODE = {"type": "code_execution_20250825", "name": "code_execution"}


def reply_after(searches: int, prompt_tokens: int = 500) -> bytes:
    """Return a reply of Messages for which the provider has searched."""
    usage = {
        "input_tokens": prompt_tokens,
        "output_tokens": 10,
        "server_tool_use": {"web_search_requests": searches},
    }
    document = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [{"type": "text", "text": "found"}],
        "stop_reason": "end_turn",
        "usage": usage,
    }
    return json.dumps(document).encode()


async def serve(line: Line) -> None:
    """Search as often as a body's metadata says, or answer in the other dialect."""
    while True:
        body = json.loads((await line.request()).partition(b"\r\n\r\n")[2])
        told = body.get("metadata", {}).get("user_id")
        await line.send(whole(completion() if told is None else reply_after(*json.loads(told))))


@pytest.fixture
def gateway(start: Start) -> Iterator[Gateway]:
    """A gateway whose providers search."""
    with Provider(serve) as provider:
        yield start(openai_url=provider.url, anthropic_url=provider.url, more=ROUTES)


def searching(*told: int, tools: list[dict[str, Any]], model: str = "searcher") -> dict[str, Any]:
    """Return a body of Messages for a provider that does what `told` says."""
    return message(model=model, tools=tools, metadata={"user_id": json.dumps(told)})


def booked(gateway: Gateway, body: dict[str, Any], path: str) -> tuple[HoldRecord, SettleRecord]:
    """Make a call and return what the journal says of it."""
    reply = ask(gateway, body, path)
    assert reply.status == 200, reply
    (hold,) = gateway.holds(call_of(reply))
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, SettleRecord)
    return hold, end


def test_the_cap_is_held_on_top_of_the_worst_case(gateway: Gateway) -> None:
    """A call that searches holds what it would hold without, and the cap."""
    client_tool = {"name": "web_search", "input_schema": {"type": "object"}, "aa": 1, "bbbbbb": 2}
    plain, _ = booked(gateway, searching(0, tools=[client_tool]), MESSAGES_PATH)
    capped, _ = booked(gateway, searching(0, tools=[WEB]), MESSAGES_PATH)

    tokens_apart = abs(plain.input_tokens_max - capped.input_tokens_max)
    assert capped.amount_nanos - CAP_NANOS - plain.amount_nanos <= tokens_apart * 2_000


def test_searches_that_the_usage_counts_are_posted_one_by_one(gateway: Gateway) -> None:
    """Each is a charge line at the price of the book, and the call is measured."""
    hold, end = booked(gateway, searching(3, tools=[WEB]), MESSAGES_PATH)

    assert end.state == "measured"
    (fee,) = [line for line in end.lines if line.meter == "web_search"]
    assert (fee.quantity, fee.amount_nanos) == (3, 3 * SEARCH_NANOS)
    assert end.amount_nanos <= hold.amount_nanos


def test_what_is_billed_beyond_the_cap_is_posted_as_overage(gateway: Gateway) -> None:
    """The cap bounds what is held, not what a provider bills."""
    hold, end = booked(gateway, searching(20, tools=[WEB]), MESSAGES_PATH)

    assert end.state == "measured"
    assert end.amount_nanos > hold.amount_nanos


@pytest.mark.parametrize("tools", [[CODE], [WEB, CODE], [CODE, WEB]], ids=repr)
def test_uses_that_no_usage_counts_are_posted_at_the_cap(
    gateway: Gateway, tools: list[dict[str, Any]]
) -> None:
    """What was measured, and the cap on top, for nobody says what the tool was used for."""
    hold, end = booked(gateway, searching(0, tools=tools), MESSAGES_PATH)

    assert (end.state, end.reason) == ("estimated", "uses_uncounted")
    tokens_nanos = 500 * 1_000 + 10 * 5_000
    assert end.amount_nanos == tokens_nanos + CAP_NANOS <= hold.amount_nanos


def test_the_other_dialects_are_capped_alike(gateway: Gateway) -> None:
    """A search by Chat Completions is nowhere in its usage."""
    hold, end = booked(gateway, chat(model="chatter", web_search_options={}), CHAT_PATH)

    assert (end.state, end.reason) == ("estimated", "uses_uncounted")
    assert CAP_NANOS < end.amount_nanos <= hold.amount_nanos


def test_without_a_cap_it_is_refused_by_name(gateway: Gateway) -> None:
    """A deployment by its own name has no cap, whatever a route to it allows."""
    reply = ask(gateway, searching(0, tools=[WEB], model="haiku"), MESSAGES_PATH)

    assert (reply.status, reply.code) == (422, "feature_unbounded")
    assert WEB["type"] in reply.message


def test_a_capped_call_is_not_shortened(start: Start) -> None:
    """Where little is left it is refused: fewer tokens would not bound its searches."""
    tight = ROUTES.replace('limit_usd = "100"', 'limit_usd = "0.08"')
    gateway = start(more=tight)

    reply = ask(gateway, searching(0, tools=[WEB]), MESSAGES_PATH)

    assert (reply.status, reply.code) == (402, "budget_exceeded")
