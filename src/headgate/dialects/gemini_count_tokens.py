"""`gemini_count_tokens`: Google's count of a prompt's tokens, which costs nothing.

Wire format: https://ai.google.dev/api/tokens
"""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec
from msgspec import Struct, field

from headgate.dialects import body as bodies
from headgate.dialects import gemini
from headgate.dialects.registry import Located
from headgate.records.demand import Demand, Edit
from headgate.records.report import Report
from headgate.units.errors import FEATURE_UNSUPPORTED, Refusal

KIND = "gemini_count_tokens"
PATH = "/v1beta/models/{model}:countTokens"
PATHS = (PATH, "/v1/models/{model}:countTokens")
COUNTS = gemini.KIND
SIGN = gemini.SIGN
FORWARDED = gemini.FORWARDED
Stream = gemini.Stream

_PATH = re.compile(r"/v1(?:beta)?/models/(.+):countTokens")
_WHOLE = ("generateContentRequest", "generate_content_request")


class _Request(Struct, gc=False):
    contents: list[gemini.Content] | gemini.Content | None = None


class _Reply(Struct, gc=False):
    total: int = field(name="totalTokens")


_NAMED = frozenset({*_Request.__struct_fields__, *_WHOLE})
_FOLDED = frozenset(map(str.casefold, _NAMED))
BODY = _Request
_REQUEST = msgspec.json.Decoder(_Request)
_REPLY = msgspec.json.Decoder(_Reply)


def locate(path: str, query: str) -> Located | None:  # noqa: ARG001 - it says nothing here
    """Return the model that a path names, never to stream; None for no path of this dialect."""
    found = _PATH.fullmatch(path)
    return None if found is None else Located(unquote(found[1]), stream=False)


def read(body: bytes) -> Demand | Refusal:
    """Read whether a request is one; its model is for `locate` to say.

    A whole request for content inside it is refused, for that names a model of its own.
    """
    request = bodies.decode(_REQUEST, body)
    if isinstance(request, Refusal):
        return request
    values = bodies.members(body, _NAMED, _FOLDED)
    if isinstance(values, Refusal):
        return values
    for name in _WHOLE:
        if name in values:
            message = f"{name}: it names a model of its own; send its contents instead."
            return Refusal(FEATURE_UNSUPPORTED, message, name)
    return Demand(
        model="",
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


def edit(body: bytes, demand: Demand, edit: Edit) -> bytes:  # noqa: ARG001
    """Return the body as it is: the model is in the path."""
    return body


def report(body: bytes) -> Report:
    """Tell whether a reply is whole; it reports no usage, for nothing was used."""
    try:
        _REPLY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Report()
    return Report(complete=True)


def render_count(tokens: int) -> bytes:
    """Render the reply that says a count."""
    return b'{"totalTokens":%d}' % tokens


starts_with_error = gemini.starts_with_error
render_refusal = gemini.render_refusal
render_stream_error = gemini.render_stream_error
render_models = gemini.render_models
render_model = gemini.render_model
