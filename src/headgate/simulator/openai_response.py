"""One OpenAI response: its prompt cache and the shapes of its reply, whole or as typed events.

Wire format: https://platform.openai.com/docs/api-reference/responses and the official SDK's types.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from headgate.simulator.answers import TOOL_TOKENS, Answer, pieces
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
from headgate.simulator.openai_generation import REASONING_TOKENS
from headgate.simulator.openai_request import schema_of
from headgate.simulator.openai_response_request import (
    ResponseBody,
    callable_tools,
    conversation,
    render_prompt,
)
from headgate.simulator.pace import Tempo
from headgate.simulator.replies import Step
from headgate.simulator.tokens import count_bytes


class ResponseGeneration(Generation):
    """One response.

    Attributes:
        prompt: All that the model reads, with what was stored before it.
        inputs: The items of its input, as the provider shows them again.
        kept: The response as the provider keeps it, None before it has ended.
    """

    def __init__(
        self,
        body: ResponseBody,
        facts: ModelFacts,
        *,
        scope: bytes,
        prefixes: Prefixes,
        before: bytes,
    ) -> None:
        effort = str((body.reasoning or {}).get("effort") or "none")
        self.model = facts
        self.asked = body.model or ""
        self.stream = bool(body.stream)
        self.limit = body.max_output_tokens
        self.choices = 1
        self.standing = standing(conversation(body))
        self.tools = callable_tools(body)
        self.tool_forced = body.tool_choice == "required" or isinstance(body.tool_choice, dict)
        self.thinking = REASONING_TOKENS.get(effort, 0)
        self.tool_text = 0
        self.schema = schema_of((body.text or {}).get("format"))
        self.reply_id = f"resp_{secrets.token_hex(24)}"
        self.prompt = before + render_prompt(body)
        self.inputs = _inputs(body.input)
        self.kept: dict[str, Any] | None = None
        self._body = body
        self._extended = body.prompt_cache_retention == "24h"
        self._created = int(time.time())
        self._scope = scope
        self._prefixes = prefixes

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the whole prompt."""
        return count_bytes(len(self.prompt))

    def read_cache(self) -> Usage:
        """Read and write the automatic prefix cache."""
        hit = read_steps(
            self._prefixes,
            self._scope,
            self.prompt,
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
        return self._finished(answers[0], _items(answers[0]), usage)

    def steps(
        self, answers: Sequence[Answer], usage: Usage, tempo: Tempo, *, with_usage: bool
    ) -> Iterator[Step]:
        """Return the body of a streamed reply."""
        (answer,) = answers
        items = _items(answer)
        number = 0
        frames: list[bytes] = []

        def say(kind: str, **fields: Any) -> None:
            nonlocal number
            frames.append(_event({"type": kind, "sequence_number": number, **fields}))
            number += 1

        for kind in ("response.created", "response.in_progress"):
            say(kind, response=self._response("in_progress", [], None))
        tokens = 0
        wait_ms = tempo.first_ms()
        for index, item in enumerate(items):
            for kind, fields, more in _item_events(item, answer, index, tempo.chunk_tokens):
                say(kind, **fields)
                if more:
                    tokens += more
                    yield Step(wait_ms, tuple(frames), tokens)
                    frames.clear()
                    wait_ms = tempo.next_ms()
        last = self._finished(answer, items, usage if with_usage else None)
        say(f"response.{last['status']}", response=last)
        yield Step(wait_ms, tuple(frames), usage.output)

    def error_frame(self, request_id: str) -> bytes:
        """Return an error in the midst of a stream."""
        message = f"The server had an error while processing your request ({request_id})."
        event = {"type": "error", "sequence_number": 9, "code": "server_error", "message": message}
        return _event({**event, "param": None})

    def _finished(
        self, answer: Answer, items: list[dict[str, Any]], usage: Usage | None
    ) -> dict[str, Any]:
        ended = "incomplete" if answer.truncated else "completed"
        self.kept = self._response(ended, items, usage)
        return self.kept

    def _response(
        self, status: str, output: list[dict[str, Any]], usage: Usage | None
    ) -> dict[str, Any]:
        body = self._body
        why = {"reason": "max_output_tokens"} if status == "incomplete" else None
        return {
            "id": self.reply_id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": why,
            "instructions": body.instructions,
            "max_output_tokens": body.max_output_tokens,
            "model": self.model.served,
            "output": output,
            "parallel_tool_calls": body.parallel_tool_calls is not False,
            "previous_response_id": body.previous_response_id,
            "reasoning": {"effort": (body.reasoning or {}).get("effort"), "summary": None},
            "service_tier": "default",
            "temperature": 1.0,
            "text": body.text or {"format": {"type": "text"}},
            "tool_choice": body.tool_choice or "auto",
            "tools": [_tool(tool) for tool in body.tools or []],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": None if usage is None else _usage(usage),
            "user": None,
            "metadata": body.metadata or {},
        }


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """Return a tool with the defaults the provider fills in."""
    if tool.get("type") != "function":
        return tool
    return {"strict": True, "parameters": {}, "description": None, **tool}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.output,
    }


