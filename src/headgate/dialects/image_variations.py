"""`image_variations`: OpenAI's variations of an image, billed by the image. A form.

Wire format: https://platform.openai.com/docs/api-reference/images/createVariation
"""

import msgspec
from msgspec import Struct

from headgate.dialects import body as bodies
from headgate.dialects import form, media, openai_images
from headgate.records.demand import Demand
from headgate.units.errors import Refusal

KIND = "image_variations"
PATH = "/v1/images/variations"
SIGN = media.SIGN
FORWARDED = media.FORWARDED
Stream = openai_images.Stream


class _Given(Struct, gc=False):
    """The images that a form brings."""

    image: list[dict[str, object]]
    mask: list[dict[str, object]] = []
    markup: list[dict[str, object]] = []


BODY = openai_images.Request
FILE = "image"
_REQUEST = msgspec.json.Decoder(openai_images.Request, strict=False)
_GIVEN = msgspec.json.Decoder(_Given)


def read(body: bytes) -> Demand | Refusal:
    """Read who may serve a request and what it can cost, from a form told as JSON."""
    request = bodies.decode(_REQUEST, body)
    if isinstance(request, Refusal):
        return request
    given = bodies.decode(_GIVEN, body)
    if isinstance(given, Refusal):
        return given
    images = len(given.image) + len(given.mask) + len(given.markup)
    return openai_images.read_images(body, _REQUEST, images=images)


tell = form.tell
tool_names = media.tool_names
edit = media.edit
report = openai_images.report
starts_with_error = media.starts_with_error
render_refusal = media.render_refusal
render_stream_error = media.render_stream_error
render_models = media.render_models
render_model = media.render_model
