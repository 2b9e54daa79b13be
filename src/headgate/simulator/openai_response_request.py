"""The body of an OpenAI response request: checks, prompt and tools."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import msgspec

from headgate.simulator.answers import Tool
from headgate.simulator.conversation import Who
from headgate.simulator.dialect import ApiError
from headgate.simulator.models import ModelFacts
from headgate.simulator.openai_request import IMAGE_TOKENS, bad_request, text_of
from headgate.simulator.tokens import BYTES_PER_TOKEN

LIMIT_MIN = 16

Items = str | list[dict[str, Any]]


class ResponseBody(msgspec.Struct):
    """The body of a request; unknown fields are accepted."""

    model: str | None = None
    input: Items | None = None
    instructions: str | None = None
    stream: bool | None = None
    store: bool | None = None
    max_output_tokens: int | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    text: dict[str, Any] | None = None
    metadata: dict[str, str] | None = None
    parallel_tool_calls: bool | None = None
    previous_response_id: str | None = None
    prompt_cache_retention: str | None = None
    background: bool | None = None


_DECODER = msgspec.json.Decoder(ResponseBody)


def decode_response(raw: bytes) -> ResponseBody:
    """Decode a body.

    Raises:
        ApiError: It is not JSON, or a field has the wrong type.
    """
    try:
        return _DECODER.decode(raw)
    except msgspec.ValidationError as error:
        raise bad_request(f"Invalid request: {error}", None, "invalid_type") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = "We could not parse the JSON body of your request."
        raise ApiError(400, "invalid_request_error", message) from error


def check_response(body: ResponseBody, facts: ModelFacts) -> None:
    """Check what the provider checks before it generates.

    Raises:
        ApiError: A field is missing or out of range.
    """
    if not body.input:
        message = "Missing required parameter: 'input'."
        raise bad_request(message, "input", "missing_required_parameter")
    if body.background:
        raise bad_request("Background mode is not simulated.", "background", None)
    limit = body.max_output_tokens
    if limit is not None and limit < LIMIT_MIN:
        message = f"Invalid 'max_output_tokens': Expected a value >= {LIMIT_MIN}."
        raise bad_request(message, "max_output_tokens", "integer_below_min_value")
    if limit is not None and limit > facts.output_tokens_max:
        message = f"max_output_tokens is too large: {limit}."
        raise bad_request(message, "max_output_tokens", "invalid_value")


def render_prompt(body: ResponseBody) -> bytes:
    """Return all that the model reads as one string of bytes; a longer chat only appends to it."""
    parts = [msgspec.json.encode(body.tools)] if body.tools else []
    if body.instructions is not None:
        parts.append(b"\nsystem\n" + body.instructions.encode("utf-8", "surrogatepass"))
    for item in _items(body.input):
        parts.append(f"\n{item.get('role', item.get('type'))}\n".encode())
        parts += _rendered(item)
    return b"".join(parts)


def _rendered(item: dict[str, Any]) -> Iterator[bytes]:
    content = item.get("content", item.get("output"))
    if isinstance(content, str):
        yield content.encode("utf-8", "surrogatepass")
    elif isinstance(content, list):
        for part in content:
            yield _render_part(part)
    else:
        yield msgspec.json.encode(item)


def _render_part(part: dict[str, Any]) -> bytes:
    text = part.get("text")
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    encoded = msgspec.json.encode(part)
    if part.get("type") != "input_image":
        return encoded
    tokens = IMAGE_TOKENS.get(str(part.get("detail", "auto")), IMAGE_TOKENS["auto"])
    return blake2b(encoded, digest_size=BYTES_PER_TOKEN).digest() * tokens


def _items(given: Items | None) -> list[dict[str, Any]]:
    return [{"role": "user", "content": given}] if isinstance(given, str) else given or []


def conversation(body: ResponseBody) -> Iterator[tuple[Who, str]]:
    """Yield who said what."""
    for item in _items(body.input):
        kind, role = item.get("type"), item.get("role")
        if role == "user":
            yield Who.USER, text_of(item.get("content"))
        elif role == "assistant":
            yield Who.MODEL, ""
        elif kind in ("function_call", "custom_tool_call"):
            yield Who.CALL, ""
        elif kind in ("function_call_output", "custom_tool_call_output"):
            yield Who.RESULT, ""


def callable_tools(body: ResponseBody) -> tuple[Tool, ...]:
    """Return the functions that may be called, the chosen one first."""
    if body.tool_choice == "none":
        return ()
    tools = [
        Tool(str(tool.get("name", "")), tool.get("parameters") or {})
        for tool in body.tools or []
        if tool.get("type") == "function"
    ]
    if isinstance(body.tool_choice, dict):
        name = body.tool_choice.get("name")
        tools.sort(key=lambda tool: tool.name != name)
    return tuple(tools)
