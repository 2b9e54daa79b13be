"""`openai_responses`: OpenAI's Responses, to and from what all dialects mean."""

from headgate.dialects.translation.bound import bound_state
from headgate.dialects.translation.openai.errors import error_message
from headgate.dialects.translation.openai_responses.parse import parse_call, parsing
from headgate.dialects.translation.openai_responses.render import render_call
from headgate.dialects.translation.openai_responses.reply import parse_reply, render_reply
from headgate.dialects.translation.openai_responses.stream import StreamParser, StreamRenderer
from headgate.records.conversation import Bound, Call

KIND = "openai_responses"

_MARKS = (b'"encrypted_content"', b'"file_id"', b'"item_reference"', b'_call"', b'_call_output"')

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

    Thoughts that are not encrypted may go anywhere.
    """
    return bound_state(body, _MARKS, call or parse_call, unsigned=None)
