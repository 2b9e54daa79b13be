"""Errors of both of OpenAI's dialects, read."""

from typing import Any

from msgspec import json

from headgate.dialects.translation.fields import UNREADABLE


def error_message(body: bytes) -> str | None:
    """Return what an error reply or event says, None when it cannot be read."""
    try:
        error = json.decode(body, type=dict[str, Any]).get("error")
    except UNREADABLE:
        return None
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else None
