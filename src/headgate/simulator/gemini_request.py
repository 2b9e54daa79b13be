"""The body of a Gemini request: checks, prompt and tools. Every field goes by two names."""

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import msgspec

from headgate.simulator.answers import Tool
from headgate.simulator.conversation import Who
from headgate.simulator.dialect import ApiError
from headgate.simulator.models import ModelFacts
from headgate.simulator.tokens import BYTES_PER_TOKEN

# A small image is one tile.
IMAGE_TOKENS = 258
CANDIDATES_MAX = 8
THINKING_TOKENS_MAX = 64
LEVELS = {"MINIMAL": 0, "LOW": 16, "MEDIUM": 32, "HIGH": 64}
_SNAKE = re.compile(r"_([a-z])")


def decode_body(raw: bytes) -> dict[str, Any]:
    """Decode a body; its own fields go by their camel-case names afterwards.

    Raises:
        ApiError: It is not a JSON object, or a field stands in it by both its names.
    """
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(f"Invalid JSON payload received. {error}") from error
    if not isinstance(body, dict):
        raise invalid("Invalid JSON payload received. Root element must be a message.")
    return _camel(body)


def _camel(fields: dict[str, Any]) -> dict[str, Any]:
    """Return an object with its own fields by their camel-case names, and known ones inside it."""
    named: dict[str, Any] = {}
    for name, value in fields.items():
        camel = _SNAKE.sub(lambda found: found[1].upper(), name)
        if camel in named:
            raise invalid(f"Invalid value: {camel} is set twice.")
        inside = camel in ("generationConfig", "thinkingConfig", "inlineData", "toolConfig")
        inside = inside or camel in ("functionCallingConfig", "systemInstruction")
        if inside and isinstance(value, dict):
            value = _camel(value)
        if camel in ("contents", "parts", "tools") and isinstance(value, list):
            value = [_camel(each) if isinstance(each, dict) else each for each in value]
        named[camel] = value
    return named


def check_body(body: dict[str, Any], facts: ModelFacts) -> None:
    """Check what the provider checks before it generates.

    Raises:
        ApiError: A field is missing, out of range or of a wrong type.
    """
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents:
        raise invalid("* GenerateContentRequest.contents: contents is not specified")
    for content in contents:
        if content.get("role", "user") not in ("user", "model"):
            raise invalid("Please use a valid role: user, model.")
        if not content.get("parts"):
            raise invalid("* GenerateContentRequest.contents: contents.parts must not be empty.")
    config = body.get("generationConfig") or {}
    limit, count = config.get("maxOutputTokens"), config.get("candidateCount")
    if limit is not None and not 1 <= limit <= facts.output_tokens_max:
        raise invalid(
            f"Unable to submit request because it has a maxOutputTokens value of {limit} but the "
            f"supported range is from 1 (inclusive) to {facts.output_tokens_max + 1} (exclusive)."
        )
    if count is not None and not 1 <= count <= CANDIDATES_MAX:
        raise invalid(f"Only between 1 and {CANDIDATES_MAX} candidates can be specified")


def render_prompt(body: dict[str, Any]) -> bytes:
    """Return all that the model reads as one string of bytes; a longer chat only appends to it."""
    tools, system = body.get("tools"), body.get("systemInstruction")
    parts = [msgspec.json.encode(tools)] if tools else []
    for content in [*([system] if system else []), *body["contents"]]:
        parts.append(f"\n{content.get('role', 'user')}\n".encode())
        given = content["parts"]
        parts += map(_render_part, given if isinstance(given, list) else [given])
    return b"".join(parts)


def _render_part(part: dict[str, Any]) -> bytes:
    text = part.get("text")
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    encoded = msgspec.json.encode(part)
    if "inlineData" not in part:
        return encoded
    return blake2b(encoded, digest_size=BYTES_PER_TOKEN).digest() * IMAGE_TOKENS


def conversation(body: dict[str, Any]) -> Iterator[tuple[Who, str]]:
    """Yield who said what."""
    for content in body["contents"]:
        given = content["parts"]
        parts = given if isinstance(given, list) else [given]
        if content.get("role", "user") == "model":
            calls = any("functionCall" in part for part in parts)
            yield Who.CALL if calls else Who.MODEL, ""
            continue
        if any("functionResponse" in part for part in parts):
            yield Who.RESULT, ""
        texts = [str(part["text"]) for part in parts if "text" in part]
        if texts:
            yield Who.USER, "\n".join(texts)


def schema_of(config: dict[str, Any]) -> dict[str, Any] | None:
    """Return the JSON schema that the text has to have; None for free text."""
    if config.get("responseMimeType") != "application/json":
        return None
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    return _lower_types(schema or {})


def callable_tools(body: dict[str, Any]) -> tuple[tuple[Tool, ...], bool]:
    """Return the functions that may be called, and whether one has to be."""
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    mode = str(calling.get("mode", "AUTO")).upper()
    if mode == "NONE":
        return (), False
    declared = [
        function
        for tool in body.get("tools") or []
        for function in tool.get("functionDeclarations") or []
    ]
    tools = [Tool(str(each.get("name", "")), _schema(each)) for each in declared]
    allowed = calling.get("allowedFunctionNames")
    chosen = [tool for tool in tools if not allowed or tool.name in allowed]
    return tuple(chosen), mode == "ANY" and bool(chosen)


def _schema(function: dict[str, Any]) -> dict[str, Any]:
    """Return a function's parameters as a JSON schema, whose types are written small."""
    given = function.get("parametersJsonSchema") or function.get("parameters")
    return _lower_types(given)


def _lower_types(schema: object) -> dict[str, Any]:
    small = _lowered(schema)
    return small if isinstance(small, dict) else {}


def _lowered(schema: object) -> object:
    if isinstance(schema, list):
        return [_lowered(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    lowered = {name: _lowered(value) for name, value in schema.items()}
    kind = lowered.get("type")
    return {**lowered, "type": kind.lower()} if isinstance(kind, str) else lowered


def thinking_of(config: dict[str, Any]) -> tuple[int, bool]:
    """Return the tokens to think, and whether the client wants to see the thoughts."""
    thinking = config.get("thinkingConfig") or {}
    budget, level = thinking.get("thinkingBudget"), thinking.get("thinkingLevel")
    tokens = LEVELS.get(str(level).upper(), 0)
    if budget is not None:
        tokens = THINKING_TOKENS_MAX if budget < 0 else min(budget, THINKING_TOKENS_MAX)
    return tokens, bool(thinking.get("includeThoughts"))


def invalid(message: str) -> ApiError:
    """Return the refusal of a body."""
    return ApiError(400, "INVALID_ARGUMENT", message)
