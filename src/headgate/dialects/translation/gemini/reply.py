"""Whole replies of generateContent: read, and written.

Wire format: `google.genai.types.GenerateContentResponse`. Cached tokens are inside the prompt's
count; thoughts and the prompts of tools are outside every other.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Raw, json

from headgate.dialects.translation.gemini import reply_shapes as shapes
from headgate.dialects.translation.gemini.names import UNSIGNED
from headgate.dialects.translation.parts import arguments_or_none
from headgate.records.conversation import Declined, RedactedThinking, Text, Thinking, ToolUse
from headgate.records.reply import Citation, Finish, Reply, ReplyPart, Tokens

FINISHES: Final[dict[str, Finish]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(
        (
            *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
            *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR"),
        ),
        "refusal",
    ),
}
FINISH_REASONS: Final[dict[Finish, str]] = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "length": "MAX_TOKENS",
    "tool_use": "STOP",
    "refusal": "SAFETY",
    "pause": "STOP",
}

Block = dict[str, Any]


_ANSWER: Final = json.Decoder(shapes.Answer)
_NOTHING: Final = shapes.Answer()
_TOLD_NOWHERE: Final = ("groundingMetadata", "urlContextMetadata", "logprobsResult")


def read_answer(data: bytes) -> shapes.Answer:
    """Decode a reply or an event.

    Raises:
        msgspec.DecodeError: It is none.
        ValueError: It says nothing that one says.
    """
    answer = _ANSWER.decode(data)
    if answer.candidates is None and answer == _NOTHING:
        raise ValueError("there is nothing in it that a reply says")
    return answer


def parse_reply(body: bytes) -> Reply:
    """Read a whole reply.

    Raises:
        msgspec.DecodeError: It is none.
        ValueError: It has no answer in it.
    """
    answer = read_answer(body)
    candidate = next((each for each in answer.candidates or () if each.index == 0), None)
    if candidate is None and not blocked(answer):
        raise ValueError("the reply has no candidate")
    identity = answer.response_id or ""
    parts: list[ReplyPart] = []
    lost: list[str] = []
    for index, part in said(candidate, identity):
        if part is None:
            lost.append(f"candidates[0].content.parts[{index}]")
        else:
            parts.append(part)
    if candidate is not None:
        lost += (
            f"candidates[0].{name}"
            for name, value in zip(_TOLD_NOWHERE, _evidence(candidate), strict=True)
            if bytes(value) != b"null"
        )
    declined = why_declined(answer, candidate)
    if declined:
        parts.append(Declined(declined))
    called = any(isinstance(part, ToolUse) for part in parts)
    texts = "".join(part.text for part in parts if isinstance(part, Text)).encode()
    return Reply(
        identity,
        answer.model_version or "",
        tuple(parts),
        finish_of(answer, candidate, called=called),
        tokens=None if answer.usage_metadata is None else tokens(answer.usage_metadata),
        lost=tuple(lost),
        citations=tuple(_in_characters(each, texts) for each in cited(candidate)),
    )


def cited(candidate: shapes.Candidate | None) -> Iterator[Citation]:
    """Yield the sources of an answer that have an address; they count bytes, not characters.

    Args:
        candidate: None for no sources.
    """
    found = None if candidate is None else candidate.citation_metadata
    for source in () if found is None else (found.citation_sources or found.citations or ()):
        if source.uri:
            start, end = source.start_index or 0, source.end_index or 0
            yield Citation(source.uri, source.title or "", start, max(start, end))


def _in_characters(citation: Citation, said: bytes) -> Citation:
    start, end = (len(said[:at].decode(errors="ignore")) for at in citation[2:])
    return citation._replace(start=start, end=end)


def _in_bytes(citation: Citation, said: str) -> Citation:
    start, end = (len(said[:at].encode()) for at in citation[2:])
    return citation._replace(start=start, end=end)


def citation_metadata(citations: Iterable[Citation]) -> Block:
    """Return what an answer says of its sources, whose ends are counted in bytes."""
    sources = [
        {"startIndex": each.start, "endIndex": each.end, "uri": each.url} for each in citations
    ]
    return {"citationMetadata": {"citationSources": sources}} if sources else {}


def _evidence(candidate: shapes.Candidate) -> tuple[Raw, ...]:
    return (
        candidate.grounding_metadata,
        candidate.url_context_metadata,
        candidate.logprobs_result,
    )


def said(
    candidate: shapes.Candidate | None, identity: str, calls: int = 0
) -> Iterator[tuple[int, Text | Thinking | ToolUse | None]]:
    """Yield the parts of a candidate with their places, None for what no other dialect has.

    Signatures are left out: they are Google's, and mean nothing in another dialect.

    Args:
        candidate: None for no parts.
        identity: That of the reply; calls that have no id get one made of it.
        calls: How many calls the reply had before.
    """
    content = None if candidate is None else candidate.content
    for index, part in enumerate((content and content.parts) or ()):
        called = part.function_call
        if called is not None:
            arguments = bytes(called.args).decode()
            use = called.id or f"call_{identity}_{calls}"
            calls += 1
            yield index, ToolUse(use, called.name, "{}" if arguments == "null" else arguments)
        elif part.text:
            yield index, Thinking(part.text) if part.thought else Text(part.text)
        elif part.text is None and not part.thought:
            yield index, None


def blocked(answer: shapes.Answer) -> bool:
    """Tell whether the prompt was refused, so that there is no answer."""
    return answer.prompt_feedback is not None and bool(answer.prompt_feedback.block_reason)


def why_declined(answer: shapes.Answer, candidate: shapes.Candidate | None) -> str:
    """Return Google's words on why there is no answer, or not all of it; empty when none."""
    if candidate is None:
        feedback = answer.prompt_feedback
        return (feedback and feedback.block_reason_message) or ""
    refused = FINISHES.get(candidate.finish_reason or "") == "refusal"
    return (candidate.finish_message or "") if refused else ""


