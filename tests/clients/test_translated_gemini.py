"""Google's client served by others, and other clients served by Gemini: against a real node."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from headgate.simulator import Fault, FaultKind, Simulator
from tests.clients.books import booked_as_billed
from tests.node.harness import TestNode
from tests.node.wire import GEMINI_STREAM, content, post

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhg"
    "GAWjR9awAAAABJRU5ErkJggg=="
)
CITY: Any = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER: Any = {"function_declarations": [{"name": "get_weather", "parameters": CITY}]}
FORCED: Any = {"function_calling_config": {"mode": "ANY"}}
OTHERS = ["mini", "haiku"]
ARRAY_STREAM = GEMINI_STREAM.removesuffix("?alt=sse")


@pytest.fixture
def client(node: TestNode) -> Iterator[genai.Client]:
    """The official client with Alice's key."""
    options = types.HttpOptions(base_url=node.gateway_url)
    with genai.Client(api_key=node.key(), http_options=options) as client:
        yield client


def sent(simulator: Simulator) -> Any:
    """Return the body the provider got last."""
    return json.loads(simulator.received.last().body)


# Google's client, served by Chat Completions and by Messages.


@pytest.mark.parametrize("model", OTHERS)
def test_a_reply_and_a_stream(client: genai.Client, node: TestNode, model: str) -> None:
    """Both are typed, count as Google counts, and cost what the provider bills."""
    config: Any = {"system_instruction": "Be brief.", "max_output_tokens": 50}
    ask: Any = {"model": model, "contents": "hello", "config": config}
    with booked_as_billed(node):
        reply = client.models.generate_content(**ask)
        chunks = list(client.models.generate_content_stream(**ask))

    assert reply.text
    assert "".join(chunk.text or "" for chunk in chunks)
    usage = node.simulator.bill.entries[-1].usage
    for last in (reply, chunks[-1]):
        assert last.usage_metadata is not None
        assert last.usage_metadata.prompt_token_count == usage.prompt
        assert last.usage_metadata.total_token_count == usage.prompt + usage.output
        assert last.candidates is not None
        assert last.candidates[0].finish_reason == types.FinishReason.STOP
    assert all(chunk.model_version == reply.model_version for chunk in chunks)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", OTHERS)
def test_a_function_and_what_it_returned(
    client: genai.Client, node: TestNode, model: str, stream: bool
) -> None:
    """A function is called, and the client's own history goes on with its result, by name."""
    config: Any = {"tools": [WEATHER], "tool_config": FORCED}
    with booked_as_billed(node):
        chat = client.chats.create(model=model, config=config)
        if stream:
            said = [part for each in chat.send_message_stream("hello") for part in parts_of(each)]
        else:
            said = parts_of(chat.send_message("hello"))
        (call,) = [part.function_call for part in said if part.function_call]
        returned = types.Part.from_function_response(name="get_weather", response={"sky": "blue"})
        second = chat.send_message(returned, config={"tools": [WEATHER]})

    assert call.name == "get_weather"
    assert isinstance(call.args, dict)
    assert second.text
    body = json.dumps(sent(node.simulator))
    assert body.count(call.id or "no id") == 2
    assert "blue" in body
    assert "skip_thought_signature_validator" not in body


def parts_of(reply: types.GenerateContentResponse) -> list[types.Part]:
    """Return what the first candidate says."""
    assert reply.candidates is not None
    said = reply.candidates[0].content
    return [] if said is None else said.parts or []


@pytest.mark.parametrize("model", OTHERS)
def test_an_image_and_a_schema(client: genai.Client, node: TestNode, model: str) -> None:
    """Both arrive in the provider's own form."""
    image = types.Part.from_bytes(data=b"\xfb\xff\xfe", mime_type="image/png")
    config: Any = {"response_mime_type": "application/json", "response_schema": CITY}
    contents: Any = ["hello", image]

    reply = client.models.generate_content(model=model, contents=contents, config=config)

    assert reply.candidates
    text = json.dumps(sent(node.simulator))
    assert "+//+" in text
    assert '"city": {"type": "string"}' in text


def test_what_only_google_does_is_refused_by_name(client: genai.Client) -> None:
    """The refusal is the client's own error, before anything is sent."""
    config: Any = {"candidate_count": 2}
    with pytest.raises(errors.ClientError) as error:
        client.models.generate_content(model="mini", contents="hello", config=config)

    details: Any = error.value.details
    assert details["error"]["details"][0]["reason"] == "feature_unsupported"
    assert details["error"]["details"][0]["metadata"]["param"] == "generationConfig.candidateCount"


