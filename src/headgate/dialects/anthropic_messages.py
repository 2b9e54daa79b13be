"""`anthropic_messages`: Anthropic's Messages, as several providers speak it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from headgate.dialects import anthropic_limits
from headgate.dialects import body as bodies
from headgate.dialects.anthropic_edit import THINKING_TOKENS_MIN, edit
from headgate.dialects.anthropic_messages_shapes import (
    Content,
    Event,
    Part,
    Reply,
    Request,
    Thinking,
    Tool,
    ToolChange,
    Usage,
)
from headgate.dialects.bounds import IMAGE_TOKENS_MAX_ANTHROPIC, input_tokens_max
from headgate.dialects.conversations import Theirs
from headgate.dialects.sse import EventStream, first_data
from headgate.dialects.tools import offered
from headgate.records.demand import STANDARD, Demand, Terms
from headgate.records.report import Report
from headgate.units.errors import Refusal
from headgate.units.instants import to_datetime

__all__ = ["edit"]

KIND = "anthropic_messages"
PATH = "/v1/messages"
SIGN: Final[bytes | None] = b"anthropic-version"
CONVERSATION: Final = "messages"
FORWARDED: frozenset[bytes] = frozenset({b"anthropic-version", b"anthropic-beta"})


_UNBOUNDED: Final = frozenset({"mcp_servers", "container", "fallbacks", "compaction"})
"""Fields whose cost no limit bounds: tools that run at the provider ask the model again and
again, `fallbacks` names other models with limits of their own, a compaction is a call apart."""

_CLIENT_TOOLS: Final = ("bash_", "text_editor_", "computer_", "memory_", "browser_toolset_")
"""How the types of tools begin that the client runs; what runs at the provider has other types."""

_COUNTED_TOOL: Final = "web_search_"
"""How the type of the tool begins whose uses the usage reports, so that each is billed."""

_PLAIN: Final = frozenset({"text", "tool_use", "thinking", "redacted_thinking"})
"""Blocks that are what they are, all of it text in the body."""

_NAMED: Final = frozenset({*Request.__struct_fields__, *_UNBOUNDED})
_THINKING_NAMED: Final = frozenset(Thinking.__struct_fields__)
_PROMPT: Final = (CONVERSATION, "system")
_EMPTY: Final = frozenset({b"null", b"[]"})
BODY: Final = Request
_REQUEST: Final = msgspec.json.Decoder(Request)
_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])
_USAGE: Final = msgspec.json.Decoder(Usage)
_REPLY: Final = msgspec.json.Decoder(Reply)
_EVENT: Final = msgspec.json.Decoder(Event)
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read(body: bytes, theirs: Theirs | None = None) -> Demand | Refusal:
    """Read what decides who may serve a request and what it can cost.

    Fields that decide neither are the provider's to judge. `null` is as good as absent, save
    for `max_tokens`, which this dialect requires.
    """
    found = bodies.read(_REQUEST, body, _NAMED, _PROMPT, theirs=theirs)
    if isinstance(found, Refusal):
        return found
    request, values = found
    thinking = request.thinking
    if thinking is not None:
        nested = bodies.members(bytes(values["thinking"]), _THINKING_NAMED)
        if isinstance(nested, Refusal):
            return nested
    survey = _Survey()
    survey.add(request.system)
    for message in request.messages or ():
        survey.add(message.content)
    tools = request.tools or []
    survey.tools += tools
    held = request.thread is not None and request.thread.type != "create"
    budget = None if thinking is None else thinking.budget_tokens
    unbounded = _unbounded(request, values, survey.tools)
    return Demand(
        model=request.model,
        stream=bool(request.stream),
        output_tokens_max=request.max_tokens,
        usage_wanted=True,
        input_tokens_max=None if held or survey.opaque else survey.input_tokens_max(len(body)),
        thinking_tokens=budget,
        output_tokens_min=1 if budget is None else THINKING_TOKENS_MIN + 1,
        unbounded=unbounded,
        uses_counted=unbounded is not None and unbounded.startswith(_COUNTED_TOOL),
        tools=bool(survey.tools),
        images=survey.images > 0,
        thread=request.thread is not None,
        terms=_terms(request),
        members=values,
    )


def tool_names(body: bytes) -> tuple[str, ...]:
    """Return the names of the tools that a body offers."""
    return offered(body, ("mcp_servers", "container"))


class _Survey:
    """What a prompt holds beside text.

    Attributes:
        images: How many images there are.
        opaque: Whether a document is not there as text: an address, an id, or a PDF, whose
            bytes are compressed.
        tools: Tools offered in the midst of the conversation.
    """

    __slots__ = ("images", "opaque", "tools")

    def __init__(self) -> None:
        self.images = 0
        self.opaque = False
        self.tools: list[Tool] = []

    def add(self, content: Content) -> None:
        """Look at the blocks of a content, and at those inside them."""
        if isinstance(content, Part):
            self._add_block(content)
        elif isinstance(content, list):
            for block in content:
                if not isinstance(block, Part) or block.type in _PLAIN:
                    continue
                if block.type != "tool_result" or not isinstance(block.content, str):
                    self._add_block(block)

    def _add_block(self, block: Part) -> None:
        kind = block.type
        if kind == "image":
            self.images += 1
        elif kind == "document":
            source = block.source
            kept = isinstance(source, Part) and source.type in ("text", "content")
            self.opaque = self.opaque or not kept
            self.add(source)
        elif kind == "container_upload":
            self.opaque = True
        elif isinstance(block.tool, ToolChange) and block.tool.definition is not None:
            self.tools.append(block.tool.definition)
        self.add(block.content)

    def input_tokens_max(self, body_bytes: int) -> int:
        """Return an upper bound of the prompt's tokens."""
        return input_tokens_max(
            body_bytes,
            images=self.images,
            image_tokens_max=IMAGE_TOKENS_MAX_ANTHROPIC,
            built_in_tools=sum(tool.type not in (None, "custom") for tool in self.tools),
        )


