"""What is decoded of whole replies of Responses.

Apart from its reader, so that it can be compiled: the decoder reads types at run time.
"""

from msgspec import Struct


class InputDetails(Struct, gc=False):
    """Parts of the prompt's tokens."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(Struct, gc=False):
    """Parts of the output's tokens."""

    reasoning_tokens: int | None = None


class Usage(Struct, gc=False):
    """Usage as reported; the details are parts of the totals."""

    input_tokens: int = 0
    output_tokens: int = 0
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class Annotation(Struct, gc=False):
    """What is noted of a text: of all kinds only sources with an address are looked at."""

    type: str = ""
    url: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class Part(Struct, gc=False):
    """A part of a content or of a summary."""

    type: str = ""
    text: str = ""
    refusal: str = ""
    annotations: list[Annotation] | None = None


class Item(Struct, gc=False):
    """One item of the output; its type tells which fields it has."""

    type: str = ""
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    content: list[Part] | None = None
    summary: list[Part] | None = None


class Incomplete(Struct, gc=False):
    """Why a response was cut short."""

    reason: str | None = None


class Answer(Struct, gc=False):
    """A response, whole or inside an event."""

    output: list[Item] = []
    id: str = ""
    model: str = ""
    status: str | None = None
    incomplete_details: Incomplete | None = None
    usage: Usage | None = None


class Whole(Answer, gc=False):
    """A response by itself, which says that it is one."""

    object: str = ""
