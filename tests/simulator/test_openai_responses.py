"""OpenAI responses and embeddings: shapes, the official client, events, tools and refusals."""

import json
from typing import Any

import openai
import pytest
from openai.types import CreateEmbeddingResponse
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseContentPartAddedEvent,
    ResponseContentPartDoneEvent,
    ResponseCreatedEvent,
    ResponseErrorEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseFunctionCallArgumentsDoneEvent,
    ResponseIncompleteEvent,
    ResponseInProgressEvent,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
)

from headgate.simulator import Simulator
from tests.simulator.conftest import StrictCheck, post_json

ASK: Any = {"model": "gpt-5.5", "input": "hello"}
TOOL: Any = {
    "type": "function",
    "name": "weather",
    "strict": False,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
EVENTS: dict[str, Any] = {
    "response.created": ResponseCreatedEvent,
    "response.in_progress": ResponseInProgressEvent,
    "response.output_item.added": ResponseOutputItemAddedEvent,
    "response.output_item.done": ResponseOutputItemDoneEvent,
    "response.content_part.added": ResponseContentPartAddedEvent,
    "response.content_part.done": ResponseContentPartDoneEvent,
    "response.output_text.delta": ResponseTextDeltaEvent,
    "response.output_text.done": ResponseTextDoneEvent,
    "response.function_call_arguments.delta": ResponseFunctionCallArgumentsDeltaEvent,
    "response.function_call_arguments.done": ResponseFunctionCallArgumentsDoneEvent,
    "response.completed": ResponseCompletedEvent,
    "response.incomplete": ResponseIncompleteEvent,
    "error": ResponseErrorEvent,
}


def post(simulator: Simulator, body: Any, path: str = "/v1/responses") -> tuple[int, bytes]:
    """Send one request and return status and body."""
    return post_json(simulator.openai_url, path, body, {"authorization": "Bearer sk-test"})


def events(simulator: Simulator, **fields: Any) -> list[dict[str, Any]]:
    """Return the events of a stream."""
    status, content = post(simulator, ASK | {"stream": True} | fields)
    assert status == 200, content
    *frames, rest = content.split(b"\n\n")
    assert rest == b""
    return [json.loads(frame.partition(b"\ndata: ")[2]) for frame in frames]


def billed(simulator: Simulator) -> Any:
    """Return the usage of the last entry of the bill."""
    return simulator.bill.entries[-1].usage


CASES: list[dict[str, Any]] = [
    {},
    {"reasoning": {"effort": "low"}},
    {"tools": [TOOL], "tool_choice": "required"},
    {"max_output_tokens": 16},
    {"instructions": "Be brief.", "metadata": {"a": "b"}, "store": False},
]


@pytest.mark.parametrize("fields", CASES)
def test_a_reply_has_the_shape_of_the_official_type(
    simulator: Simulator, check_strictly: StrictCheck, fields: dict[str, Any]
) -> None:
    """Every field is known to the official client, and none that it needs is missing."""
    _, content = post(simulator, ASK | fields)

    reply = json.loads(content)
    check_strictly(Response, reply)
    assert reply["status"] == ("incomplete" if "max_output_tokens" in fields else "completed")


@pytest.mark.parametrize("fields", CASES)
def test_events_have_the_shapes_of_the_official_types(
    simulator: Simulator, check_strictly: StrictCheck, fields: dict[str, Any]
) -> None:
    """Each event is known to the official client; numbers count up, the end repeats it all."""
    told = events(simulator, **fields)

    for event in told:
        check_strictly(EVENTS[event["type"]], event)
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    assert told[0]["type"] == "response.created"
    end = told[-1]["response"]
    text = "".join(each["delta"] for each in told if each["type"] == "response.output_text.delta")
    shown = [part["text"] for item in end["output"] for part in item.get("content", ())]
    assert "".join(shown) == text
    assert end["usage"]["output_tokens"] == billed(simulator).output


def test_usage_is_inclusive(simulator: Simulator) -> None:
    """What is cached is inside the input, reasoning inside the output."""
    body = ASK | {"input": "inclusive " * 2_000, "reasoning": {"effort": "low"}}
    post(simulator, body)
    _, content = post(simulator, body)

    usage, entry = json.loads(content)["usage"], billed(simulator)
    assert entry.cache_read > 1_024
    assert usage["input_tokens"] == entry.prompt
    assert usage["input_tokens_details"]["cached_tokens"] == entry.cache_read
    assert usage["output_tokens_details"]["reasoning_tokens"] == entry.reasoning == 16
    assert usage["output_tokens"] == entry.output == 56


def test_a_stored_response_is_read_again(simulator: Simulator) -> None:
    """What came before is part of the prompt, though it is not in the request."""
    _, first = post(simulator, ASK | {"input": "long ago " * 500})
    before = billed(simulator).prompt

    status, _ = post(simulator, ASK | {"previous_response_id": json.loads(first)["id"]})
    missing, content = post(simulator, ASK | {"previous_response_id": "resp_none"})

    assert status == 200
    assert billed(simulator).prompt > before
    assert (missing, json.loads(content)["error"]["code"]) == (400, "previous_response_not_found")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"input": None}, "input"),
    ({"max_output_tokens": 15}, "max_output_tokens"),
    ({"max_output_tokens": 1_000_000}, "max_output_tokens"),
    ({"background": True}, "background"),
]


