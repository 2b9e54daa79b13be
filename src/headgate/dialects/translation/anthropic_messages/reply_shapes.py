"""What is decoded of whole replies of Messages.

Apart from its reader, so that it can be compiled: the decoder reads types at run time.
"""

from msgspec import Raw, Struct


class OutputDetails(Struct, gc=False):
    """Parts of the output's tokens."""

    thinking_tokens: int | None = None


class Usage(Struct, gc=False):
    """Usage as reported; the cache's counts stand beside `input_tokens`, not in it."""

    input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None


class StopDetails(Struct, gc=False):
    """Why the model declined."""

    explanation: str | None = None


class Citation(Struct, gc=False):
    """A source: where it is known by an address, the one or the other field has it."""

    type: str = ""
    url: str | None = None
    source: str | None = None
    title: str | None = None


class Block(Struct, gc=False):
    """One block of the content; its type tells which fields it has."""

    type: str
    text: str = ""
    thinking: str = ""
    signature: str = ""
    data: str = ""
    id: str = ""
    name: str = ""
    input: Raw = Raw(b"{}")
    citations: list[Citation] | None = None


class Message(Struct, gc=False):
    """A whole reply."""

    content: list[Block]
    id: str = ""
    model: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    usage: Usage | None = None
