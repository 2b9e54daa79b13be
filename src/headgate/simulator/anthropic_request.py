"""The body of an Anthropic message request: checks, prompt blocks and tools."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from headgate.simulator.answers import Tool
from headgate.simulator.caches import Block
from headgate.simulator.conversation import Who
from headgate.simulator.dialect import ApiError
from headgate.simulator.models import ModelFacts
from headgate.simulator.tokens import BYTES_PER_TOKEN

BREAKPOINTS_MAX = 4
# About a megapixel: the provider counts width x height / 750.
IMAGE_TOKENS = 1398
THINKING_BUDGET_MIN = 1024
LIFETIMES_S = {"5m": 300, "1h": 3600}

Content = str | list[dict[str, Any]]


class InputMessage(msgspec.Struct):
    """A message of a request."""

    role: str
    content: Content


class MessageBody(msgspec.Struct):
    """The body of a request; unknown fields are accepted."""

    model: str | None = None
    messages: list[InputMessage] | None = None
    max_tokens: int | None = None
    system: Content | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None
    cache_control: dict[str, Any] | None = None
    stream: bool | None = None
    thread: dict[str, Any] | None = None


_DECODER = msgspec.json.Decoder(MessageBody)


def decode_body(raw: bytes) -> MessageBody:
    """Decode a body.

    Raises:
        ApiError: It is not JSON, or a field has the wrong type.
    """
    try:
        return _DECODER.decode(raw)
    except msgspec.ValidationError as error:
        raise bad_request(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(f"The request body is not valid JSON: {error}") from error


def check_body(body: MessageBody, facts: ModelFacts) -> None:
    """Check what the provider checks before it generates.

    Raises:
        ApiError: A field is missing, out of range, or contradicts another.
    """
    if body.max_tokens is None:
        raise bad_request("max_tokens: Field required")
    if body.max_tokens < 1:
        raise bad_request("max_tokens: Input should be greater than or equal to 1")
    if body.max_tokens > facts.output_tokens_max:
        raise bad_request(
            f"max_tokens: {body.max_tokens} > {facts.output_tokens_max}, which is the maximum "
            f"allowed number of output tokens for {body.model}"
        )
    if body.thread is not None:
        message = "thread: this model keeps no threads. Send the conversation whole."
        raise ApiError(400, "invalid_request_error", message, code="thread_unsupported_request")
    check_messages(body)
    _check_thinking(body)


def check_messages(body: MessageBody) -> None:
    """Check what counting tokens needs, too.

    Raises:
        ApiError: There are no messages, or one has an unknown role.
    """
    if body.messages is None:
        raise bad_request("messages: Field required")
    if not body.messages:
        raise bad_request("messages: at least one message is required")
    for index, message in enumerate(body.messages):
        if message.role not in ("user", "assistant", "system"):
            raise bad_request(f"messages.{index}.role: Input should be 'user' or 'assistant'")


def thinks(body: MessageBody) -> bool:
    """Return whether thinking is switched on."""
    return (body.thinking or {}).get("type") in ("enabled", "adaptive")


def _check_thinking(body: MessageBody) -> None:
    if (body.thinking or {}).get("type") != "enabled":
        return
    budget = (body.thinking or {}).get("budget_tokens")
    if not isinstance(budget, int):
        raise bad_request("thinking.enabled.budget_tokens: Field required")
    if budget < THINKING_BUDGET_MIN:
        raise bad_request(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
        )
    if budget >= (body.max_tokens or 0):
        raise bad_request("`max_tokens` must be greater than `thinking.budget_tokens`.")


def prompt_blocks(body: MessageBody) -> tuple[Block, ...]:
    """Return the prompt in the order in which it is cached: tools, system, messages.

    Raises:
        ApiError: The cache breakpoints are too many or out of order.
    """
    blocks = [_block(tool, b"tool") for tool in body.tools or []]
    blocks += _content_blocks(body.system or [], b"system")
    for message in body.messages or []:
        blocks += _content_blocks(message.content, message.role.encode())
    if body.cache_control is not None and blocks:
        lifetime_s = _lifetime_s(body.cache_control)
        blocks[-1] = Block(blocks[-1].content, blocks[-1].lifetime_s or lifetime_s)
    _check_breakpoints([block.lifetime_s for block in blocks if block.lifetime_s is not None])
    return tuple(blocks)


def _check_breakpoints(lifetimes_s: Sequence[int]) -> None:
    if len(lifetimes_s) > BREAKPOINTS_MAX:
        raise bad_request(
            f"A maximum of 4 blocks with cache_control may be provided. Found {len(lifetimes_s)}."
        )
    if list(lifetimes_s) != sorted(lifetimes_s, reverse=True):
        raise bad_request("a ttl='1h' cache_control block must not come after a ttl='5m' one.")


def _content_blocks(content: Content, role: bytes) -> Iterator[Block]:
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return (_block(part, role) for part in parts)


def _block(part: dict[str, Any], role: bytes) -> Block:
    control = part.get("cache_control")
    lifetime_s = _lifetime_s(control) if isinstance(control, dict) else None
    return Block(b"\n" + role + b"\n" + _render_part(part), lifetime_s)


def _render_part(part: dict[str, Any]) -> bytes:
    text = part.get("text")
    if part.get("type") == "text" and isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    encoded = msgspec.json.encode({key: part[key] for key in part if key != "cache_control"})
    if part.get("type") == "image":
        return blake2b(encoded, digest_size=BYTES_PER_TOKEN).digest() * IMAGE_TOKENS
    return encoded


def _lifetime_s(control: dict[str, Any]) -> int:
    lifetime_s = LIFETIMES_S.get(str(control.get("ttl") or "5m"))
    if lifetime_s is None:
        raise bad_request("cache_control.ttl: Input should be '5m' or '1h'")
    return lifetime_s


def conversation(body: MessageBody) -> Iterator[tuple[Who, str]]:
    """Yield who said what; the results in a message come before its text, as they have to."""
    for message in body.messages or []:
        parts = message.content
        if isinstance(parts, str):
            parts = [{"type": "text", "text": parts}]
        kinds = {part.get("type") for part in parts}
        if message.role == "assistant":
            yield Who.CALL if "tool_use" in kinds else Who.MODEL, ""
        elif message.role == "user":
            if "tool_result" in kinds:
                failed = any(part.get("is_error") is True for part in parts)
                yield Who.FAILED if failed else Who.RESULT, ""
            texts = [str(part["text"]) for part in parts if "text" in part]
            if texts:
                yield Who.USER, "\n".join(texts)


def schema_of(body: MessageBody) -> dict[str, Any] | None:
    """Return the JSON schema that the text has to have; None for free text."""
    form = (body.output_config or {}).get("format")
    schema = form.get("schema") if isinstance(form, dict) else None
    return schema if isinstance(schema, dict) else None


def callable_tools(body: MessageBody) -> tuple[Tool, ...]:
    """Return the tools that may be called, the chosen one first."""
    choice = body.tool_choice or {}
    if choice.get("type") == "none":
        return ()
    tools = [
        Tool(str(tool["name"]), schema)
        for tool in body.tools or []
        if "name" in tool and isinstance(schema := tool.get("input_schema"), dict)
    ]
    tools.sort(key=lambda tool: tool.name != choice.get("name"))
    return tuple(tools)


def bad_request(message: str) -> ApiError:
    """Return the refusal of a body."""
    return ApiError(400, "invalid_request_error", message)