def _unbounded(request: Request, values: dict[str, Raw], tools: list[Tool]) -> str | None:
    """Name a feature whose cost has no bound; one whose uses are counted if there is no other."""
    if not _UNBOUNDED.isdisjoint(values):
        for field in sorted(_UNBOUNDED.intersection(values)):
            if bytes(values[field]) not in _EMPTY:
                return field
    counted: str | None = None
    for tool in tools:
        kind = tool.type
        if kind is not None and kind != "custom" and not kind.startswith(_CLIENT_TOOLS):
            if not kind.startswith(_COUNTED_TOOL):
                return kind
            counted = kind
    management = request.context_management
    for change in (management and management.edits) or ():
        # Clearing parts of the prompt is free; compacting it is a call that is billed apart.
        if not (change.type or "").startswith("clear_"):
            return change.type or "context_management"
    return counted


def _terms(request: Request) -> Terms:
    """Return the dearest terms the call asks for; `auto` is what the account is set to."""
    if request.service_tier is None and request.speed is None and request.inference_geo is None:
        return STANDARD
    tier = request.service_tier or "auto"
    if request.speed == "fast":
        tier = "fast"
    elif tier in ("auto", "standard_only"):
        tier = "standard"
    return Terms(tier=tier, region=request.inference_geo or "global")


def report(body: bytes) -> Report:
    """Read the metering facts of a reply that is not streamed; without content it is none."""
    try:
        reply = _REPLY.decode(body)
        return _report(reply, complete=bytes(reply.content).startswith(b"["))
    except _UNREADABLE:
        return Report()


def _report(reply: Reply, *, complete: bool = False) -> Report:
    usage = bytes(reply.usage)
    if not usage.startswith(b"{"):
        return Report(reply.id or None, reply.model or None, complete=complete)
    tier = _USAGE.decode(usage).service_tier
    return Report(reply.id or None, reply.model or None, usage, tier, complete)


