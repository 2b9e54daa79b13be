"""What is decoded of Messages: the fields that matter, all others are skipped.

Apart from the dialect because its module is compiled, and the decoder reads types at run time.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct


class Tool(Struct, gc=False):
    """One tool that is offered, or one edit of the context."""

    type: str | None = None


class ToolChange(Struct, gc=False):
    """A tool that is offered in the midst of the conversation."""

    definition: Tool | None = None


class Part(Struct, gc=False):
    """A content block, or the source of one."""

    type: str | None = None
    source: Content = None
    content: Content = None
    tool: ToolChange | str | None = None


# A content is what it is: only its blocks are looked at, and an odd one is the provider's to judge.
Content = str | int | float | list[Part | str | int | float | None] | Part | None


class Message(Struct, gc=False):
    """One message of the conversation."""

    content: Content = None


class Thinking(Struct, gc=False):
    """The budget for thinking, inside the output limit."""

    budget_tokens: int | None = None


class Management(Struct, gc=False):
    """How the provider is told to edit the prompt."""

    edits: list[Tool] | None = None


class Thread(Struct, gc=False):
    """A conversation that the provider keeps."""

    type: str | None = None


class Limits(Struct):
    """The fields that are changed on the way upstream."""

    model: str
    # Zero is legal here: it fills the prompt cache and generates nothing.
    max_tokens: Annotated[int, Meta(ge=0)]
    stream: bool | None = None


class Request(Limits):
    """The fields that decide who may serve a request and what it can cost."""

    messages: list[Message] | None = None
    system: Content = None
    tools: list[Tool] | None = None
    thinking: Thinking | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    context_management: Management | None = None
    thread: Thread | None = None


class Usage(Struct, gc=False):
    """The tier the usage names."""

    service_tier: str | None = None


class Reply(Struct, gc=False):
    """What is read of a reply, or of the message a stream begins with."""

    id: str | None = None
    model: str | None = None
    usage: Raw = Raw(b"null")
    content: Raw = Raw(b"null")


class Event(Struct, gc=False):
    """What is read of one event of a stream."""

    type: str | None = None
    message: Reply | None = None
    usage: Raw = Raw(b"null")


class SentThinking(Struct, gc=False):
    """How much a body that was changed lets the model think."""

    budget_tokens: int | None = None


class Sent(Struct):
    """The fields of a body that are changed; a provider may want the model elsewhere."""

    max_tokens: Annotated[int, Meta(ge=0)]
    model: str | None = None
    stream: bool | None = None
    thinking: SentThinking | None = None
