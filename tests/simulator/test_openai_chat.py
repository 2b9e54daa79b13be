"""OpenAI chat completions: shapes, the official client, streams, tools and refusals."""

import asyncio
import base64
import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
from openai.types import Model
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionContentPartParam,
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageParam,
)
from openai.types.shared import ErrorObject

from headgate.simulator import Simulator

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
TOOL: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}


def post(
    simulator: Simulator, body: Any, key: str = "sk-test"
) -> tuple[int, dict[str, str], bytes]:
    """Send one request and return status, headers and body."""
    url = urlsplit(simulator.openai_url)
    connection = HTTPConnection(url.hostname or "", url.port, timeout=5)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", "/v1/chat/completions", raw, {"authorization": f"Bearer {key}"})
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return reply.status, {name.lower(): value for name, value in reply.getheaders()}, content


def stream(simulator: Simulator, **fields: Any) -> list[dict[str, Any]]:
    """Return the events of a stream; its last line must be the end marker."""
    _, _, content = post(
        simulator, {"model": "gpt-5.4", "messages": HELLO, "stream": True} | fields
    )
    *events, done, rest = content.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    return [json.loads(event.removeprefix(b"data: ")) for event in events]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"n": 3},
        {"tools": [TOOL], "tool_choice": "required"},
        {"model": "gpt-5.6-sol", "reasoning_effort": "high"},
        {"max_tokens": 5},
    ],
    ids=["plain", "choices", "tool", "reasoning", "length"],
)
def test_replies_have_the_official_shape(
    simulator: Simulator, check_strictly: Any, fields: dict[str, Any]
) -> None:
    """Whole replies and every chunk of a stream are of the SDK's types, to the field."""
    body = {"model": "gpt-5.4", "messages": HELLO} | fields

    status, headers, content = post(simulator, body)
    chunks = stream(simulator, **fields, stream_options={"include_usage": True})

    assert status == 200
    assert headers["x-request-id"].startswith("req_")
    assert headers["x-ratelimit-remaining-requests"].isdigit()
    check_strictly(ChatCompletion, json.loads(content))
    for chunk in chunks:
        check_strictly(ChatCompletionChunk, chunk)


def test_serves_the_dated_model(openai_client: openai.OpenAI) -> None:
    """The reply names the model that served, not the alias that was asked for."""
    reply = openai_client.chat.completions.create(model="gpt-5.4", messages=HELLO)

    assert reply.model == "gpt-5.4-2026-03-05"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 40


def test_usage_comes_only_when_asked_for(simulator: Simulator) -> None:
    """With include_usage other chunks say null and one last has no choices; else there is none."""
    asked = stream(simulator, stream_options={"include_usage": True})
    unasked = stream(simulator)

    assert all(chunk["usage"] is None for chunk in asked[:-1])
    assert asked[-1]["choices"] == []
    assert asked[-1]["usage"]["completion_tokens"] == 40
    assert all("usage" not in chunk for chunk in unasked)


def test_reasoning_is_inside_the_completion(openai_client: openai.OpenAI) -> None:
    """Reasoning tokens are part of completion tokens, and both are inside the limit."""
    reply = openai_client.chat.completions.create(
        model="gpt-5.5", messages=HELLO, reasoning_effort="high", max_completion_tokens=70
    )

    assert reply.usage is not None
    assert reply.usage.completion_tokens_details is not None
    assert reply.usage.completion_tokens_details.reasoning_tokens == 64
    assert reply.usage.completion_tokens == 70
    assert reply.choices[0].finish_reason == "length"
    assert len((reply.choices[0].message.content or "").split()) == 6


def test_streamed_tool_call_is_put_together(openai_client: openai.OpenAI) -> None:
    """The client joins the fragments of a tool call into arguments that fit the schema."""
    with openai_client.chat.completions.stream(
        model="gpt-5.4", messages=[{"role": "user", "content": "rain? [tool]"}], tools=[TOOL]
    ) as events:
        reply = events.get_final_completion()

    call = (reply.choices[0].message.tool_calls or [])[0]
    assert reply.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "weather"
    assert json.loads(call.function.arguments)["days"] == 7


