"""What is decoded of streams of Converse.

Apart from its reader, so that it can be compiled: the decoder reads types at run time.
"""

from msgspec import Raw, Struct, field

from headgate.dialects.translation.bedrock_converse.reply_shapes import Usage

_NULL = Raw(b"null")


class ToolStart(Struct, gc=False):
    """A call of a tool that begins."""

    id: str = field(name="toolUseId")
    name: str
    type: str | None = None


class Start(Struct, gc=False):
    """What a block begins with."""

    tool: ToolStart | None = field(default=None, name="toolUse")


class BlockStart(Struct, gc=False):
    """A block begins."""

    index: int = field(name="contentBlockIndex")
    start: Start | None = None


class ToolDelta(Struct, gc=False):
    """More of a call."""

    input: str = ""


class Reasoning(Struct, gc=False):
    """More of a thought."""

    text: str | None = None
    signature: str | None = None
    redacted: str | None = field(default=None, name="redactedContent")


class Delta(Struct, gc=False):
    """More of a block."""

    text: str | None = None
    tool: ToolDelta | None = field(default=None, name="toolUse")
    reasoning: Reasoning | None = field(default=None, name="reasoningContent")


class BlockDelta(Struct, gc=False):
    """Which block goes on, and how."""

    index: int = field(name="contentBlockIndex")
    delta: Delta = field(default_factory=Delta)


class Stop(Struct, gc=False):
    """Why the answer ended."""

    reason: str | None = field(default=None, name="stopReason")


class Metadata(Struct, gc=False):
    """What was used."""

    usage: Usage | None = None


class Event(Struct, gc=False):
    """One event; the member that is there tells what it is."""

    begin: Raw = field(default=_NULL, name="messageStart")
    start: BlockStart | None = field(default=None, name="contentBlockStart")
    more: BlockDelta | None = field(default=None, name="contentBlockDelta")
    stop: Stop | None = field(default=None, name="messageStop")
    metadata: Metadata | None = None
    error: Raw = _NULL
