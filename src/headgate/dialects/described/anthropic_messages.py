"""Messages: https://docs.anthropic.com/en/api/messages."""

from typing import Any, Final

KIND = "anthropic_messages"

EXAMPLE: Final[dict[str, Any]] = {
    "model": "careful",
    "max_tokens": 500,
    "messages": [{"role": "user", "content": "What is a headgate?"}],
}

REQUEST: Final[dict[str, Any]] = {
    "title": "A plain call",
    "type": "object",
    "properties": {
        "model": {"type": "string", "minLength": 1},
        "max_tokens": {"enum": [64, 500, 1_000]},
        "messages": {
            "type": "array",
            "minItems": 1,
            "maxItems": 4,
            "items": {
                "type": "object",
                "properties": {
                    "role": {"const": "user"},
                    "content": {"type": "string", "pattern": "\\S"},
                },
                "required": ["role", "content"],
                "additionalProperties": False,
            },
        },
        "system": {"type": "string", "pattern": "\\S"},
        "stream": {"type": "boolean"},
    },
    "required": ["model", "max_tokens", "messages"],
    "additionalProperties": False,
}

REPLY: Final[dict[str, Any]] = {
    "title": "A message",
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "model": {"type": "string"},
        "role": {"const": "assistant"},
        "content": {"type": "array", "items": {"type": "object", "required": ["type"]}},
        "stop_reason": {"type": ["string", "null"]},
        "usage": {"type": "object"},
    },
    "required": ["content"],
}
