"""What is decoded of Chat Completions: the fields that matter, all others are skipped.

Apart from the dialect because its module is compiled, and the decoder reads types at run time.
"""

from typing import Annotated, Final

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

NULL: Final = Raw(b"null")

Limit = Annotated[int, Meta(ge=1)] | None | UnsetType


class Part(Struct, gc=False):
    """One part of a content; its type tells what it is."""

    type: str | None = None


# A content is what it is: only its parts are looked at, and an odd one is the provider's to judge.
Content = str | int | float | list[Part | str | int | float | None] | Part | None


class Message(Struct, gc=False):
    """One message of the conversation."""

    content: Content = None
    audio: Part | None = None


class Tool(Struct, gc=False):
    """One tool that is offered."""

    type: str | None = None


class StreamOptions(Struct, gc=False):
    """What a streamed reply reports beside its text."""

    include_usage: bool | None = None


class CacheOptions(Struct, gc=False):
    """How long the prompt is asked to stay cached."""

    ttl: str | None = None


class Limits(Struct, gc=False):
    """The fields that are changed on the way upstream, or that multiply what they limit."""

    model: str
    stream: bool | None = None
    max_tokens: Limit = UNSET
    max_completion_tokens: Limit = UNSET
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    stream_options: StreamOptions | None = None


class Request(Limits, gc=False):
    """The fields that decide who may serve a request and what it can cost."""

    messages: list[Message] | None = None
    tools: list[Tool] | None = None
    functions: list[Tool] | None = None
    service_tier: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: CacheOptions | None = None
    modalities: list[str] | None = None


class Chunk(Struct, gc=False):
    """What is read of a reply, or of one event of a streamed one."""

    id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    usage: Raw = Raw(b"null")
    choices: Raw = Raw(b"null")
    error: Raw = NULL
