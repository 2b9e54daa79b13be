"""`image_edits`: OpenAI's edits of images; billed by tokens or by the image, as models are. A form.

Wire format: https://platform.openai.com/docs/api-reference/images/createEdit
"""

from headgate.dialects import form, media, openai_images

KIND = "image_edits"
PATH = "/v1/images/edits"
SIGN = media.SIGN
FORWARDED = media.FORWARDED
Stream = openai_images.Stream
BODY = openai_images.Request
FILE = "image"

read = openai_images.read_form
tell = form.tell
tool_names = media.tool_names
edit = media.edit
report = openai_images.report
starts_with_error = media.starts_with_error
render_refusal = media.render_refusal
render_limits = media.render_limits
render_stream_error = media.render_stream_error
render_models = media.render_models
render_model = media.render_model
