"""What a simulated model says: hidden tokens, text and calls of tools, within its output limit."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headgate.simulator.examples import example
from headgate.simulator.tokens import BYTES_PER_TOKEN, Lexicon, count

# The name and the frame of a tool call.
TOOL_TOKENS = 8


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
    """What is to be generated if the output limit allows it.

    Attributes:
        thinking: Hidden tokens.
        text: The text itself, in ASCII, or how many tokens of any.
        calls: Tools to call, each with its arguments: JSON in ASCII, or None for an example.
    """

    thinking: int
    text: int | str
    calls: tuple[tuple[Tool, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What is generated.

    Attributes:
        thinking: Hidden tokens.
        thinking_text: What they say; for providers that show it.
        text: Visible text, one word per token.
        tool_calls: Empty when no tool is called.
        truncated: Whether the output limit cut the answer short.
    """

    thinking: int
    thinking_text: str
    text: str
    tool_calls: tuple[ToolCall, ...]
    truncated: bool

    @property
    def output_tokens(self) -> int:
        """All generated tokens."""
        tool_tokens = sum(call.tokens for call in self.tool_calls)
        return self.thinking + count(self.text) + tool_tokens


def compose(wish: Wish, limit: int | None, *, lexicon: Lexicon, offset: int) -> Answer:
    """Generate what is wished for, up to `limit` tokens in all (None for no limit)."""
    wished = wish.text if isinstance(wish.text, int) else count(wish.text)
    left = limit if limit is not None else wish.thinking + wished + 10**9
    thinking = min(wish.thinking, left)
    left -= thinking
    text = min(wished, left)
    left -= text
    calls: list[ToolCall] = []
    for tool, arguments in wish.calls:
        if left < TOOL_TOKENS:
            break
        calls.append(_call_tool(tool, arguments, left, lexicon.text(4, offset)))
        left -= calls[-1].tokens
    whole = len(calls) == len(wish.calls) and all(call.whole for call in calls)
    return Answer(
        thinking=thinking,
        thinking_text=lexicon.text(thinking, offset + 1),
        text=lexicon.text(text, offset)
        if isinstance(wish.text, int)
        else wish.text[: text * BYTES_PER_TOKEN],
        tool_calls=tuple(calls),
        truncated=thinking < wish.thinking or text < wished or not whole,
    )


def pieces(text: str, chunk_tokens: int) -> Iterator[tuple[str, int]]:
    """Cut ASCII text into pieces of `chunk_tokens` tokens: (piece, tokens of the piece)."""
    size = chunk_tokens * BYTES_PER_TOKEN
    for start in range(0, len(text), size):
        piece = text[start : start + size]
        yield piece, count(piece)


def _call_tool(tool: Tool, arguments: str | None, limit: int, filler: str) -> ToolCall:
    """Return the call of a tool, which has at least the tokens of its frame."""
    if arguments is None:
        # ASCII, so that pieces of it can be counted.
        value = example(tool.schema, filler.strip())
        arguments = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    whole = TOOL_TOKENS + count(arguments) <= limit
    if not whole:
        arguments = arguments[: (limit - TOOL_TOKENS) * BYTES_PER_TOKEN]
    return ToolCall(tool.name, arguments, TOOL_TOKENS + count(arguments), whole)
