"""What a user asked last, in every dialect whose prompts can be divided."""

import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from headgate.dialects.prompts.asked import asked_text
from headgate.dialects.prompts.registry import prompt_dialects


def asked(kind: str, body: dict[str, Any]) -> str:
    """Return what the body of a dialect asks."""
    members = msgspec.json.decode(json.dumps(body), type=dict[str, Raw])
    blocks = prompt_dialects()[kind].read(members)
    assert blocks is not None
    return asked_text(blocks)


TOOL_RESULT = {"type": "tool_result", "tool_use_id": "t", "content": "4 files"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (
            "openai_chat",
            {
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "Earlier"},
                    {"role": "assistant", "content": "Yes."},
                    {"role": "user", "content": [{"type": "text", "text": "Why is\nit so?"}]},
                    {"role": "assistant", "content": None, "tool_calls": []},
                    {"role": "tool", "tool_call_id": "t", "content": "4 files"},
                ]
            },
        ),
        (
            "anthropic_messages",
            {
                "system": "Be brief.",
                "messages": [
                    {"role": "user", "content": "Why is\nit so?"},
                    {"role": "assistant", "content": [{"type": "text", "text": "Let me look."}]},
                    {"role": "user", "content": [TOOL_RESULT]},
                ],
            },
        ),
        ("openai_responses", {"instructions": "Be brief.", "input": "Why is\nit so?"}),
        (
            "openai_responses",
            {
                "input": [
                    {
                        "type": "message",
                        "role": "user",
                        "content": [{"type": "input_text", "text": "Why is\nit so?"}],
                    },
                    {"type": "function_call_output", "call_id": "t", "output": "4 files"},
                ]
            },
        ),
        (
            "gemini",
            {
                "contents": [
                    {"role": "user", "parts": [{"text": "Why is"}, {"text": "it so?"}]},
                    {"role": "model", "parts": [{"text": "Let me look."}]},
                ]
            },
        ),
    ],
)
def test_the_last_message_of_the_user_is_what_is_asked(kind: str, body: dict[str, Any]) -> None:
    """Neither instructions nor answers nor the results of tools are."""
    assert asked(kind, body) == "Why is\nit so?"


def test_whoever_asks_nothing_asks_nothing() -> None:
    """An image alone, or no message at all, has no text."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}

    assert asked("openai_chat", {"messages": [{"role": "user", "content": [image]}]}) == ""
    assert asked("openai_chat", {"messages": []}) == ""
