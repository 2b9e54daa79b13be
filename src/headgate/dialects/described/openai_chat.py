"""Chat Completions: https://platform.openai.com/docs/api-reference/chat/create."""

from typing import Any, Final

KIND = "openai_chat"

EXAMPLE: Final[dict[str, Any]] = {
    "model": "fast",
    "messages": [{"role": "user", "content": "What is a headgate?"}],
}

REQUEST: Final[dict[str, Any]] = {
    "title": "A plain call",
    "type": "object",
    "properties": {
        "model": {"type": "string", "minLength": 1},
        "messages": {
            "type": "array",
            "minItems": 1,
            "maxItems": 4,
            "items": {
                "type": "object",
                "properties": {
                    "role": {"enum": ["system", "user", "assistant"]},
                    "content": {"type": "string", "minLength": 1},
                },
                "required": ["role", "content"],
                "additionalProperties": False,
            },
        },
        "max_completion_tokens": {"enum": [64, 500, 1_000]},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "stream": {"type": "boolean"},
    },
    "required": ["model", "messages"],
    "additionalProperties": False,
}

REPLY: Final[dict[str, Any]] = {
    "title": "A chat completion",
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "model": {"type": "string"},
        "choices": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "index": {"type": "integer"},
                    "message": {"type": "object"},
                    "finish_reason": {"type": ["string", "null"]},
                },
                "required": ["message"],
            },
        },
        "usage": {"type": ["object", "null"]},
    },
    "required": ["choices"],
}
