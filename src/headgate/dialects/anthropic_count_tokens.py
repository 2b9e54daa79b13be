"""`anthropic_count_tokens`: Anthropic's count of a prompt's tokens, which costs nothing.

Wire format: https://docs.claude.com/en/api/messages-count-tokens
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from headgate.dialects import anthropic_messages
from headgate.dialects import body as bodies
from headgate.dialects.splice import splice_model
from headgate.records.demand import Demand, Edit
from headgate.records.report import Report
from headgate.units.errors import Refusal

KIND = "anthropic_count_tokens"
PATH = "/v1/messages/count_tokens"
COUNTS = anthropic_messages.KIND
SIGN = anthropic_messages.SIGN
FORWARDED = anthropic_messages.FORWARDED
Stream = anthropic_messages.Stream


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
    return b'{"input_tokens":%d}' % tokens


starts_with_error = anthropic_messages.starts_with_error
render_refusal = anthropic_messages.render_refusal
render_stream_error = anthropic_messages.render_stream_error
render_models = anthropic_messages.render_models
render_model = anthropic_messages.render_model