def finish_of(
    answer: shapes.Answer, candidate: shapes.Candidate | None, *, called: bool
) -> Finish | None:
    """Return why an answer ended, None while it does not say; `called`: it calls functions."""
    if candidate is None or candidate.finish_reason is None:
        return "refusal" if blocked(answer) else None
    finish = FINISHES.get(candidate.finish_reason, "stop")
    return "tool_use" if called and finish == "stop" else finish


def tokens(usage: shapes.Usage) -> Tokens:
    """Return usage as disjoint counts."""
    cached, thoughts = usage.cached_content_token_count or 0, usage.thoughts_token_count or 0
    prompt = max(0, (usage.prompt_token_count or 0) - cached)
    return Tokens(
        prompt + (usage.tool_use_prompt_token_count or 0),
        cached,
        0,
        (usage.candidates_token_count or 0) + thoughts,
        thoughts,
    )


def render_usage(used: Tokens) -> Block:
    """Return usage as this dialect counts: the prompt with its cached part, thoughts apart."""
    prompt = used.uncached + used.cache_read + used.cache_write
    usage = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": max(0, used.output - used.reasoning),
        "totalTokenCount": prompt + used.output,
    }
    if used.cache_read:
        usage["cachedContentTokenCount"] = used.cache_read
    if used.reasoning:
        usage["thoughtsTokenCount"] = used.reasoning
    return usage


def call_part(use: ToolUse, *, first: bool) -> Block:
    """Return a call; arguments that were cut off are none, as a call of that kind is here.

    The first one of a reply says that nobody has signed it, for later models want one signed.
    """
    call = {"id": use.id, "name": use.name, "args": arguments_or_none(use) or Raw(b"{}")}
    part: Block = {"functionCall": call}
    return part | {"thoughtSignature": UNSIGNED} if first else part


def candidate_of(parts: list[Block], finish: Finish, declined: str) -> Block:
    """Return the answer, and why it ended."""
    reason = "SAFETY" if declined else FINISH_REASONS[finish]
    content = {"parts": parts, "role": "model"}
    candidate: Block = {"content": content, "finishReason": reason, "index": 0}
    return candidate | {"finishMessage": declined} if declined else candidate


def render_reply(reply: Reply, at_s: int) -> bytes:  # noqa: ARG001 - it names no instant
    """Render a whole reply."""
    parts: list[Block] = []
    declined = ""
    signed = False
    for part in reply.parts:
        match part:
            case Text(text=text):
                parts.append({"text": text})
            case Declined(text=text):
                declined += text
                parts.append({"text": text})
            case Thinking(text=text):
                if text:
                    parts.append({"text": text, "thought": True})
            case ToolUse():
                parts.append(call_part(part, first=not signed))
                signed = True
            case RedactedThinking():
                pass  # Nobody but its provider can read it, and nothing carries it back there.
    said = "".join(part.text for part in reply.parts if isinstance(part, Text))
    sources = citation_metadata(_in_bytes(each, said) for each in reply.citations)
    candidate = candidate_of(parts, reply.finish or "stop", declined) | sources
    answer: Block = {"candidates": [candidate]}
    if reply.tokens is not None:
        answer["usageMetadata"] = render_usage(reply.tokens)
    return json.encode({**answer, "modelVersion": reply.model, "responseId": reply.id})
