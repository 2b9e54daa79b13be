"""`openai_chat`: OpenAI's Chat Completions, as many providers speak it."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import UNSET, Raw
from msgspec.structs import replace

from headgate.dialects import body as bodies
from headgate.dialects import openai_limits
from headgate.dialects.bounds import IMAGE_TOKENS_MAX_OPENAI, input_tokens_max
from headgate.dialects.conversations import Theirs
from headgate.dialects.openai_chat_shapes import (
    NULL,
    Chunk,
    Limits,
    Message,
    Part,
    Request,
    StreamOptions,
)
from headgate.dialects.openai_terms import OVERRIDING, openai_terms
from headgate.dialects.splice import SpliceError, rebuild, said_by, splice
from headgate.dialects.sse import EventStream, UsageFilter, first_data
from headgate.dialects.tools import offered
from headgate.records.demand import Demand, Edit
from headgate.records.report import Report
from headgate.units.errors import Refusal
from headgate.units.instants import NANOS_PER_SECOND

KIND = "openai_chat"
PATH = "/v1/chat/completions"
SIGN: Final[bytes | None] = None
CONVERSATION: Final = "messages"
FORWARDED: frozenset[bytes] = frozenset({b"openai-beta", b"x-client-request-id"})

_SEARCHES: Final = frozenset({"web_search_options", "search_parameters", "enable_search"})
"""How OpenAI, xAI and Alibaba's Model Studio are asked to search."""
_UNBOUNDED: Final = OVERRIDING | _SEARCHES | {"prediction", "audio", "plugins", "models"}
"""Fields whose cost no limit bounds: searches are billed each, rejected predictions are billed
as output beyond the limit, audio has its own prices, OpenRouter's plugins are billed apart and
its `models` names others that may serve the call."""

_LIMIT_FIELDS: Final[tuple[str, ...]] = ("max_tokens", "max_completion_tokens")
_OPTIONS_NAMED: Final = frozenset(StreamOptions.__struct_fields__)
_NAMED: Final = frozenset({*Request.__struct_fields__, *_UNBOUNDED})
_PROMPT: Final = (CONVERSATION,)
_EMPTY: Final = frozenset({b"null", b"[]", b"false"})
_USAGE_MARK: Final = b'"prompt_tokens"'
_DONE: Final = b"[DONE]"

BODY: Final = Request
_REQUEST: Final = msgspec.json.Decoder(Request)
_LIMITS: Final = msgspec.json.Decoder(Limits)
_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])
_CHUNK: Final = msgspec.json.Decoder(Chunk)


def read(body: bytes, theirs: Theirs | None = None) -> Demand | Refusal:
    """Read what decides who may serve a request and what it can cost.

    Fields that decide neither are the provider's to judge. `null` is as good as absent.
    """
    found = bodies.read(_REQUEST, body, _NAMED, _PROMPT, theirs=theirs)
    if isinstance(found, Refusal):
        return found
    request, values = found
    options = request.stream_options
    if options is not None:
        nested = bodies.members(bytes(values["stream_options"]), _OPTIONS_NAMED)
        if isinstance(nested, Refusal):
            return nested
    images, opaque, audio = _survey(request.messages)
    # By position, as it is faster: the order is that of the fields.
    return Demand(
        request.model,
        bool(request.stream),
        max(request.max_tokens or 0, request.max_completion_tokens or 0) or None,
        request.n or 1,
        options is not None and bool(options.include_usage),
        None
        if opaque
        else input_tokens_max(len(body), images=images, image_tokens_max=IMAGE_TOKENS_MAX_OPENAI),
        _unbounded(request, values) or ("audio" if audio else None),
        bool(request.tools or request.functions),
        images > 0,
        openai_terms(
            request.service_tier, request.prompt_cache_retention, request.prompt_cache_options
        ),
        values,
    )


def _survey(messages: list[Message] | None) -> tuple[int, bool, bool]:
    """Count the images; tell whether a part is not text in the body, and whether one is audio."""
    images = 0
    opaque = audio = False
    if messages is None:
        return images, opaque, audio
    for message in messages:
        if message.audio is not None:
            audio = True
        content = message.content
        if not isinstance(content, list):
            continue
        for part in content:
            kind = part.type if isinstance(part, Part) else None
            if kind is None or kind == "text":
                continue
            if kind == "image_url":
                images += 1
            elif kind == "input_audio":
                audio = True
            elif kind == "file" or kind.endswith("_url"):
                opaque = True
    return images, opaque or audio, audio


