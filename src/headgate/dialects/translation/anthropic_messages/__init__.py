"""`anthropic_messages`: Anthropic's Messages, to and from what all dialects mean."""

from headgate.dialects.translation.anthropic_messages.parse import parse_call
from headgate.dialects.translation.anthropic_messages.render import render_call
from headgate.dialects.translation.anthropic_messages.reply import parse_reply, render_reply
from headgate.dialects.translation.anthropic_messages.stream import (
    StreamParser,
    StreamRenderer,
    error_message,
)

KIND = "anthropic_messages"

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