def _items(answer: Answer) -> list[dict[str, Any]]:
    """Return the items of an answer: its reasoning, its text, its calls of tools."""
    items: list[dict[str, Any]] = []
    if answer.thinking:
        items.append({"id": _id("rs"), "type": "reasoning", "summary": []})
    status = "incomplete" if answer.truncated else "completed"
    if answer.text or not answer.tool_calls:
        message = {"id": _id("msg"), "type": "message", "role": "assistant", "status": status}
        items.append({**message, "content": [_text_part(answer.text)]})
    for call in answer.tool_calls:
        item = {"id": _id("fc"), "type": "function_call", "call_id": _id("call")}
        items.append({**item, "name": call.name, "arguments": call.arguments, "status": status})
    return items


def _inputs(asked: str | list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Return the items of an input as they are kept, each with an id."""
    items = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked or []
    return [_input(each) for each in items]


def _input(item: dict[str, Any]) -> dict[str, Any]:
    content = item.get("content")
    if isinstance(content, str):
        item = {**item, "content": [{"type": "input_text", "text": content}]}
    return {"id": _id("msg"), "type": "message", "status": "completed", **item}


def _text_part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _item_events(
    item: dict[str, Any], answer: Answer, index: int, chunk_tokens: int
) -> Iterator[tuple[str, dict[str, Any], int]]:
    """Yield the events of one item: their type, fields, and the tokens they bring."""
    place = {"item_id": item["id"], "output_index": index}
    kind = item["type"]
    begun = item if kind == "reasoning" else {**item, "status": "in_progress"}
    if kind == "message":
        begun = {**begun, "content": []}
    elif kind == "function_call":
        begun = {**begun, "arguments": ""}
    yield "response.output_item.added", {"output_index": index, "item": begun}, 0
    if kind == "message":
        yield from _text_events(answer.text, {**place, "content_index": 0}, chunk_tokens)
    elif kind == "function_call":
        yield from _call_events(item["arguments"], place, chunk_tokens)
    done = {"output_index": index, "item": item}
    yield "response.output_item.done", done, answer.thinking if kind == "reasoning" else 0


def _text_events(
    text: str, place: dict[str, Any], chunk_tokens: int
) -> Iterator[tuple[str, dict[str, Any], int]]:
    yield "response.content_part.added", {**place, "part": _text_part("")}, 0
    for piece, tokens in pieces(text, chunk_tokens):
        yield "response.output_text.delta", {**place, "delta": piece, "logprobs": []}, tokens
    yield "response.output_text.done", {**place, "text": text, "logprobs": []}, 0
    yield "response.content_part.done", {**place, "part": _text_part(text)}, 0


def _call_events(
    arguments: str, place: dict[str, Any], chunk_tokens: int
) -> Iterator[tuple[str, dict[str, Any], int]]:
    for piece, tokens in pieces(arguments, chunk_tokens):
        yield "response.function_call_arguments.delta", {**place, "delta": piece}, tokens
    done = {**place, "arguments": arguments}
    yield "response.function_call_arguments.done", done, TOOL_TOKENS


def _event(event: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event["type"].encode(), msgspec.json.encode(event))


def _id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(24)}"
