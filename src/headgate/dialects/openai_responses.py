"""`openai_responses`: OpenAI's Responses.

Wire format: https://platform.openai.com/docs/api-reference/responses and the types of the SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from headgate.dialects import body as bodies
from headgate.dialects import openai_chat, openai_limits
from headgate.dialects import openai_responses_shapes as shapes
from headgate.dialects.bounds import IMAGE_TOKENS_MAX_OPENAI, input_tokens_max
from headgate.dialects.conversations import Theirs
from headgate.dialects.openai_terms import OVERRIDING, openai_terms
from headgate.dialects.splice import SpliceError, said_by, splice
from headgate.dialects.sse import WHOLE_BYTES_MAX, EventStream, first_data
from headgate.dialects.tools import offered
from headgate.records.demand import Demand, Edit
from headgate.records.report import Report
from headgate.units.errors import FEATURE_UNSUPPORTED, Refusal

KIND = "openai_responses"
PATH = "/v1/responses"
SIGN: Final[bytes | None] = None
CONVERSATION: Final = "input"
FORWARDED: frozenset[bytes] = openai_chat.FORWARDED


_CHATS: Final = OVERRIDING | {"n", "max_tokens", "max_completion_tokens"}
_UNBOUNDED: Final = _CHATS | {"prompt", "context_management", "multi_agent"}
"""Fields whose cost no limit bounds: a stored prompt may bring tools along that run at the
provider, a compaction is a call apart, and several agents have a limit each. What bounds a chat is
no field of this dialect, but servers that make a chat of a response let it count before the limit
that is sent."""

_CLIENT_TOOLS: Final = frozenset({None, "function", "custom", "local_shell", "apply_patch"})
"""Tools that the client runs: they cost no more than their tokens."""

_IMAGES: Final = frozenset({"input_image", "computer_screenshot", "image_generation_call"})
_OPAQUE: Final = frozenset({"input_file", "item_reference"})

_NAMED: Final = frozenset({*shapes.Request.__struct_fields__, *_UNBOUNDED})
_PROMPT: Final = (CONVERSATION, "instructions")
_EMPTY: Final = frozenset({b"null", b"[]"})
_ENDS: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
BODY: Final = shapes.Request
_REQUEST: Final = msgspec.json.Decoder(shapes.Request)
_LIMITS: Final = msgspec.json.Decoder(shapes.Limits)
_REPLY: Final = msgspec.json.Decoder(shapes.Reply)
_EVENT: Final = msgspec.json.Decoder(shapes.Event)
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read(body: bytes, theirs: Theirs | None = None) -> Demand | Refusal:
    """Read what decides who may serve a request and what it can cost.

    Fields that decide neither are the provider's to judge. `null` is as good as absent. What
    the provider has stored (`previous_response_id`, `conversation`, items by reference, files)
    leaves the context window as the only bound of the prompt. A background response is refused:
    it is answered before it is generated, so nobody could settle what it costs.
    """
    found = bodies.read(_REQUEST, body, _NAMED, _PROMPT, theirs=theirs)
    if isinstance(found, Refusal):
        return found
    request, values = found
    if request.background:
        message = "background: its cost is not known when it is answered; send it without."
        return Refusal(FEATURE_UNSUPPORTED, message, "background")
    survey = _Survey()
    survey.add(request.input)
    survey.add(request.instructions)
    stored = request.previous_response_id is not None or bytes(request.conversation) != b"null"
    bound = input_tokens_max(
        len(body), images=survey.images, image_tokens_max=IMAGE_TOKENS_MAX_OPENAI
    )
    return Demand(
        model=request.model,
        stream=bool(request.stream),
        output_tokens_max=request.max_output_tokens or None,
        usage_wanted=True,
        input_tokens_max=None if stored or survey.opaque else bound,
        unbounded=_unbounded(request, values) or ("input_audio" if survey.audio else None),
        tools=bool(request.tools),
        images=survey.images > 0,
        terms=openai_terms(
            request.service_tier, request.prompt_cache_retention, request.prompt_cache_options
        ),
        members=values,
        after=request.previous_response_id,
    )


class _Survey:
    """What a prompt holds beside text.

    Attributes:
        images: How many images there are.
        opaque: Whether a part is not there as text: a file, or an item by reference.
        audio: Whether a part is sound.
    """

    __slots__ = ("audio", "images", "opaque")

    def __init__(self) -> None:
        self.images = 0
        self.opaque = self.audio = False

    def add(self, content: shapes.Content) -> None:
        """Look at the items of a content, and at those inside them."""
        if isinstance(content, shapes.Item):
            self._add_item(content)
        elif isinstance(content, list):
            for item in content:
                if isinstance(item, shapes.Item):
                    self._add_item(item)

    def _add_item(self, item: shapes.Item) -> None:
        kind = item.type
        if kind in _IMAGES:
            self.images += 1
        elif kind in _OPAQUE:
            self.opaque = True
        elif kind == "input_audio":
            self.audio = True
        if not isinstance(item.content, str):
            self.add(item.content)
        if not isinstance(item.output, str):
            self.add(item.output)


def _unbounded(request: shapes.Request, values: dict[str, Raw]) -> str | None:
    """Name a feature whose cost has no bound."""
    if not _UNBOUNDED.isdisjoint(values):
        for field in sorted(values.keys() & _UNBOUNDED):
            if bytes(values[field]) not in _EMPTY:
                return field
    reasoning = request.reasoning
    if reasoning is not None and reasoning.mode not in (None, "standard"):
        return "reasoning"
    return next(filter(None, map(_hosted, request.tools or ())), None)


def _hosted(tool: shapes.Tool) -> str | None:
    """Name a tool that runs at the provider, which bills it and asks the model again."""
    kind = tool.type
    if kind in _CLIENT_TOOLS:
        return None
    if kind == "namespace":
        return next(filter(None, map(_hosted, tool.tools or ())), None)
    if kind == "tool_search":
        return None if tool.execution == "client" else kind
    at_client = tool.environment is not None and tool.environment.type == "local"
    return None if kind == "shell" and at_client else kind


def keeps_reply(members: Mapping[str, Raw]) -> bool:
    """Tell whether the provider keeps the reply: here always, unless `store` says otherwise."""
    store = members.get("store")
    return store is None or bytes(store) != b"false"


def tool_names(body: bytes) -> tuple[str, ...]:
    """Return the names of the tools that a body offers."""
    return offered(body, ("prompt",))


def edit(body: bytes, demand: Demand, edit: Edit) -> bytes:
    """Change a body that `read` accepted as `edit` says; the same object when nothing changes.

    This dialect has one limit field and always reports usage, so `edit.limit_field` and
    `edit.ask_usage` mean nothing to it.

    Raises:
        SpliceError: The new body does not say what it was made to say.
    """
    changed: dict[str, bytes] = {}
    added: dict[str, bytes] = {}
    if demand.model != edit.model:
        changed["model"] = msgspec.json.encode(edit.model)
    limit = b"%d" % edit.output_tokens_max
    if "max_output_tokens" not in demand.members:
        added["max_output_tokens"] = limit
    elif demand.output_tokens_max is None or demand.output_tokens_max > edit.output_tokens_max:
        changed["max_output_tokens"] = limit
    if not changed and not added:
        return body
    new = splice(body, demand.members, changed, added)
    fields = shapes.Limits.__struct_fields__
    _verify(said_by(new, demand.members, fields, changed, added), demand, edit)
    return new


def _verify(body: bytes, demand: Demand, edit: Edit) -> None:
    """Decode what was spliced and compare it with what was meant."""
    try:
        got = _LIMITS.decode(body)
    except msgspec.DecodeError as error:
        raise SpliceError(f"the body is broken after the change: {error}") from error
    same = (got.model, bool(got.stream)) == (edit.model, demand.stream)
    if not (same and got.max_output_tokens and got.max_output_tokens <= edit.output_tokens_max):
        raise SpliceError("the body does not say what it was made to say")


def report(body: bytes) -> Report:
    """Read the metering facts of a reply that is not streamed; without an output it is none."""
    try:
        reply = _REPLY.decode(body)
        return _report(reply, complete=bytes(reply.output).startswith(b"["))
    except _UNREADABLE:
        return Report()


def _report(reply: shapes.Reply, *, complete: bool = False) -> Report:
    usage = bytes(reply.usage)
    return Report(
        reply.id or None,
        reply.model or None,
        usage if usage.startswith(b"{") else None,
        reply.service_tier,
        complete,
    )


def _event(data: bytes) -> shapes.Event | None:
    """Decode an event, None when it cannot be read."""
    try:
        return _EVENT.decode(data)
    except _UNREADABLE:
        return None


def starts_with_error(payload: bytes) -> bool:
    """Tell whether the first event of a stream is an error; False while it is not whole."""
    data = first_data(payload)
    event = None if data is None else _event(data)
    if event is None or event.type != "response.failed":
        return event is not None and event.type == "error"
    return event.response is None or _report(event.response).usage_json is None


class Stream(EventStream):
    """Reads one streamed reply; `strip_usage` means nothing, as usage is part of the dialect.

    The last event repeats the whole reply and, near its end, says the usage.
    """

    __slots__ = ()

    # Some providers add the end mark of Chat Completions.
    PINGS: ClassVar[tuple[bytes, ...]] = (
        b'{"type":"keepalive"',
        b'{"type": "keepalive"',
        b"[DONE]",
    )
    LAST_BYTES_MAX: ClassVar[int] = 8_388_608
    ANY_BYTES_MAX: ClassVar[int] = WHOLE_BYTES_MAX

    def __init__(self, strip_usage: bool) -> None:  # noqa: ARG002
        super().__init__()

    def counts(self, data: bytes) -> bool:
        """Tell whether an event is the first one that counts; pings may precede it."""
        return not data.startswith(self.PINGS)

    def read_head(self, data: bytes) -> Report:
        """Read id, served model and tier from `response.created`."""
        event = _event(data)
        if event is None or event.response is None:
            return Report(errored=event is not None and event.type == "error")
        return replace(_report(event.response), usage_json=None)

    def finish(self) -> Report:
        """Return what the whole stream said; it is complete when its last event ended it.

        A response that failed and reports what it used is billed so; one that reports nothing
        is an error of the provider's.
        """
        head = self.head_report or Report()
        for data in self._last_data():
            if data.startswith(self.PINGS):
                continue
            event = _event(data)
            kind = None if event is None else event.type
            if kind == "error":
                return replace(head, errored=True)
            if event is None or event.response is None or kind not in _ENDS:
                break
            last = _report(event.response)
            if kind == "response.failed" and last.usage_json is None:
                return replace(head, errored=True)
            return Report(
                last.upstream_id or head.upstream_id,
                last.served_model or head.served_model,
                last.usage_json,
                last.tier or head.tier,
                complete=True,
            )
        return head


render_refusal = openai_chat.render_refusal
render_limits = openai_limits.render_limits
render_models = openai_chat.render_models
render_model = openai_chat.render_model


def render_stream_error(refusal: Refusal, call: str | None) -> bytes:
    """Render an event that ends a stream already begun; no `response.completed` follows it.

    It starts with a blank line, which ends an event that broke off and is otherwise nothing.
    Documented are the fields beside `type`; the official clients raise what stands at `error`.
    """
    event = {
        "type": "error",
        "code": refusal.code.code,
        "message": refusal.message,
        "param": refusal.param,
        # How many events there were was not counted.
        "sequence_number": 0,
        "error": Raw(render_refusal(refusal, call)[len(b'{"error":') : -1]),
    }
    return b"\n\nevent: error\ndata: " + msgspec.json.encode(event) + b"\n\n"
