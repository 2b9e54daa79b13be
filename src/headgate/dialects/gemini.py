"""`gemini`: Google's generateContent and streamGenerateContent.

The path names the model and says whether the reply is streamed, not the body. Google reads each
field of a body by two names, `maxOutputTokens` and `max_output_tokens`; so does this module.
Wire format: https://ai.google.dev/api/generate-content and the types of the `google-genai` SDK.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import unquote

import msgspec
from msgspec import Meta, Raw, Struct, field

from headgate.dialects import body as bodies
from headgate.dialects import gemini_stream
from headgate.dialects.bounds import IMAGE_TOKENS_MAX_GEMINI, input_tokens_max
from headgate.dialects.conversations import Theirs
from headgate.dialects.registry import Located
from headgate.dialects.splice import SpliceError, said_by, splice
from headgate.dialects.tools import offered
from headgate.records.demand import STANDARD, Demand, Edit, Terms
from headgate.units.errors import BODY_INVALID, KEY_DUPLICATE, Refusal

KIND = "gemini"
PATH = "/v1beta/models/{model}:generateContent"
PATHS = (
    PATH,
    "/v1beta/models/{model}:streamGenerateContent",
    "/v1/models/{model}:generateContent",
    "/v1/models/{model}:streamGenerateContent",
)
SIGN: bytes | None = b"x-goog-api-client"
CONVERSATION = "contents"
FORWARDED: frozenset[bytes] = frozenset()
Stream = gemini_stream.Stream
report = gemini_stream.report
starts_with_error = gemini_stream.starts_with_error

_PATH = re.compile(r"/v1(?:beta)?/models/(.+):(g|streamG)enerateContent")
_ALT = re.compile(r"(?:^|&)(?:\$|%24)?alt=([^&]*)")


def locate(path: str, query: str) -> Located | Refusal | None:
    """Return the model and whether to stream, as a path says; None for no path of this dialect.

    A stream is one JSON array, or server-sent events where `alt=sse` is asked for.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    stream = found[2] == "streamG"
    form = _ALT.search(query) if stream else None
    if form is not None and form[1] not in ("sse", "json"):
        return Refusal(BODY_INVALID, "alt: a stream is sent as `sse` or as `json`.", "alt")
    return Located(unquote(found[1]), stream, stream and (form is None or form[1] == "json"))


class _Blob(Struct, gc=False):
    mime: str | None = field(default=None, name="mimeType")
    mime_snake: str | None = field(default=None, name="mime_type")


class _Part(Struct, gc=False):
    """A part of a content, or of what a function returned."""

    inline: _Blob | None = field(default=None, name="inlineData")
    inline_snake: _Blob | None = field(default=None, name="inline_data")
    file: _Blob | None = field(default=None, name="fileData")
    file_snake: _Blob | None = field(default=None, name="file_data")
    returned: Content | None = field(default=None, name="functionResponse")
    returned_snake: Content | None = field(default=None, name="function_response")


class Content(Struct, gc=False):
    """What somebody said: its parts."""

    parts: list[_Part] | _Part | None = None


_Limit = Annotated[int, Meta(ge=1)] | None


class _Thinking(Struct, gc=False):
    budget: int | None = field(default=None, name="thinkingBudget")
    budget_snake: int | None = field(default=None, name="thinking_budget")


class _Config(Struct, gc=False):
    limit: _Limit = field(default=None, name="maxOutputTokens")
    limit_snake: _Limit = field(default=None, name="max_output_tokens")
    count: Annotated[int, Meta(ge=1, le=8)] | None = field(default=None, name="candidateCount")
    count_snake: Annotated[int, Meta(ge=1, le=8)] | None = field(
        default=None, name="candidate_count"
    )
    thinking: _Thinking | None = field(default=None, name="thinkingConfig")
    thinking_snake: _Thinking | None = field(default=None, name="thinking_config")
    modalities: list[str] | None = field(default=None, name="responseModalities")
    modalities_snake: list[str] | None = field(default=None, name="response_modalities")


class _Limits(Struct):
    """The field that is changed on the way upstream."""

    config: _Config | None = field(default=None, name="generationConfig")
    config_snake: _Config | None = field(default=None, name="generation_config")


class _Request(_Limits):
    """The fields that decide who may serve a request and what it can cost."""

    contents: list[Content] | Content | None = None
    system: Content | None = field(default=None, name="systemInstruction")
    system_snake: Content | None = field(default=None, name="system_instruction")
    tools: list[dict[str, Raw]] | None = None
    cached: str | None = field(default=None, name="cachedContent")
    cached_snake: str | None = field(default=None, name="cached_content")
    tier: str | None = field(default=None, name="serviceTier")
    tier_snake: str | None = field(default=None, name="service_tier")


