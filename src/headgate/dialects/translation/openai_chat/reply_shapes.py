"""What is decoded of whole replies of Chat Completions.

Apart from its reader, so that it can be compiled: the decoder reads types at run time.
"""

from msgspec import Struct


class PromptDetails(Struct, gc=False):
    """Parts of the prompt's tokens."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class CompletionDetails(Struct, gc=False):
    """Parts of the completion's tokens."""

    reasoning_tokens: int | None = None


class Usage(Struct, gc=False):
    """Usage as reported; the details are parts of the totals."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None


class Function(Struct, gc=False):
    """The function that is called."""

    name: str = ""
    arguments: str | None = None


class ToolCall(Struct, gc=False):
    """A call of a tool."""

    id: str = ""
    function: Function | None = None


class Chunk(Struct, gc=False):
    """A part of a content that comes in parts: a text, or thoughts that are texts themselves."""

    type: str = ""
    text: str = ""
    thinking: "list[Chunk] | None" = None


Content = str | list[Chunk] | None


class UrlCitation(Struct, gc=False):
    """A source, and the characters it stands for."""

    url: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class Annotation(Struct, gc=False):
    """What is noted of a text: of all kinds only sources with an address are looked at."""

    type: str = ""
    url_citation: UrlCitation | None = None


class Message(Struct, gc=False):
    """What the model says."""

    content: Content = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCall] | None = None
    annotations: list[Annotation] | None = None


class Choice(Struct, gc=False):
    """One answer of several."""

    message: Message
    finish_reason: str | None = None


class Completion(Struct, gc=False):
    """A whole reply."""

    choices: list[Choice]
    id: str = ""
    model: str = ""
    usage: Usage | None = None
