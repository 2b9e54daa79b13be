"""One Gemini generation: its implicit prompt cache and the shapes of its reply.

Wire format: https://ai.google.dev/api/generate-content and the types of the official SDK. What is
cached is inside the prompt's count; thoughts are outside that of the candidates.
"""

import json
import secrets
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from headgate.simulator.answers import Answer, pieces
from headgate.simulator.bill import Usage
from headgate.simulator.caches import PREFIX_LIFETIME_S, Prefixes, read_steps
from headgate.simulator.conversation import standing
from headgate.simulator.dialect import Generation
from headgate.simulator.gemini_request import (
    callable_tools,
    conversation,
    render_prompt,
    schema_of,
    thinking_of,
)
from headgate.simulator.models import ModelFacts
from headgate.simulator.pace import Tempo
from headgate.simulator.replies import Step
from headgate.simulator.tokens import count_bytes


class GeminiGeneration(Generation):
    """One generation of content."""

    def __init__(
        self,
        body: dict[str, Any],
        facts: ModelFacts,
        *,
        asked: str,
        stream: bool,
        scope: bytes,
        prefixes: Prefixes,
    ) -> None:
        config = body.get("generationConfig") or {}
        self.model = facts
        self.asked = asked
        self.stream = stream
        self.limit = config.get("maxOutputTokens")
        self.choices = config.get("candidateCount") or 1
        self.standing = standing(conversation(body))
        self.tools, self.tool_forced = callable_tools(body)
        self.thinking, self._shows_thoughts = thinking_of(config)
        self.tool_text = 0
        self.schema = schema_of(config)
        self.reply_id = secrets.token_urlsafe(16)
        self._prompt = render_prompt(body)
        self._scope = scope
        self._prefixes = prefixes

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the whole prompt."""
        return count_bytes(len(self._prompt))

    def read_cache(self) -> Usage:
        """Read and write the implicit prefix cache; a write costs what plain input does."""
        hit = read_steps(
            self._prefixes,
            self._scope,
            self._prompt,
            tokens_min=self.model.cache_tokens_min,
            lifetime_s=PREFIX_LIFETIME_S,
        )
        return Usage(input_uncached=self.prompt_tokens - hit.read, cache_read=hit.read)

    def document(self, answers: Sequence[Answer], usage: Usage | None) -> dict[str, Any]:
        """Return the body of a reply that is not streamed."""
        candidates = [
            _candidate(index, self._parts(answer), _finish_reason(answer))
            for index, answer in enumerate(answers)
        ]
        return self._reply(candidates, usage)

    def steps(
        self, answers: Sequence[Answer], usage: Usage, tempo: Tempo, *, with_usage: bool
    ) -> Iterator[Step]:
        """Return the body of a streamed reply: each event is a reply that counts so far."""
        tokens = 0
        wait_ms = tempo.first_ms()
        for index, answer in enumerate(answers):
            for part, more in self._deltas(answer, tempo.chunk_tokens):
                tokens += more
                so_far = usage.with_output(tokens) if with_usage else None
                frame = _event(self._reply([_candidate(index, [part], None)], so_far))
                yield Step(wait_ms, (frame,), tokens)
                wait_ms = tempo.next_ms()
        ends = [
            _candidate(index, [{"text": ""}], _finish_reason(answer))
            for index, answer in enumerate(answers)
        ]
        last = _event(self._reply(ends, usage if with_usage else None))
        yield Step(wait_ms, (last,), usage.output)

    def _reply(self, candidates: list[dict[str, Any]], usage: Usage | None) -> dict[str, Any]:
        reply: dict[str, Any] = {"candidates": candidates}
        if usage is not None:
            reply["usageMetadata"] = _usage(usage)
        return {**reply, "modelVersion": self.model.served, "responseId": self.reply_id}

    def _parts(self, answer: Answer) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        if answer.thinking and self._shows_thoughts:
            parts.append({"text": answer.thinking_text, "thought": True})
        if answer.text or not answer.tool_calls:
            parts.append({"text": answer.text})
        return [*parts, *(part for part, _ in _call_parts(answer))]

    def _deltas(self, answer: Answer, chunk_tokens: int) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield the pieces of one answer and their tokens; hidden thoughts come with the first."""
        hidden = 0 if self._shows_thoughts else answer.thinking
        if answer.thinking and self._shows_thoughts:
            for piece, tokens in pieces(answer.thinking_text, chunk_tokens):
                yield {"text": piece, "thought": True}, tokens
        for piece, tokens in pieces(answer.text, chunk_tokens):
            yield {"text": piece}, tokens + hidden
            hidden = 0
        for part, tokens in _call_parts(answer):
            yield part, tokens + hidden
            hidden = 0


def _call_parts(answer: Answer) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the calls of functions with their tokens, the first one signed if there were thoughts.

    The arguments of a call that was cut off are not shown.
    """
    thought = bool(answer.thinking)
    for call in answer.tool_calls:
        if not call.whole:
            return
        function = {"name": call.name, "args": json.loads(call.arguments)}
        part: dict[str, Any] = {"functionCall": function}
        if thought:
            part["thoughtSignature"] = b64encode(secrets.token_bytes(48)).decode("ascii")
            thought = False
        yield part, call.tokens


def _candidate(index: int, parts: list[dict[str, Any]], reason: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": index}
    return candidate if reason is None else {**candidate, "finishReason": reason}


def _finish_reason(answer: Answer) -> str:
    return "MAX_TOKENS" if answer.truncated else "STOP"


def _usage(usage: Usage) -> dict[str, Any]:
    """Return usage as Google counts it; a count of nothing is left out."""
    counts = {
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": usage.output - usage.reasoning,
        "totalTokenCount": usage.prompt + usage.output,
        "cachedContentTokenCount": usage.cache_read,
        "thoughtsTokenCount": usage.reasoning,
    }
    document: dict[str, Any] = {name: count for name, count in counts.items() if count}
    document["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": usage.prompt}]
    if usage.cache_read:
        document["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": usage.cache_read}]
    return document


def _event(reply: dict[str, Any]) -> bytes:
    return b"data: %b\r\n\r\n" % msgspec.json.encode(reply)