_CONFIG_NAMES = ("generationConfig", "generation_config")
_LIMIT_NAMES = ("maxOutputTokens", "max_output_tokens")
_PROMPT = (CONVERSATION, "systemInstruction", "system_instruction")
_FUNCTIONS = frozenset({"functionDeclarations", "function_declarations"})
_NAMED = frozenset(_Request.__struct_encode_fields__)
_FOLDED = frozenset(map(str.casefold, _NAMED))
_CONFIG_NAMED = frozenset(_Config.__struct_encode_fields__)
_CONFIG_FOLDED = frozenset(map(str.casefold, _CONFIG_NAMED))
_TIERS = {"unspecified": "standard"}
_EMPTY = frozenset({b"null", b"[]"})
BODY = _Request
_REQUEST = msgspec.json.Decoder(_Request)
_LIMITS = msgspec.json.Decoder(_Limits)


def read(body: bytes, theirs: Theirs | None = None) -> Demand | Refusal:
    """Read what decides who may serve a request and what it can cost.

    The model and whether to stream are for `locate` to say. Fields that decide neither are the
    provider's to judge. `null` is as good as absent; a field by both its names is refused, for
    which of them counts is unknown.
    """
    found = bodies.read(_REQUEST, body, _NAMED, _PROMPT, _FOLDED, theirs)
    if isinstance(found, Refusal):
        return found
    request, values = found
    config_json = next((values[name] for name in _CONFIG_NAMES if name in values), None)
    nested = _members_of_config(config_json)
    if isinstance(nested, Refusal):
        return nested
    twice = _twice(values) or _twice(nested)
    if twice is not None:
        message = f"The field {twice!r} stands in the body by both its names; send it once."
        return Refusal(KEY_DUPLICATE, message, twice)
    config = request.config or request.config_snake or _Config()
    thinking = config.thinking or config.thinking_snake or _Thinking()
    survey = _Survey()
    for content in (request.contents, request.system, request.system_snake):
        survey.add(content)
    bound = input_tokens_max(
        len(body), images=survey.images, image_tokens_max=IMAGE_TOKENS_MAX_GEMINI
    )
    opaque = survey.opaque or bool(request.cached or request.cached_snake)
    budget = thinking.budget if thinking.budget is not None else thinking.budget_snake
    return Demand(
        model="",
        stream=False,
        output_tokens_max=config.limit or config.limit_snake,
        choices=config.count or config.count_snake or 1,
        usage_wanted=True,
        input_tokens_max=None if opaque else bound,
        # -1 leaves it to the model.
        thinking_tokens=budget if budget is not None and budget > 0 else None,
        unbounded=_unbounded(request, config),
        tools=bool(request.tools),
        images=survey.images > 0,
        terms=_terms(request.tier or request.tier_snake),
        members=values,
    )


def _members_of_config(config: Raw | None) -> dict[str, Raw] | Refusal:
    if config is None or bytes(config) == b"null":
        return {}
    return bodies.members(bytes(config), _CONFIG_NAMED, _CONFIG_FOLDED)


def _twice(values: Mapping[str, Raw]) -> str | None:
    """Return a field that stands there by both its names."""
    return next((name for name in values if _snake(name) != name and _snake(name) in values), None)


def _snake(name: str) -> str:
    """Return a field's name in Google's other spelling."""
    return re.sub(r"[A-Z]", lambda sign: "_" + sign[0].lower(), name)


class _Survey:
    """What a prompt holds beside text.

    Attributes:
        images: How many images there are.
        opaque: Whether a part has a size its bytes do not bound: a file by address, a document,
            a film, sound.
    """

    __slots__ = ("images", "opaque")

    def __init__(self) -> None:
        self.images = 0
        self.opaque = False

    def add(self, content: list[Content] | Content | None) -> None:
        """Look at the parts of contents, and at those inside what functions returned."""
        for each in content if isinstance(content, list) else [content]:
            if each is not None:
                parts = each.parts
                for part in parts if isinstance(parts, list) else [parts]:
                    if part is not None:
                        self._add_part(part)

    def _add_part(self, part: _Part) -> None:
        for blob in (part.inline, part.inline_snake):
            if blob is not None and (blob.mime or blob.mime_snake or "").startswith("image/"):
                self.images += 1
            elif blob is not None:
                self.opaque = True
        if part.file is not None or part.file_snake is not None:
            self.opaque = True
        self.add(part.returned)
        self.add(part.returned_snake)


