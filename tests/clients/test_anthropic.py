"""The official `anthropic` client against a real node."""

import asyncio
from typing import Any

import anthropic
import pytest

from headgate.simulator import Fault, FaultKind, ProviderName, Simulator
from tests.clients.conftest import BODY_BYTES_MAX, NARROW_KEY, async_anthropic
from tests.counting.vocabularies import needs_tokenizers
from tests.node.harness import TestNode

HELLO: Any = [{"role": "user", "content": "hello"}]
MESSAGE: Any = {"model": "haiku", "messages": HELLO, "max_tokens": 100}
THINKING: Any = {
    "model": "haiku",
    "messages": [{"role": "user", "content": "[sim:thinking=30] hello"}],
    "max_tokens": 4000,
    "thinking": {"type": "enabled", "budget_tokens": 2000},
}
WEATHER: Any = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
FORCED: Any = {"type": "tool", "name": "get_weather"}
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhg"
    "GAWjR9awAAAABJRU5ErkJggg=="
)


def test_a_message(anthropic_client: anthropic.Anthropic, simulator: Simulator) -> None:
    """The reply is typed; text, usage and the provider's request id are untouched."""
    reply = anthropic_client.messages.create(**MESSAGE)

    assert reply.content[0].type == "text"
    assert reply.stop_reason == "end_turn"
    billed = simulator.bill.entries[-1].usage
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (
        billed.input_uncached,
        billed.output,
    )
    assert reply._request_id is not None
    assert reply._request_id.startswith("req_")


def test_a_stream(anthropic_client: anthropic.Anthropic) -> None:
    """The client's accumulation of the stream gives text and usage."""
    with anthropic_client.messages.stream(**MESSAGE) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert final.content[0].type == "text"
    assert final.content[0].text == text
    assert final.usage.output_tokens == 40


def test_raw_events(anthropic_client: anthropic.Anthropic) -> None:
    """The events come in the order the format prescribes."""
    kinds = [each.type for each in anthropic_client.messages.create(**MESSAGE, stream=True)]

    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 1


def test_asynchronously(node: TestNode) -> None:
    """Whole replies and streams, several at once."""

    async def talk() -> tuple[Any, Any]:
        async with async_anthropic(node) as client:
            calls = [client.messages.create(**MESSAGE) for _ in range(5)]
            whole = await asyncio.gather(*calls)
            async with client.messages.stream(**MESSAGE) as stream:
                return whole, await stream.get_final_message()

    whole, final = asyncio.run(talk())

    assert len({reply.id for reply in whole}) == 5
    assert final.stop_reason == "end_turn"


def test_a_tool_call(anthropic_client: anthropic.Anthropic) -> None:
    """A tool is called, and the conversation goes on with its result."""
    reply = anthropic_client.messages.create(**MESSAGE, tools=[WEATHER], tool_choice=FORCED)

    call = reply.content[-1]
    assert call.type == "tool_use"
    assert call.name == "get_weather"
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    said = [block.model_dump(exclude_none=True) for block in reply.content]
    messages = [
        *HELLO,
        {"role": "assistant", "content": said},
        {"role": "user", "content": [result]},
    ]
    again = anthropic_client.messages.create(
        **{**MESSAGE, "messages": messages, "tools": [WEATHER]}
    )
    assert again.content


def test_streamed_input_of_a_tool(anthropic_client: anthropic.Anthropic) -> None:
    """The pieces of the input join to JSON."""
    with anthropic_client.messages.stream(**MESSAGE, tools=[WEATHER], tool_choice=FORCED) as stream:
        pieces = [each.partial_json for each in stream if each.type == "input_json"]
        call = stream.get_final_message().content[-1]

    assert len(pieces) > 1
    assert call.type == "tool_use"
    assert isinstance(call.input, dict)


def test_an_image(anthropic_client: anthropic.Anthropic, node: TestNode) -> None:
    """An image goes through as it is."""
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    messages: Any = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    reply = anthropic_client.messages.create(**{**MESSAGE, "messages": messages})

    assert reply.usage.input_tokens > 1_000
    assert PIXEL.encode() in node.simulator.received.last().body


@pytest.mark.parametrize("streamed", [False, True])
def test_thinking_comes_back_and_goes_in_again(
    anthropic_client: anthropic.Anthropic, node: TestNode, streamed: bool
) -> None:
    """A signed thinking block reaches the client whole, and the provider again byte for byte."""
    if streamed:
        with anthropic_client.messages.stream(**THINKING) as stream:
            reply = stream.get_final_message()
    else:
        reply = anthropic_client.messages.create(**THINKING)

    thought = reply.content[0]
    assert thought.type == "thinking"
    assert thought.signature
    said = [block.model_dump(exclude_none=True) for block in reply.content]
    messages = [*THINKING["messages"], {"role": "assistant", "content": said}, *HELLO]
    anthropic_client.messages.create(**{**THINKING, "messages": messages})
    assert thought.signature.encode() in node.simulator.received.last().body


