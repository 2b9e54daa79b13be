"""What is decoded of streams of Chat Completions.

Apart from its reader, so that it can be compiled: the decoder reads types at run time.
"""

from msgspec import Raw, Struct

from headgate.dialects.translation.openai_chat.reply_shapes import Annotation, Content, Usage


class Function(Struct, gc=False):
    """A piece of the function that is called."""

    name: str | None = None
    arguments: str | None = None


class ToolCall(Struct, gc=False):
    """A piece of a call of a tool."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None


class Delta(Struct, gc=False):
    """What an event adds to a message."""

    content: Content = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCall] | None = None
    annotations: list[Annotation] | None = None


class Choice(Struct, gc=False):
    """One answer of several."""

    index: int = 0
    delta: Delta | None = None
    finish_reason: str | None = None


class Chunk(Struct, gc=False):
    """One event."""

    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: Usage | None = None
    error: Raw = Raw(b"null")
