"""One Anthropic message: its prompt cache and the shapes of its reply.

Wire format: https://platform.claude.com/docs/en/api/messages,
https://platform.claude.com/docs/en/build-with-claude/streaming, the types of the official SDK.
"""

import base64
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from headgate.simulator.answers import TOOL_TOKENS, Answer, pieces
from headgate.simulator.anthropic_request import (
    MessageBody,
    callable_tools,
    conversation,
    prompt_blocks,
    schema_of,
    thinks,
)
from headgate.simulator.bill import Usage
from headgate.simulator.caches import Prefixes, read_blocks
from headgate.simulator.conversation import standing
from headgate.simulator.dialect import Generation
from headgate.simulator.models import ModelFacts
from headgate.simulator.pace import Tempo
from headgate.simulator.replies import Step

THINKING_TOKENS = 24
TOOL_TEXT_TOKENS = 6
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'


@dataclass(frozen=True, slots=True)
class _BlockScript:
    """A content block of a stream: how it opens, and its deltas with the tokens of each."""

    opening: dict[str, Any]
    deltas: Iterator[tuple[dict[str, Any], int]]


class MessageGeneration(Generation):
    """One message."""

    def __init__(
        self, body: MessageBody, facts: ModelFacts, *, key: str, prefixes: Prefixes
    ) -> None:
        thinking = body.thinking or {}
        self.model = facts
        self.asked = body.model or ""
        self.stream = bool(body.stream)
        self.limit = body.max_tokens
        self.choices = 1
        self.standing = standing(conversation(body))
        self.tools = callable_tools(body)
        self.tool_forced = (body.tool_choice or {}).get("type") in ("any", "tool")
        self.thinking = THINKING_TOKENS if thinks(body) else 0
        self.tool_text = TOOL_TEXT_TOKENS
        self.schema = schema_of(body)
        self.reply_id = f"msg_01{secrets.token_hex(11)}"
        self._thinks = thinks(body)
        self._shows_thinking = thinking.get("display") != "omitted"
        self._scope = f"{key}\0{facts.served}".encode()
        self._blocks = prompt_blocks(body)
        self._prefixes = prefixes

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the whole prompt."""
        return sum(block.tokens for block in self._blocks)

    def read_cache(self) -> Usage:
        """Read and write the prompt cache at the breakpoints of the request."""
        hit = read_blocks(
            self._prefixes, self._scope, self._blocks, tokens_min=self.model.cache_tokens_min
        )
        return Usage(
            input_uncached=hit.uncached,
            cache_read=hit.read,
            cache_write_5m=hit.written_5m,
            cache_write_1h=hit.written_1h,
        )

    def document(self, answers: Sequence[Answer], usage: Usage | None) -> dict[str, Any]:
        """Return the body of a reply that is not streamed."""
        answer = answers[0]
        document = self._message(usage, None if usage is None else usage.output)
        document["content"] = list(self._content(answer))
        document["stop_reason"] = _stop_reason(answer)
        return document

    def steps(
        self, answers: Sequence[Answer], usage: Usage, tempo: Tempo, *, with_usage: bool
    ) -> Iterator[Step]:
        """Return the body of a streamed reply."""
        answer = answers[0]
        # The head is sent with the first token, and tells of that one alone.
        start = self._message(usage if with_usage else None, 1)
        frames = [sse_event("message_start", {"message": start})]
        tokens = 0
        wait_ms = tempo.first_ms()
        for index, block in enumerate(self._block_scripts(answer, tempo.chunk_tokens)):
            frames.append(
                sse_event("content_block_start", {"index": index, "content_block": block.opening})
            )
            if index == 0:
                frames.append(_PING)
            for delta, delta_tokens in block.deltas:
                tokens += delta_tokens
                frames.append(sse_event("content_block_delta", {"index": index, "delta": delta}))
                yield Step(wait_ms, tuple(frames), tokens)
                frames = []
                wait_ms = tempo.next_ms()
            frames.append(sse_event("content_block_stop", {"index": index}))
        frames.append(self._message_delta(answer, usage if with_usage else None))
        frames.append(sse_event("message_stop", {}))
        yield Step(wait_ms, tuple(frames), usage.output)

    def _message(self, usage: Usage | None, output_tokens: int | None) -> dict[str, Any]:
        message: dict[str, Any] = {
            "model": self.model.served,
            "id": self.reply_id,
            "type": "message",
            "role": "assistant",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
        }
        if usage is not None:
            message["usage"] = {
                **_input_usage(usage),
                "cache_creation": {
                    "ephemeral_5m_input_tokens": usage.cache_write_5m,
                    "ephemeral_1h_input_tokens": usage.cache_write_1h,
                },
                "output_tokens": output_tokens,
                "service_tier": "standard",
                "inference_geo": "global",
            }
            if self._thinks and output_tokens == usage.output:
                message["usage"]["output_tokens_details"] = _thinking_usage(usage)
        return message

    def _message_delta(self, answer: Answer, usage: Usage | None) -> bytes:
        document: dict[str, Any] = {
            "delta": {
                "stop_reason": _stop_reason(answer),
                "stop_sequence": None,
                "stop_details": None,
            }
        }
        if usage is not None:
            document["usage"] = {**_input_usage(usage), "output_tokens": usage.output}
            if self._thinks:
                document["usage"]["output_tokens_details"] = _thinking_usage(usage)
        return sse_event("message_delta", document)

    def _content(self, answer: Answer) -> Iterator[dict[str, Any]]:
        if answer.thinking:
            shown = answer.thinking_text if self._shows_thinking else ""
            yield {"type": "thinking", "thinking": shown, "signature": self._signature()}
        if answer.text:
            yield {"type": "text", "text": answer.text}
        for call in answer.tool_calls:
            # A call that the output limit cut short has no arguments that could be parsed.
            arguments = msgspec.json.decode(call.arguments) if call.whole else {}
            yield _tool_block(call.name, arguments)

    def _block_scripts(self, answer: Answer, chunk_tokens: int) -> Iterator[_BlockScript]:
        if answer.thinking:
            opening = {"type": "thinking", "thinking": "", "signature": ""}
            yield _BlockScript(opening, self._thinking_deltas(answer, chunk_tokens))
        if answer.text:
            deltas = (
                ({"type": "text_delta", "text": piece}, tokens)
                for piece, tokens in pieces(answer.text, chunk_tokens)
            )
            yield _BlockScript({"type": "text", "text": ""}, deltas)
        for call in answer.tool_calls:
            opening = _tool_block(call.name, {})
            yield _BlockScript(opening, _tool_deltas(call.arguments, chunk_tokens))

    def _thinking_deltas(
        self, answer: Answer, chunk_tokens: int
    ) -> Iterator[tuple[dict[str, Any], int]]:
        hidden = answer.thinking
        if self._shows_thinking:
            hidden = 0
            for piece, tokens in pieces(answer.thinking_text, chunk_tokens):
                yield {"type": "thinking_delta", "thinking": piece}, tokens
        yield {"type": "signature_delta", "signature": self._signature()}, hidden

    def _signature(self) -> str:
        digest = blake2b(self.reply_id.encode(), digest_size=64).digest()
        return base64.b64encode(digest).decode()


def sse_event(kind: str, fields: dict[str, Any]) -> bytes:
    """Frame one event of a stream."""
    return b"event: %b\ndata: %b\n\n" % (
        kind.encode(),
        msgspec.json.encode({"type": kind, **fields}),
    )


def _tool_deltas(arguments: str, chunk_tokens: int) -> Iterator[tuple[dict[str, Any], int]]:
    yield {"type": "input_json_delta", "partial_json": ""}, TOOL_TOKENS
    for piece, tokens in pieces(arguments, chunk_tokens):
        yield {"type": "input_json_delta", "partial_json": piece}, tokens


def _tool_block(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": f"toolu_01{secrets.token_hex(11)}",
        "name": name,
        "input": arguments,
        "caller": {"type": "direct"},
    }


def _stop_reason(answer: Answer) -> str:
    if answer.truncated:
        return "max_tokens"
    return "tool_use" if answer.tool_calls else "end_turn"


def _input_usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_uncached,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
    }


def _thinking_usage(usage: Usage) -> dict[str, Any]:
    return {"thinking_tokens": usage.reasoning}
