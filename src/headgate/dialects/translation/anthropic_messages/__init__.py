"""`anthropic_messages`: Anthropic's Messages, to and from what all dialects mean."""

from headgate.dialects.translation.anthropic_messages.parse import parse_call, parsing
from headgate.dialects.translation.anthropic_messages.render import render_call
from headgate.dialects.translation.anthropic_messages.reply import parse_reply, render_reply
from headgate.dialects.translation.anthropic_messages.stream import (
    StreamParser,
    StreamRenderer,
    error_message,
)
from headgate.dialects.translation.bound import bound_state
from headgate.records.conversation import Bound, Call

KIND = "anthropic_messages"

_MARKS = (
    *(b'"signature"', b'"redacted_thinking"', b'"file_id"', b'"container_upload"'),
    *(b'"server_tool_use"', b'_tool_result"'),
)

__all__ = [
    "KIND",
    "StreamParser",
    "StreamRenderer",
    "bound",
    "error_message",
    "parse_call",
    "parse_reply",
    "parsing",
    "render_call",
    "render_reply",
]


def bound(body: bytes, call: Call | None = None) -> Bound | None:
    """Return where a conversation may go because of what it carries, None for anywhere.

    Thoughts that were told in translation have no signature, and this dialect's providers
    refuse them.
    """
    return bound_state(body, _MARKS, call or parse_call, unsigned="foreign")
