"""What is decoded of whole replies of generateContent.

Apart from its reader, so that it can be compiled: the decoder reads types at run time.
"""

from msgspec import Raw, Struct

NULL = Raw(b"null")


class Called(Struct, rename="camel", gc=False):
    """A call of a function."""

    name: str = ""
    id: str | None = None
    args: Raw = Raw(b"{}")


class Part(Struct, rename="camel", gc=False):
    """One part of a content: a text, a thought, or a call."""

    text: str | None = None
    thought: bool | None = None
    function_call: Called | None = None


class Content(Struct, rename="camel", gc=False):
    """What a candidate says."""

    parts: list[Part] | None = None


class Source(Struct, rename="camel", gc=False):
    """What a stretch of the answer is taken from; its ends are counted in bytes."""

    uri: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class Citations(Struct, rename="camel", gc=False):
    """The sources of an answer: each of Google's two services has a name of its own for them."""

    citation_sources: list[Source] | None = None
    citations: list[Source] | None = None


class Candidate(Struct, rename="camel", gc=False):
    """One answer of several."""

    content: Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    index: int = 0
    citation_metadata: Citations | None = None
    grounding_metadata: Raw = NULL
    url_context_metadata: Raw = NULL
    logprobs_result: Raw = NULL


class Feedback(Struct, rename="camel", gc=False):
    """Why a prompt was not answered."""

    block_reason: str | None = None
    block_reason_message: str | None = None


class Usage(Struct, rename="camel", gc=False):
    """Usage as reported."""

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None


class Answer(Struct, rename="camel", gc=False):
    """A reply, or one event of a streamed one."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: Usage | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: Raw = NULL
