"""The official `openai` client against a real node: Responses and Embeddings."""

import asyncio
import json
from typing import Any

import openai
import pydantic
import pytest

from headgate.simulator import Fault, FaultKind, Simulator
from tests.clients.books import booked_as_billed
from tests.clients.conftest import async_openai
from tests.node.harness import TestNode

ASK: Any = {"model": "mini", "input": "hello", "max_output_tokens": 100}
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "strict": False,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
EMBED: Any = {"model": "embed", "input": ["hello", "world"]}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6"
    "kgAAAABJRU5ErkJggg=="
)


def test_tokens_are_counted(openai_client: openai.OpenAI, node: TestNode) -> None:
    """The count is the provider's, of what a response then has in its prompt, and costs nothing."""
    before = node.await_nothing_held()
    counted = openai_client.responses.input_tokens.count(model="gpt-5-5", input="hello")

    assert node.await_nothing_held() == before
    reply = openai_client.responses.create(model="gpt-5-5", input="hello", max_output_tokens=100)
    assert reply.usage is not None
    assert counted.input_tokens == reply.usage.input_tokens


def test_a_response(openai_client: openai.OpenAI, node: TestNode) -> None:
    """The reply is typed, and it costs what the provider bills."""
    with booked_as_billed(node):
        reply = openai_client.responses.create(**ASK)

    assert reply.output_text
    assert reply.status == "completed"
    assert reply.usage is not None
    assert reply.usage.output_tokens == 40
    assert reply.model == "gpt-5.4-mini-2026-03-17"


def test_the_headers_of_headgate(openai_client: openai.OpenAI, simulator: Simulator) -> None:
    """A whole response tells its cost; the call's dialect is its own."""
    raw = openai_client.responses.with_raw_response.create(**ASK)

    billed = simulator.bill.entries[-1].amount
    assert raw.headers["x-headgate-deployment"] == "mini"
    assert abs(float(raw.headers["x-headgate-cost-usd"]) - float(billed)) < 1e-8
    assert float(raw.headers["x-headgate-hold-usd"]) > float(billed)


def test_typed_events(openai_client: openai.OpenAI, node: TestNode) -> None:
    """Events go through as they are, and the last one is what is billed."""
    with booked_as_billed(node):
        events = list(openai_client.responses.create(**ASK, stream=True))

    assert events[0].type == "response.created"
    end = events[-1]
    assert end.type == "response.completed"
    text = "".join(each.delta for each in events if each.type == "response.output_text.delta")
    assert end.response.output_text == text != ""


def test_the_stream_helper(openai_client: openai.OpenAI) -> None:
    """The client's own accumulation of a stream works."""
    with openai_client.responses.stream(**ASK) as stream:
        text = "".join(each.delta for each in stream if each.type == "response.output_text.delta")
        final = stream.get_final_response()

    assert final.output_text == text != ""


def test_asynchronously(node: TestNode) -> None:
    """Whole replies and streams, several at once."""

    async def talk() -> tuple[Any, list[Any]]:
        async with async_openai(node) as client:
            whole = await asyncio.gather(*(client.responses.create(**ASK) for _ in range(5)))
            stream = await client.responses.create(**ASK, stream=True)
            return whole, [event async for event in stream]

    with booked_as_billed(node):
        whole, events = asyncio.run(talk())

    assert len({reply.id for reply in whole}) == 5
    assert events[-1].type == "response.completed"


def test_a_tool_and_what_it_returned(openai_client: openai.OpenAI, node: TestNode) -> None:
    """A tool is called, and the conversation goes on with its result."""
    with booked_as_billed(node):
        first = openai_client.responses.create(**ASK, tools=[WEATHER], tool_choice="required")
        (call,) = [item for item in first.output if item.type == "function_call"]
        result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
        items: Any = [{"role": "user", "content": "hello"}, call.model_dump(), result]
        second = openai_client.responses.create(**{**ASK, "input": items})

    assert call.name == "get_weather"
    assert isinstance(json.loads(call.arguments), dict)
    assert second.output_text