@pytest.mark.parametrize(("fields", "param"), REFUSED)
def test_a_wrong_field_is_refused(simulator: Simulator, fields: dict[str, Any], param: str) -> None:
    """The provider checks before it generates and names the field."""
    status, content = post(simulator, ASK | fields)

    assert (status, json.loads(content)["error"]["param"]) == (400, param)


def test_an_error_in_a_stream_is_an_event(simulator: Simulator) -> None:
    """A stream that goes wrong ends with the error event of this API."""
    told = events(simulator, input="[sim:fault=error_event] [sim:after=2]")

    assert told[-1]["type"] == "error"
    assert told[-1]["code"] == "server_error"


def test_the_official_client_reads_a_stream(openai_client: openai.OpenAI) -> None:
    """The client's own helper puts the pieces together."""
    with openai_client.responses.stream(**ASK) as stream:
        text = "".join(each.delta for each in stream if each.type == "response.output_text.delta")
        final = stream.get_final_response()

    assert final.output_text == text != ""


EMBED: Any = {"model": "text-embedding-3-small", "input": ["hello", "world, again"]}


def test_embeddings_have_the_shape_of_the_official_type(
    simulator: Simulator, check_strictly: StrictCheck
) -> None:
    """One vector for each text, in order; the prompt is counted and nothing else billed."""
    _, content = post(simulator, EMBED | {"dimensions": 8}, "/v1/embeddings")

    reply = json.loads(content)
    check_strictly(CreateEmbeddingResponse, reply)
    assert [len(each["embedding"]) for each in reply["data"]] == [8, 8]
    assert reply["data"][0]["embedding"] != reply["data"][1]["embedding"]
    assert reply["usage"] == {"prompt_tokens": 5, "total_tokens": 5}
    assert [line.meter for line in simulator.bill.entries[-1].lines] == ["input_uncached"]


def test_the_official_client_reads_embeddings(openai_client: openai.OpenAI) -> None:
    """The client asks for base64 by itself and decodes it."""
    one = openai_client.embeddings.create(**EMBED)
    two = openai_client.embeddings.create(**EMBED, encoding_format="float")

    assert len(one.data[0].embedding) == 1_536
    assert one.data[0].embedding == pytest.approx(two.data[0].embedding)


@pytest.mark.parametrize("wrong", [{"input": []}, {"input": ""}, {"input": [1, "a"]}])
def test_an_odd_input_is_refused(simulator: Simulator, wrong: dict[str, Any]) -> None:
    """There is nothing to embed in it."""
    assert post(simulator, EMBED | wrong, "/v1/embeddings")[0] == 400


def test_models_do_what_they_are_for(simulator: Simulator) -> None:
    """An embedding model does not chat, a chat model does not embed."""
    assert post(simulator, ASK | {"model": EMBED["model"]})[0] == 404
    assert post(simulator, EMBED | {"model": "gpt-5.5"}, "/v1/embeddings")[0] == 404


@pytest.mark.parametrize(
    "field",
    [
        {"text": {"format": 7}},
        {"text": {"format": "json_object"}},
        {"input": [{"type": "\0", "call_id": "a", "name": "f", "arguments": "{}"}, {"output": 1}]},
        {"tools": [{"type": "function", "name": 7}]},
        {"tool_choice": {"type": "function", "name": []}},
    ],
)
def test_a_field_of_another_form_is_refused_or_answered(
    simulator: Simulator, field: dict[str, Any]
) -> None:
    """Whatever the stand-in cannot read is a 400, never a connection that breaks off."""
    status, _ = post(simulator, {"model": "gpt-5.4-mini", "input": "Hello", **field})

    assert status in (200, 400)