def test_images_are_accepted(openai_client: openai.OpenAI) -> None:
    """An image costs a fixed number of tokens, whatever the length of its URL."""
    url = "data:image/png;base64," + base64.b64encode(bytes(3000)).decode()
    parts: list[ChatCompletionContentPartParam] = [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
    ]

    reply = openai_client.chat.completions.create(
        model="gpt-5.4", messages=[{"role": "user", "content": parts}]
    )

    assert reply.usage is not None
    assert 85 <= reply.usage.prompt_tokens <= 95


def test_async_client_runs_many_streams(simulator: Simulator) -> None:
    """Fifty streams at once each end with their own usage."""

    async def one(client: openai.AsyncOpenAI) -> int:
        events = await client.chat.completions.create(
            model="gpt-5.4-mini",
            messages=HELLO,
            stream=True,
            stream_options={"include_usage": True},
        )
        usage = [event async for event in events][-1].usage
        assert usage is not None
        return usage.completion_tokens

    async def all_of_them() -> list[int]:
        async with openai.AsyncOpenAI(api_key="k", base_url=simulator.openai_url) as client:
            return await asyncio.gather(*(one(client) for _ in range(50)))

    assert asyncio.run(all_of_them()) == [40] * 50


def test_models_are_listed(openai_client: openai.OpenAI, check_strictly: Any) -> None:
    """All models can be listed, and one fetched by either of its names."""
    cards = list(openai_client.models.list())

    assert {"gpt-5.4", "gpt-5.4-2026-03-05", "gpt-5.6-sol"} <= {card.id for card in cards}
    assert openai_client.models.retrieve("gpt-5.5").id == "gpt-5.5"
    for card in cards:
        check_strictly(Model, card.to_dict(mode="json"))


def test_unknown_fields_are_accepted(openai_client: openai.OpenAI) -> None:
    """A field that the simulator has never heard of does no harm."""
    reply = openai_client.chat.completions.create(
        model="gpt-5.4", messages=HELLO, extra_body={"brand_new": {"a": 1}}
    )

    assert reply.choices


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, None),
        (b'{"model": "gpt-5.4", "messages": 5}', 400, "invalid_type"),
        ({"messages": HELLO}, 400, None),
        ({"model": "gpt-5.4"}, 400, "missing_required_parameter"),
        ({"model": "gpt-5.4", "messages": []}, 400, "empty_array"),
        ({"model": "gpt-9", "messages": HELLO}, 404, "model_not_found"),
        (
            {"model": "gpt-5.4", "messages": HELLO, "max_tokens": 1, "max_completion_tokens": 1},
            400,
            "invalid_parameter_combination",
        ),
        ({"model": "gpt-5.4", "messages": HELLO, "max_tokens": 200_000}, 400, "invalid_value"),
        (
            {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "x" * 1_100_000}]},
            400,
            "context_length_exceeded",
        ),
    ],
)
def test_refusals_have_the_official_shape(
    simulator: Simulator, check_strictly: Any, body: Any, status: int, code: str | None
) -> None:
    """A wrong request is refused with OpenAI's status, code and shape, and bills nothing."""
    before = simulator.bill.count

    got, _, content = post(simulator, body)

    document = json.loads(content)
    assert got == status
    assert document.keys() == {"error"}
    check_strictly(ErrorObject, document["error"])
    assert document["error"]["code"] == code
    assert simulator.bill.count == before


def test_keys_are_checked(simulator: Simulator) -> None:
    """A key with `invalid` in it is wrong, and the client raises its authentication error."""
    with (
        openai.OpenAI(api_key="sk-invalid", base_url=simulator.openai_url) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.models.list()

    assert caught.value.code == "invalid_api_key"
