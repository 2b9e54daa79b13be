"""What is decoded of whole replies of Converse.

Apart from its reader, so that it can be compiled: the decoder reads types at run time.
"""

from typing import Any

from msgspec import Raw, Struct, field


class Usage(Struct, gc=False):
    """Usage as reported."""

    input: int = field(default=0, name="inputTokens")
    output: int = field(default=0, name="outputTokens")
    total: int | None = field(default=None, name="totalTokens")
    cache_read: int | None = field(default=None, name="cacheReadInputTokens")
    cache_write: int | None = field(default=None, name="cacheWriteInputTokens")


class Called(Struct, gc=False):
    """A call of a tool."""

    id: str = field(name="toolUseId")
    name: str
    input: Raw = Raw(b"{}")
    type: str | None = None


class ReasoningText(Struct, gc=False):
    """Thoughts, signed perhaps."""

    text: str = ""
    signature: str | None = None


class Reasoning(Struct, gc=False):
    """Thoughts, to be read or not."""

    text: ReasoningText | None = field(default=None, name="reasoningText")
    redacted: str | None = field(default=None, name="redactedContent")


class Cited(Struct, gc=False):
    """An answer with its sources."""

    content: list[dict[str, Any]] | None = None


class Block(Struct, gc=False):
    """One block of a content; the member that is there tells what it is."""

    text: str | None = None
    tool: Called | None = field(default=None, name="toolUse")
    reasoning: Reasoning | None = field(default=None, name="reasoningContent")
    cited: Cited | None = field(default=None, name="citationsContent")


class Message(Struct, gc=False):
    """What the model says."""

    content: list[Block]


class Output(Struct, gc=False):
    """The answer."""

    message: Message


class Answer(Struct, gc=False):
    """A reply."""

    output: Output
    reason: str | None = field(default=None, name="stopReason")
    usage: Usage | None = None
