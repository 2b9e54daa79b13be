"""Streams of streamGenerateContent: read, and written.

Each event is a reply of its own (`google.genai.types.GenerateContentResponse`) with the next
parts, and nothing but the end of the bytes marks the end. Calls come whole, so a call that
another dialect tells in pieces is kept until it is whole.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import json

from headgate.dialects.sse import EVENT_BYTES_MAX
from headgate.dialects.translation.citations import CITATIONS_MAX
from headgate.dialects.translation.fields import UNREADABLE
from headgate.dialects.translation.gemini import reply_shapes as shapes
from headgate.dialects.translation.gemini.reply import (
    call_part,
    candidate_of,
    citation_metadata,
    cited,
    finish_of,
    read_answer,
    render_usage,
    said,
    tokens,
    why_declined,
)
from headgate.dialects.translation.parts import InterleavedError
from headgate.records.conversation import RedactedThinking, Thinking, ToolUse
from headgate.records.reply import (
    Begin,
    Citation,
    Cited,
    Counted,
    DeclinedDelta,
    Delta,
    End,
    Ending,
    Failed,
    Finish,
    TextDelta,
    ThinkingDelta,
    Tokens,
    ToolBegin,
    ToolDelta,
)


class StreamParser:
    """Reads events."""

    __slots__ = ("_begun", "_counted", "_ended", "_identity", "_number", "_said", "_usage")

    def __init__(self) -> None:
        self._begun = self._counted = self._ended = False
        self._identity = ""
        self._number = -1
        self._usage = shapes.Usage()
        self._said = Said()

    def parse(self, data: bytes) -> Iterator[Delta]:
        """Yield what one event says.

        Raises:
            msgspec.DecodeError: It is no event of this dialect.
        """
        answer = read_answer(data)
        if bytes(answer.error) != b"null":
            yield Failed(error_message(data) or "The provider ended the stream with an error.")
            return
        if not self._begun:
            self._begun = True
            self._identity = answer.response_id or ""
            yield Begin(self._identity, answer.model_version or "")
        if answer.usage_metadata is not None:
            self._count(answer.usage_metadata)
        yield from self._answer(answer)

    def end(self) -> Iterator[Delta]:
        """Yield what was used, and the end if an event has said why it ended."""
        if self._counted:
            yield Counted(tokens(self._usage))
        if self._ended:
            yield End()

    def _answer(self, answer: shapes.Answer) -> Iterator[Delta]:
        candidate = next((each for each in answer.candidates or () if each.index == 0), None)
        for _, part in said(candidate, self._identity, self._number + 1):
            if isinstance(part, ToolUse):
                self._number += 1
                yield ToolBegin(self._number, part.id, part.name)
                yield ToolDelta(self._number, part.arguments)
            elif isinstance(part, Thinking):
                yield ThinkingDelta(part.text)
            elif part is not None:
                self._said.add(part.text)
                yield TextDelta(part.text)
        for citation in cited(candidate):
            yield Cited(self._said.located(citation, self._said.characters))
        finish = finish_of(answer, candidate, called=self._number >= 0)
        if finish is not None:
            self._ended = True
            declined = why_declined(answer, candidate)
            if declined:
                yield DeclinedDelta(declined)
            yield Ending(finish)

    def _count(self, usage: shapes.Usage) -> None:
        """Merge usage: a last event may leave counts out, so the largest of each counts."""
        self._counted = True
        for name in usage.__struct_fields__:
            value = max(getattr(usage, name) or 0, getattr(self._usage, name) or 0)
            setattr(self._usage, name, value)


def error_message(body: bytes) -> str | None:
    """Return what an error reply or event says, None when it cannot be read.

    A stream that was asked for as one array has its error in an array.
    """
    try:
        found: Any = json.decode(body)
    except UNREADABLE:
        return None
    if isinstance(found, list) and found:
        found = found[0]
    error = found.get("error") if isinstance(found, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else None


class Said:
    """How much a stream has said: nobody keeps the words, so only ASCII is counted both ways."""

    __slots__ = ("bytes", "characters")

    def __init__(self) -> None:
        self.bytes = self.characters = 0

    def add(self, text: str) -> None:
        """Count more of it."""
        self.characters += len(text)
        self.bytes += len(text) if text.isascii() else len(text.encode())

    def located(self, citation: Citation, end: int) -> Citation:
        """Return a citation in the other count; one of all that was said where that is unknown."""
        if self.bytes == self.characters:
            return citation
        return citation._replace(start=0, end=end)


class _Open(NamedTuple):
    """A call that is not whole yet."""

    id: str
    name: str
    arguments: list[str]


class StreamRenderer:
    """Writes events; calls are kept until something else is said, for they come whole."""

    __slots__ = (
        "_calls",
        "_citations",
        "_declined",
        "_finish",
        "_held",
        "_said",
        "_signatures",
        "_tail",
        "_tokens",
    )

    def __init__(self, at_s: int, *, usage_wanted: bool) -> None:  # noqa: ARG002
        # The dialect names no instant, and usage is part of it.
        self._calls: dict[int, _Open] = {}
        self._held = 0
        self._signatures = False
        self._declined = ""
        self._said = Said()
        self._citations: list[Citation] = []
        self._finish: Finish = "stop"
        self._tail = b"}"
        self._tokens: Tokens | None = None

    def render(self, delta: Delta) -> bytes:
        """Return the events of a delta; empty when there is nothing to say yet.

        Raises:
            InterleavedError: It belongs to a call that was told already.
            ValueError: The calls that are not whole yet are too long to keep.
        """
        match delta:
            case TextDelta(text=text):
                self._said.add(text)
                return self._called() + self._part(b'{"text":%b}' % json.encode(text))
            case ThinkingDelta(text=text):
                # The signature has no place here: it is another provider's.
                thought = b'{"text":%b,"thought":true}' % json.encode(text)
                return self._called() + self._part(thought) if text else b""
            case DeclinedDelta(text=text):
                self._declined += text
                return self._called() + self._part(b'{"text":%b}' % json.encode(text))
            case ToolBegin(number=number, id=identity, name=name):
                self._calls[number] = _Open(identity, name, [])
            case ToolDelta(number=number, arguments=arguments):
                self._more(number, arguments)
            case Cited(citation=citation):
                if len(self._citations) < CITATIONS_MAX:
                    self._citations.append(citation)
            case RedactedThinking():
                pass  # Nobody but its provider can read it.
            case _:
                return self._frame(delta)
        return b""

    def _frame(self, delta: Delta) -> bytes:
        """Return what begins and ends the stream."""
        match delta:
            case Begin(id=identity, model=model):
                # What each event ends with, behind its candidates.
                self._tail = b"," + json.encode({"modelVersion": model, "responseId": identity})[1:]
            case Ending(finish=finish):
                self._finish = finish
            case Counted(tokens=counted):
                self._tokens = counted
            case End():
                return self._called() + self._end()
            case Failed(message=message):
                error = {"code": 502, "message": message, "status": "UNAVAILABLE"}
                return b"data: %b\r\n\r\n" % json.encode({"error": error})
            case _:
                pass
        return b""

    def _more(self, number: int, arguments: str) -> None:
        call = self._calls.get(number)
        if call is None:
            raise InterleavedError(f"call {number} goes on after it was told")
        self._held += len(arguments)
        if self._held > EVENT_BYTES_MAX:
            raise ValueError(f"the arguments of calls are longer than {EVENT_BYTES_MAX} bytes")
        call.arguments.append(arguments)

    def _called(self) -> bytes:
        """Return the event of the calls that are whole now."""
        if not self._calls:
            return b""
        parts: list[bytes] = []
        for call in self._calls.values():
            use = ToolUse(call.id, call.name, "".join(call.arguments))
            parts.append(json.encode(call_part(use, first=not self._signatures)))
            self._signatures = True
        self._calls.clear()
        self._held = 0
        return self._part(b",".join(parts))

    def _part(self, part: bytes) -> bytes:
        """Return the event of a part, or of several with commas between them."""
        pattern = b'{"content":{"parts":[%b],"role":"model"},"index":0}'
        return self._event(pattern % part)

    def _end(self) -> bytes:
        sources = [self._said.located(each, self._said.bytes) for each in self._citations]
        candidate = candidate_of([{"text": ""}], self._finish, self._declined)
        last = json.encode(candidate | citation_metadata(sources))
        if self._tokens is None:
            return self._event(last)
        return self._event(last, b',"usageMetadata":%b' % json.encode(render_usage(self._tokens)))

    def _event(self, candidate: bytes, usage: bytes = b"") -> bytes:
        return b'data: {"candidates":[%b]%b%b\r\n\r\n' % (candidate, usage, self._tail)
