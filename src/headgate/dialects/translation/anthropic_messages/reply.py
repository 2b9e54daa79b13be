"""Whole replies of Messages: read, and written.

Wire format: `anthropic.types.Message`.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Raw, json

from headgate.dialects.translation.anthropic_messages import reply_shapes as shapes
from headgate.dialects.translation.citations import of_part, segments
from headgate.dialects.translation.parts import arguments_or_none
from headgate.records.conversation import Declined, RedactedThinking, Text, Thinking, ToolUse
from headgate.records.reply import Citation, Finish, Reply, ReplyPart, Tokens

FINISHES: Final[dict[str, Finish]] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_use",
    "refusal": "refusal",
    "pause_turn": "pause",
}
STOP_REASONS: Final[dict[Finish, str]] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_use": "tool_use",
    "refusal": "refusal",
    "pause": "pause_turn",
}


_MESSAGE: Final = json.Decoder(shapes.Message)


def parse_reply(body: bytes) -> Reply:
    """Read a whole reply.

    Raises:
        msgspec.DecodeError: It is none.
    """
    message = _MESSAGE.decode(body)
    parts: list[ReplyPart] = []
    lost: list[str] = []
    citations: list[Citation] = []
    said = 0
    for index, block in enumerate(message.content):
        part = _part(block)
        if part is None:
            lost.append(f"content[{index}]")
        else:
            parts.append(part)
        end = said + len(block.text)
        for number, each in enumerate(block.citations or ()):
            found = citation_of(each, said, end)
            if found is None:
                lost.append(f"content[{index}].citations[{number}]")
            else:
                citations.append(found)
        said = end
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
        tuple(citations),
    )


def citation_of(cited: shapes.Citation, start: int, end: int) -> Citation | None:
    """Return a source of a block's text, None for one without an address, such as a document."""
    url = cited.url or cited.source or ""
    if not url.startswith(("https://", "http://")):
        return None
    return Citation(url, cited.title or "", start, end)


def render_citation(citation: Citation) -> dict[str, Any]:
    """Return a source as a result of the client's own search: no other is known by an address.

    What it says there is not known.
    """
    place = {"search_result_index": 0, "start_block_index": 0, "end_block_index": 0}
    said = {"source": citation.url, "title": citation.title or None, "cited_text": ""}
    return {"type": "search_result_location", **said, **place}


def _texts(text: str, citations: Iterable[Citation]) -> Iterator[dict[str, Any]]:
    """Yield the blocks of a text: a block for each stretch with other sources."""
    for piece, under in segments(text, citations):
        block: dict[str, Any] = {"type": "text", "text": piece}
        yield block | {"citations": [render_citation(each) for each in under]} if under else block


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
    details = usage.output_tokens_details
    return Tokens(
        usage.input_tokens or 0,
        usage.cache_read_input_tokens or 0,
        usage.cache_creation_input_tokens or 0,
        usage.output_tokens or 0,
        0 if details is None else details.thinking_tokens or 0,
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
    said = 0
    for part in reply.parts:
        match part:
            case Text(text=text):
                content += _texts(text, of_part(reply.citations, said, said + len(text)))
                said += len(text)
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
