"""The official clients, served by deployments of the other dialect: against a real node."""

import json
from fractions import Fraction
from math import floor
from typing import Any

import anthropic
import openai
import pytest

from headgate.simulator import Fault, FaultKind, Simulator
from tests.node.harness import TestNode

HELLO: Any = [{"role": "user", "content": "hello"}]
CHAT: Any = {"model": "haiku", "messages": HELLO, "max_completion_tokens": 100}
MESSAGE: Any = {"model": "mini", "messages": HELLO, "max_tokens": 100}
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhg"
    "GAWjR9awAAAABJRU5ErkJggg=="
)
CITY: Any = {"type": "object", "properties": {"city": {"type": "string"}}}
CHAT_TOOL: Any = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}
MESSAGE_TOOL: Any = {"name": "get_weather", "input_schema": CITY}


def sent(simulator: Simulator) -> Any:
    """Return the body the provider got last."""
    return json.loads(simulator.received.last().body)


@pytest.fixture
def billed(node: TestNode, simulator: Simulator) -> Any:
    """Afterwards the books must have posted exactly what the provider billed meanwhile."""
    before, posted = len(simulator.bill.entries), _posted(node)
    yield
    node.await_nothing_held()
    entries = simulator.bill.entries[before:]
    lines = [line.amount * 10**9 for entry in entries for line in entry.lines]
    # Each line is rounded half up, once.
    charges = [floor(nanos + Fraction(1, 2)) for nanos in lines]
    assert _posted(node) - posted == sum(charges)


def _posted(node: TestNode) -> int:
    return node.standing("team:research").posted_nanos


# A client of Chat Completions, served by Messages.


def test_a_completion(openai_client: openai.OpenAI, simulator: Simulator, billed: Any) -> None:
    """The reply is typed, and counts the prompt as this client counts."""
    raw = openai_client.chat.completions.with_raw_response.create(**CHAT)

    reply = raw.parse()
    assert raw.headers["x-headgate-deployment"] == "haiku"
    assert "x-headgate-lost" not in raw.headers
    assert reply.model.startswith("claude-haiku-4-5")
    assert reply.choices[0].message.content
    assert reply.choices[0].finish_reason == "stop"
    usage = simulator.bill.entries[-1].usage
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (
        usage.prompt,
        usage.output,
    )
    assert sent(simulator)["max_tokens"] == 100


def test_a_completion_stream(
    openai_client: openai.OpenAI, simulator: Simulator, billed: Any
) -> None:
    """The client's accumulation works, and usage comes to who asked for it."""
    options: Any = {"include_usage": True}
    with openai_client.chat.completions.stream(**CHAT, stream_options=options) as stream:
        text = "".join(each.delta for each in stream if each.type == "content.delta")
        final = stream.get_final_completion()

    assert final.choices[0].message.content == text
    assert final.choices[0].finish_reason == "stop"
    usage = simulator.bill.entries[-1].usage
    assert final.usage is not None
    assert (final.usage.prompt_tokens, final.usage.completion_tokens) == (
        usage.prompt,
        usage.output,
    )


def test_a_stream_without_usage(openai_client: openai.OpenAI, billed: Any) -> None:
    """A client that did not ask for usage sees no event without choices."""
    chunks = list(openai_client.chat.completions.create(**CHAT, stream=True))

    assert all(len(chunk.choices) == 1 for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("stream", [False, True])
def test_a_function(
    openai_client: openai.OpenAI, simulator: Simulator, billed: Any, stream: bool
) -> None:
    """A function is called, and the conversation goes on with its result."""
    asked: Any = {**CHAT, "tools": [CHAT_TOOL], "tool_choice": "required"}
    if stream:
        with openai_client.chat.completions.stream(**asked) as events:
            said: Any = events.get_final_completion().choices[0]
    else:
        said = openai_client.chat.completions.create(**asked).choices[0]

    assert said.finish_reason == "tool_calls"
    (call,) = said.message.tool_calls
    assert call.function.name == "get_weather"
    assert isinstance(json.loads(call.function.arguments), dict)
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    keep = {"role", "content", "tool_calls"}
    message = said.message.model_dump(exclude_none=True, include=keep)
    for each in message["tool_calls"]:
        each["function"].pop("parsed_arguments", None)
        each.pop("index", None)
    messages: Any = [*HELLO, message, result]
    again = openai_client.chat.completions.create(**{**CHAT, "messages": messages})
    assert again.choices[0].message.content
    assert sent(simulator)["messages"][2]["content"][0]["tool_use_id"] == call.id


def test_an_image_and_a_system_prompt(
    openai_client: openai.OpenAI, simulator: Simulator, billed: Any
) -> None:
    """Both arrive as the other dialect has them."""
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    content = [{"type": "text", "text": "What is this?"}, image]
    messages: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": content},
    ]
    openai_client.chat.completions.create(**{**CHAT, "messages": messages})

    body = sent(simulator)
    assert body["system"] == [{"type": "text", "text": "Be brief."}]
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    assert body["messages"][0]["content"][1] == {"type": "image", "source": source}