def _event(data: bytes) -> Event | None:
    """Decode an event, None when it cannot be read."""
    try:
        return _EVENT.decode(data)
    except _UNREADABLE:
        return None


def _merge(head: bytes | None, tail: bytes) -> bytes | None:
    """Merge the usage of a stream's head with that of its tail; None when it is no usage.

    The tail's counts are cumulative and win; what it does not say (how long cache writes live,
    the tier, the region) the head has said. A null says nothing.
    """
    try:
        merged = {} if head is None else _OBJECT.decode(head)
        later = _OBJECT.decode(tail)
    except _UNREADABLE:
        return None
    merged.update((name, value) for name, value in later.items() if bytes(value) != b"null")
    return msgspec.json.encode(merged)


def starts_with_error(payload: bytes) -> bool:
    """Tell whether the first event of a stream is an error; False while it is not whole."""
    data = first_data(payload)
    event = None if data is None else _event(data)
    return event is not None and event.type == "error"


class Stream(EventStream):
    """Reads one streamed reply; `strip_usage` means nothing, as usage is part of the dialect."""

    __slots__ = ()

    def __init__(self, strip_usage: bool) -> None:  # noqa: ARG002
        super().__init__()

    def counts(self, data: bytes) -> bool:
        """Tell whether an event begins the message; pings and events yet unknown may precede it."""
        return b'"message_start"' in data or b'"error"' in data

    def read_head(self, data: bytes) -> Report:
        """Read id, served model and the usage so far from `message_start`."""
        event = _event(data)
        if event is None or event.message is None:
            return Report(errored=event is not None and event.type == "error")
        try:
            return _report(event.message)
        except _UNREADABLE:
            return Report()

    def finish(self) -> Report:
        """Return what the whole stream said; it is complete when it said `message_stop`.

        Pings and events yet unknown may follow that. Without a last count of usage that of the
        head stands.
        """
        head = self.head_report or Report()
        complete = errored = False
        for data in self._last_data():
            if b'"message_' not in data and b'"error"' not in data:
                continue
            event = _event(data)
            kind = None if event is None else event.type
            if kind == "message_stop":
                complete = True
            elif kind == "error":
                errored = True
            elif event is not None and kind == "message_delta" and bytes(event.usage) != b"null":
                head = replace(head, usage_json=_merge(head.usage_json, bytes(event.usage)))
                break
        return replace(head, complete=complete, errored=errored)


render_limits = anthropic_limits.render_limits


def render_refusal(refusal: Refusal, call: str | None) -> bytes:
    """Render an error reply; the stable code is `error.details.error_code`."""
    return msgspec.json.encode(_error(refusal, call))


def _error(refusal: Refusal, call: str | None) -> dict[str, object]:
    details = {"error_code": refusal.code.code, "param": refusal.param}
    error = {"type": refusal.code.anthropic_type, "message": refusal.message, "details": details}
    return {"type": "error", "error": error, "request_id": call}


def render_stream_error(refusal: Refusal, call: str | None) -> bytes:
    """Render an event that ends a stream already begun.

    It starts with a blank line, which ends an event that broke off and is otherwise nothing.
    """
    return b"\n\nevent: error\ndata: " + render_refusal(refusal, call) + b"\n\n"


def render_models(names: Sequence[tuple[str, int]]) -> bytes:
    """Render the list of models, each with the instant it appeared at."""
    ids: list[str | None] = [name for name, _ in names] or [None]
    page = {"data": [_card(*each) for each in names], "has_more": False}
    return msgspec.json.encode(page | {"first_id": ids[0], "last_id": ids[-1]})


def render_model(name: str, at_ns: int) -> bytes:
    """Render one model."""
    return msgspec.json.encode(_card(name, at_ns))


def _card(name: str, at_ns: int) -> dict[str, str]:
    created = to_datetime(at_ns).strftime("%Y-%m-%dT%H:%M:%SZ")
    card = {"type": "model", "id": name, "display_name": name, "created_at": created}
    return card | {"lifecycle": "active"}
