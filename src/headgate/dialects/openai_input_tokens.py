"""`openai_input_tokens`: OpenAI's count of the tokens of a response's prompt, which costs nothing.

Wire format: https://developers.openai.com/api/docs/guides/token-counting and the types of the SDK
(`input_token_count_params`). The whole input of Responses is taken.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from headgate.dialects import body as bodies
from headgate.dialects import openai_responses
from headgate.dialects.splice import splice_model
from headgate.records.demand import Demand, Edit
from headgate.records.report import Report
from headgate.units.errors import Refusal

KIND = "openai_input_tokens"
PATH = "/v1/responses/input_tokens"
COUNTS = openai_responses.KIND
SIGN = openai_responses.SIGN
FORWARDED = openai_responses.FORWARDED
Stream = openai_responses.Stream


class _Request(Struct, gc=False):
    model: str


class _Reply(Struct, gc=False):
    input_tokens: int


_NAMED = frozenset(_Request.__struct_fields__)
BODY = _Request
_REQUEST = msgspec.json.Decoder(_Request)
_REPLY = msgspec.json.Decoder(_Reply)


def read(body: bytes) -> Demand | Refusal:
    """Read which model's tokens are to be counted."""
    request = bodies.decode(_REQUEST, body)
    if isinstance(request, Refusal):
        return request
    values = bodies.members(body, _NAMED)
    if isinstance(values, Refusal):
        return values
    return Demand(
        model=request.model,
        stream=False,
        output_tokens_max=0,
        usage_wanted=True,
        input_tokens_max=0,
        free=True,
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
    """Tell whether a reply is whole; it reports no usage, for nothing was used."""
    try:
        _REPLY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Report()
    return Report(complete=True)


def render_count(tokens: int) -> bytes:
    """Render the reply that says a count."""
    return b'{"object":"response.input_tokens","input_tokens":%d}' % tokens


starts_with_error = openai_responses.starts_with_error
render_refusal = openai_responses.render_refusal
render_stream_error = openai_responses.render_stream_error
render_models = openai_responses.render_models
render_model = openai_responses.render_model
