"""Streams of Messages: read, and written.

Wire format: https://platform.claude.com/docs/en/build-with-claude/streaming and
`anthropic.types.RawMessageStreamEvent`. Content comes in numbered blocks, one open at a time.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import json

from headgate.dialects.translation.anthropic_messages import stream_shapes as shapes
from headgate.dialects.translation.anthropic_messages.reply import (
    FINISHES,
    STOP_REASONS,
    citation_of,
    render_citation,
    render_usage,
    stop_details,
    tokens,
)
from headgate.dialects.translation.anthropic_messages.reply_shapes import Citation as CitationShape
from headgate.dialects.translation.anthropic_messages.reply_shapes import Usage
from headgate.dialects.translation.citations import CITATIONS_MAX
from headgate.dialects.translation.events import MarkedEnd
from headgate.dialects.translation.fields import UNREADABLE
from headgate.dialects.translation.parts import InterleavedError
from headgate.records.conversation import RedactedThinking
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

_EVENT: Final = json.Decoder(shapes.Event)
_NOTHING: Final = (b"{}", b"null", b'""')


class StreamParser(MarkedEnd):
    """Reads events."""

    __slots__ = ("_cited", "_in_tool", "_number", "_said", "_start", "_usage")

    def __init__(self) -> None:
        self._said = self._start = 0
        self._cited: list[CitationShape] = []
        self._in_tool = False
        self._number = -1
        self._usage = Usage()

    def parse(self, data: bytes) -> Iterable[Delta]:
        """Return what one event says.

        Raises:
            msgspec.DecodeError: It is no event of this dialect.
        """
        event = _EVENT.decode(data)
        delta = event.delta
        if delta is not None and delta.text and event.type == "content_block_delta":
            # As nearly every event.
            self._said += len(delta.text)
            return (TextDelta(delta.text),)
        return self._other(event, data)

    def _other(self, event: shapes.Event, data: bytes) -> Iterator[Delta]:
        """Yield what an event says that is no text."""
        kind = event.type
        if kind == "content_block_delta" and event.delta is not None:
            yield from self._delta(event.delta)
        elif kind == "content_block_start" and event.content_block is not None:
            yield from self._block(event.content_block)
        elif kind == "message_start" and event.message is not None:
            message = event.message
            self._count(message.usage)
            yield Begin(message.id, message.model, tokens(self._usage) if message.usage else None)
        elif kind == "content_block_stop":
            yield from self._citations()
        elif kind == "message_delta":
            yield from self._ending(event)
        elif kind == "message_stop":
            yield End()
        elif kind == "error":
            yield Failed(error_message(data) or "The provider ended the stream with an error.")

    def _delta(self, delta: shapes.Delta) -> Iterator[Delta]:
        if delta.thinking or delta.signature:
            yield ThinkingDelta(delta.thinking, delta.signature)
        elif delta.partial_json and self._in_tool:
            yield ToolDelta(self._number, delta.partial_json)
        elif delta.citation is not None and len(self._cited) < CITATIONS_MAX:
            self._cited.append(delta.citation)

    def _citations(self) -> Iterator[Delta]:
        """Yield the sources of the block that ends: only now is known how far they reach."""
        for cited in self._cited:
            found = citation_of(cited, self._start, self._said)
            if found is not None:
                yield Cited(found)
        self._cited = []

    def _block(self, block: shapes.Block) -> Iterator[Delta]:
        # A tool that runs at the provider is no call of the client's, and so no part of this.
        self._in_tool = block.type == "tool_use"
        self._start = self._said
        if self._in_tool:
            self._number += 1
            yield ToolBegin(self._number, block.id, block.name)
            # Some providers say all of the arguments at once, and no delta follows.
            if bytes(block.input) not in _NOTHING:
                yield ToolDelta(self._number, bytes(block.input).decode())
        elif block.type == "redacted_thinking":
            yield RedactedThinking(block.data)
        elif block.type == "text" and block.text:
            self._said += len(block.text)
            yield TextDelta(block.text)

    def _ending(self, event: shapes.Event) -> Iterator[Delta]:
        delta = event.delta or shapes.Delta()
        if delta.stop_details is not None and delta.stop_details.explanation:
            yield DeclinedDelta(delta.stop_details.explanation)
        if event.usage is not None:
            self._count(event.usage)
            yield Counted(tokens(self._usage))
        if delta.stop_reason is not None:
            yield Ending(FINISHES.get(delta.stop_reason, "stop"), delta.stop_sequence)

    def _count(self, usage: Usage | None) -> None:
        """Merge usage: later counts win, what is not said again stands."""
        if usage is None:
            return
        for name in usage.__struct_fields__:
            value = getattr(usage, name)
            if value is not None:
                setattr(self._usage, name, value)


def error_message(body: bytes) -> str | None:
    """Return what an error reply or event says, None when it cannot be read."""
    try:
        error = json.decode(body, type=dict[str, Any]).get("error")
    except UNREADABLE:
        return None
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else None


class StreamRenderer:
    """Writes events; each block is closed before the next one opens."""

    __slots__ = ("_explanation", "_finish", "_index", "_open", "_stop_sequence", "_tokens", "_tool")

    def __init__(self, at_s: int, *, usage_wanted: bool) -> None:  # noqa: ARG002
        # The dialect names no instant, and usage is part of it.
        self._index = -1
        self._open = ""
        self._tool = -1
        self._tokens = Tokens()
        self._finish: Finish = "stop"
        self._stop_sequence: str | None = None
        self._explanation = ""

    def render(self, delta: Delta) -> bytes:
        """Return the events of a delta; empty when there is nothing to say yet.

        Raises:
            InterleavedError: It belongs to a block that is closed.
        """
        match delta:
            case TextDelta(text=text):
                return self._opened("text") + self._delta("text_delta", "text", text)
            case ToolDelta(number=number, arguments=arguments):
                if number != self._tool or self._open != "tool_use":
                    raise InterleavedError(f"call {number} goes on after another block began")
                return self._delta("input_json_delta", "partial_json", arguments)
            case ThinkingDelta():
                return self._thought(delta)
            case Cited(citation=citation):
                return self._cite(citation)
            case DeclinedDelta(text=text):
                self._explanation += text
                return self._opened("text") + self._delta("text_delta", "text", text)
            case ToolBegin(number=number, id=identity, name=name):
                self._tool = number
                return self._start({"type": "tool_use", "id": identity, "name": name, "input": {}})
            case RedactedThinking(data=data):
                return self._start({"type": "redacted_thinking", "data": data})
            case _:
                return self._frame(delta)

    def _cite(self, citation: Citation) -> bytes:
        """Note a source of the open text; which part of it is not said here."""
        if self._open != "text":
            return b""
        cited = {"type": "citations_delta", "citation": render_citation(citation)}
        return _event("content_block_delta", {"index": self._index, "delta": cited})

    def _frame(self, delta: Delta) -> bytes:
        """Return what begins and ends the stream."""
        match delta:
            case Begin():
                return self._begin(delta)
            case Ending(finish=finish, stop_sequence=stop_sequence):
                self._finish, self._stop_sequence = finish, stop_sequence
            case Counted(tokens=counted):
                self._tokens = counted
            case End():
                return self._end()
            case Failed(message=message):
                error = {"type": "api_error", "message": message}
                return _event("error", {"error": error})
            case _:
                pass
        return b""

    def _begin(self, begin: Begin) -> bytes:
        self._tokens = begin.tokens or Tokens()
        return _event(
            "message_start",
            {
                "message": {
                    "id": begin.id,
                    "type": "message",
                    "role": "assistant",
                    "model": begin.model,
                    "content": [],
                    "stop_reason": None,
                    "stop_sequence": None,
                    "stop_details": None,
                    "usage": render_usage(self._tokens),
                }
            },
        )

    def _thought(self, delta: ThinkingDelta) -> bytes:
        events = b""
        if self._open != "thinking":
            events = self._start({"type": "thinking", "thinking": "", "signature": ""})
        if delta.text:
            events += self._delta("thinking_delta", "thinking", delta.text)
        if delta.signature:
            events += self._delta("signature_delta", "signature", delta.signature)
        return events

    def _opened(self, kind: str) -> bytes:
        """Open a block of text unless one is open."""
        return b"" if self._open == kind else self._start({"type": kind, "text": ""})

    def _start(self, block: dict[str, Any]) -> bytes:
        events = self._stop()
        self._index += 1
        self._open = block["type"]
        return events + _event(
            "content_block_start", {"index": self._index, "content_block": block}
        )

    def _stop(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        return _event("content_block_stop", {"index": self._index})

    def _delta(self, kind: str, name: str, value: str) -> bytes:
        pattern = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
            b'"delta":{"type":"%b","%b":%b}}\n\n'
        )
        return pattern % (self._index, kind.encode(), name.encode(), json.encode(value))

    def _end(self) -> bytes:
        finish = "refusal" if self._explanation else self._finish
        delta = {
            "stop_reason": STOP_REASONS[finish],
            "stop_sequence": self._stop_sequence,
            "stop_details": stop_details(self._explanation),
        }
        ending = _event("message_delta", {"delta": delta, "usage": render_usage(self._tokens)})
        return self._stop() + ending + _event("message_stop", {})


def _event(kind: str, fields: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.encode({"type": kind, **fields}))
