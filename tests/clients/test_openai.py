"""The official `openai` client against a real node."""

import asyncio
import json
from typing import Any

import openai
import pytest

from headgate.simulator import Fault, FaultKind, Simulator
from tests.clients.conftest import BODY_BYTES_MAX, NARROW_KEY, async_openai
from tests.node.harness import TestNode

HELLO: Any = [{"role": "user", "content": "hello"}]
CHAT: Any = {"model": "mini", "messages": HELLO, "max_completion_tokens": 100}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)


def test_a_completion(openai_client: openai.OpenAI) -> None:
    """The reply is typed, has text and usage, and the request id of the provider."""
    reply = openai_client.chat.completions.create(**CHAT)

    assert reply.choices[0].message.content
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 40
    assert reply._request_id is not None
    assert reply._request_id.startswith("req_")


def test_a_stream_without_usage(openai_client: openai.OpenAI) -> None:
    """A client that did not ask for usage sees no event without choices."""
    chunks = list(openai_client.chat.completions.create(**CHAT, stream=True))

    assert all(len(chunk.choices) == 1 for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_a_stream_with_usage(openai_client: openai.OpenAI, simulator: Simulator) -> None:
    """A client that asks for usage gets the provider's, untouched."""
    options: Any = {"include_usage": True}
    chunks = list(
        openai_client.chat.completions.create(**CHAT, stream=True, stream_options=options)
    )

    assert not chunks[-1].choices
    usage = chunks[-1].usage
    assert usage is not None
    billed = simulator.bill.entries[-1].usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (billed.prompt, billed.output)


def test_the_stream_helper(openai_client: openai.OpenAI) -> None:
    """The client's own accumulation of a stream works."""
    with openai_client.chat.completions.stream(**CHAT) as stream:
        text = "".join(each.delta for each in stream if each.type == "content.delta")
        final = stream.get_final_completion()

    assert final.choices[0].message.content == text


def test_asynchronously(node: TestNode) -> None:
    """Whole replies and streams, several at once."""

    async def talk() -> tuple[Any, list[Any]]:
        async with async_openai(node) as client:
            calls = [client.chat.completions.create(**CHAT) for _ in range(5)]
            whole = await asyncio.gather(*calls)
            stream = await client.chat.completions.create(**CHAT, stream=True)
            return whole, [chunk async for chunk in stream]

    whole, chunks = asyncio.run(talk())

    assert len({reply.id for reply in whole}) == 5
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_a_tool_call(openai_client: openai.OpenAI) -> None:
    """Tools go through, and so does the answer that calls one."""
    reply = openai_client.chat.completions.create(**CHAT, tools=[WEATHER], tool_choice="required")

    (call,) = reply.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert isinstance(json.loads(call.function.arguments), dict)


def test_streamed_arguments_of_a_tool(openai_client: openai.OpenAI) -> None:
    """The pieces of the arguments arrive in order and join to JSON."""
    stream: Any = openai_client.chat.completions.create(
        **CHAT, tools=[WEATHER], tool_choice="required", stream=True
    )
    pieces = [
        call.function.arguments or ""
        for chunk in stream
        for call in chunk.choices[0].delta.tool_calls or ()
    ]

    assert len(pieces) > 2
    assert isinstance(json.loads("".join(pieces)), dict)


def test_the_conversation_goes_on_after_a_tool(openai_client: openai.OpenAI) -> None:
    """The result of a tool is sent back with the message that called it."""
    first: Any = openai_client.chat.completions.create(
        **CHAT, tools=[WEATHER], tool_choice="required"
    )
    said = first.choices[0].message
    result = {"role": "tool", "tool_call_id": said.tool_calls[0].id, "content": "sunny"}
    messages: Any = [*HELLO, said.model_dump(exclude_none=True), result]
    reply = openai_client.chat.completions.create(**{**CHAT, "messages": messages})

    assert reply.choices[0].message.content


def test_an_image(openai_client: openai.OpenAI, node: TestNode) -> None:
    """An inline image goes through as it is and is counted as the provider counts it."""
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": PIXEL}},
    ]
    messages: Any = [{"role": "user", "content": content}]
    reply = openai_client.chat.completions.create(**{**CHAT, "messages": messages})

    assert reply.usage is not None
    assert reply.usage.prompt_tokens > 700
    assert PIXEL.encode() in node.simulator.received.last().body


def test_several_choices(openai_client: openai.OpenAI) -> None:
    """`n` answers, held and paid for `n` times."""
    reply = openai_client.chat.completions.create(**CHAT, n=3)

    assert [choice.index for choice in reply.choices] == [0, 1, 2]
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 120


def test_the_headers_of_headgate(openai_client: openai.OpenAI, simulator: Simulator) -> None:
    """`with_raw_response` shows the call, its deployment, hold and cost."""
    raw = openai_client.chat.completions.with_raw_response.create(**CHAT)

    assert raw.headers["x-headgate-call"].startswith("call_")
    assert raw.headers["x-headgate-deployment"] == "mini"
    assert raw.headers["x-headgate-model"] == "gpt-5.4-mini-2026-03-17"
    assert raw.headers["x-headgate-decision"].isdigit()
    billed = simulator.bill.entries[-1].amount
    assert abs(float(raw.headers["x-headgate-cost-usd"]) - float(billed)) < 1e-8
    assert float(raw.headers["x-headgate-hold-usd"]) > float(billed)
    assert "x-ratelimit-remaining-requests" in raw.headers
    assert raw.parse().choices


