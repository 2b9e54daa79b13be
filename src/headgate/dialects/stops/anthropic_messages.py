"""Streams of Messages: the open block is stopped, then the stop reason `max_tokens`."""

from collections.abc import Mapping

from msgspec import Raw

from headgate.dialects.stops.events import LastEvents, event
from headgate.dialects.stops.written import frame

KIND = "anthropic_messages"

UNWRITTEN = frame(
    facts=rb"type|index|id|model|role|stop_reason|stop_sequence|stop_details|service_tier"
    rb"|\w*_tokens|inference_geo",
    openers=rb"message|delta|content_block|content|text|partial_json|thinking|signature|usage"
    rb"|input|name|cache_creation",
)


def thinks(members: Mapping[str, Raw]) -> bool:
    """Tell whether a request asks for thoughts; they may be told as a summary."""
    thinking = members.get("thinking")
    return thinking is not None and b'"disabled"' not in bytes(thinking)


class Stop(LastEvents):
    """Knows which block is open: at most one is, the one that was heard of last."""

    __slots__ = ()

    def close(self, output_tokens: int) -> bytes | None:
        """Return the events that end the stream as its output limit would."""
        for last in self.latest():
            kind = last.get("type")
            if kind in ("message_delta", "message_stop", "error"):
                return None
            if kind == "message_start" or kind == "content_block_stop":
                return _ending(output_tokens)
            if kind in ("content_block_start", "content_block_delta"):
                stop = event("content_block_stop", {"index": last.get("index", 0)})
                return stop + _ending(output_tokens)
        return b""


def _ending(output_tokens: int) -> bytes:
    reason = {"stop_reason": "max_tokens", "stop_sequence": None}
    usage = {"output_tokens": output_tokens}
    return event("message_delta", {"delta": reason, "usage": usage}) + event("message_stop", {})
