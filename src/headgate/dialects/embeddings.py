"""`embeddings`: OpenAI's Embeddings, as many providers speak it; nothing is generated.

Wire format: https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from headgate.dialects import body as bodies
from headgate.dialects import openai_chat
from headgate.dialects.bounds import input_tokens_max
from headgate.dialects.splice import splice_model
from headgate.records.demand import Demand, Edit
from headgate.records.report import Report
from headgate.units.errors import FEATURE_UNSUPPORTED, Refusal

KIND = "embeddings"
PATH = "/v1/embeddings"
SIGN: bytes | None = None
FORWARDED = openai_chat.FORWARDED
Stream = openai_chat.Stream


class _Request(Struct, gc=False):
    """The fields that decide who may serve a request and what it can cost."""

    model: str
    # A text, tokens, or a list of either; an odd one is the provider's to judge.
    input: Raw = Raw(b"null")
    stream: bool | None = None


class _Reply(Struct, gc=False):
    id: str | None = None
    model: str | None = None
    usage: Raw = Raw(b"null")


_NAMED = frozenset(_Request.__struct_fields__)
BODY = _Request
_REQUEST = msgspec.json.Decoder(_Request)
_REPLY = msgspec.json.Decoder(_Reply)


def read(body: bytes) -> Demand | Refusal:
    """Read who may serve a request; what it costs is bounded by its bytes.

    A token that is given by its number takes at least a digit and a comma, so the bytes bound
    tokens as they bound texts.
    """
    request = bodies.decode(_REQUEST, body)
    if isinstance(request, Refusal):
        return request
    values = bodies.members(body, _NAMED)
    if isinstance(values, Refusal):
        return values
    if request.stream:
        return Refusal(FEATURE_UNSUPPORTED, "stream: embeddings come whole.", "stream")
    return Demand(
        model=request.model,
        stream=False,
        output_tokens_max=0,
        usage_wanted=True,
        input_tokens_max=input_tokens_max(len(body), images=0, image_tokens_max=0),
        members=values,
    )


def tool_names(_body: bytes) -> tuple[str, ...]:
    """Return nothing: nobody can call a tool where nothing is generated."""
    return ()


def edit(body: bytes, demand: Demand, edit: Edit) -> bytes:
    """Put the model's name at the provider into a body; the same object when it is there.

    Raises:
        SpliceError: The new body does not say what it was made to say.
    """
    return splice_model(body, demand.members, demand.model, edit.model)


def report(body: bytes) -> Report:
    """Read the metering facts of a reply."""
    try:
        reply = _REPLY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Report()
    usage = bytes(reply.usage)
    return Report(
        reply.id or None,
        reply.model or None,
        usage if usage.startswith(b"{") else None,
        complete=True,
    )


starts_with_error = openai_chat.starts_with_error
render_refusal = openai_chat.render_refusal
render_limits = openai_chat.render_limits
render_stream_error = openai_chat.render_stream_error
render_models = openai_chat.render_models
render_model = openai_chat.render_model