def test_the_call_can_be_looked_up(openai_client: openai.OpenAI, node: TestNode) -> None:
    """`GET /v1/calls/ID` tells what a call cost, once the steward has folded it."""
    raw = openai_client.chat.completions.with_raw_response.create(**CHAT)
    call = raw.headers["x-headgate-call"]
    node.await_nothing_held()
    found: Any = openai_client.get(f"/calls/{call}", cast_to=object)

    assert call in json.dumps(found)


def test_the_models(openai_client: openai.OpenAI) -> None:
    """`models.list()` names what the key may use."""
    names = [model.id for model in openai_client.models.list()]

    assert {"mini", "haiku"} <= set(names)


def client_with(node: TestNode, key: str) -> openai.OpenAI:
    """Return a client with another key."""
    return openai.OpenAI(api_key=key, base_url=f"{node.gateway_url}/v1", max_retries=0, timeout=20)


def test_a_wrong_key(node: TestNode) -> None:
    """`AuthenticationError`, with our code."""
    with (
        client_with(node, "hg_wrong") as client,
        pytest.raises(openai.AuthenticationError) as error,
    ):
        client.chat.completions.create(**CHAT)

    assert error.value.code == "key_invalid"


def test_a_model_that_is_not_permitted(node: TestNode) -> None:
    """`PermissionDeniedError`."""
    with (
        client_with(node, NARROW_KEY) as client,
        pytest.raises(openai.PermissionDeniedError) as error,
    ):
        client.chat.completions.create(**{**CHAT, "model": "gpt-5-5"})

    assert error.value.code == "not_permitted"


def test_an_empty_budget_is_not_retried(node: TestNode) -> None:
    """402 has no class of its own: `APIStatusError`; a client that may retry does not."""
    seen = node.simulator.gate.seen
    with (
        openai.OpenAI(api_key=node.key("poor"), base_url=f"{node.gateway_url}/v1") as client,
        pytest.raises(openai.APIStatusError) as error,
    ):
        client.chat.completions.create(**CHAT)

    assert error.value.status_code == 402
    assert error.value.code == "budget_exceeded"
    assert "principal-poor" in str(error.value)
    assert node.simulator.gate.seen == seen


def test_an_unknown_model(openai_client: openai.OpenAI) -> None:
    """`NotFoundError` with what was probably meant."""
    with pytest.raises(openai.NotFoundError, match="Did you mean mini") as error:
        openai_client.chat.completions.create(**{**CHAT, "model": "mini1"})

    assert error.value.code == "model_unknown"
    assert error.value.param == "model"


def test_a_wrong_field(openai_client: openai.OpenAI) -> None:
    """`BadRequestError` that names the field."""
    with pytest.raises(openai.BadRequestError) as error:
        openai_client.chat.completions.create(**CHAT, n=-1)

    assert (error.value.code, error.value.param) == ("body_invalid", "n")


def test_a_body_that_is_too_large(openai_client: openai.OpenAI) -> None:
    """413 arrives, though the client is still sending when it is refused."""
    messages: Any = [{"role": "user", "content": "a" * (3 * BODY_BYTES_MAX)}]
    with pytest.raises(openai.APIStatusError) as error:
        openai_client.chat.completions.create(**{**CHAT, "messages": messages})

    assert error.value.status_code == 413
    assert error.value.code == "body_too_large"


@pytest.mark.parametrize(
    ("kind", "raised", "code"),
    [
        (FaultKind.RATE_LIMIT, openai.RateLimitError, "upstream_rate_limited"),
        (FaultKind.UNAUTHORIZED, openai.InternalServerError, "upstream_credential"),
        (FaultKind.OVERLOADED, openai.InternalServerError, "upstream_overloaded"),
        (FaultKind.CUT, openai.InternalServerError, "upstream_broken"),
    ],
)
def test_faults_of_the_provider(
    openai_client: openai.OpenAI,
    simulator: Simulator,
    kind: FaultKind,
    raised: type[openai.APIStatusError],
    code: str,
) -> None:
    """Each is the class a client knows how to handle."""
    simulator.faults.add(Fault(kind, times=1, retry_after_s=1))
    with pytest.raises(raised) as error:
        openai_client.chat.completions.create(**CHAT)

    assert error.value.code == code
    if kind is FaultKind.RATE_LIMIT:
        assert error.value.response.headers["retry-after"] == "1"
        # Until then nobody is asked; a client that may retry waits as long as it is told.
        assert openai_client.with_options(max_retries=2).chat.completions.create(**CHAT).choices


def test_a_client_that_may_retry_does_so_in_time(node: TestNode) -> None:
    """The client obeys `retry-after`; the second try is another call."""
    node.simulator.faults.add(Fault(FaultKind.RATE_LIMIT, times=1, retry_after_s=1))
    with openai.OpenAI(
        api_key=node.key(), base_url=f"{node.gateway_url}/v1", max_retries=1
    ) as client:
        assert client.chat.completions.create(**CHAT).choices


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.ERROR_EVENT])
def test_a_stream_that_breaks_off_raises(
    openai_client: openai.OpenAI, simulator: Simulator, kind: FaultKind
) -> None:
    """What came is delivered, then the client raises: a cut answer never looks like a whole one."""
    simulator.faults.add(Fault(kind, times=1))
    stream = openai_client.chat.completions.create(**CHAT, stream=True)
    received = []
    with pytest.raises(openai.APIError) as error:
        received.extend(stream)

    assert received
    if kind is FaultKind.CUT:
        assert error.value.code == "upstream_broken"
