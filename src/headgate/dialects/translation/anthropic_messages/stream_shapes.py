"""What is decoded of streams of Messages.

Apart from its reader, so that it can be compiled: the decoder reads types at run time.
"""

from msgspec import Raw, Struct

from headgate.dialects.translation.anthropic_messages.reply_shapes import (
    Citation,
    StopDetails,
    Usage,
)


class Block(Struct, gc=False):
    """A block as it begins."""

    type: str = ""
    id: str = ""
    name: str = ""
    data: str = ""
    text: str = ""
    input: Raw = Raw(b"{}")


class Delta(Struct, gc=False):
    """What an event adds to a block, or says at the end."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    citation: Citation | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class Message(Struct, gc=False):
    """The reply as it begins."""

    id: str = ""
    model: str = ""
    usage: Usage | None = None


class Event(Struct, gc=False):
    """One event; its type tells which fields it has."""

    type: str = ""
    index: int = 0
    message: Message | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: Usage | None = None
