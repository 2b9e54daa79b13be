"""One OpenAI chat completion: its prompt cache and the shapes of its reply.

Wire format: https://platform.openai.com/docs/api-reference/chat and the types of the official SDK.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from headgate.simulator.answers import Answer, pieces
from headgate.simulator.bill import Usage
from headgate.simulator.caches import (
    PREFIX_LIFETIME_EXTENDED_S,
    PREFIX_LIFETIME_S,
    Prefixes,
    read_steps,
)
from headgate.simulator.conversation import standing
from headgate.simulator.dialect import Generation
from headgate.simulator.models import ModelFacts
from headgate.simulator.openai_request import (
    ChatBody,
    StreamOptions,
    callable_tools,
    conversation,
    render_prompt,
    schema_of,
)
from headgate.simulator.pace import Tempo
from headgate.simulator.replies import Step
from headgate.simulator.tokens import count_bytes

REASONING_TOKENS = {"none": 0, "minimal": 0, "low": 16, "medium": 32, "high": 64, "xhigh": 128}
_FINGERPRINT = "fp_5e0d1a7c42"
# The provider pads its events; what the padding holds means nothing.
_OBFUSCATION = "k3Jx9QmT7bLw2Zr8"
_FIRST_DELTA = b'{"role":"assistant","content":"","refusal":null}'
_FIRST_TOOL_DELTA = b'{"role":"assistant","content":null,"refusal":null}'


class ChatGeneration(Generation):
    """One chat completion."""

    def __init__(self, body: ChatBody, facts: ModelFacts, *, key: str, prefixes: Prefixes) -> None:
        messages = body.messages or []
        options = body.stream_options or StreamOptions()
        self.model = facts
        self.asked = body.model or ""
        self.stream = bool(body.stream)
        self.limit = body.max_completion_tokens or body.max_tokens
        self.choices = body.n or 1
        self.standing = standing(conversation(messages))
        self.tools = callable_tools(body)
        self.tool_forced = body.tool_choice == "required" or isinstance(body.tool_choice, dict)
        self.thinking = REASONING_TOKENS.get(body.reasoning_effort or "none", 0)
        self.tool_text = 0
        self.schema = schema_of(body.response_format)
        self.reply_id = f"chatcmpl-{secrets.token_hex(14)}"
        self._include_usage = bool(options.include_usage)
        self._obfuscate = options.include_obfuscation is not False
        self._extended = body.prompt_cache_retention == "24h"
        self._created = int(time.time())
        self._prompt = render_prompt(body.tools, messages)
        self._head = self._render_head()
        self._scope = f"{key}\0{facts.served}".encode()
        self._prefixes = prefixes

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the whole prompt."""
        return count_bytes(len(self._prompt))

    def read_cache(self) -> Usage:
        """Read and write the automatic prefix cache."""
        hit = read_steps(
            self._prefixes,
            self._scope,
            self._prompt,
            tokens_min=self.model.cache_tokens_min,
            lifetime_s=PREFIX_LIFETIME_EXTENDED_S if self._extended else PREFIX_LIFETIME_S,
        )
        written = hit.written if self.model.writes_cost else 0
        return Usage(
            input_uncached=self.prompt_tokens - hit.read - written,
            cache_read=hit.read,
            cache_write_5m=0 if self._extended else written,
            cache_write_24h=written if self._extended else 0,
        )

    def document(self, answers: Sequence[Answer], usage: Usage | None) -> dict[str, Any]:
        """Return the body of a reply that is not streamed."""
        document = {
            "id": self.reply_id,
            "object": "chat.completion",
            "created": self._created,
            "model": self.model.served,
            "choices": [
                {
                    "index": index,
                    "message": _message(answer),
                    "logprobs": None,
                    "finish_reason": _finish_reason(answer),
                }
                for index, answer in enumerate(answers)
            ],
            "usage": None if usage is None else self._usage_document(usage),
            "service_tier": "default",
            "system_fingerprint": _FINGERPRINT,
        }
        if usage is None:
            del document["usage"]
        return document

    def steps(
        self, answers: Sequence[Answer], usage: Usage, tempo: Tempo, *, with_usage: bool
    ) -> Iterator[Step]:
        """Return the body of a streamed reply."""
        shows_usage = self._include_usage and with_usage
        tail = self._tail()
        frames = [
            self._frame(index, _FIRST_TOOL_DELTA if answer.tool_calls else _FIRST_DELTA, tail)
            for index, answer in enumerate(answers)
        ]
        tokens = sum(answer.thinking for answer in answers)
        wait_ms = tempo.first_ms()
        for index, delta, delta_tokens in _deltas(answers, tempo.chunk_tokens):
            tokens += delta_tokens
            frames.append(self._frame(index, delta, tail))
            yield Step(wait_ms, tuple(frames), tokens)
            frames = []
            wait_ms = tempo.next_ms()
        for index, answer in enumerate(answers):
            frames.append(self._frame(index, b"{}", tail, _finish_reason(answer)))
        if shows_usage:
            frames.append(self._usage_frame(usage))
        yield Step(wait_ms, (*frames, b"data: [DONE]\n\n"), usage.output)

    def _frame(self, index: int, delta: bytes, tail: bytes, finish: str | None = None) -> bytes:
        reason = b"null" if finish is None else b'"%s"' % finish.encode()
        choice = b'{"index":%d,"delta":%b,"logprobs":null,"finish_reason":%b}' % (
            index,
            delta,
            reason,
        )
        return sse_event(b'%b"choices":[%b]%b}' % (self._head, choice, tail))

    def _render_head(self) -> bytes:
        return (
            f'{{"id":"{self.reply_id}","object":"chat.completion.chunk","created":{self._created},'
            f'"model":"{self.model.served}","service_tier":"default",'
            f'"system_fingerprint":"{_FINGERPRINT}",'
        ).encode()

    def _tail(self) -> bytes:
        usage = b',"usage":null' if self._include_usage else b""
        return usage + (b',"obfuscation":"%s"' % _OBFUSCATION.encode() if self._obfuscate else b"")

    def _usage_frame(self, usage: Usage) -> bytes:
        document = msgspec.json.encode(self._usage_document(usage))
        obfuscation = b',"obfuscation":""' if self._obfuscate else b""
        return sse_event(b'%b"choices":[],"usage":%b%b}' % (self._head, document, obfuscation))

    def _usage_document(self, usage: Usage) -> dict[str, Any]:
        prompt_details = {"cached_tokens": usage.cache_read, "audio_tokens": 0}
        if self.model.writes_cost:
            prompt_details["cache_write_tokens"] = usage.cache_write
        return {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.output,
            "total_tokens": usage.prompt + usage.output,
            "prompt_tokens_details": prompt_details,
            "completion_tokens_details": {
                "reasoning_tokens": usage.reasoning,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


def sse_event(data: bytes) -> bytes:
    """Frame one event of a stream."""
    return b"data: %b\n\n" % data


def _deltas(answers: Sequence[Answer], chunk_tokens: int) -> Iterator[tuple[int, bytes, int]]:
    """Yield the pieces of all choices in turn: (choice, delta, tokens)."""
    open_choices = [
        (index, _answer_deltas(answer, chunk_tokens)) for index, answer in enumerate(answers)
    ]
    while open_choices:
        for choice in tuple(open_choices):
            index, deltas = choice
            following = next(deltas, None)
            if following is None:
                open_choices.remove(choice)
            else:
                yield index, *following


def _answer_deltas(answer: Answer, chunk_tokens: int) -> Iterator[tuple[bytes, int]]:
    for piece, tokens in pieces(answer.text, chunk_tokens):
        yield msgspec.json.encode({"content": piece}), tokens
    for index, call in enumerate(answer.tool_calls):
        function = {"name": call.name, "arguments": ""}
        opening = {"index": index, "id": _call_id(), "type": "function", "function": function}
        arguments = list(pieces(call.arguments, chunk_tokens))
        frame_tokens = call.tokens - sum(tokens for _, tokens in arguments)
        yield msgspec.json.encode({"tool_calls": [opening]}), frame_tokens
        for piece, tokens in arguments:
            fragment = {"index": index, "function": {"arguments": piece}}
            yield msgspec.json.encode({"tool_calls": [fragment]}), tokens


def _message(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.text if answer.text or not answer.tool_calls else None,
        "refusal": None,
        "annotations": [],
    }
    if answer.tool_calls:
        message["tool_calls"] = [
            {
                "id": _call_id(),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in answer.tool_calls
        ]
    return message


def _finish_reason(answer: Answer) -> str:
    if answer.truncated:
        return "length"
    return "tool_calls" if answer.tool_calls else "stop"


def _call_id() -> str:
    return f"call_{secrets.token_hex(12)}"