def _unbounded(request: Request, values: dict[str, Raw]) -> str | None:
    """Name a feature whose cost has no bound."""
    if not _UNBOUNDED.isdisjoint(values):
        for field in sorted(_UNBOUNDED.intersection(values)):
            if bytes(values[field]) not in _EMPTY:
                return field
    if request.modalities and set(request.modalities) != {"text"}:
        return "modalities"
    if request.tools is None:
        return None
    for tool in request.tools:
        if tool.type not in (None, "function", "custom"):
            return tool.type
    return None


def keeps_reply(members: Mapping[str, Raw]) -> bool:
    """Tell whether the provider keeps the reply: here only where `store` says so."""
    store = members.get("store")
    return store is not None and bytes(store) == b"true"


def tool_names(body: bytes) -> tuple[str, ...]:
    """Return the names of the tools that a body offers."""
    return offered(body, (*sorted(_SEARCHES), "plugins"))


def edit(body: bytes, demand: Demand, edit: Edit) -> bytes:
    """Change a body that `read` accepted as `edit` says; the same object when nothing changes.

    Every limit that is there is lowered to `edit.output_tokens_max`. `edit.limit_field` is added
    when there is no limit, and beside another one only when `edit.limit_needed`: some providers
    ignore `max_completion_tokens`, but OpenAI refuses both at once. What `edit.dropped` names is
    left out in the end, so that the limit of a name that is dropped stands under the other.

    Raises:
        SpliceError: The new body does not say what it was made to say.
    """
    values = demand.members
    changed: dict[str, bytes] = {}
    added: dict[str, bytes] = {}
    if demand.model != edit.model:
        changed["model"] = msgspec.json.encode(edit.model)
    most = lowest = edit.output_tokens_max
    limits = [field for field in _LIMIT_FIELDS if field in values]
    for field in limits:
        if len(limits) == 1:
            # The demand has what it says; None of one that is null.
            limit = demand.output_tokens_max or most + 1
        else:
            value = values[field]
            limit = most + 1 if value == NULL else int(bytes(value))
        if limit > most:
            changed[field] = b"%d" % most
        else:
            lowest = min(lowest, limit)
    if edit.limit_field not in values and (edit.limit_needed or not limits):
        added[edit.limit_field] = b"%d" % lowest
    asks = demand.stream and edit.ask_usage and not demand.usage_wanted
    if asks:
        _ask_usage(values, changed, added)
    if edit.dropped or edit.members:
        added = {**edit.members, **added}
        new = rebuild(values, changed, added, edit.dropped)
    elif changed or added:
        new = splice(body, values, changed, added)
    else:
        return body
    said = said_by(new, values, Limits.__struct_fields__, changed, added, edit.dropped)
    _verify(said, demand, edit)
    return new


def _ask_usage(
    values: Mapping[str, Raw], changed: dict[str, bytes], added: dict[str, bytes]
) -> None:
    """Make a stream report its usage, keeping the other stream options."""
    options = values.get("stream_options")
    if options is None:
        added["stream_options"] = b'{"include_usage":true}'
    elif bytes(options) == b"null":
        changed["stream_options"] = b'{"include_usage":true}'
    else:
        text = bytes(options)
        inner = _OBJECT.decode(text)
        fresh = {"include_usage": b"true"}
        has = "include_usage" in inner
        changed["stream_options"] = splice(text, inner, fresh if has else {}, {} if has else fresh)


def _verify(body: bytes, demand: Demand, edit: Edit) -> None:
    """Decode what was spliced and compare it with what was meant."""
    try:
        got = _LIMITS.decode(body)
    except msgspec.DecodeError as error:
        raise SpliceError(f"the body is broken after the change: {error}") from error
    limits = [limit for limit in (got.max_tokens, got.max_completion_tokens) if limit is not UNSET]
    bounded = bool(limits) and all(
        limit is not None and limit <= edit.output_tokens_max for limit in limits
    )
    wanted = demand.usage_wanted or (demand.stream and edit.ask_usage)
    wanted = wanted and "stream_options" not in edit.dropped
    asked = got.stream_options is not None and bool(got.stream_options.include_usage)
    same = (got.model, bool(got.stream), got.n or 1) == (edit.model, demand.stream, demand.choices)
    if not (bounded and same and asked == wanted):
        raise SpliceError("the body does not say what it was made to say")


