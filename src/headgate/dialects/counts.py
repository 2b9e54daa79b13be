"""What requests for a count of tokens have in common: they name a model, and nothing is generated.

The dialects of Anthropic's and OpenAI's counts are made of it; Gemini's has its model in the path.
"""

import msgspec
from msgspec import Struct

from headgate.dialects import body as bodies
from headgate.dialects.splice import splice_model
from headgate.records.demand import Demand, Edit
from headgate.records.report import Report
from headgate.units.errors import Refusal


class Request(Struct, gc=False):
    """What is read of a request; the rest is what is counted."""

    model: str


class _Reply(Struct, gc=False):
    input_tokens: int


_NAMED = frozenset(Request.__struct_fields__)
_REQUEST = msgspec.json.Decoder(Request)
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
