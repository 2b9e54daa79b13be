"""How conversations went, in each dialect: the same work reads as the same course."""

import json
from typing import Any

import msgspec
import pytest

from headgate.dialects.courses.course import STEPS_MAX, Course
from headgate.dialects.courses.registry import course_dialects
from headgate.dialects.prompts.registry import prompt_dialects

DIALECTS = course_dialects()


def course(kind: str, body: dict[str, Any]) -> Course:
    """Read a body's conversation."""
    raw = json.dumps(body).encode()
    return DIALECTS[kind].read(msgspec.json.decode(raw, type=dict[str, msgspec.Raw]))


def anthropic(**fields: Any) -> dict[str, Any]:
    """Return a question, a call that failed, one that went well, an answer, a question."""
    call = {"type": "tool_use", "id": "1", "name": "run", "input": {"x": 1}}
    bad = {"type": "tool_result", "tool_use_id": "1", "content": "no", "is_error": True}
    good = {"type": "tool_result", "tool_use_id": "1", "content": "yes"}
    said = [
        {"role": "user", "content": "Do it."},
        {"role": "assistant", "content": [{"type": "text", "text": "So."}, call]},
        {"role": "user", "content": [bad]},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [good, {"type": "text", "text": "A reminder."}]},
        {"role": "assistant", "content": "Done."},
        {"role": "user", "content": "Now this."},
    ]
    return {"messages": said, **fields}


def chat() -> dict[str, Any]:
    """Return the same in Chat Completions."""
    call = {"id": "1", "type": "function", "function": {"name": "run", "arguments": '{"x":1}'}}
    return {
        "messages": [
            {"role": "system", "content": "Be terse."},
            {"role": "user", "content": "Do it."},
            {"role": "assistant", "content": "So.", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": "Error: no"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": "yes"},
            {"role": "assistant", "content": "Done."},
            {"role": "user", "content": "Now this."},
        ],
        "prompt_cache_key": "c-1",
    }


def responses() -> dict[str, Any]:
    """Return the same in Responses."""
    call = {"type": "function_call", "call_id": "1", "name": "run", "arguments": '{"x":1}'}
    failed = json.dumps({"output": "no", "metadata": {"exit_code": 2}})
    return {
        "input": [
            {"role": "developer", "content": "Be terse."},
            {"role": "user", "content": "Do it."},
            {"type": "reasoning", "summary": []},
            call,
            {"type": "function_call_output", "call_id": "1", "output": failed},
            call,
            {"type": "function_call_output", "call_id": "1", "output": "yes"},
            {"type": "message", "role": "assistant", "content": "Done."},
            {"role": "user", "content": "Now this."},
        ],
        "conversation": {"id": "conv-1"},
    }


def gemini() -> dict[str, Any]:
    """Return the same in Gemini."""
    call = {"functionCall": {"name": "run", "args": {"x": 1}}}
    bad = {"functionResponse": {"name": "run", "response": {"error": "no"}}}
    good = {"functionResponse": {"name": "run", "response": {"output": "yes"}}}
    return {
        "contents": [
            {"role": "user", "parts": [{"text": "Do it."}]},
            {"role": "model", "parts": [{"text": "So."}, call]},
            {"role": "user", "parts": [bad]},
            {"role": "model", "parts": [call]},
            {"role": "user", "parts": [good]},
            {"role": "model", "parts": [{"text": "Done."}]},
            {"role": "user", "parts": [{"text": "Now this."}]},
        ]
    }


BODIES = {
    "anthropic_messages": anthropic(metadata={"user_id": "u-1"}),
    "openai_chat": chat(),
    "openai_responses": responses(),
    "gemini": gemini(),
}
IDENTITIES = {"anthropic_messages": "u-1", "openai_chat": "c-1", "openai_responses": "conv-1"}


def test_conversations_can_be_read_wherever_prompts_can() -> None:
    """A dialect whose prompts are divided for caches has sessions as well."""
    assert DIALECTS.keys() == prompt_dialects().keys() == BODIES.keys()


@pytest.mark.parametrize("kind", BODIES)
def test_the_same_work_reads_the_same(kind: str) -> None:
    """Who said, called, returned and answered what, and that one result was an error."""
    read = course(kind, BODIES[kind])

    kinds = [step.kind for step in read.steps]
    assert kinds == ["said", "called", "returned", "called", "returned", "answered", "said"]
    assert [step.failed for step in read.steps] == [False, False, True, *[False] * 4]
    assert [step.turn for step in read.steps] == [0, 1, 1, 2, 2, 3, 3]
    first, second = (step.digest for step in read.steps if step.kind == "called")
    assert first == second != 0
    assert read.turns == 3
    assert read.identity == IDENTITIES.get(kind)
    assert read.first is not None


def test_a_mark_for_the_cache_changes_nothing() -> None:
    """A conversation begins as it began, wherever its client moves its marks."""
    body = anthropic()
    marked = {"type": "text", "text": "Do it.", "cache_control": {"type": "ephemeral"}}
    body["messages"][0]["content"] = [marked]

    assert (
        course("anthropic_messages", body).first == course("anthropic_messages", anthropic()).first
    )


def test_of_a_long_conversation_all_turns_count_and_the_end_is_read() -> None:
    """What lies far back costs nothing, and its turns are counted all the same."""
    pair = [{"role": "user", "content": "And?"}, {"role": "assistant", "content": "So."}]
    read = course("anthropic_messages", {"messages": pair * 100})

    assert read.turns == 100
    assert len(read.steps) == STEPS_MAX
    assert read.steps[-1].turn == 100


def test_a_kept_conversation_goes_on_from_a_reply() -> None:
    """Of one whose provider holds what was before, only the reply it goes on from is known."""
    read = course("openai_responses", {"previous_response_id": "resp_1", "input": "And?"})

    assert (read.after, read.first, read.turns) == ("resp_1", None, 0)
    assert [step.kind for step in read.steps] == ["said"]


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_without_a_conversation_has_no_course(kind: str) -> None:
    """Nothing is made up."""
    assert course(kind, {}).steps == ()
    assert course(kind, {}).first is None
