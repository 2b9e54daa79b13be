"""`openai_input_tokens`: OpenAI's count of the tokens of a response's prompt, which costs nothing.

Wire format: https://developers.openai.com/api/docs/guides/token-counting and the types of the SDK
(`input_token_count_params`). The whole input of Responses is taken.
"""

from headgate.dialects import counts, openai_responses

KIND = "openai_input_tokens"
PATH = "/v1/responses/input_tokens"
COUNTS = openai_responses.KIND
SIGN = openai_responses.SIGN
FORWARDED = openai_responses.FORWARDED
Stream = openai_responses.Stream
BODY = counts.Request
read = counts.read
tool_names = counts.tool_names
edit = counts.edit
report = counts.report


def render_count(tokens: int) -> bytes:
    """Render the reply that says a count."""
    return b'{"object":"response.input_tokens","input_tokens":%d}' % tokens


starts_with_error = openai_responses.starts_with_error
render_refusal = openai_responses.render_refusal
render_limits = openai_responses.render_limits
render_stream_error = openai_responses.render_stream_error
render_models = openai_responses.render_models
render_model = openai_responses.render_model
