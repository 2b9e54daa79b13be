"""`gemini`: Google's generateContent, to and from what all dialects mean."""

from headgate.dialects.translation.bound import bound_state
from headgate.dialects.translation.gemini.parse import parse_call, parsing
from headgate.dialects.translation.gemini.render import render_call
from headgate.dialects.translation.gemini.reply import parse_reply, render_reply
from headgate.dialects.translation.gemini.stream import (
    StreamParser,
    StreamRenderer,
    error_message,
)
from headgate.records.conversation import Bound, Call

KIND = "gemini"

_MARKS = (
    *(b'"thoughtSignature"', b'"thought_signature"', b'"fileData"', b'"file_data"'),
    *(b'"executableCode"', b'"executable_code"', b'"toolCall"', b'"tool_call"'),
    *(b'"codeExecutionResult"', b'"code_execution_result"'),
    *(b'"toolResponse"', b'"tool_response"'),
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

    Thoughts that are not signed may go anywhere; so may calls with the sign that none is to be
    looked for, which translated replies bear.
    """
    return bound_state(body, _MARKS, call or parse_call, unsigned=None)
