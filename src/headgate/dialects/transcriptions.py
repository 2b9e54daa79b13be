"""`transcriptions`: OpenAI's speech to text; billed by the second or by tokens. A form.

Wire format: https://platform.openai.com/docs/api-reference/audio/createTranscription
"""

from headgate.dialects import media, sound

KIND = "transcriptions"
PATH = "/v1/audio/transcriptions"
SIGN = media.SIGN
FORWARDED = media.FORWARDED
Stream = sound.Stream
BODY = sound.Request
FILE = "file"

read = sound.read
tell = sound.tell
tool_names = media.tool_names
edit = media.edit
report = sound.report
starts_with_error = media.starts_with_error
render_refusal = media.render_refusal
render_limits = media.render_limits
render_stream_error = media.render_stream_error
render_models = media.render_models
render_model = media.render_model
