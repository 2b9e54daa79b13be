"""What is decoded of Responses: the fields that matter, all others are skipped.

Apart from its reader, so that it can be compiled: the decoder reads types at run time.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from headgate.dialects.openai_chat_shapes import CacheOptions


class Environment(Struct, gc=False):
    """Where a tool runs."""

    type: str | None = None


class Tool(Struct, gc=False):
    """A tool, or a `namespace` of them; a shell and a search for tools say where they run."""

    type: str | None = None
    execution: str | None = None
    environment: Environment | None = None
    tools: "list[Tool] | None" = None


class Item(Struct, gc=False):
    """An item of the input, a part of its content, or what a tool put out."""

    type: str | None = None
    content: "Content" = None
    output: "Content" = None


# A content is what it is: only its parts are looked at, and an odd one is the provider's to judge.
Content = str | int | float | list[Item | str | int | float | None] | Item | None


class Reasoning(Struct, gc=False):
    """How the model is to think."""

    mode: str | None = None


class Limits(Struct):
    """The fields that are changed on the way upstream."""

    model: str
    stream: bool | None = None
    max_output_tokens: Annotated[int, Meta(ge=1)] | UnsetType | None = UNSET


class Request(Limits):
    """What is read of a request."""

    """The fields that decide who may serve a request and what it can cost."""

    input: Content = None
    instructions: Content = None
    tools: list[Tool] | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    conversation: Raw = Raw(b"null")
    reasoning: Reasoning | None = None
    service_tier: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: CacheOptions | None = None


class Reply(Struct, gc=False):
    """What is read of a response, whole or inside an event."""

    id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    usage: Raw = Raw(b"null")
    output: Raw = Raw(b"null")


class Event(Struct, gc=False):
    """One event of a stream."""

    type: str | None = None
    response: Reply | None = None
