"""Responses told in other dialects, and others as Responses: what is its own about it."""

import json
from typing import Any

from headgate.dialects.translation.losses import Losses
from tests.dialects.translation.speech import (
    AT_S,
    CHAT,
    MESSAGES,
    RESPONSES,
    TRANSLATORS,
    edit,
)
from tests.dialects.translation.streams import parsed

FUNCTION = {"type": "function", "name": "look", "parameters": {"type": "object"}}


def told(client: str, upstream: str, body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a body in another dialect, and what was lost."""
    call = TRANSLATORS[client].parse_call(json.dumps({"model": "m", **body}).encode())
    losses = Losses(call.lost)
    text = TRANSLATORS[upstream].render_call(call, edit(upstream), losses).body
    return json.loads(text), [loss.at for loss in losses.found]


def test_items_of_one_side_are_one_turn() -> None:
    """Words and calls that follow each other are one message; so are their results."""
    items = [
        {"role": "user", "content": "hello"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
        {"type": "function_call", "call_id": "1", "name": "look", "arguments": "{}"},
        {"type": "function_call", "call_id": "2", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "2", "output": "two"},
        {"type": "function_call_output", "call_id": "1", "output": "one"},
    ]

    chat, _ = told(RESPONSES, CHAT, {"input": items})
    messages, _ = told(RESPONSES, MESSAGES, {"input": items, "max_output_tokens": 9})

    assert [each["role"] for each in chat["messages"]] == ["user", "assistant", "tool", "tool"]
    assert len(chat["messages"][1]["tool_calls"]) == 2
    assert [each["role"] for each in messages["messages"]] == ["user", "assistant", "user"]
    kinds = [block["type"] for block in messages["messages"][1]["content"]]
    assert kinds == ["text", "tool_use", "tool_use"]


def test_a_text_alone_is_a_request() -> None:
    """The short form of the input, with instructions."""
    chat, lost = told(RESPONSES, CHAT, {"input": "hello", "instructions": "Be brief."})

    assert chat["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hello"},
    ]
    assert lost == []


def test_tools_of_the_provider_are_left_out_beside_functions() -> None:
    """Agents offer them unasked; alone they are what the call is about, and refuse it."""
    search = {"type": "web_search"}

    chat, lost = told(RESPONSES, CHAT, {"input": "hello", "tools": [FUNCTION, search]})
    alone = TRANSLATORS[RESPONSES].parse_call(
        json.dumps({"model": "m", "input": "hello", "tools": [search]}).encode()
    )

    assert [each["function"]["name"] for each in chat["tools"]] == ["look"]
    assert lost == ["tools[1]"]
    assert [each.at for each in alone.foreign] == ["tools[0]"]


def test_nothing_is_kept_at_the_provider() -> None:
    """What is sent as Responses is not to be stored, and is not strict unless it was."""
    tool = {"type": "function", "function": {"name": "look"}}
    body = {"messages": [{"role": "user", "content": "hello"}], "tools": [tool]}

    new, _ = told(CHAT, RESPONSES, body)

    assert new["store"] is False
    assert new["tools"][0]["strict"] is False


def test_an_image_in_a_result_stays_there() -> None:
    """Responses has images in what tools return."""
    source = {"type": "base64", "media_type": "image/png", "data": "YQ=="}
    use = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
    shown = [{"type": "image", "source": source}]
    result = {"type": "tool_result", "tool_use_id": "t", "content": shown}
    messages = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]

    new, _ = told(MESSAGES, RESPONSES, {"max_tokens": 9, "messages": messages})
    back, _ = told(RESPONSES, MESSAGES, new)

    assert new["input"][2]["output"][0]["image_url"] == "data:image/png;base64,YQ=="
    assert back["messages"][2]["content"] == [result]


def test_a_stream_that_failed_says_why() -> None:
    """The reason stands beside the type, at `error`, or in the response."""
    response = {"id": "r", "status": "failed", "error": {"code": "x", "message": "No."}}
    for event in (
        {"type": "error", "message": "No."},
        {"type": "error", "error": {"message": "No."}},
        {"type": "response.failed", "response": response},
    ):
        (failed,) = parsed(RESPONSES, b"data: %b\n\n" % json.dumps(event).encode())

        assert getattr(failed, "message", None) == "No."


def test_a_limit_or_a_filter_leaves_the_response_incomplete() -> None:
    """The status and its reason stand for what other dialects call the reason of the end."""
    for reason, finish in (("max_output_tokens", "length"), ("content_filter", "refusal")):
        details = {"reason": reason}
        whole: dict[str, Any] = {"object": "response", "status": "incomplete", "output": []}

        reply = TRANSLATORS[RESPONSES].parse_reply(
            json.dumps({**whole, "incomplete_details": details}).encode()
        )
        again = json.loads(TRANSLATORS[RESPONSES].render_reply(reply, AT_S))

        assert reply.finish == finish
        assert again["incomplete_details"] == {"reason": reason}
