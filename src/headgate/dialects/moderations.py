"""`moderations`: OpenAI's classifier of harmful texts and images; nothing is generated.

Billed by the request, where a model has such a price (OpenAI's is zero), or by tokens, where it has
that and its reply tells them.

Wire format: https://platform.openai.com/docs/api-reference/moderations and the official SDK's types
(`moderation_create_params`, `moderation_create_response`).
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw, Struct

from headgate.dialects import body as bodies
from headgate.dialects import media
from headgate.dialects.bounds import IMAGE_TOKENS_MAX_OPENAI, input_tokens_max
from headgate.dialects.splice import SpliceError, splice, splice_model
from headgate.records.demand import Demand, Edit, Pieces
from headgate.records.report import Report
from headgate.units.errors import FEATURE_UNSUPPORTED, Refusal

KIND = "moderations"
PATH = "/v1/moderations"
SIGN = media.SIGN
FORWARDED = media.FORWARDED
Stream = media.MediaStream

USUAL: Final = "omni-moderation-latest"
"""The model that OpenAI takes where none is named."""


class _Request(Struct, gc=False):
    """The fields that decide who may serve a request and what it can cost."""

    model: str = USUAL
    # A text, texts, or parts with their types; an odd one is the provider's to judge.
    input: Raw = Raw(b"null")
    stream: bool | None = None


class _Part(Struct, gc=False):
    type: str | None = None


class _Reply(Struct, gc=False):
    id: str | None = None
    model: str | None = None
    results: Raw = Raw(b"null")
    usage: Raw = Raw(b"null")


_NAMED: Final = frozenset(_Request.__struct_fields__)
BODY = _Request
_REQUEST: Final = msgspec.json.Decoder(_Request)
_PARTS: Final = msgspec.json.Decoder(list[str | _Part])
_REPLY: Final = msgspec.json.Decoder(_Reply)
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read(body: bytes) -> Demand | Refusal:
    """Read who may serve a request; its tokens are bounded by its bytes and its images."""
    request = bodies.decode(_REQUEST, body)
    if isinstance(request, Refusal):
        return request
    values = bodies.members(body, _NAMED)
    if isinstance(values, Refusal):
        return values
    if request.stream:
        return Refusal(FEATURE_UNSUPPORTED, "stream: moderations come whole.", "stream")
    images = _images(request.input)
    return Demand(
        model=request.model,
        stream=False,
        output_tokens_max=0,
        usage_wanted=True,
        input_tokens_max=input_tokens_max(
            len(body), images=images, image_tokens_max=IMAGE_TOKENS_MAX_OPENAI
        ),
        pieces=Pieces({"request": 1}, exact=("request",)),
        members=values,
    )


def _images(given: Raw) -> int:
    try:
        parts = _PARTS.decode(given)
    except _UNREADABLE:
        return 0
    return sum(isinstance(each, _Part) and each.type == "image_url" for each in parts)


tool_names = media.tool_names


def edit(body: bytes, demand: Demand, edit: Edit) -> bytes:
    """Put the model's name at the provider into a body, also where none was named.

    Raises:
        SpliceError: The new body does not say what it was made to say.
    """
    if "model" in demand.members:
        return splice_model(body, demand.members, demand.model, edit.model)
    new = splice(body, demand.members, {}, {"model": msgspec.json.encode(edit.model)})
    if _REQUEST.decode(new).model != edit.model:
        raise SpliceError("the body does not say what it was made to say")
    return new


def report(body: bytes) -> Report:
    """Read the metering facts of a reply; one without results is none."""
    try:
        reply = _REPLY.decode(body)
    except _UNREADABLE:
        return Report()
    if not bytes(reply.results).startswith(b"["):
        return Report()
    usage = media.usage_of(reply.usage)
    return Report(reply.id or None, reply.model or None, usage, complete=True)


starts_with_error = media.starts_with_error
render_refusal = media.render_refusal
render_limits = media.render_limits
render_stream_error = media.render_stream_error
render_models = media.render_models
render_model = media.render_model
