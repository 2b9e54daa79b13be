"""Whole replies of Converse, read.

Wire format: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.
"""

from typing import Any, Final

from msgspec import json

from headgate.dialects.translation.bedrock_converse import reply_shapes as shapes
from headgate.dialects.translation.fields import UNREADABLE
from headgate.records.conversation import RedactedThinking, Text, Thinking, ToolUse
from headgate.records.reply import Finish, Reply, ReplyPart, Tokens

FINISHES: Final[dict[str, Finish]] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_use",
    "guardrail_intervened": "refusal",
    "content_filtered": "refusal",
    "malformed_model_output": "stop",
    "malformed_tool_use": "stop",
}


_ANSWER: Final = json.Decoder(shapes.Answer)


def parse_reply(body: bytes) -> Reply:
    """Read a whole reply; it has neither an id nor the name of the model.

    Raises:
        msgspec.DecodeError: It is none.
    """
    answer = _ANSWER.decode(body)
    parts: list[ReplyPart] = []
    lost: list[str] = []
    for index, block in enumerate(answer.output.message.content):
        part = _part(block)
        if part is not None:
            parts.append(part)
        if part is None or block.cited is not None:
            lost.append(f"output.message.content[{index}]")
    used = None if answer.usage is None else tokens(answer.usage)
    finish = FINISHES.get(answer.reason or "", "stop")
    return Reply("", "", tuple(parts), finish, tokens=used, lost=tuple(lost))


def _part(block: shapes.Block) -> ReplyPart | None:
    """Return what a block is, None when it is no part of other dialects."""
    if block.text is not None:
        return Text(block.text)
    if block.tool is not None and block.tool.type is None:
        return ToolUse(block.tool.id, block.tool.name, bytes(block.tool.input).decode())
    if block.reasoning is not None:
        if block.reasoning.redacted is not None:
            return RedactedThinking(block.reasoning.redacted)
        thought = block.reasoning.text or shapes.ReasoningText()
        return Thinking(thought.text, thought.signature or "")
    if block.cited is not None:
        texts = (piece.get("text") for piece in block.cited.content or ())
        return Text("".join(text for text in texts if isinstance(text, str)))
    return None


def tokens(usage: shapes.Usage) -> Tokens:
    """Return usage as disjoint counts; the total tells whether the cached part is in the input."""
    read, write = usage.cache_read or 0, usage.cache_write or 0
    inside = usage.total is not None and usage.total == usage.input + usage.output
    uncached = usage.input - read - write if inside else usage.input
    return Tokens(max(0, uncached), read, write, usage.output)


def error_message(body: bytes) -> str | None:
    """Return what an error reply or event says, None when it cannot be read."""
    try:
        said = json.decode(body, type=dict[str, Any])
    except UNREADABLE:
        return None
    error = said.get("error")
    within = error if isinstance(error, dict) else said
    message = within.get("message", within.get("Message"))
    return message if isinstance(message, str) else None
