"""`openai_chat`: OpenAI's Chat Completions, to and from what all dialects mean."""

from headgate.dialects.translation.bound import bound_state
from headgate.dialects.translation.openai.errors import error_message
from headgate.dialects.translation.openai_chat.parse import parse_call, parsing
from headgate.dialects.translation.openai_chat.render import render_call
from headgate.dialects.translation.openai_chat.reply import parse_reply, render_reply
from headgate.dialects.translation.openai_chat.stream import StreamParser, StreamRenderer
from headgate.records.conversation import Bound, Call

KIND = "openai_chat"

_MARKS = (b'"file_id"',)

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

    Thoughts have no signature in this dialect, and may go anywhere.
    """
    return bound_state(body, _MARKS, call or parse_call, unsigned=None)
