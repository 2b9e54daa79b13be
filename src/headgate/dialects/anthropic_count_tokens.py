"""`anthropic_count_tokens`: Anthropic's count of a prompt's tokens, which costs nothing.

Wire format: https://docs.claude.com/en/api/messages-count-tokens
"""

from headgate.dialects import anthropic_messages, counts

KIND = "anthropic_count_tokens"
PATH = "/v1/messages/count_tokens"
COUNTS = anthropic_messages.KIND
SIGN = anthropic_messages.SIGN
FORWARDED = anthropic_messages.FORWARDED
Stream = anthropic_messages.Stream
BODY = counts.Request
read = counts.read
tool_names = counts.tool_names
edit = counts.edit
report = counts.report


def render_count(tokens: int) -> bytes:
    """Render the reply that says a count."""
    return b'{"input_tokens":%d}' % tokens


starts_with_error = anthropic_messages.starts_with_error
render_refusal = anthropic_messages.render_refusal
render_limits = anthropic_messages.render_limits
render_stream_error = anthropic_messages.render_stream_error
render_models = anthropic_messages.render_models
render_model = anthropic_messages.render_model