def test_streamed_arguments_of_a_tool(openai_client: openai.OpenAI) -> None:
    """The pieces of the arguments arrive in order and join to JSON."""
    stream: Any = openai_client.responses.create(
        **ASK, tools=[WEATHER], tool_choice="required", stream=True
    )
    pieces = [
        each.delta for each in stream if each.type == "response.function_call_arguments.delta"
    ]

    assert len(pieces) > 2
    assert isinstance(json.loads("".join(pieces)), dict)


def test_an_image(openai_client: openai.OpenAI, node: TestNode) -> None:
    """An inline image goes through as it is and is counted as the provider counts it."""
    content = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": PIXEL, "detail": "auto"},
    ]
    items: Any = [{"role": "user", "content": content}]
    with booked_as_billed(node):
        reply = openai_client.responses.create(**{**ASK, "input": items})

    assert reply.usage is not None
    assert reply.usage.input_tokens > 700
    assert PIXEL.encode() in node.simulator.received.last().body


class Weather(pydantic.BaseModel):
    """What a structured reply is to look like."""

    city: str


def test_a_structured_reply(openai_client: openai.OpenAI, node: TestNode) -> None:
    """The schema the client makes of a class reaches the provider untouched."""
    schema = {"type": "json_schema", "name": "weather", "schema": Weather.model_json_schema()}
    text: Any = {"format": schema}
    reply = openai_client.responses.create(**ASK, text=text)

    sent = json.loads(node.simulator.received.last().body)
    assert sent["text"] == text
    assert reply.status == "completed"


def test_reasoning(openai_client: openai.OpenAI, node: TestNode) -> None:
    """Reasoning is inside the output the client sees, and on a meter of its own in the books."""
    with booked_as_billed(node):
        reply = openai_client.responses.create(**ASK, reasoning={"effort": "low"})

    assert reply.usage is not None
    assert reply.usage.output_tokens_details.reasoning_tokens == 16
    assert [item.type for item in reply.output] == ["reasoning", "message"]


def test_a_cached_prompt(openai_client: openai.OpenAI, node: TestNode) -> None:
    """What the cache served is billed once, at its own price."""
    long: Any = {**ASK, "input": "again and again " * 1_000}
    with booked_as_billed(node):
        openai_client.responses.create(**long)
        reply = openai_client.responses.create(**long)

    assert reply.usage is not None
    assert reply.usage.input_tokens_details.cached_tokens > 1_024


def test_a_stored_conversation(openai_client: openai.OpenAI, node: TestNode) -> None:
    """What the provider has stored is held at the context window and billed at what it was."""
    with booked_as_billed(node):
        first = openai_client.responses.create(**ASK)
        raw = openai_client.responses.with_raw_response.create(**ASK, previous_response_id=first.id)

    assert raw.parse().output_text
    assert float(raw.headers["x-headgate-hold-usd"]) > 0.1


def test_the_limit_cuts_an_answer_short(openai_client: openai.OpenAI, node: TestNode) -> None:
    """An incomplete response is billed too, also when it was streamed."""
    short: Any = {**ASK, "max_output_tokens": 16}
    with booked_as_billed(node):
        whole = openai_client.responses.create(**short)
        events = list(openai_client.responses.create(**short, stream=True))

    assert whole.status == "incomplete"
    assert events[-1].type == "response.incomplete"


@pytest.mark.parametrize(
    ("more", "code", "param"),
    [
        ({"background": True}, "feature_unsupported", "background"),
        ({"tools": [{"type": "web_search"}]}, "feature_unbounded", "web_search"),
        ({"max_output_tokens": -1}, "body_invalid", "max_output_tokens"),
        ({"model": "mini1"}, "model_unknown", "model"),
    ],
)
def test_refusals(
    openai_client: openai.OpenAI, more: dict[str, Any], code: str, param: str
) -> None:
    """Each names its code and the field that is at fault."""
    with pytest.raises(openai.APIStatusError) as error:
        openai_client.responses.create(**{**ASK, **more})

    assert (error.value.code, error.value.param) == (code, param)