def test_a_schema(openai_client: openai.OpenAI, simulator: Simulator, billed: Any) -> None:
    """A schema for the answer is a schema there."""
    schema = {"name": "weather", "strict": True, "schema": CITY}
    form: Any = {"type": "json_schema", "json_schema": schema}
    raw = openai_client.chat.completions.with_raw_response.create(**CHAT, response_format=form)

    assert sent(simulator)["output_config"]["format"] == {"type": "json_schema", "schema": CITY}
    assert raw.headers["x-headgate-lost"] == "response_format.json_schema.name"


def test_reasoning(openai_client: openai.OpenAI, simulator: Simulator, billed: Any) -> None:
    """An effort makes the model think; the thoughts come where others put them, and are counted."""
    messages: Any = [{"role": "user", "content": "[sim:thinking=30] hello"}]
    asked = {**CHAT, "messages": messages, "max_completion_tokens": 6_000}
    reply: Any = openai_client.chat.completions.create(**asked, reasoning_effort="low")

    assert sent(simulator)["thinking"] == {"type": "enabled", "budget_tokens": 2_048}
    assert reply.choices[0].message.reasoning_content
    assert reply.usage.completion_tokens_details.reasoning_tokens == 30


def test_what_is_lost_is_told(openai_client: openai.OpenAI, node: TestNode, billed: Any) -> None:
    """The header names the places, for whole replies and streams."""
    fields: Any = {"seed": 7, "logit_bias": {"1": 1}, "metadata": {"a": "b"}}
    whole = openai_client.chat.completions.with_raw_response.create(**CHAT, **fields)
    stream = openai_client.chat.completions.with_raw_response.create(**CHAT, **fields, stream=True)
    list(stream.parse())

    for raw in (whole, stream):
        assert set(raw.headers["x-headgate-lost"].split(", ")) == {"seed", "logit_bias", "metadata"}


def test_what_cannot_be_said_is_refused(openai_client: openai.OpenAI, node: TestNode) -> None:
    """Two answers at once are not to be had there: no provider is asked, nothing is held."""
    seen = node.simulator.gate.seen
    with pytest.raises(openai.APIStatusError) as error:
        openai_client.chat.completions.create(**CHAT, n=2)

    assert error.value.status_code == 422
    assert (error.value.code, error.value.param) == ("feature_unsupported", "n")
    assert node.simulator.gate.seen == seen


@pytest.mark.parametrize(
    ("kind", "raised", "code"),
    [
        (FaultKind.RATE_LIMIT, openai.RateLimitError, "upstream_rate_limited"),
        (FaultKind.OVERLOADED, openai.InternalServerError, "upstream_overloaded"),
        (FaultKind.NOT_FOUND, openai.NotFoundError, "model_unknown"),
        (FaultKind.CUT, openai.InternalServerError, "upstream_broken"),
    ],
)
def test_faults_are_told_in_this_dialect(
    openai_client: openai.OpenAI,
    simulator: Simulator,
    kind: FaultKind,
    raised: type[openai.APIStatusError],
    code: str,
) -> None:
    """Each is the class this client knows how to handle."""
    simulator.faults.add(Fault(kind, times=1))
    with pytest.raises(raised) as error:
        openai_client.chat.completions.create(**CHAT)

    assert error.value.code == code


def test_what_the_provider_objects_to(openai_client: openai.OpenAI) -> None:
    """Its words are passed on in the client's shape."""
    messages: Any = [{"role": "user", "content": "[sim:nonsense=1]"}]
    with pytest.raises(openai.BadRequestError, match="unknown simulator markers") as error:
        openai_client.chat.completions.create(**{**CHAT, "messages": messages})

    assert error.value.code == "body_invalid"


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.ERROR_EVENT])
def test_a_completion_stream_that_breaks_off_raises(
    openai_client: openai.OpenAI, simulator: Simulator, kind: FaultKind
) -> None:
    """What came is delivered, then the client raises: a cut answer never looks like a whole one."""
    simulator.faults.add(Fault(kind, times=1))
    stream = openai_client.chat.completions.create(**CHAT, stream=True)
    received: list[Any] = []
    with pytest.raises(openai.APIError):
        received.extend(stream)

    assert received


# A client of Messages, served by Chat Completions.