def _unbounded(request: _Request, config: _Config) -> str | None:
    """Name a feature whose cost has no bound: every tool but the client's own functions.

    What runs at the provider (searches, code, pages) is billed each or asks the model again;
    pictures and sound have prices of their own.
    """
    for tool in request.tools or ():
        for name, value in tool.items():
            if name not in _FUNCTIONS and bytes(value) not in _EMPTY:
                return name
    modalities = config.modalities or config.modalities_snake
    if modalities and {each.upper() for each in modalities} != {"TEXT"}:
        return "responseModalities"
    return None


def _terms(tier: str | None) -> Terms:
    if tier is None:
        return STANDARD
    name = tier.lower().removeprefix("service_tier_")
    return Terms(tier=_TIERS.get(name, name))


def tool_names(body: bytes) -> tuple[str, ...]:
    """Return the names of the tools that a body offers."""
    return offered(body, ("cachedContent", "cached_content"))


def edit(body: bytes, demand: Demand, edit: Edit) -> bytes:
    """Lower or add the output limit, as `edit` says; the same object when nothing changes.

    The model is in the path, usage is always reported, and the limit has one field, so only
    `edit.output_tokens_max` means something to this dialect.

    Raises:
        SpliceError: The new body does not say what it was made to say.
    """
    limit = b"%d" % edit.output_tokens_max
    if demand.output_tokens_max is not None and demand.output_tokens_max <= edit.output_tokens_max:
        return body
    name = next((name for name in _CONFIG_NAMES if name in demand.members), None)
    fresh = b'{"maxOutputTokens":%b}' % limit
    replaced: dict[str, bytes] = {}
    put_first: dict[str, bytes] = {}
    if name is None:
        put_first["generationConfig"] = fresh
    elif bytes(demand.members[name]) == b"null":
        replaced[name] = fresh
    else:
        text = bytes(demand.members[name])
        inner = _members_of_config(demand.members[name])
        assert not isinstance(inner, Refusal), "`read` accepted it"
        field_name = next((each for each in _LIMIT_NAMES if each in inner), None)
        changed, added = ({field_name: limit}, {}) if field_name else ({}, {_LIMIT_NAMES[0]: limit})
        replaced[name] = splice(text, inner, changed, added)
    new = splice(body, demand.members, replaced, put_first)
    _verify(said_by(new, demand.members, _CONFIG_NAMES, replaced, put_first), edit)
    return new


def _verify(body: bytes, edit: Edit) -> None:
    """Decode what was spliced and compare it with what was meant."""
    try:
        got = _LIMITS.decode(body)
    except msgspec.DecodeError as error:
        raise SpliceError(f"the body is broken after the change: {error}") from error
    config = got.config or got.config_snake or _Config()
    limits = {config.limit, config.limit_snake} - {None}
    if limits != {edit.output_tokens_max}:
        raise SpliceError("the body does not say what it was made to say")


_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""Google's names for statuses (https://google.aip.dev/193)."""


def render_refusal(refusal: Refusal, call: str | None) -> bytes:
    """Render an error reply; the stable code is `error.details[0].reason`."""
    facts = {"call": call, "param": refusal.param}
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": refusal.code.code,
        "domain": "headgate",
        "metadata": {name: value for name, value in facts.items() if value is not None},
    }
    status = refusal.code.status
    error = {
        "code": status,
        "message": refusal.message,
        "status": _STATUS.get(status, "INVALID_ARGUMENT"),
        "details": [detail],
    }
    return msgspec.json.encode({"error": error})


def render_stream_error(refusal: Refusal, call: str | None) -> bytes:
    """Render an event that ends a stream already begun.

    It starts with a blank line, which ends an event that broke off and is otherwise nothing.
    """
    return b"\n\ndata: " + render_refusal(refusal, call) + b"\n\n"


def render_models(names: Sequence[tuple[str, int]]) -> bytes:
    """Render the list of models; the instants they appeared at have no place in it."""
    return msgspec.json.encode({"models": [_card(name) for name, _ in names]})


def render_model(name: str, at_ns: int) -> bytes:  # noqa: ARG001 - has no place in it
    """Render one model."""
    return msgspec.json.encode(_card(name))


def _card(name: str) -> dict[str, object]:
    methods = ["generateContent", "streamGenerateContent"]
    return {
        "name": f"models/{name}",
        "displayName": name,
        "supportedGenerationMethods": methods,
    }