def test_an_empty_budget(node: TestNode) -> None:
    """402, and nothing reaches the provider."""
    seen = node.simulator.gate.seen
    url = f"{node.gateway_url}/v1"
    with (
        openai.OpenAI(api_key=node.key("poor"), base_url=url, max_retries=0) as client,
        pytest.raises(openai.APIStatusError) as error,
    ):
        client.responses.create(**ASK)

    assert (error.value.status_code, error.value.code) == (402, "budget_exceeded")
    assert node.simulator.gate.seen == seen


@pytest.mark.parametrize(
    ("kind", "raised", "code"),
    [
        (FaultKind.RATE_LIMIT, openai.RateLimitError, "upstream_rate_limited"),
        (FaultKind.UNAUTHORIZED, openai.InternalServerError, "upstream_credential"),
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
    simulator.faults.add(Fault(kind, times=1))
    with pytest.raises(raised) as error:
        openai_client.responses.create(**ASK)

    assert error.value.code == code


def test_a_stream_that_breaks_off_raises(
    openai_client: openai.OpenAI, simulator: Simulator
) -> None:
    """What came is delivered, then the client raises: a cut answer never looks like a whole one."""
    simulator.faults.add(Fault(FaultKind.CUT, times=1))
    received: list[Any] = []
    with pytest.raises(openai.APIError) as error:
        received.extend(openai_client.responses.create(**ASK, stream=True))

    assert received
    assert error.value.code == "upstream_broken"


def test_an_error_event_of_the_provider_reaches_the_client(
    openai_client: openai.OpenAI, simulator: Simulator
) -> None:
    """The provider's own event ends the stream; nothing is added to it."""
    simulator.faults.add(Fault(FaultKind.ERROR_EVENT, times=1))

    events = list(openai_client.responses.create(**ASK, stream=True))

    assert events[-1].type == "error"
    assert events[-1].code == "server_error"


def test_embeddings(openai_client: openai.OpenAI, node: TestNode) -> None:
    """One vector for each text, billed at the prompt alone."""
    with booked_as_billed(node):
        raw = openai_client.embeddings.with_raw_response.create(**EMBED)

    reply = raw.parse()
    assert [len(each.embedding) for each in reply.data] == [1_536, 1_536]
    assert reply.usage.total_tokens == 4
    assert raw.headers["x-headgate-cost-usd"] == "0.000000080"


def test_many_texts_are_held_for(openai_client: openai.OpenAI, node: TestNode) -> None:
    """A model's window is for each text, so many of them may cost more than one window."""
    texts = ["word " * 1_600] * 20
    with booked_as_billed(node):
        raw = openai_client.embeddings.with_raw_response.create(**{**EMBED, "input": texts})

    cost, hold = (float(raw.headers[f"x-headgate-{name}-usd"]) for name in ("cost", "hold"))
    assert hold >= cost > 8_191 * 0.02 / 1_000_000


def test_embeddings_are_refused_by_name(openai_client: openai.OpenAI) -> None:
    """A model that is served elsewhere, and a text the provider does not take."""
    with pytest.raises(openai.NotFoundError) as elsewhere:
        openai_client.embeddings.create(**{**EMBED, "model": "haiku"})
    with pytest.raises(openai.BadRequestError) as odd:
        openai_client.embeddings.create(**{**EMBED, "input": ""})

    assert "/v1/messages" in str(elsewhere.value)
    assert odd.value.param == "input"


def test_one_model(openai_client: openai.OpenAI) -> None:
    """A model is found by its name, and only one that the key may use."""
    assert openai_client.models.retrieve("mini").owned_by == "headgate"
    with pytest.raises(openai.NotFoundError) as error:
        openai_client.models.retrieve("nothing")

    assert error.value.code == "model_unknown"
