"""What a simulated model says: hidden tokens, text and a tool call, within its output limit."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headgate.simulator.tokens import BYTES_PER_TOKEN, Lexicon, count

# The name and the frame of a tool call.
TOOL_TOKENS = 8
_SCHEMA_DEPTH_MAX = 8
_PROPERTIES_MAX = 50


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool the client offers; `schema` is the JSON schema of its arguments."""

    name: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model makes; `arguments` is ASCII JSON, and only a part of it unless `whole`."""

    name: str
    arguments: str
    tokens: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be generated if the output limit allows it; counts in tokens."""

    thinking: int
    text: int
    tool: Tool | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is generated.

    Attributes:
        thinking: Hidden tokens.
        thinking_text: What they say; for providers that show it.
        text: Visible text, one word per token.
        tool_call: None when no tool is called.
        truncated: Whether the output limit cut the answer short.
    """

    thinking: int
    thinking_text: str
    text: str
    tool_call: ToolCall | None
    truncated: bool

    @property
    def output_tokens(self) -> int:
        """All generated tokens."""
        tool_tokens = self.tool_call.tokens if self.tool_call else 0
        return self.thinking + count(self.text) + tool_tokens


def compose(wish: Wish, limit: int | None, *, lexicon: Lexicon, offset: int) -> Answer:
    """Generate what is wished for, up to `limit` tokens in all (None for no limit)."""
    left = limit if limit is not None else wish.thinking + wish.text + 10**9
    thinking = min(wish.thinking, left)
    left -= thinking
    text = min(wish.text, left)
    left -= text
    tool_call = _call_tool(wish.tool, left, lexicon.text(4, offset)) if wish.tool else None
    cut = thinking < wish.thinking or text < wish.text
    if wish.tool:
        cut = cut or tool_call is None or not tool_call.whole
    return Answer(
        thinking=thinking,
        thinking_text=lexicon.text(thinking, offset + 1),
        text=lexicon.text(text, offset),
        tool_call=tool_call,
        truncated=cut,
    )


def pieces(text: str, chunk_tokens: int) -> Iterator[tuple[str, int]]:
    """Cut ASCII text into pieces of `chunk_tokens` tokens: (piece, tokens of the piece)."""
    size = chunk_tokens * BYTES_PER_TOKEN
    for start in range(0, len(text), size):
        piece = text[start : start + size]
        yield piece, count(piece)


def _call_tool(tool: Tool, limit: int, filler: str) -> ToolCall | None:
    if limit < TOOL_TOKENS:
        return None
    # ASCII, so that pieces of it can be counted.
    example = _example(tool.schema, filler.strip(), 0)
    arguments = json.dumps(example, ensure_ascii=True, separators=(",", ":"))
    whole = TOOL_TOKENS + count(arguments) <= limit
    if not whole:
        arguments = arguments[: (limit - TOOL_TOKENS) * BYTES_PER_TOKEN]
    return ToolCall(tool.name, arguments, TOOL_TOKENS + count(arguments), whole)


def _example(schema: object, filler: str, depth: int) -> Any:
    """Return the smallest value of a JSON schema, as far as the simulator understands it."""
    if not isinstance(schema, dict) or depth > _SCHEMA_DEPTH_MAX:
        return {} if depth == 0 else filler
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    kind = schema.get("type", "object" if depth == 0 else "string")
    if kind == "object":
        return _example_object(schema, filler, depth)
    if kind == "array":
        return [_example(schema.get("items"), filler, depth + 1)]
    plain: dict[object, Any] = {"integer": 7, "number": 1.5, "boolean": True, "null": None}
    return plain.get(kind, filler) if isinstance(kind, str) else filler


def _example_object(schema: dict[str, Any], filler: str, depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    required = schema.get("required")
    names = required if isinstance(required, list) else list(properties)
    return {
        name: _example(properties.get(name, {}), filler, depth + 1)
        for name in names[:_PROPERTIES_MAX]
        if isinstance(name, str)
    }
