"""Whole replies of Responses: read, and written.

Wire format: `openai.types.responses.Response`.
"""

from collections.abc import Iterable
from typing import Any, Final

from msgspec import json

from headgate.dialects.translation.citations import joined, of_part, url_citation
from headgate.dialects.translation.openai_responses import reply_shapes as shapes
from headgate.records.conversation import Declined, RedactedThinking, Text, Thinking, ToolUse
from headgate.records.reply import Citation, Finish, Reply, ReplyPart, Tokens

Item = dict[str, Any]


_WHOLE: Final = json.Decoder(shapes.Whole)


def parse_reply(body: bytes) -> Reply:
    """Read a whole reply.

    Raises:
        msgspec.DecodeError: It is none.
        ValueError: It says that there is no answer.
    """
    answer = _WHOLE.decode(body)
    if answer.object != "response" or answer.status in ("failed", "cancelled", "queued"):
        raise ValueError(f"the response is {answer.status}")
    parts: list[ReplyPart] = []
    lost: list[str] = []
    citations: list[Citation] = []
    said = 0
    for index, item in enumerate(answer.output):
        if item.type == "message":
            for part in item.content or ():
                parts.append(Declined(part.refusal) if part.refusal else Text(part.text))
                for number, each in enumerate(part.annotations or ()):
                    found = citation_of(each, said)
                    if found is None:
                        lost.append(f"output[{index}].content.annotations[{number}]")
                    else:
                        citations.append(found)
                said += len(part.text)
        elif item.type == "function_call":
            parts.append(ToolUse(item.call_id, item.name, item.arguments))
        elif item.type == "reasoning":
            thought = "\n\n".join(
                part.text for part in (*(item.summary or ()), *(item.content or ()))
            )
            parts += [Thinking(thought)] if thought else []
        else:
            lost.append(f"output[{index}]")
    called = any(isinstance(part, ToolUse) for part in parts)
    counted = None if answer.usage is None else tokens(answer.usage)
    return Reply(
        answer.id,
        answer.model,
        tuple(parts),
        finish_of(answer, called=called),
        tokens=counted,
        lost=tuple(lost),
        citations=tuple(citations),
    )


def citation_of(annotation: shapes.Annotation, said: int) -> Citation | None:
    """Return a source with an address behind `said` characters, None for another annotation."""
    if not annotation.url:
        return None
    start, end = annotation.start_index or 0, annotation.end_index or 0
    return Citation(annotation.url, annotation.title or "", said + start, said + max(start, end))


def finish_of(answer: shapes.Answer, *, called: bool) -> Finish:
    """Return why an answer ended; `called` says whether it calls tools."""
    reason = None if answer.incomplete_details is None else answer.incomplete_details.reason
    if reason == "content_filter":
        return "refusal"
    if reason is not None or answer.status == "incomplete":
        return "length"
    return "tool_use" if called else "stop"


def tokens(usage: shapes.Usage) -> Tokens:
    """Return usage as disjoint counts."""
    details = usage.input_tokens_details or shapes.InputDetails()
    cached, written = details.cached_tokens or 0, details.cache_write_tokens or 0
    reasoning = (usage.output_tokens_details or shapes.OutputDetails()).reasoning_tokens or 0
    uncached = max(0, usage.input_tokens - cached - written)
    return Tokens(uncached, cached, written, usage.output_tokens, reasoning)


def render_usage(used: Tokens) -> Item:
    """Return usage as this dialect counts: the prompt with its cached part."""
    prompt = used.uncached + used.cache_read + used.cache_write
    details = {"cached_tokens": used.cache_read, "cache_write_tokens": used.cache_write}
    return {
        "input_tokens": prompt,
        "input_tokens_details": details,
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": prompt + used.output,
    }


def skeleton(identity: str, model: str, at_s: int, status: str) -> Item:
    """Return a response without its output."""
    return {
        "id": identity,
        "object": "response",
        "created_at": at_s,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": None,
    }


def finished(response: Item, output: list[Item], finish: Finish, used: Tokens | None) -> Item:
    """Return a response with its output, its status and its usage."""
    reasons = {"length": "max_output_tokens", "refusal": "content_filter"}
    reason = reasons.get(finish)
    response["status"] = "completed" if reason is None else "incomplete"
    response["incomplete_details"] = None if reason is None else {"reason": reason}
    response["output"] = output
    response["usage"] = None if used is None else render_usage(used)
    return response


def output_text(text: str, citations: Iterable[Citation] = ()) -> Item:
    """Return a text of the model; its citations are counted from its start."""
    annotations = [annotation(each) for each in citations]
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def annotation(citation: Citation) -> Item:
    """Return a citation as a text has it."""
    return {"type": "url_citation", **url_citation(citation)}


def message_item(identity: str, status: str, content: list[Item]) -> Item:
    """Return a message of the model."""
    head = {"type": "message", "id": identity, "status": status, "role": "assistant"}
    return {**head, "content": content}


def call_item(identity: str, status: str, use: ToolUse) -> Item:
    """Return a call of a tool."""
    call = {"call_id": use.id, "name": use.name, "arguments": use.arguments}
    return {"type": "function_call", "id": identity, "status": status, **call}


def reasoning_item(identity: str, texts: list[str]) -> Item:
    """Return thoughts, as the summary of what nobody here can encrypt."""
    summary = [{"type": "summary_text", "text": text} for text in texts]
    return {"type": "reasoning", "id": identity, "summary": summary}


def item_id(response: str, number: int) -> str:
    """Return the id of an item."""
    return f"item_{response}_{number}"


def render_reply(reply: Reply, at_s: int) -> bytes:
    """Render a whole reply of the instant `at_s`, in seconds since 1970."""
    output: list[Item] = []
    said = 0
    for part in joined(reply.parts):
        identity = item_id(reply.id, len(output))
        match part:
            case Text(text=text):
                citations = of_part(reply.citations, said, said + len(text))
                content = output_text(text, citations)
                output.append(message_item(identity, "completed", [content]))
                said += len(text)
            case Declined(text=text):
                declined = {"type": "refusal", "refusal": text}
                output.append(message_item(identity, "completed", [declined]))
            case ToolUse():
                output.append(call_item(identity, "completed", part))
            case Thinking(text=text):
                if text:
                    output.append(reasoning_item(identity, [text]))
            case RedactedThinking():
                pass  # Nobody but its provider can read it, and nothing carries it back there.
    response = skeleton(reply.id, reply.model, at_s, "completed")
    return json.encode(finished(response, output, reply.finish or "stop", reply.tokens))
