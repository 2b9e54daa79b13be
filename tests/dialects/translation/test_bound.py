"""Where a conversation may go because of what it carries."""

import json
from typing import Any

import pytest

from tests.dialects.translation.speech import CHAT, GEMINI, MESSAGES, RESPONSES, TRANSLATORS

USER = {"role": "user", "content": "Hello"}


def blocks(role: str, *content: Any) -> list[Any]:
    return [USER, {"role": role, "content": list(content)}]


def model(*parts: Any) -> list[Any]:
    return [{"role": "model", "parts": list(parts)}]


CALLED = {"functionCall": {"name": "look", "args": {}}}
SIGNED = {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
UNSIGNED = {"type": "thinking", "thinking": "Hm", "signature": ""}
FILE = {"type": "file", "file_id": "f"}
RESULT = {"type": "web_search_tool_result", "tool_use_id": "t", "content": []}
IN_RESULT = {
    "type": "tool_result",
    "tool_use_id": "t",
    "content": [{"type": "image", "source": FILE}],
}

CASES: list[tuple[str, list[Any], str | None]] = [
    (MESSAGES, [USER], None),
    (MESSAGES, [{"role": "user", "content": 'Say "signature".'}], None),
    (MESSAGES, blocks("assistant", SIGNED), "native"),
    (MESSAGES, blocks("assistant", {"type": "redacted_thinking", "data": "a"}), "native"),
    (MESSAGES, blocks("assistant", UNSIGNED), "foreign"),
    (MESSAGES, blocks("assistant", UNSIGNED, SIGNED), "native"),
    (MESSAGES, blocks("user", {"type": "image", "source": FILE}), "native"),
    (MESSAGES, blocks("user", {"type": "document", "source": FILE}), "native"),
    (MESSAGES, blocks("assistant", RESULT), "native"),
    (MESSAGES, blocks("user", IN_RESULT), "native"),
    (MESSAGES, [*blocks("assistant", SIGNED), 7], None),
    (RESPONSES, [USER], None),
    (RESPONSES, [{"type": "reasoning", "id": "r", "summary": []}], None),
    (RESPONSES, [{"type": "reasoning", "id": "r", "encrypted_content": "a"}], "native"),
    (RESPONSES, [{"type": "item_reference", "id": "r"}], "native"),
    (RESPONSES, [{"type": "web_search_call", "id": "r"}], "native"),
    (RESPONSES, [{"type": "function_call", "call_id": "c", "name": "f"}], None),
    (GEMINI, model({"text": "a"}), None),
    (GEMINI, model({"text": "Hm", "thought": True}), None),
    (GEMINI, model({"text": "Hm", "thoughtSignature": "c2ln"}), "native"),
    (GEMINI, model({**CALLED, "thought_signature": "c2ln"}), "native"),
    (GEMINI, model({**CALLED, "thoughtSignature": "skip_thought_signature_validator"}), None),
    (GEMINI, model({**CALLED, "thoughtSignature": "skip/thought/signature/validator"}), None),
    (GEMINI, model({"fileData": {"fileUri": "gs://a/b"}}), "native"),
    (GEMINI, model({"executableCode": {"code": "1"}}), "native"),
    (GEMINI, model({"text": 'a "thoughtSignature"'}), None),
    (CHAT, [USER], None),
    (CHAT, [USER, {"role": "assistant", "content": "a", "reasoning_content": "Hm"}], None),
    (CHAT, blocks("user", {"type": "file", "file": {"file_id": "f"}}), "native"),
    (CHAT, blocks("user", {"type": "text", "text": 'a "file_id"'}), None),
]


@pytest.mark.parametrize(("kind", "messages", "expected"), CASES)
def test_state_says_where_a_conversation_may_go(
    kind: str, messages: list[Any], expected: str | None
) -> None:
    """What is signed, kept or run at a provider binds; a text about it does not."""
    name = {RESPONSES: "input", GEMINI: "contents"}.get(kind, "messages")
    body = {"model": "m", "max_tokens": 9, name: messages}

    assert TRANSLATORS[kind].bound(json.dumps(body).encode()) == expected