def test_a_beta(anthropic_client: anthropic.Anthropic, node: TestNode) -> None:
    """Beta flags go to the provider."""
    betas = ["context-1m-2025-08-07", "interleaved-thinking-2025-05-14"]
    anthropic_client.beta.messages.create(**MESSAGE, betas=betas)

    header = node.simulator.received.last().header("anthropic-beta")
    assert header == ",".join(betas)


def test_the_headers_of_headgate(
    anthropic_client: anthropic.Anthropic, simulator: Simulator
) -> None:
    """`with_raw_response` shows the call, its deployment, hold and cost."""
    raw = anthropic_client.messages.with_raw_response.create(**MESSAGE)

    assert raw.headers["x-headgate-call"].startswith("call_")
    assert raw.headers["x-headgate-deployment"] == "haiku"
    assert raw.headers["x-headgate-model"] == "claude-haiku-4-5-20251001"
    billed = simulator.bill.entries[-1].amount
    assert abs(float(raw.headers["x-headgate-cost-usd"]) - float(billed)) < 1e-8
    assert "anthropic-ratelimit-requests-remaining" in raw.headers
    assert "anthropic-organization-id" not in raw.headers


def test_a_key_as_a_bearer(node: TestNode) -> None:
    """`auth_token` sends `Authorization: Bearer`, as agents do."""
    with anthropic.Anthropic(auth_token=node.key(), base_url=node.gateway_url) as client:
        assert client.messages.create(**MESSAGE).content


def test_the_models(anthropic_client: anthropic.Anthropic) -> None:
    """`models.list()` names what the key may use."""
    names = [model.id for model in anthropic_client.models.list()]

    assert {"mini", "haiku"} <= set(names)


def client_with(node: TestNode, key: str) -> anthropic.Anthropic:
    """Return a client with another key."""
    return anthropic.Anthropic(api_key=key, base_url=node.gateway_url, max_retries=0, timeout=20)


def code_of(error: anthropic.APIStatusError) -> Any:
    """Return our code in an error."""
    body: Any = error.body
    return body["error"]["details"]["error_code"]


def test_a_wrong_key(node: TestNode) -> None:
    """`AuthenticationError`."""
    with (
        client_with(node, "hg_wrong") as client,
        pytest.raises(anthropic.AuthenticationError) as error,
    ):
        client.messages.create(**MESSAGE)

    assert code_of(error.value) == "key_invalid"


def test_a_model_that_is_not_permitted(node: TestNode) -> None:
    """`PermissionDeniedError`."""
    with (
        client_with(node, NARROW_KEY) as client,
        pytest.raises(anthropic.PermissionDeniedError) as error,
    ):
        client.messages.create(**{**MESSAGE, "model": "opus"})

    assert code_of(error.value) == "not_permitted"


def test_an_empty_budget_is_not_retried(node: TestNode) -> None:
    """402 `billing_error`, as Anthropic itself says it; a client that may retry does not."""
    with (
        anthropic.Anthropic(api_key=node.key("poor"), base_url=node.gateway_url) as client,
        pytest.raises(anthropic.APIStatusError) as error,
    ):
        client.messages.create(**MESSAGE)

    assert error.value.status_code == 402
    assert code_of(error.value) == "budget_exceeded"
    body: Any = error.value.body
    assert body["error"]["type"] == "billing_error"
    assert body["request_id"] == error.value.response.headers["x-headgate-call"]


def test_an_unknown_model(anthropic_client: anthropic.Anthropic) -> None:
    """`NotFoundError` with what was probably meant."""
    with pytest.raises(anthropic.NotFoundError, match="Did you mean haiku") as error:
        anthropic_client.messages.create(**{**MESSAGE, "model": "haiku1"})

    assert code_of(error.value) == "model_unknown"


def test_a_wrong_field(anthropic_client: anthropic.Anthropic) -> None:
    """`BadRequestError` that names the field."""
    with pytest.raises(anthropic.BadRequestError, match="max_tokens") as error:
        anthropic_client.messages.create(**{**MESSAGE, "max_tokens": -1})

    assert code_of(error.value) == "body_invalid"


