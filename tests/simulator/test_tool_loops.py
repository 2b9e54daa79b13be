"""Conversations with tools come to their end, in each of the four surfaces."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.simulator import Simulator
from headgate.simulator.conversation import Who, standing
from headgate.simulator.script import take_script
from tests.simulator.conftest import post_json

SCHEMA: Any = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
NAMES = ("read", "write")
KEYS = {
    "authorization": "Bearer sk-test",
    "x-api-key": "sk-ant-test",
    "x-goog-api-key": "test",
    "anthropic-version": "2023-06-01",
    "content-type": "application/json",
}


@dataclass(frozen=True)
class Said:
    """What a model said, the same for all surfaces: its calls, its text, its words as sent back."""

    calls: list[tuple[str, Any]]
    text: str
    turn: list[Any]
    results: list[Any]


@dataclass(frozen=True)
class Surface:
    """One surface: how a conversation is sent and an answer read."""

    send: Callable[[Simulator, list[Any]], tuple[int, bytes]]
    read: Callable[[Any], Said]
    ask: Callable[[str], Any]


def _chat(simulator: Simulator, messages: list[Any]) -> tuple[int, bytes]:
    tools = [{"type": "function", "function": {"name": n, "parameters": SCHEMA}} for n in NAMES]
    body = {"model": "gpt-5.4", "messages": messages, "tools": tools}
    return post_json(simulator.openai_url, "/v1/chat/completions", body, KEYS)


def _chat_said(reply: Any) -> Said:
    message = reply["choices"][0]["message"]
    calls = message.get("tool_calls", [])
    results = [{"role": "tool", "tool_call_id": each["id"], "content": "done"} for each in calls]
    functions = [each["function"] for each in calls]
    made = [(each["name"], json.loads(each["arguments"])) for each in functions]
    return Said(made, message["content"] or "", [message], results)


def _responses(simulator: Simulator, items: list[Any]) -> tuple[int, bytes]:
    tools = [{"type": "function", "name": name, "parameters": SCHEMA} for name in NAMES]
    body = {"model": "gpt-5.4", "input": items, "tools": tools}
    return post_json(simulator.openai_url, "/v1/responses", body, KEYS)


def _responses_said(reply: Any) -> Said:
    output = reply["output"]
    calls = [item for item in output if item["type"] == "function_call"]
    texts = [item["content"][0]["text"] for item in output if item["type"] == "message"]
    results = [
        {"type": "function_call_output", "call_id": each["call_id"], "output": "done"}
        for each in calls
    ]
    made = [(each["name"], json.loads(each["arguments"])) for each in calls]
    return Said(made, "".join(texts), output, results)


def _messages(simulator: Simulator, messages: list[Any]) -> tuple[int, bytes]:
    tools = [{"name": name, "input_schema": SCHEMA} for name in NAMES]
    body = {"model": "claude-haiku-4-5", "max_tokens": 500, "messages": messages, "tools": tools}
    return post_json(simulator.anthropic_url, "/v1/messages", body, KEYS)


def _messages_said(reply: Any) -> Said:
    content = reply["content"]
    calls = [block for block in content if block["type"] == "tool_use"]
    texts = [block["text"] for block in content if block["type"] == "text"]
    results = [
        {"type": "tool_result", "tool_use_id": each["id"], "content": "done"} for each in calls
    ]
    turn = {"role": "assistant", "content": content}
    made = [(each["name"], each["input"]) for each in calls]
    answers = [{"role": "user", "content": results}] if results else []
    return Said(made, "".join(texts), [turn], answers)


def _gemini(simulator: Simulator, contents: list[Any]) -> tuple[int, bytes]:
    functions = [{"name": name, "parametersJsonSchema": SCHEMA} for name in NAMES]
    body = {"contents": contents, "tools": [{"functionDeclarations": functions}]}
    path = "/v1beta/models/gemini-3.5-flash:generateContent"
    return post_json(simulator.gemini_url, path, body, KEYS)


def _gemini_said(reply: Any) -> Said:
    content = reply["candidates"][0]["content"]
    calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
    texts = [part.get("text", "") for part in content["parts"]]
    results = [
        {"functionResponse": {"name": each["name"], "response": {"result": "done"}}}
        for each in calls
    ]
    made = [(each["name"], each["args"]) for each in calls]
    answers = [{"role": "user", "parts": results}] if results else []
    return Said(made, "".join(texts), [content], answers)


def _message(text: str) -> Any:
    return {"role": "user", "content": text}


SURFACES = {
    "chat": Surface(_chat, _chat_said, _message),
    "responses": Surface(_responses, _responses_said, _message),
    "messages": Surface(_messages, _messages_said, _message),
    "gemini": Surface(_gemini, _gemini_said, lambda text: {"parts": [{"text": text}]}),
}


def converse(simulator: Simulator, surface: Surface, text: str) -> list[Said]:
    """Ask, answer each call with a result, and return all that the model said until it ended."""
    history = [surface.ask(text)]
    said: list[Said] = []
    while not said or said[-1].calls:
        assert len(said) < 5, "the conversation does not end"
        status, body = surface.send(simulator, history)
        assert status == 200, body
        said.append(surface.read(json.loads(body)))
        history += [*said[-1].turn, *said[-1].results]
    return said


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_a_result_is_answered_with_text(simulator: Simulator, surface: Surface) -> None:
    """A tool is called once, not again after its result."""
    first, last = converse(simulator, surface, "read it [tool]")

    assert [name for name, _ in first.calls] == ["read"]
    assert set(first.calls[0][1]) == {"path"}
    assert last.text


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_a_script_is_played_to_its_end(simulator: Simulator, surface: Surface) -> None:
    """Tools are called at once and in turn with the arguments asked for; the text comes last."""
    script = (
        '[tool:write {"path": "a]"}] [tool:write {"path": "b"}] [then] [tool:read {"path": "a]"}] '
        '[then] [say "Both \\"are\\" there."]'
    )

    both, one, end = converse(simulator, surface, f"go on: {script} please")

    assert both.calls == [("write", {"path": "a]"}), ("write", {"path": "b"})]
    assert one.calls == [("read", {"path": "a]"})]
    assert end.text == 'Both "are" there.'


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_the_next_question_is_a_new_one(simulator: Simulator, surface: Surface) -> None:
    """What an earlier message asked for is over once it was answered."""
    said = converse(simulator, surface, "read it [tool]")
    history = [surface.ask("read it [tool]")]
    for each in said:
        history += [*each.turn, *each.results]

    _, body = surface.send(simulator, [*history, surface.ask("thank you")])
    _, again = surface.send(simulator, [*history, surface.ask("and now [tool:write]")])

    assert not surface.read(json.loads(body)).calls
    assert [name for name, _ in surface.read(json.loads(again)).calls] == ["write"]


def test_a_tool_that_is_not_offered_is_not_called(simulator: Simulator) -> None:
    """Nobody calls what was not offered: there is a text instead."""
    (only,) = converse(simulator, SURFACES["chat"], "[tool:fly]")

    assert only.text


@pytest.mark.parametrize("wrong", ['[tool:read {"path": 1} ', '[tool:read {"a": ]', '[say "é"]'])
def test_a_script_that_makes_no_sense_is_refused(simulator: Simulator, wrong: str) -> None:
    """A marker without an end, without JSON or with other letters is a 400."""
    status, _ = _chat(simulator, [_message(wrong)])

    assert status == 400


def test_a_schema_is_answered_with_a_value_of_it(simulator: Simulator) -> None:
    """References, choices and nested objects are understood as far as SDKs write them."""
    place = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    schema = {
        "$defs": {"Place": place},
        "type": "object",
        "properties": {
            "places": {"type": "array", "items": {"$ref": "#/$defs/Place"}},
            "unit": {"anyOf": [{"const": "metre"}, {"type": "null"}]},
            "days": {"type": ["integer", "null"]},
        },
    }
    form = {"type": "json_schema", "json_schema": {"name": "trip", "schema": schema}}
    body = {"model": "gpt-5.4", "messages": [_message("where?")], "response_format": form}

    _, reply = post_json(simulator.openai_url, "/v1/chat/completions", body, KEYS)

    said = json.loads(json.loads(reply)["choices"][0]["message"]["content"])
    assert said == {"places": [{"name": "text"}], "unit": "metre", "days": 7}


@given(st.lists(st.lists(st.integers(1, 4), max_size=3), min_size=1, max_size=4))
def test_rounds_are_counted_since_the_last_answer(exchanges: list[list[int]]) -> None:
    """However many tools were called at once and however many answers came before."""
    pieces: list[tuple[Who, str]] = []
    for number, rounds in enumerate(exchanges):
        if number:
            pieces.append((Who.MODEL, ""))
        pieces.append((Who.USER, str(number)))
        for calls in rounds:
            pieces += [(Who.MODEL, ""), *[(Who.CALL, "")] * calls, *[(Who.RESULT, "")] * calls]

    now = standing(pieces)

    assert now.rounds == len(exchanges[-1])
    assert now.text == str(len(exchanges) - 1)


@given(st.text())
def test_text_without_a_script_is_left_alone(text: str) -> None:
    """Whatever else stands in a text stays as it is, what only resembles a marker too."""
    ordinary = f"a [toolbox], [tool: none], [say nothing] {text.replace('[', '(')}"

    acts, rest = take_script(ordinary)

    assert rest == ordinary
    assert not any(act.calls or act.text for act in acts)