@pytest.mark.parametrize("model", ["flash", *OTHERS])
def test_a_stream_as_one_array(node: TestNode, model: str) -> None:
    """Without `alt=sse` the same events come as the elements of one JSON array."""
    path = ARRAY_STREAM.replace("{model}", model)
    with booked_as_billed(node):
        reply = post(node.gateway_url, path, node.key(), content("hello"))

    assert reply.headers["content-type"].startswith("application/json")
    *_, last = [types.GenerateContentResponse.model_validate(each) for each in reply.document]
    assert len(reply.document) > 2
    assert last.candidates is not None
    assert last.candidates[0].finish_reason == types.FinishReason.STOP
    assert last.usage_metadata is not None


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.ERROR_EVENT])
@pytest.mark.parametrize("model", ["flash", "mini"])
def test_an_array_that_breaks_off_ends_with_an_error(
    node: TestNode, simulator: Simulator, model: str, kind: FaultKind
) -> None:
    """The array is whole JSON all the same; its last element is an error, and only that one."""
    simulator.faults.add(Fault(kind, times=1))
    path = ARRAY_STREAM.replace("{model}", model)

    reply = post(node.gateway_url, path, node.key(), content("hello", tokens=200))

    *before, last = reply.document
    assert before and all("candidates" in each for each in before)
    assert last["error"]["message"]
    assert all("finishReason" not in each["candidates"][0] for each in before)


# Others' clients, served by Gemini.

CHAT: Any = {"model": "flash", "messages": [{"role": "user", "content": "hello"}]}
CHAT_TOOL: Any = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}
MESSAGE: Any = {**CHAT, "max_tokens": 100}
MESSAGE_TOOL: Any = {"name": "get_weather", "input_schema": CITY}


@pytest.mark.parametrize("stream", [False, True])
def test_a_completion(openai_client: openai.OpenAI, node: TestNode, stream: bool) -> None:
    """A function, an image and a schema go there; the call comes back, and counts as it should."""
    url = {"url": f"data:image/png;base64,{PIXEL}"}
    seen = [{"type": "image_url", "image_url": url}, {"type": "text", "text": "hello"}]
    asked: Any = {
        **CHAT,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": seen}],
        "tools": [CHAT_TOOL],
        "tool_choice": "required",
    }
    with booked_as_billed(node):
        if stream:
            options: Any = {"include_usage": True}
            with openai_client.chat.completions.stream(**asked, stream_options=options) as events:
                reply: Any = events.get_final_completion()
        else:
            reply = openai_client.chat.completions.create(**asked)
        first = sent(node.simulator)
        (call,) = reply.choices[0].message.tool_calls
        function = {"name": call.function.name, "arguments": call.function.arguments}
        history = [
            *asked["messages"],
            {"role": "assistant", "tool_calls": [{**tool_of(call), "function": function}]},
            {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
        ]
        again = openai_client.chat.completions.create(**{**CHAT, "messages": history})

    assert reply.choices[0].finish_reason == "tool_calls"
    usage = node.simulator.bill.entries[-2].usage
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (
        usage.prompt,
        usage.output,
    )
    assert first["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert first["contents"][0]["parts"][0]["inlineData"]["data"] == PIXEL
    assert first["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    said, returned = sent(node.simulator)["contents"][1:]
    assert said["parts"][0]["thoughtSignature"] == "skip_thought_signature_validator"
    assert returned["parts"][0]["functionResponse"]["response"] == {"output": "sunny"}
    assert again.choices[0].message.content


def tool_of(call: Any) -> Any:
    """Return the frame of a call."""
    return {"id": call.id, "type": "function"}


@pytest.mark.parametrize("stream", [False, True])
def test_a_message(anthropic_client: anthropic.Anthropic, node: TestNode, stream: bool) -> None:
    """Thoughts that were asked for are shown, unsigned, and counted in the output."""
    asked: Any = {**MESSAGE, "max_tokens": 3_000, "thinking": {"type": "adaptive"}}
    asked |= {"output_config": {"effort": "low"}}
    with booked_as_billed(node):
        if stream:
            with anthropic_client.messages.stream(**asked) as events:
                reply = events.get_final_message()
        else:
            reply = anthropic_client.messages.create(**asked)

    kinds = [block.type for block in reply.content]
    assert kinds == ["thinking", "text"]
    assert reply.stop_reason == "end_turn"
    assert reply.usage.output_tokens == node.simulator.bill.entries[-1].usage.output
    thinking = sent(node.simulator)["generationConfig"]["thinkingConfig"]
    assert thinking == {"includeThoughts": True, "thinkingLevel": "LOW"}


def test_an_image_by_address_is_refused_by_name(openai_client: openai.OpenAI) -> None:
    """It is not fetched: Gemini wants its bytes."""
    part: Any = {"type": "image_url", "image_url": {"url": "https://images.example/a.png"}}
    with pytest.raises(openai.UnprocessableEntityError) as error:
        openai_client.chat.completions.create(
            model="flash",
            messages=[{"role": "user", "content": [part]}],
        )

    assert error.value.code == "feature_unsupported"
    assert error.value.param == "messages[0].content[0]"


def test_a_response(openai_client: openai.OpenAI, node: TestNode) -> None:
    """Responses are served too, with functions."""
    tool: Any = {"type": "function", "name": "get_weather", "parameters": CITY, "strict": False}
    with booked_as_billed(node):
        reply = openai_client.responses.create(
            model="flash", input="hello", tools=[tool], tool_choice="required"
        )

    (call,) = [item for item in reply.output if item.type == "function_call"]
    assert call.name == "get_weather"