def test_a_message(
    anthropic_client: anthropic.Anthropic, simulator: Simulator, billed: Any
) -> None:
    """The reply is typed, and counts the prompt as this client counts."""
    raw = anthropic_client.messages.with_raw_response.create(**MESSAGE)

    reply = raw.parse()
    assert raw.headers["x-headgate-deployment"] == "mini"
    assert reply.model.startswith("gpt-5.4-mini")
    assert reply.content[0].type == "text"
    assert reply.stop_reason == "end_turn"
    usage = simulator.bill.entries[-1].usage
    assert (reply.usage.input_tokens, reply.usage.cache_read_input_tokens) == (
        usage.input_uncached,
        usage.cache_read,
    )
    assert reply.usage.output_tokens == usage.output
    assert sent(simulator)["max_completion_tokens"] == 100


def test_a_message_stream(
    anthropic_client: anthropic.Anthropic, simulator: Simulator, billed: Any
) -> None:
    """The client's accumulation of the stream gives text and usage."""
    with anthropic_client.messages.stream(**MESSAGE) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert final.content[0].type == "text"
    assert final.content[0].text == text
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens == simulator.bill.entries[-1].usage.output


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool(
    anthropic_client: anthropic.Anthropic, simulator: Simulator, billed: Any, stream: bool
) -> None:
    """A tool is called, and the conversation goes on with its result."""
    asked: Any = {**MESSAGE, "tools": [MESSAGE_TOOL], "tool_choice": {"type": "any"}}
    if stream:
        with anthropic_client.messages.stream(**asked) as events:
            reply: Any = events.get_final_message()
    else:
        reply = anthropic_client.messages.create(**asked)

    call = reply.content[-1]
    assert (reply.stop_reason, call.type, call.name) == ("tool_use", "tool_use", "get_weather")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    said = [block.model_dump(exclude_none=True) for block in reply.content]
    messages: Any = [
        *HELLO,
        {"role": "assistant", "content": said},
        {"role": "user", "content": [result]},
    ]
    again = anthropic_client.messages.create(**{**MESSAGE, "messages": messages})
    assert again.content
    assert sent(simulator)["messages"][-1]["tool_call_id"] == call.id


def test_an_image_a_system_prompt_and_a_schema(
    anthropic_client: anthropic.Anthropic, simulator: Simulator, billed: Any
) -> None:
    """They arrive as the other dialect has them."""
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    content = [{"type": "text", "text": "What is this?"}, {"type": "image", "source": source}]
    anthropic_client.messages.create(
        **{**MESSAGE, "messages": [{"role": "user", "content": content}]},
        system="Be brief.",
        extra_body={"output_config": {"format": {"type": "json_schema", "schema": CITY}}},
    )

    body = sent(simulator)
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    url = body["messages"][1]["content"][1]["image_url"]["url"]
    assert url == f"data:image/png;base64,{PIXEL}"
    assert body["response_format"]["json_schema"]["schema"] == CITY


def test_thinking_and_cache_controls(
    anthropic_client: anthropic.Anthropic, simulator: Simulator, billed: Any
) -> None:
    """What a coding agent always sends: the budget is an effort, cache controls are named."""
    text = {"type": "text", "text": "hello", "cache_control": {"type": "ephemeral"}}
    asked: Any = {
        "model": "mini",
        "max_tokens": 4_000,
        "messages": [{"role": "user", "content": [text]}],
        "thinking": {"type": "enabled", "budget_tokens": 2_000},
    }
    raw = anthropic_client.messages.with_raw_response.create(**asked)

    assert sent(simulator)["reasoning_effort"] == "low"
    assert raw.headers["x-headgate-lost"] == "messages[0].content[0].cache_control"


@pytest.mark.parametrize(
    ("kind", "raised", "code"),
    [
        (FaultKind.RATE_LIMIT, anthropic.RateLimitError, "upstream_rate_limited"),
        (FaultKind.OVERLOADED, anthropic.APIStatusError, "upstream_overloaded"),
        (FaultKind.NOT_FOUND, anthropic.NotFoundError, "model_unknown"),
        (FaultKind.CUT, anthropic.InternalServerError, "upstream_broken"),
    ],
)
def test_faults_are_told_in_that_dialect(
    anthropic_client: anthropic.Anthropic,
    simulator: Simulator,
    kind: FaultKind,
    raised: type[anthropic.APIStatusError],
    code: str,
) -> None:
    """Each is the class this client knows how to handle."""
    simulator.faults.add(Fault(kind, times=1))
    with pytest.raises(raised) as error:
        anthropic_client.messages.create(**MESSAGE)

    body: Any = error.value.body
    assert body["error"]["details"]["error_code"] == code


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.ERROR_EVENT])
def test_a_message_stream_that_breaks_off_raises(
    anthropic_client: anthropic.Anthropic, simulator: Simulator, kind: FaultKind
) -> None:
    """What came is delivered, then the client raises: a cut answer never looks like a whole one."""
    simulator.faults.add(Fault(kind, times=1))
    received: list[Any] = []
    with (
        pytest.raises(anthropic.APIError),
        anthropic_client.messages.stream(**MESSAGE) as stream,
    ):
        received.extend(stream)

    assert received
