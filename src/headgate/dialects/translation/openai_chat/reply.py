"""Whole replies of Chat Completions: read, and written.

Wire format: `openai.types.chat.ChatCompletion`; thoughts as `reasoning_content`, the name that
DeepSeek, vLLM and others have for them, as `reasoning` (Groq, OpenRouter), or as parts of the
content (https://docs.mistral.ai/capabilities/reasoning/).
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import json

from headgate.dialects.translation.citations import url_citation
from headgate.dialects.translation.openai_chat import reply_shapes as shapes
from headgate.records.conversation import (
    Declined,
    RedactedThinking,
    Text,
    Thinking,
    ToolUse,
)
from headgate.records.reply import Citation, Finish, Reply, ReplyPart, Tokens

FINISHES: Final[dict[str, Finish]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
FINISH_REASONS: Final[dict[Finish, str]] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "pause": "stop",
}


_COMPLETION: Final = json.Decoder(shapes.Completion)


def parse_reply(body: bytes) -> Reply:
    """Read a whole reply.

    Raises:
        msgspec.DecodeError: It is none.
        ValueError: It has no answer in it.
    """
    completion = _COMPLETION.decode(body)
    if not completion.choices:
        raise ValueError("the reply has no choice")
    choice = completion.choices[0]
    message = choice.message
    parts: list[ReplyPart] = []
    thought = message.reasoning_content or message.reasoning
    if thought:
        parts.append(Thinking(thought))
    parts += said(message.content)
    if message.refusal:
        parts.append(Declined(message.refusal))
    parts += (
        ToolUse(call.id or f"call_{number}", call.function.name, call.function.arguments or "")
        for number, call in enumerate(message.tool_calls or ())
        if call.function is not None
    )
    finish = FINISHES.get(choice.finish_reason or "")
    if finish == "stop" and message.tool_calls:
        finish = "tool_use"  # Some providers call tools and say they just stopped.
    return Reply(
        completion.id,
        completion.model,
        tuple(parts),
        finish,
        tokens=None if completion.usage is None else tokens(completion.usage),
        lost=tuple(
            f"choices[0].message.annotations[{number}]"
            for number, each in enumerate(message.annotations or ())
            if citation_of(each) is None
        ),
        citations=tuple(cited(message.annotations)),
    )


def cited(annotations: Iterable[shapes.Annotation] | None) -> Iterator[Citation]:
    """Yield the citations among annotations."""
    for annotation in annotations or ():
        if (found := citation_of(annotation)) is not None:
            yield found


def citation_of(annotation: shapes.Annotation) -> Citation | None:
    """Return a source with an address, None for another annotation."""
    found = annotation.url_citation
    if found is None or not found.url:
        return None
    start, end = found.start_index or 0, found.end_index or 0
    return Citation(found.url, found.title or "", start, max(start, end))


def said(content: shapes.Content) -> Iterator[Text | Thinking]:
    """Yield what a content says; where models think in it (Mistral's do), it comes in parts."""
    if isinstance(content, str):
        content = [shapes.Chunk(text=content)]
    for part in content or ():
        thought = "".join(each.text for each in part.thinking or ())
        if thought:
            yield Thinking(thought)
        if part.text:
            yield Text(part.text)


def tokens(usage: shapes.Usage) -> Tokens:
    """Return usage as disjoint counts; reasoning outside the completion is shown by the total."""
    details = usage.prompt_tokens_details or shapes.PromptDetails()
    cached = details.cached_tokens or usage.prompt_cache_hit_tokens or 0
    written = details.cache_write_tokens or 0
    reasoning = (
        usage.completion_tokens_details or shapes.CompletionDetails()
    ).reasoning_tokens or 0
    output = usage.completion_tokens
    outside = (usage.total_tokens or 0) - usage.prompt_tokens - output
    if outside > 0:
        output += outside
        reasoning = outside
    uncached = max(0, usage.prompt_tokens - cached - written)
    return Tokens(uncached, cached, written, output, reasoning)


def render_usage(used: Tokens) -> dict[str, Any]:
    """Return usage as this dialect counts: the prompt with its cached part."""
    prompt = used.uncached + used.cache_read + used.cache_write
    return {
        "prompt_tokens": prompt,
        "completion_tokens": used.output,
        "total_tokens": prompt + used.output,
        "prompt_tokens_details": {
            "cached_tokens": used.cache_read,
            "cache_write_tokens": used.cache_write,
        },
        "completion_tokens_details": {"reasoning_tokens": used.reasoning},
    }


def annotation(citation: Citation) -> dict[str, Any]:
    """Return a citation as a message has it."""
    return {"type": "url_citation", "url_citation": url_citation(citation)}


def render_reply(reply: Reply, at_s: int) -> bytes:
    """Render a whole reply of the instant `at_s`, in seconds since 1970."""
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    calls: list[dict[str, Any]] = []
    for part in reply.parts:
        match part:
            case Text(text=text):
                message["content"] = (message["content"] or "") + text
            case Declined(text=text):
                message["refusal"] = (message["refusal"] or "") + text
            case Thinking(text=text):
                if text:
                    message["reasoning_content"] = message.get("reasoning_content", "") + text
            case RedactedThinking():
                pass  # Nobody but its provider can read it, and nothing carries it back there.
            case ToolUse(id=identity, name=name, arguments=arguments):
                function = {"name": name, "arguments": arguments}
                calls.append({"id": identity, "type": "function", "function": function})
    if calls:
        message["tool_calls"] = calls
    if reply.citations:
        message["annotations"] = [annotation(each) for each in reply.citations]
    return json.encode(_completion(reply, message, at_s))


def _completion(reply: Reply, message: dict[str, Any], at_s: int) -> dict[str, Any]:
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": FINISH_REASONS[reply.finish or "stop"],
    }
    completion: dict[str, Any] = {
        "id": reply.id,
        "object": "chat.completion",
        "created": at_s,
        "model": reply.model,
        "choices": [choice],
    }
    if reply.tokens is not None:
        completion["usage"] = render_usage(reply.tokens)
    return completion
