"""Embeddings: https://platform.openai.com/docs/api-reference/embeddings/create."""

from typing import Any, Final

KIND = "embeddings"

EXAMPLE: Final[dict[str, Any]] = {"model": "embed", "input": "What is a headgate?"}

REQUEST: Final[dict[str, Any]] = {
    "title": "A plain call",
    "type": "object",
    "properties": {
        "model": {"type": "string", "minLength": 1},
        "input": {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 4,
                    "items": {"type": "string", "minLength": 1},
                },
            ]
        },
    },
    "required": ["model", "input"],
    "additionalProperties": False,
}

REPLY: Final[dict[str, Any]] = {
    "title": "Embeddings",
    "type": "object",
    "properties": {
        "model": {"type": "string"},
        "data": {"type": "array", "items": {"type": "object", "required": ["embedding"]}},
        "usage": {"type": "object"},
    },
    "required": ["data"],
}