def report(body: bytes) -> Report:
    """Read the metering facts of a reply that is not streamed; without choices it is none."""
    chunk = _chunk(body)
    if chunk is None:
        return Report()
    return _report(chunk, complete=bytes(chunk.choices).startswith(b"["))


def _chunk(data: bytes) -> Chunk | None:
    """Decode a reply or an event, None when it cannot be read."""
    try:
        return _CHUNK.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _report(chunk: Chunk, *, complete: bool = False) -> Report:
    usage = bytes(chunk.usage)
    return Report(
        chunk.id or None,
        chunk.model or None,
        usage if usage[:1] == b"{" else None,
        chunk.service_tier,
        complete,
        chunk.error is not NULL and chunk.error != NULL,
    )


def _is_usage_only(data: bytes) -> bool:
    """Tell whether an event is the extra one that `include_usage` asks for."""
    chunk = _chunk(data)
    if chunk is None or not bytes(chunk.usage).startswith(b"{"):
        return False
    choices = bytes(chunk.choices)
    return choices.startswith(b"[") and not choices[1:-1].strip()


def starts_with_error(payload: bytes) -> bool:
    """Tell whether the first event of a stream is an error; False while it is not whole."""
    data = first_data(payload)
    chunk = None if data is None else _chunk(data)
    return chunk is not None and chunk.error != NULL


class Stream(EventStream):
    """Reads one streamed reply.

    With `strip_usage` the last event, which only reports usage, is kept from the client; the
    `"usage": null` of the other events, which comes with it, stays.
    """

    __slots__ = ()

    def __init__(self, strip_usage: bool) -> None:
        super().__init__(UsageFilter(_USAGE_MARK, _is_usage_only) if strip_usage else None)

    def read_head(self, data: bytes) -> Report:
        """Read the id, the served model and the tier from the first event."""
        chunk = _chunk(data)
        return Report() if chunk is None else _report(chunk)

    def finish(self) -> Report:
        """Return what the whole stream said; it is complete when it said `[DONE]`.

        OpenAI's clients read no further. So what follows is passed on, and of no account: but for
        its usage, where none was reported before.
        """
        head = replace(self.head_report or Report(), usage_json=None)
        complete = errored = False
        for data in self._last_data():
            if data == _DONE:
                complete, errored = True, False
                continue
            if b'"usage"' not in data and b'"error"' not in data and head.upstream_id:
                continue
            chunk = _chunk(data)
            if chunk is None:
                continue
            last = _report(chunk)
            errored = errored or last.errored
            stands = head.usage_json is not None and not complete
            head = Report(
                head.upstream_id or last.upstream_id,
                head.served_model or last.served_model,
                head.usage_json if stands else last.usage_json or head.usage_json,
                last.tier or head.tier,
            )
            if complete and last.usage_json is not None:
                break
        return replace(head, complete=complete, errored=errored)


render_limits = openai_limits.render_limits


def render_refusal(refusal: Refusal, call: str | None) -> bytes:
    """Render an error reply; the stable code is `error.code`, the call `error.call`."""
    error = {
        "message": refusal.message,
        "type": refusal.code.openai_type,
        "param": refusal.param,
        "code": refusal.code.code,
    }
    if call is not None:
        error["call"] = call
    return msgspec.json.encode({"error": error})


def render_stream_error(refusal: Refusal, call: str | None) -> bytes:
    """Render an event that ends a stream already begun; no `[DONE]` follows it.

    It starts with a blank line, which ends an event that broke off and is otherwise nothing.
    """
    return b"\n\ndata: " + render_refusal(refusal, call) + b"\n\n"


def render_models(names: Sequence[tuple[str, int]]) -> bytes:
    """Render the list of models, each with the instant it appeared at."""
    return msgspec.json.encode({"object": "list", "data": [_card(*each) for each in names]})


def render_model(name: str, at_ns: int) -> bytes:
    """Render one model."""
    return msgspec.json.encode(_card(name, at_ns))


def _card(name: str, at_ns: int) -> dict[str, object]:
    created = at_ns // NANOS_PER_SECOND
    return {"id": name, "object": "model", "created": created, "owned_by": "headgate"}
