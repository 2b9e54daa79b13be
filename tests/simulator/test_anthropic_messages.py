"""Anthropic messages: shapes, the official client, streams, thinking, tools and refusals."""

import asyncio
import base64
import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import anthropic
import pytest
from anthropic.types import Message, ModelInfo, RawMessageStreamEvent
from anthropic.types.shared import ErrorResponse

from headgate.simulator import Simulator

HELLO: Any = [{"role": "user", "content": "hello"}]
THINKING: Any = {"type": "enabled", "budget_tokens": 1024}
TOOL: Any = {
    "name": "weather",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}},
    },
}
PIXEL = base64.b64encode(b"not really a picture").decode()


def post(
    simulator: Simulator, body: Any, path: str = "/v1/messages", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Send one request and return status, headers and body."""
    url = urlsplit(simulator.anthropic_url)
    connection = HTTPConnection(url.hostname or "", url.port, timeout=60)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    usual = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", path, raw, {k: v for k, v in (usual | given).items() if v})
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return reply.status, {name.lower(): value for name, value in reply.getheaders()}, content


def stream(simulator: Simulator, **fields: Any) -> list[dict[str, Any]]:
    """Return the events of a stream; each is named in its head as in its data."""
    body = {"model": "claude-sonnet-5", "max_tokens": 2000, "messages": HELLO, "stream": True}
    _, _, content = post(simulator, body | fields)
    events = []
    for event in content.decode().removesuffix("\n\n").split("\n\n"):
        name, data = event.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"thinking": THINKING},
        {"thinking": {"type": "adaptive", "display": "omitted"}},
        {"tools": [TOOL], "tool_choice": {"type": "any"}},
        {"max_tokens": 5},
        {"model": "claude-haiku-4-5", "system": [{"type": "text", "text": "be brief"}]},
    ],
    ids=["plain", "thinking", "omitted", "tool", "length", "system"],
)
def test_replies_have_the_official_shape(
    simulator: Simulator, check_strictly: Any, fields: dict[str, Any]
) -> None:
    """Whole replies and every event of a stream are of the SDK's types, to the field."""
    body = {"model": "claude-sonnet-5", "max_tokens": 2000, "messages": HELLO} | fields

    status, headers, content = post(simulator, body)
    events = stream(simulator, **fields)

    assert status == 200
    assert headers["request-id"].startswith("req_")
    assert headers["anthropic-ratelimit-input-tokens-remaining"].isdigit()
    check_strictly(Message, json.loads(content))
    assert {"type": "ping"} in events
    for event in events:
        if event["type"] != "ping":
            check_strictly(RawMessageStreamEvent, event)


def test_stream_tells_usage_at_head_and_tail(simulator: Simulator) -> None:
    """The head has the prompt with its split by lifetime; the tail is cumulative, without it."""
    events = stream(simulator)

    head = events[0]["message"]["usage"]
    tail = events[-2]["usage"]
    assert head["output_tokens"] == 1
    assert "ephemeral_1h_input_tokens" in head["cache_creation"]
    assert tail["output_tokens"] == 40
    assert tail["input_tokens"] == head["input_tokens"]
    assert "cache_creation" not in tail


def test_thinking_is_inside_the_output(anthropic_client: anthropic.Anthropic) -> None:
    """A thinking block is signed, and its tokens are part of the output tokens."""
    with anthropic_client.messages.stream(
        model="claude-opus-4-8", max_tokens=2000, messages=HELLO, thinking=THINKING
    ) as events:
        reply = events.get_final_message()

    assert [block.type for block in reply.content] == ["thinking", "text"]
    assert reply.content[0].type == "thinking"
    assert reply.content[0].signature
    assert reply.usage.output_tokens == 64
    assert reply.usage.output_tokens_details is not None
    assert reply.usage.output_tokens_details.thinking_tokens == 24


@pytest.mark.parametrize("streamed", [False, True])
def test_tool_use(anthropic_client: anthropic.Anthropic, streamed: bool) -> None:
    """A tool call arrives with input that fits the schema, whole or in fragments."""
    fields: Any = {
        "model": "claude-haiku-4-5",
        "max_tokens": 200,
        "messages": [{"role": "user", "content": "rain? [tool]"}],
        "tools": [TOOL],
    }

    if streamed:
        with anthropic_client.messages.stream(**fields) as events:
            reply = events.get_final_message()
    else:
        reply = anthropic_client.messages.create(**fields)

    assert reply.stop_reason == "tool_use"
    assert reply.content[-1].type == "tool_use"
    assert reply.content[-1].input["unit"] == "C"
    assert reply.model == "claude-haiku-4-5-20251001"


def test_images_and_beta_fields_are_accepted(anthropic_client: anthropic.Anthropic) -> None:
    """The beta path, unknown beta headers, unknown fields and images are taken."""
    source: Any = {"type": "base64", "media_type": "image/png", "data": PIXEL}

    reply = anthropic_client.beta.messages.create(
        model="claude-sonnet-5",
        max_tokens=3,
        messages=[{"role": "user", "content": [{"type": "image", "source": source}]}],
        betas=["never-heard-of-2026-11-01"],
        extra_body={"brand_new": True},
    )

    assert reply.stop_reason == "max_tokens"
    assert reply.usage.output_tokens == 3
    assert reply.usage.input_tokens > 1000


def test_async_client_streams(simulator: Simulator) -> None:
    """Twenty streams at once each end with their own usage."""

    async def one(client: anthropic.AsyncAnthropic) -> int:
        async with client.messages.stream(
            model="claude-haiku-5-5", max_tokens=30, messages=HELLO
        ) as events:
            return (await events.get_final_message()).usage.output_tokens

    async def all_of_them() -> list[int]:
        async with anthropic.AsyncAnthropic(
            auth_token="bearer", base_url=simulator.anthropic_url
        ) as client:
            return await asyncio.gather(*(one(client) for _ in range(20)))

    assert asyncio.run(all_of_them()) == [30] * 20


def test_counting_tokens_agrees_with_usage(anthropic_client: anthropic.Anthropic) -> None:
    """What count_tokens says is what a message is billed for."""
    fields: Any = {"model": "claude-sonnet-5", "messages": HELLO, "tools": [TOOL]}

    counted = anthropic_client.messages.count_tokens(**fields)
    reply = anthropic_client.messages.create(**fields, max_tokens=5)

    assert counted.input_tokens == reply.usage.input_tokens


def test_models_are_listed(anthropic_client: anthropic.Anthropic, check_strictly: Any) -> None:
    """All models can be listed, and one fetched by its usual name."""
    cards = list(anthropic_client.models.list())

    assert "claude-haiku-4-5-20251001" in {card.id for card in cards}
    assert anthropic_client.models.retrieve("claude-opus-4-8").display_name == "Claude Opus 4.8"
    for card in cards:
        check_strictly(ModelInfo, card.to_dict(mode="json"))


SOUND = {"model": "claude-sonnet-5", "max_tokens": 10, "messages": HELLO}
BREAKPOINT = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"{", 400, "invalid_request_error"),
        ({**SOUND, "messages": "hello"}, 400, "invalid_request_error"),
        ({**SOUND, "max_tokens": None}, 400, "invalid_request_error"),
        ({**SOUND, "max_tokens": 128_001}, 400, "invalid_request_error"),
        ({**SOUND, "messages": []}, 400, "invalid_request_error"),
        ({**SOUND, "thinking": THINKING}, 400, "invalid_request_error"),
        ({**SOUND, "system": [BREAKPOINT] * 5}, 400, "invalid_request_error"),
        ({**SOUND, "model": "claude-9"}, 404, "not_found_error"),
    ],
)
def test_refusals_have_the_official_shape(
    simulator: Simulator, check_strictly: Any, body: Any, status: int, kind: str
) -> None:
    """A wrong request is refused with Anthropic's status, type and shape, and bills nothing."""
    before = simulator.bill.count

    got, headers, content = post(simulator, body)

    document = json.loads(content)
    assert (got, document["error"]["type"]) == (status, kind)
    check_strictly(ErrorResponse, document)
    assert document["request_id"] == headers["request-id"]
    assert simulator.bill.count == before


def test_key_and_version_are_required(simulator: Simulator) -> None:
    """Without a key it is 401, without a version 400; a bearer token will do for a key."""
    assert post(simulator, SOUND, x_api_key="")[0] == 401
    assert post(simulator, SOUND, x_api_key="invalid")[0] == 401
    assert post(simulator, SOUND, anthropic_version="")[0] == 400
    assert post(simulator, SOUND, x_api_key="", authorization="Bearer k")[0] == 200


def test_too_large_is_413(simulator: Simulator) -> None:
    """A body over 32 MB is refused as too large, in Anthropic's shape."""
    status, _, content = post(simulator, b" " * (32 * 1024 * 1024 + 1))

    assert status == 413
    assert json.loads(content)["error"]["type"] == "request_too_large"
