"""`speech`: OpenAI's text to speech; the reply is sound, or events with pieces of it.

Billed by characters or by tokens, as the model is. Sound as such says no usage: characters are
counted here, tokens are then bounded.

Wire format: https://platform.openai.com/docs/api-reference/audio/createSpeech
"""

from typing import ClassVar

import msgspec
from msgspec import Raw, Struct

from headgate.dialects import body as bodies
from headgate.dialects import media
from headgate.dialects.bounds import input_tokens_max
from headgate.records.demand import Demand, Pieces
from headgate.records.report import Report
from headgate.units.errors import BODY_INVALID, Refusal

KIND = "speech"
PATH = "/v1/audio/speech"
SIGN = media.SIGN
FORWARDED = media.FORWARDED

SOUND_TOKENS_MAX = 12
"""The most tokens of sound that a character takes: slow speech has ten characters a second, and a
second is about 21 tokens (OpenAI's 0.015 dollars a minute at 12 dollars a million); five times
that, for pauses and whatever `instructions` ask for. No source bounds it."""
SOUND_TOKENS_LEAST = 2_048
"""Room for what even a short text may be given."""

TEXTS_MAX = 65_536
"""More characters no provider takes."""

_NO_SOUND = (b"<", b"{", b"[")


class _Request(Struct, gc=False):
    """The fields that decide who may serve a request and what it can cost."""

    model: str
    input: str = ""
    # An odd one is the provider's to judge.
    instructions: Raw = Raw(b"null")
    stream_format: str | None = None


_NAMED = frozenset(_Request.__struct_fields__)
BODY = _Request
_REQUEST = msgspec.json.Decoder(_Request)
_OBJECT = msgspec.json.Decoder(Raw)


def read(body: bytes) -> Demand | Refusal:
    """Read who may serve a request and what it can cost; its characters are counted exactly."""
    request = bodies.decode(_REQUEST, body)
    if isinstance(request, Refusal):
        return request
    values = bodies.members(body, _NAMED)
    if isinstance(values, Refusal):
        return values
    characters = len(request.input)
    if not 0 < characters <= TEXTS_MAX:
        return Refusal(BODY_INVALID, f"input: write 1 to {TEXTS_MAX:,} characters.", "input")
    return Demand(
        model=request.model,
        stream=request.stream_format == "sse",
        output_tokens_max=SOUND_TOKENS_LEAST + SOUND_TOKENS_MAX * characters,
        usage_wanted=True,
        input_tokens_max=input_tokens_max(len(body), images=0, image_tokens_max=0),
        pieces=Pieces({"character": characters}, exact=("character",)),
        members=values,
    )


def report(body: bytes) -> Report:
    """Tell whether a reply is sound: it says nothing of usage.

    Sound of one of the formats may begin with any byte, so a page or a JSON document is told by
    being one whole.
    """
    if not body or (body[:1] in _NO_SOUND and _is_text(body)):
        return Report()
    return Report(complete=True)


def _is_text(body: bytes) -> bool:
    if body.startswith(b"<"):
        return body[:1_024].isascii()
    try:
        _OBJECT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


class Stream(media.MediaStream):
    """Reads a stream of pieces of sound."""

    __slots__ = ()

    ENDS: ClassVar[frozenset[str]] = frozenset({"speech.audio.done"})


tool_names = media.tool_names
edit = media.edit
starts_with_error = media.starts_with_error
render_refusal = media.render_refusal
render_limits = media.render_limits
render_stream_error = media.render_stream_error
render_models = media.render_models
render_model = media.render_model
