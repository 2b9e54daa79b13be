"""`images`: OpenAI's image generation; billed by tokens or by the image, as the model is.

Wire format: https://platform.openai.com/docs/api-reference/images/create
"""

import msgspec

from headgate.dialects import media, openai_images
from headgate.records.demand import Demand
from headgate.units.errors import Refusal

KIND = "images"
PATH = "/v1/images/generations"
SIGN = media.SIGN
FORWARDED = media.FORWARDED
Stream = openai_images.Stream

BODY = openai_images.Request
_REQUEST = msgspec.json.Decoder(openai_images.Request)


def read(body: bytes) -> Demand | Refusal:
    """Read who may serve a request and what it can cost."""
    return openai_images.read_images(body, _REQUEST)


tool_names = media.tool_names
edit = media.edit
report = openai_images.report
starts_with_error = media.starts_with_error
render_refusal = media.render_refusal
render_limits = media.render_limits
render_stream_error = media.render_stream_error
render_models = media.render_models
render_model = media.render_model
