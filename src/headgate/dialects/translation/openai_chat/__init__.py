"""`openai_chat`: OpenAI's Chat Completions, to and from what all dialects mean."""

from headgate.dialects.translation.openai_chat.parse import parse_call
from headgate.dialects.translation.openai_chat.render import render_call
from headgate.dialects.translation.openai_chat.reply import parse_reply, render_reply
from headgate.dialects.translation.openai_chat.stream import (
    StreamParser,
    StreamRenderer,
    error_message,
)

KIND = "openai_chat"

__all__ = [
    "KIND",
    "StreamParser",
    "StreamRenderer",
    "error_message",
    "parse_call",
    "parse_reply",
    "render_call",
    "render_reply",
]
