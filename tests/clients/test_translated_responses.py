"""The official client of Responses, served by deployments of Messages: against a real node."""

import json
from typing import Any

import openai
import pytest

from headgate.simulator import Simulator

ASKED: Any = {"model": "haiku", "input": "hello", "max_output_tokens": 100}
CITY: Any = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL: Any = {"type": "function", "name": "get_weather", "parameters": CITY, "strict": False}


def test_a_response(openai_client: openai.OpenAI, simulator: Simulator) -> None:
    """The reply is typed, and counts the prompt as this client counts."""
    raw = openai_client.responses.with_raw_response.create(**ASKED)

    reply = raw.parse()
    assert raw.headers["x-headgate-deployment"] == "haiku"
    assert reply.output_text
    usage = simulator.bill.entries[-1].usage
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (usage.prompt, usage.output)


def test_a_streamed_response(openai_client: openai.OpenAI) -> None:
    """The client's accumulation of the stream gives the same as its last event."""
    with openai_client.responses.stream(**ASKED) as stream:
        text = "".join(each.delta for each in stream if each.type == "response.output_text.delta")
        final = stream.get_final_response()

    assert final.status == "completed"
    assert final.output_text == text


def test_a_function(openai_client: openai.OpenAI, simulator: Simulator) -> None:
    """A function is called, and the conversation goes on with its result."""
    first = openai_client.responses.create(**ASKED, tools=[TOOL], tool_choice="required")

    call: Any = next(item for item in first.output if item.type == "function_call")
    assert call.name == "get_weather"
    said = [item.model_dump(exclude_none=True) for item in first.output]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    asked = [{"role": "user", "content": "hello"}, *said, result]
    again = openai_client.responses.create(**{**ASKED, "input": asked}, tools=[TOOL])
    assert again.output_text
    sent = json.loads(simulator.received.last().body)
    assert sent["messages"][-1]["content"][0]["tool_use_id"] == call.call_id


def test_what_the_provider_would_have_to_keep(openai_client: openai.OpenAI) -> None:
    """An answer that another provider keeps is refused by name."""
    with pytest.raises(openai.APIStatusError) as error:
        openai_client.responses.create(**ASKED, previous_response_id="resp_1")

    assert (error.value.code, error.value.param) == ("feature_unsupported", "previous_response_id")
