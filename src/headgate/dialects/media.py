"""What OpenAI's dialects for images and sound have in common."""

from typing import ClassVar

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from headgate.dialects import openai_chat
from headgate.dialects.splice import splice_model
from headgate.dialects.sse import WHOLE_BYTES_MAX, EventStream, first_data
from headgate.records.demand import Demand, Edit
from headgate.records.report import Report

SIGN: bytes | None = None
FORWARDED = openai_chat.FORWARDED

render_refusal = openai_chat.render_refusal
render_limits = openai_chat.render_limits
render_stream_error = openai_chat.render_stream_error
render_models = openai_chat.render_models
render_model = openai_chat.render_model


class _Event(Struct, gc=False):
    type: str | None = None
    usage: Raw = Raw(b"null")
    error: Raw = Raw(b"null")


_EVENT = msgspec.json.Decoder(_Event)


def tool_names(_body: bytes) -> tuple[str, ...]:
    """Return nothing: none of these calls offers tools."""
    return ()


def edit(body: bytes, demand: Demand, edit: Edit) -> bytes:
    """Put the model's name at the provider into a body; the same object when it is there.

    Raises:
        SpliceError: The new body does not say what it was made to say.
    """
    return splice_model(body, demand.members, demand.model, edit.model)


def usage_of(raw: Raw) -> bytes | None:
    """Return a usage object; None for anything else."""
    usage = bytes(raw)
    return usage if usage.startswith(b"{") else None


def _event(data: bytes) -> _Event | None:
    try:
        return _EVENT.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_error(event: _Event) -> bool:
    return event.type == "error" or bytes(event.error) != b"null"


def starts_with_error(payload: bytes) -> bool:
    """Tell whether the first event of a stream is an error; False while it is not whole."""
    data = first_data(payload)
    event = None if data is None else _event(data)
    return event is not None and _is_error(event)


class MediaStream(EventStream):
    """Reads one streamed reply; its last event ends it and says the usage.

    `strip_usage` means nothing, as usage is part of these dialects.
    """

    __slots__ = ()

    ANY_BYTES_MAX: ClassVar[int] = WHOLE_BYTES_MAX
    ENDS: ClassVar[frozenset[str]] = frozenset()
    """The types of the events that end a stream."""

    def __init__(self, strip_usage: bool) -> None:  # noqa: ARG002
        super().__init__()

    def read_head(self, data: bytes) -> Report:
        """Read what the first event says: no more than whether it is an error."""
        event = _event(data)
        return Report(errored=event is not None and _is_error(event))

    def finish(self) -> Report:
        """Return what the whole stream said; it is complete when its last event ended it."""
        for data in self._last_data():
            event = _event(data)
            if event is None:
                if data == b"[DONE]":
                    continue
                break
            if _is_error(event):
                return Report(errored=True)
            if event.type in self.ENDS:
                return Report(usage_json=usage_of(event.usage), complete=True)
            break
        head = self.head_report or Report()
        return replace(head, complete=False)
