"""What OpenAI's three dialects for images share: fields, bounds, replies and streams.

Wire format: https://platform.openai.com/docs/api-reference/images and the official SDK's types.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta, Raw, Struct

from headgate.dialects import body as bodies
from headgate.dialects.bounds import IMAGE_TOKENS_MAX_OPENAI, input_tokens_max
from headgate.dialects.image_bounds import UNBOUNDED_QUALITIES, image_tokens_max, pixels_of
from headgate.dialects.media import MediaStream, usage_of
from headgate.records.demand import Demand, Pieces, Terms
from headgate.records.report import Report
from headgate.units.errors import BODY_INVALID, FEATURE_UNSUPPORTED, Refusal

IMAGES_MAX = 10
PARTIAL_MAX = 3

UNBOUNDED = ("complexity", "frame_count", "prompt_rewriter", "svg")
"""Fields whose cost no source bounds: planning, further frames, other models that write."""

_WRITTEN = ("gif", "svg")
"""Formats that take more than drawing one image."""

_EMPTY = (b"null", b'""')


class Request(Struct, gc=False):
    """The fields that decide who may serve a request and what it can cost."""

    model: str
    # Its bytes bound its tokens; an odd one is the provider's to judge.
    prompt: Raw = Raw(b"null")
    n: Annotated[int, Meta(ge=1, le=IMAGES_MAX)] | None = None
    size: str | None = None
    quality: str | None = None
    stream: bool | None = None
    partial_images: Annotated[int, Meta(ge=0, le=PARTIAL_MAX)] | None = None
    output_format: str | None = None


class _Image(Struct, gc=False):
    """One image of a reply, of which only that it is there counts."""


class _Reply(Struct, gc=False):
    data: list[_Image] | None = None
    usage: Raw = Raw(b"null")


class _Given(Struct, gc=False):
    """The images that a form brings."""

    image: list[dict[str, object]]
    mask: list[dict[str, object]] = []
    markup: list[dict[str, object]] = []


_FORM = msgspec.json.Decoder(Request, strict=False)
_GIVEN = msgspec.json.Decoder(_Given)
NAMED = frozenset({*Request.__struct_fields__, *UNBOUNDED})
_REPLY = msgspec.json.Decoder(_Reply)


def read_images(
    body: bytes, decoder: msgspec.json.Decoder[Request], *, images: int = 0
) -> Demand | Refusal:
    """Read who may serve a request for images, and what it can cost.

    Args:
        body: The request, or a form told as JSON.
        decoder: Reads it; that of forms takes numbers that are written as texts.
        images: How many images it brings.
    """
    request = bodies.decode(decoder, body)
    if isinstance(request, Refusal):
        return request
    values = bodies.members(body, NAMED)
    if isinstance(values, Refusal):
        return values
    pixels = pixels_of(request.size)
    if pixels is None:
        message = "size: write `auto`, or a width and a height such as `1024x1024`."
        return Refusal(BODY_INVALID, message, "size")
    count, stream = request.n or 1, bool(request.stream)
    if stream and count > 1:
        # Nothing says whether the usage of a stream's last event is that of all its images.
        message = "stream: several images come whole; ask for one, or without `stream`."
        return Refusal(FEATURE_UNSUPPORTED, message, "stream")
    return Demand(
        model=request.model,
        stream=stream,
        output_tokens_max=image_tokens_max(request.quality, pixels, request.partial_images or 0),
        choices=count,
        usage_wanted=True,
        input_tokens_max=input_tokens_max(
            len(body), images=images, image_tokens_max=IMAGE_TOKENS_MAX_OPENAI
        ),
        unbounded=_unbounded(request, values),
        terms=Terms(variant=_variant(request)),
        pieces=Pieces({"image": count}),
        members=values,
    )


def read_form(body: bytes) -> Demand | Refusal:
    """Read who may serve a form that brings images, and what it can cost; it is told as JSON."""
    request = bodies.decode(_FORM, body)
    if isinstance(request, Refusal):
        return request
    given = bodies.decode(_GIVEN, body)
    if isinstance(given, Refusal):
        return given
    images = len(given.image) + len(given.mask) + len(given.markup)
    return read_images(body, _FORM, images=images)


def _unbounded(request: Request, values: Mapping[str, Raw]) -> str | None:
    """Name a feature whose cost has no bound."""
    for field in UNBOUNDED:
        if field in values and bytes(values[field]) not in _EMPTY:
            return field
    if request.output_format in _WRITTEN:
        return "output_format"
    return "quality" if request.quality in UNBOUNDED_QUALITIES else None


def _variant(request: Request) -> str:
    """Return what a model that is billed by the image is priced by: `hd/1024x1792`, `512x512`."""
    size = request.size or "1024x1024"
    plain = request.quality in (None, "auto", "standard")
    return size if plain else f"{request.quality}/{size}"


def report(body: bytes) -> Report:
    """Read the metering facts of a reply: its usage, and how many images it brings."""
    try:
        reply = _REPLY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Report()
    images = reply.data
    return Report(
        usage_json=usage_of(reply.usage),
        complete=images is not None,
        units=(("image", len(images)),) if images is not None else (),
    )


class Stream(MediaStream):
    """Reads a stream of partial images and the one that ends it."""

    __slots__ = ()

    ENDS: ClassVar[frozenset[str]] = frozenset(
        {"image_generation.completed", "image_edit.completed"}
    )
    # The last event has the whole image, with the usage behind it.
    LAST_BYTES_MAX: ClassVar[int] = 33_554_432
