"""What Google's replies say about themselves, whole or streamed: ids, served model, usage.

Each event of a stream is a reply of its own that counts everything so far. Nothing marks the
end but the reason for it in one of the last events.
"""

from __future__ import annotations

from itertools import islice
from typing import ClassVar

import msgspec
from msgspec import Raw, Struct, field
from msgspec.structs import replace

from headgate.dialects.sse import WHOLE_BYTES_MAX, EventStream, first_data
from headgate.records.report import Report

LAST_EVENTS_MAX = 8
"""How many of a stream's last events are read for its usage and its end."""

_NULL = Raw(b"null")


class _Candidate(Struct, gc=False):
    reason: str | None = field(default=None, name="finishReason")


class _Feedback(Struct, gc=False):
    reason: str | None = field(default=None, name="blockReason")


class _Reply(Struct, gc=False):
    """What is read of a reply, or of one event of a streamed one."""

    id: str | None = field(default=None, name="responseId")
    model: str | None = field(default=None, name="modelVersion")
    usage: Raw = field(default=_NULL, name="usageMetadata")
    candidates: list[_Candidate] | None = None
    feedback: _Feedback | None = field(default=None, name="promptFeedback")
    error: Raw = _NULL

    @property
    def ended(self) -> bool:
        """Whether it says why the model stopped, or why it did not begin."""
        if self.feedback is not None and self.feedback.reason is not None:
            return True
        return any(each.reason is not None for each in self.candidates or ())


_REPLY = msgspec.json.Decoder(_Reply)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def report(body: bytes) -> Report:
    """Read the metering facts of a reply that is not streamed; it answers, or says why not."""
    reply = _reply(body)
    if reply is None:
        return Report()
    return replace(_report(reply), complete=reply.candidates is not None or reply.ended)


def _reply(data: bytes) -> _Reply | None:
    """Decode a reply or an event, None when it cannot be read."""
    try:
        return _REPLY.decode(data)
    except _UNREADABLE:
        return None


def _report(reply: _Reply) -> Report:
    usage = bytes(reply.usage)
    return Report(
        reply.id or None,
        reply.model or None,
        usage if usage.startswith(b"{") else None,
        errored=bytes(reply.error) != b"null",
    )


def starts_with_error(payload: bytes) -> bool:
    """Tell whether the first event of a stream is an error; False while it is not whole."""
    data = first_data(payload)
    reply = None if data is None else _reply(data)
    return reply is not None and bytes(reply.error) != b"null"


class Stream(EventStream):
    """Reads one streamed reply; `strip_usage` means nothing, as usage is part of the dialect."""

    __slots__ = ()

    LAST_BYTES_MAX: ClassVar[int] = 8_388_608
    ANY_BYTES_MAX: ClassVar[int] = WHOLE_BYTES_MAX

    def __init__(self, strip_usage: bool) -> None:  # noqa: ARG002
        super().__init__()

    def read_head(self, data: bytes) -> Report:
        """Read the id and the served model from the first event; later ones count again."""
        reply = _reply(data)
        return Report() if reply is None else replace(_report(reply), usage_json=None)

    def finish(self) -> Report:
        """Return what the whole stream said.

        It is complete when its last event can be read and one of the last says why the model
        stopped. A last event may leave counts out that an earlier one had (a cached prompt), so
        the latest of each counts.
        """
        head = self.head_report or Report()
        usages: list[bytes] = []
        complete = errored = False
        for place, data in enumerate(islice(self._last_data(), LAST_EVENTS_MAX)):
            reply = _reply(data)
            if reply is None:
                if place == 0:
                    break
                continue
            last = _report(reply)
            errored = errored or last.errored
            complete = complete or reply.ended
            if last.usage_json is not None:
                usages.append(last.usage_json)
            head = replace(
                head,
                upstream_id=head.upstream_id or last.upstream_id,
                served_model=head.served_model or last.served_model,
            )
        usage = _latest(usages)
        return replace(head, usage_json=usage, complete=complete and not errored, errored=errored)


def _latest(usages: list[bytes]) -> bytes | None:
    """Return the last usage, with the counts it leaves out as the events before had them.

    A count that is corrected is what the last event says: the prompt of a stream that was
    recorded shrank from its first event to its last, and the total is the sum of the last ones.
    """
    if len(usages) < 2:
        return usages[0] if usages else None
    try:
        objects = [_OBJECT.decode(usage) for usage in usages]
    except _UNREADABLE:
        return usages[0]
    merged: dict[str, Raw] = {}
    for each in objects:
        merged = {**each, **merged}
    return msgspec.json.encode(merged)
