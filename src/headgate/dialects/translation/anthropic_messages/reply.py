"""Whole replies of Messages: read, and written.

Wire format: `anthropic.types.Message`.
"""

from typing import Any

from msgspec import Raw, json

from headgate.dialects.translation.anthropic_messages import reply_shapes as shapes
from headgate.dialects.translation.parts import arguments_or_none
from headgate.records.conversation import Declined, RedactedThinking, Text, Thinking, ToolUse
from headgate.records.reply import Finish, Reply, ReplyPart, Tokens

FINISHES: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_use",
    "refusal": "refusal",
    "pause_turn": "pause",
}
STOP_REASONS: dict[Finish, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_use": "tool_use",
    "refusal": "refusal",
    "pause": "pause_turn",
}


_MESSAGE = json.Decoder(shapes.Message)


def parse_reply(body: bytes) -> Reply:
    """Read a whole reply.

    Raises:
        msgspec.DecodeError: It is none.
    """
    message = _MESSAGE.decode(body)
    parts: list[ReplyPart] = []
    lost: list[str] = []
    for index, block in enumerate(message.content):
        part = _part(block)
        if part is None:
            lost.append(f"content[{index}]")
        else:
            parts.append(part)
        if block.citations:
            lost.append(f"content[{index}].citations")
    details = message.stop_details
    if details is not None and details.explanation:
        parts.append(Declined(details.explanation))
    return Reply(
        message.id,
        message.model,
        tuple(parts),
        FINISHES.get(message.stop_reason or ""),
        message.stop_sequence,
        None if message.usage is None else tokens(message.usage),
        tuple(lost),
    )


def _part(block: shapes.Block) -> ReplyPart | None:
    """Return what a block is, None when it is no part of other dialects."""
    if block.type == "text":
        return Text(block.text)
    if block.type == "thinking":
        return Thinking(block.thinking, block.signature)
    if block.type == "redacted_thinking":
        return RedactedThinking(block.data)
    if block.type == "tool_use":
        return ToolUse(block.id, block.name, bytes(block.input).decode())
    return None


def tokens(usage: shapes.Usage) -> Tokens:
    """Return usage as disjoint counts."""
    return Tokens(
        usage.input_tokens or 0,
        usage.cache_read_input_tokens or 0,
        usage.cache_creation_input_tokens or 0,
        usage.output_tokens or 0,
        (usage.output_tokens_details or shapes.OutputDetails()).thinking_tokens or 0,
    )


def render_usage(used: Tokens) -> dict[str, Any]:
    """Return usage as this dialect counts: the cached part beside the rest."""
    usage: dict[str, Any] = {
        "input_tokens": used.uncached,
        "cache_creation_input_tokens": used.cache_write,
        "cache_read_input_tokens": used.cache_read,
        "output_tokens": used.output,
    }
    if used.reasoning:
        usage["output_tokens_details"] = {"thinking_tokens": used.reasoning}
    return usage


def render_reply(reply: Reply, at_s: int) -> bytes:  # noqa: ARG001
    """Render a whole reply; this dialect names no instant.

    It cannot say that usage is unknown, so such a reply tells of zero tokens.
    """
    finish = reply.finish or "stop"
    explanation = ""
    content: list[dict[str, Any]] = []
    for part in reply.parts:
        match part:
            case Text(text=text):
                content.append({"type": "text", "text": text})
            case Thinking(text=text, signature=signature):
                content.append({"type": "thinking", "thinking": text, "signature": signature})
            case RedactedThinking(data=data):
                content.append({"type": "redacted_thinking", "data": data})
            case ToolUse():
                content.append(_tool_use(part))
            case Declined(text=text):
                finish, explanation = "refusal", explanation + text
                content.append({"type": "text", "text": text})
    return json.encode(
        {
            "id": reply.id,
            "type": "message",
            "role": "assistant",
            "model": reply.model,
            "content": content,
            "stop_reason": STOP_REASONS[finish],
            "stop_sequence": reply.stop_sequence,
            "stop_details": stop_details(explanation),
            "usage": render_usage(reply.tokens or Tokens()),
        }
    )


def stop_details(explanation: str) -> dict[str, Any] | None:
    """Return why the model declined, None when it did not."""
    if not explanation:
        return None
    return {"type": "refusal", "category": None, "explanation": explanation}


def _tool_use(part: ToolUse) -> dict[str, Any]:
    """Return a call; arguments that were cut off are none, as a call of that kind is here."""
    given = arguments_or_none(part) or Raw(b"{}")
    return {"type": "tool_use", "id": part.id, "name": part.name, "input": given}
