"""`bedrock_converse`: Amazon Bedrock's Converse, which models of many makers speak there.

It is spoken to providers only: clients reach it by translation. Its streams come in a framing of
AWS's own, whose messages `headgate.providers.bedrock` turns into events of one member each, named
as in the API: `{"contentBlockDelta": {...}}`; an exception becomes `{"error": {...}}`. Source:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct, field

from headgate.dialects import body as bodies
from headgate.dialects.bounds import IMAGE_TOKENS_MAX_ANY, input_tokens_max
from headgate.dialects.splice import SpliceError, splice
from headgate.dialects.sse import EventStream, first_data
from headgate.records.demand import Demand, Edit
from headgate.records.report import Report
from headgate.units.errors import Refusal

KIND = "bedrock_converse"
FORWARDED: frozenset[bytes] = frozenset()

LAST_EVENTS_MAX = 4
"""How many of a stream's last events are read: the reason it stopped and its usage are the last."""

_NULL = Raw(b"null")
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Inference(Struct, gc=False):
    limit: Annotated[int, Meta(ge=1)] | None = field(default=None, name="maxTokens")


class _Document(Struct, gc=False):
    format: str = ""


class _Result(Struct, gc=False):
    content: list[_Block] | None = None


class _Block(Struct, gc=False):
    image: Raw = _NULL
    document: _Document | None = None
    result: _Result | None = field(default=None, name="toolResult")


class _Message(Struct, gc=False):
    content: list[_Block] | None = None


class _Tools(Struct, gc=False):
    tools: list[dict[str, Raw]] | None = None


class _Request(Struct, gc=False):
    """The fields that decide what a request can cost."""

    messages: list[_Message] | None = None
    inference: _Inference | None = field(default=None, name="inferenceConfig")
    tools: _Tools | None = field(default=None, name="toolConfig")


class _Tier(Struct, gc=False):
    type: str | None = None


class _Metadata(Struct, gc=False):
    usage: Raw = _NULL
    tier: _Tier | None = field(default=None, name="serviceTier")


class _Reply(_Metadata, gc=False):
    output: Raw = _NULL
    reason: str | None = field(default=None, name="stopReason")


class _Event(Struct, gc=False):
    stop: Raw = field(default=_NULL, name="messageStop")
    metadata: _Metadata | None = None
    error: Raw = _NULL


_NAMED = frozenset(_Request.__struct_encode_fields__)
_FOLDED = frozenset(map(str.casefold, _NAMED))
_REQUEST = msgspec.json.Decoder(_Request)
_REPLY = msgspec.json.Decoder(_Reply)
_EVENT = msgspec.json.Decoder(_Event)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])


def read(body: bytes) -> Demand | Refusal:
    """Read what a request can cost; the model and whether to stream stand in the path."""
    request = bodies.decode(_REQUEST, body)
    if isinstance(request, Refusal):
        return request
    values = bodies.members(body, _NAMED, _FOLDED)
    if isinstance(values, Refusal):
        return values
    blocks = list(_blocks(request))
    images = sum(bytes(block.image) != b"null" for block in blocks)
    tools = (request.tools.tools if request.tools else None) or []
    foreign = next((name for tool in tools for name in tool if name == "systemTool"), None)
    # The bytes of a document that is no text bound nothing.
    opaque = any(
        block.document is not None and block.document.format not in _TEXTS for block in blocks
    )
    return Demand(
        model="",
        stream=False,
        output_tokens_max=request.inference.limit if request.inference else None,
        usage_wanted=True,
        input_tokens_max=None
        if opaque
        else input_tokens_max(len(body), images=images, image_tokens_max=IMAGE_TOKENS_MAX_ANY),
        unbounded=foreign,
        tools=bool(tools),
        images=images > 0,
        members=values,
    )


_TEXTS = frozenset({"txt", "md", "csv", "html"})


def _blocks(request: _Request) -> Iterator[_Block]:
    """Yield the blocks of a conversation, those of tools' results too."""
    for message in request.messages or ():
        for block in message.content or ():
            yield block
            if block.result is not None:
                yield from block.result.content or ()


def edit(body: bytes, demand: Demand, edit: Edit) -> bytes:
    """Lower or add the output limit, as `edit` says; the same object when nothing changes.

    Raises:
        SpliceError: The new body does not say what it was made to say.
    """
    if demand.output_tokens_max is not None and demand.output_tokens_max <= edit.output_tokens_max:
        return body
    limit = {"maxTokens": b"%d" % edit.output_tokens_max}
    config = demand.members.get("inferenceConfig")
    if config is None:
        new = splice(
            body, demand.members, {}, {"inferenceConfig": b'{"maxTokens":%b}' % limit["maxTokens"]}
        )
    else:
        inner = _OBJECT.decode(config)
        has = "maxTokens" in inner
        text = splice(bytes(config), inner, limit if has else {}, {} if has else limit)
        new = splice(body, demand.members, {"inferenceConfig": text}, {})
    got = _REQUEST.decode(new).inference
    if got is None or got.limit != edit.output_tokens_max:
        raise SpliceError("the body does not say what it was made to say")
    return new


def report(body: bytes) -> Report:
    """Read the metering facts of a reply; it names neither itself nor the model."""
    try:
        reply = _REPLY.decode(body)
    except _UNREADABLE:
        return Report()
    whole = bytes(reply.output) != b"null" and reply.reason is not None
    return Report(usage_json=_usage(reply), tier=_tier(reply), complete=whole)


def _usage(said: _Metadata) -> bytes | None:
    usage = bytes(said.usage)
    return usage if usage.startswith(b"{") else None


def _tier(said: _Metadata) -> str | None:
    return None if said.tier is None else said.tier.type


def starts_with_error(payload: bytes) -> bool:
    """Tell whether the first event of a stream is an error; False while it is not whole."""
    data = first_data(payload)
    event = None if data is None else _event(data)
    return event is not None and bytes(event.error) != b"null"


def _event(data: bytes) -> _Event | None:
    try:
        return _EVENT.decode(data)
    except _UNREADABLE:
        return None


class Stream(EventStream):
    """Reads one streamed reply; `strip_usage` means nothing, as usage is part of the dialect."""

    __slots__ = ()

    def __init__(self, strip_usage: bool) -> None:  # noqa: ARG002
        super().__init__()

    def read_head(self, data: bytes) -> Report:
        """Read the first event, which says nothing but that the stream has begun."""
        event = _event(data)
        return Report(errored=event is not None and bytes(event.error) != b"null")

    def finish(self) -> Report:
        """Return what the whole stream said.

        It is complete once it has said why the model stopped and what was used.
        """
        usage: bytes | None = None
        tier: str | None = None
        stopped = errored = False
        for data in islice(self._last_data(), LAST_EVENTS_MAX):
            event = _event(data)
            if event is None:
                break
            errored = errored or bytes(event.error) != b"null"
            stopped = stopped or bytes(event.stop) != b"null"
            if event.metadata is not None and usage is None:
                usage, tier = _usage(event.metadata), _tier(event.metadata)
        complete = stopped and usage is not None and not errored
        return Report(usage_json=usage, tier=tier, complete=complete, errored=errored)
