"""Responses: https://platform.openai.com/docs/api-reference/responses/create."""

from typing import Any, Final

KIND = "openai_responses"

EXAMPLE: Final[dict[str, Any]] = {"model": "fast", "input": "What is a headgate?"}

REQUEST: Final[dict[str, Any]] = {
    "title": "A plain call",
    "type": "object",
    "properties": {
        "model": {"type": "string", "minLength": 1},
        "input": {"type": "string", "minLength": 1},
        "instructions": {"type": "string"},
        "max_output_tokens": {"enum": [64, 500, 1_000]},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "stream": {"type": "boolean"},
    },
    "required": ["model", "input"],
    "additionalProperties": False,
}

REPLY: Final[dict[str, Any]] = {
    "title": "A response",
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "model": {"type": "string"},
        "status": {"type": "string"},
        "output": {"type": "array", "items": {"type": "object", "required": ["type"]}},
        "usage": {"type": ["object", "null"]},
    },
    "required": ["output"],
}
