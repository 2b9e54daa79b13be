"""The body of an OpenAI chat completion request: checks, prompt and tools."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from headgate.simulator.answers import Tool
from headgate.simulator.conversation import Who
from headgate.simulator.dialect import ApiError
from headgate.simulator.models import ModelFacts
from headgate.simulator.tokens import BYTES_PER_TOKEN

CHOICES_MAX = 128
IMAGE_TOKENS = {"low": 85, "high": 765, "auto": 765}
_ROLES = {"developer", "system", "user", "assistant", "tool", "function"}


class ChatMessage(msgspec.Struct):
    """A message of a request; fields that do not change its tokens are not read."""

    role: str
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[dict[str, Any]] | None = None


class StreamOptions(msgspec.Struct):
    """`stream_options` of a request."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ChatBody(msgspec.Struct):
    """The body of a request; unknown fields are accepted."""

    model: str | None = None
    messages: list[ChatMessage] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    reasoning_effort: str | None = None
    response_format: dict[str, Any] | None = None
    prompt_cache_retention: str | None = None


_DECODER = msgspec.json.Decoder(ChatBody)


def decode_body(raw: bytes) -> ChatBody:
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


def check_body(body: ChatBody, facts: ModelFacts) -> None:
    """Check what the provider checks before it generates.

    Raises:
        ApiError: A field is missing, out of range, or contradicts another.
    """
    if body.messages is None:
        message = "Missing required parameter: 'messages'."
        raise bad_request(message, "messages", "missing_required_parameter")
    if not body.messages:
        message = "Invalid 'messages': empty array. Expected an array with minimum length 1."
        raise bad_request(message, "messages", "empty_array")
    for index, entry in enumerate(body.messages):
        if entry.role not in _ROLES:
            message = f"Invalid value: '{entry.role}'."
            raise bad_request(message, f"messages[{index}].role", "invalid_value")
    if body.n is not None and not 1 <= body.n <= CHOICES_MAX:
        raise bad_request(f"Invalid 'n': {body.n}.", "n", "invalid_value")
    if body.stream_options is not None and not body.stream:
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise bad_request(message, "stream_options", None)
    _check_limits(body, facts)


def _check_limits(body: ChatBody, facts: ModelFacts) -> None:
    if body.max_tokens is not None and body.max_completion_tokens is not None:
        message = (
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        )
        raise bad_request(message, "max_tokens", "invalid_parameter_combination")
    for name in ("max_tokens", "max_completion_tokens"):
        limit = getattr(body, name)
        if limit is not None and limit < 1:
            message = f"Invalid '{name}': integer below minimum value. Expected a value >= 1."
            raise bad_request(message, name, "integer_below_min_value")
        if limit is not None and limit > facts.output_tokens_max:
            message = (
                f"{name} is too large: {limit}. This model supports at most "
                f"{facts.output_tokens_max} completion tokens."
            )
            raise bad_request(message, name, "invalid_value")


def render_prompt(tools: list[dict[str, Any]] | None, messages: Sequence[ChatMessage]) -> bytes:
    """Return all that the model reads as one string of bytes; a longer chat only appends to it."""
    parts = [msgspec.json.encode(tools)] if tools else []
    for message in messages:
        parts.append(f"\n{message.role}\n".encode())
        if isinstance(message.content, str):
            parts.append(message.content.encode("utf-8", "surrogatepass"))
        elif message.content:
            parts += map(_render_part, message.content)
        if message.tool_calls:
            parts.append(msgspec.json.encode(message.tool_calls))
    return b"".join(parts)


def _render_part(part: dict[str, Any]) -> bytes:
    text = part.get("text")
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    encoded = msgspec.json.encode(part)
    image = part.get("image_url")
    if not isinstance(image, dict):
        return encoded
    tokens = IMAGE_TOKENS.get(str(image.get("detail", "auto")), IMAGE_TOKENS["auto"])
    return blake2b(encoded, digest_size=BYTES_PER_TOKEN).digest() * tokens


def conversation(messages: Sequence[ChatMessage]) -> Iterator[tuple[Who, str]]:
    """Yield who said what."""
    for entry in messages:
        if entry.role == "user":
            yield Who.USER, text_of(entry.content)
        elif entry.role == "tool":
            yield Who.RESULT, ""
        elif entry.role == "assistant":
            yield Who.CALL if entry.tool_calls else Who.MODEL, ""


def text_of(content: str | list[dict[str, Any]] | None) -> str:
    """Return the text of a message, its parts in lines of their own."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(str(part["text"]) for part in content if "text" in part)


def schema_of(form: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the JSON schema that a format of text demands; None when it demands none."""
    if form is None or form.get("type") not in ("json_schema", "json_object"):
        return None
    inner = form.get("json_schema", form)
    return _schema(inner.get("schema") if isinstance(inner, dict) else None)


def callable_tools(body: ChatBody) -> tuple[Tool, ...]:
    """Return the functions that may be called, the chosen one first."""
    if body.tool_choice == "none":
        return ()
    functions = [
        tool["function"] for tool in body.tools or [] if isinstance(tool.get("function"), dict)
    ]
    tools = [
        Tool(str(function.get("name", "")), _schema(function.get("parameters")))
        for function in functions
    ]
    if isinstance(body.tool_choice, dict):
        chosen = body.tool_choice.get("function")
        name = chosen.get("name") if isinstance(chosen, dict) else None
        tools.sort(key=lambda tool: tool.name != name)
    return tuple(tools)


def _schema(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def bad_request(message: str, param: str | None, code: str | None) -> ApiError:
    """Return the refusal of a body."""
    return ApiError(400, "invalid_request_error", message, param=param, code=code)