def test_a_body_that_is_too_large(anthropic_client: anthropic.Anthropic) -> None:
    """413 arrives, though the client is still sending when it is refused."""
    messages: Any = [{"role": "user", "content": "a" * (3 * BODY_BYTES_MAX)}]
    with pytest.raises(anthropic.APIStatusError) as error:
        anthropic_client.messages.create(**{**MESSAGE, "messages": messages})

    assert error.value.status_code == 413


@pytest.mark.parametrize(
    ("kind", "raised", "code"),
    [
        (FaultKind.RATE_LIMIT, anthropic.RateLimitError, "upstream_rate_limited"),
        (FaultKind.QUOTA, anthropic.InternalServerError, "upstream_credential"),
        (FaultKind.OVERLOADED, anthropic.InternalServerError, "upstream_overloaded"),
        (FaultKind.CUT, anthropic.InternalServerError, "upstream_broken"),
    ],
)
def test_faults_of_the_provider(
    anthropic_client: anthropic.Anthropic,
    simulator: Simulator,
    kind: FaultKind,
    raised: type[anthropic.APIStatusError],
    code: str,
) -> None:
    """Each is the class a client knows how to handle."""
    simulator.faults.add(Fault(kind, times=1, retry_after_s=1, provider=ProviderName.ANTHROPIC))
    with pytest.raises(raised) as error:
        anthropic_client.messages.create(**MESSAGE)

    assert code_of(error.value) == code
    if kind is FaultKind.RATE_LIMIT:
        assert error.value.response.headers["retry-after"] == "1"
        # Until then nobody is asked; a client that may retry waits as long as it is told.
        assert anthropic_client.with_options(max_retries=2).messages.create(**MESSAGE).content


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.ERROR_EVENT])
def test_a_stream_that_breaks_off_raises(
    anthropic_client: anthropic.Anthropic, simulator: Simulator, kind: FaultKind
) -> None:
    """What came is delivered, then the client raises."""
    simulator.faults.add(Fault(kind, times=1))
    stream = anthropic_client.messages.create(**MESSAGE, stream=True)
    received = []
    with pytest.raises(anthropic.APIStatusError) as error:
        received.extend(stream)

    assert received
    if kind is FaultKind.CUT:
        assert code_of(error.value) == "upstream_broken"


def test_tokens_are_counted(anthropic_client: anthropic.Anthropic, node: TestNode) -> None:
    """The count is the provider's; it costs nothing, and a call costs what it says."""
    counted: Any = {"model": "haiku", "messages": HELLO}
    before = node.await_nothing_held()
    raw = anthropic_client.messages.with_raw_response.count_tokens(**counted)
    after = node.await_nothing_held()

    reply = anthropic_client.messages.create(**counted, max_tokens=100)
    assert raw.parse().input_tokens == reply.usage.input_tokens
    assert raw.headers["x-headgate-cost-usd"] == raw.headers["x-headgate-hold-usd"] == "0.000000000"
    assert [each.posted_nanos for each in after] == [each.posted_nanos for each in before]


def test_tokens_are_counted_without_money(node: TestNode) -> None:
    """An empty budget does not matter to what is free; a wrong model and a wrong key do."""
    counted: Any = {"model": "haiku", "messages": HELLO}
    with client_with(node, node.key("poor")) as client:
        assert client.messages.count_tokens(**counted).input_tokens > 0
        with pytest.raises(anthropic.NotFoundError):
            client.messages.count_tokens(**{**counted, "model": "maxi"})
    with client_with(node, "hg_wrong") as client, pytest.raises(anthropic.AuthenticationError):
        client.messages.count_tokens(**counted)


def test_one_model(anthropic_client: anthropic.Anthropic) -> None:
    """A model is found by its name, in this client's shape; an unknown one is not."""
    assert anthropic_client.models.retrieve("haiku").display_name == "haiku"
    with pytest.raises(anthropic.NotFoundError):
        anthropic_client.models.retrieve("nothing")


@needs_tokenizers
@pytest.mark.slow
def test_tokens_of_another_providers_model_are_counted_here(
    anthropic_client: anthropic.Anthropic, node: TestNode
) -> None:
    """OpenAI has no such endpoint for Messages; its tokenizer is public, and the count is ours."""
    before = node.await_nothing_held()
    raw = anthropic_client.messages.with_raw_response.count_tokens(model="mini", messages=HELLO)

    assert raw.headers["x-headgate-count"].startswith("counted; tokenizer=o200k_base; texts=")
    assert 8 <= raw.parse().input_tokens < 30
    assert node.await_nothing_held() == before
