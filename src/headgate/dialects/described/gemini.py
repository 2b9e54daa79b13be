"""Gemini's `generateContent`: https://ai.google.dev/api/generate-content."""

from typing import Any, Final

KIND = "gemini"

EXAMPLE: Final[dict[str, Any]] = {
    "contents": [{"role": "user", "parts": [{"text": "What is a headgate?"}]}]
}

REQUEST: Final[dict[str, Any]] = {
    "title": "A plain call",
    "type": "object",
    "properties": {
        "contents": {
            "type": "array",
            "minItems": 1,
            "maxItems": 4,
            "items": {
                "type": "object",
                "properties": {
                    "role": {"const": "user"},
                    "parts": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 2,
                        "items": {
                            "type": "object",
                            "properties": {"text": {"type": "string", "minLength": 1}},
                            "required": ["text"],
                            "additionalProperties": False,
                        },
                    },
                },
                "required": ["role", "parts"],
                "additionalProperties": False,
            },
        },
        "generationConfig": {
            "type": "object",
            "properties": {
                "maxOutputTokens": {"enum": [64, 500, 1_000]},
                "temperature": {"type": "number", "minimum": 0, "maximum": 2},
            },
            "additionalProperties": False,
        },
    },
    "required": ["contents"],
    "additionalProperties": False,
}

REPLY: Final[dict[str, Any]] = {
    "title": "What was generated",
    "type": "object",
    "properties": {
        "candidates": {"type": "array", "items": {"type": "object"}},
        "modelVersion": {"type": "string"},
        "responseId": {"type": "string"},
        "usageMetadata": {"type": "object"},
    },
}
