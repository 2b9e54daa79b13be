"""`bedrock_converse`: from what all dialects mean to Amazon Bedrock's Converse, and its replies."""

from headgate.dialects.translation.bedrock_converse.render import render_call
from headgate.dialects.translation.bedrock_converse.reply import error_message, parse_reply
from headgate.dialects.translation.bedrock_converse.stream import StreamParser

KIND = "bedrock_converse"

__all__ = ["KIND", "StreamParser", "error_message", "parse_reply", "render_call"]
