"""Streams of Responses: read, and written.

Wire format: `openai.types.responses.ResponseStreamEvent`. The last event repeats the whole
answer, so a stream that is written here is kept in memory until its end.
"""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import json

from headgate.dialects.translation.citations import of_part
from headgate.dialects.translation.events import MarkedEnd
from headgate.dialects.translation.openai.errors import error_message
from headgate.dialects.translation.openai_responses import stream_shapes as shapes
from headgate.dialects.translation.openai_responses.reply import (
    Item,
    annotation,
    call_item,
    citation_of,
    finish_of,
    finished,
    item_id,
    message_item,
    output_text,
    reasoning_item,
    skeleton,
    tokens,
)
from headgate.dialects.translation.openai_responses.reply_shapes import Answer
from headgate.dialects.translation.parts import InterleavedError
from headgate.records.conversation import ToolUse
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
_TEXTS: Final[dict[str, type[TextDelta | ThinkingDelta | DeclinedDelta]]] = {
    "response.output_text.delta": TextDelta,
    "response.refusal.delta": DeclinedDelta,
    "response.reasoning_summary_text.delta": ThinkingDelta,
    "response.reasoning_text.delta": ThinkingDelta,
}
_ENDS: Final = frozenset({"response.completed", "response.incomplete"})


class StreamParser(MarkedEnd):
    """Reads events."""

    __slots__ = ("_numbers", "_said", "_starts")

    def __init__(self) -> None:
        self._said = 0
        # Of each item of the output that says something, behind how many characters it starts.
        self._starts: dict[int, int] = {}
        # Of each item of the output that calls a tool, which call it is.
        self._numbers: dict[int, int] = {}

    def parse(self, data: bytes) -> Iterator[Delta]:
        """Yield what one event says.

        Raises:
            msgspec.DecodeError: It is no event of this dialect.
        """
        event = _EVENT.decode(data)
        kind = event.type
        if kind in _TEXTS:
            yield from self._text(event)
        elif kind == "response.function_call_arguments.delta":
            number = self._numbers.get(event.output_index)
            if number is not None and event.delta:
                yield ToolDelta(number, event.delta)
        elif kind == "response.output_item.added" and event.item is not None:
            yield from self._item(event.output_index, event.item)
        elif kind in _ENDS and event.response is not None:
            yield from self._end(event.response)
        elif event.annotation is not None:
            found = citation_of(event.annotation, self._starts.get(event.output_index, 0))
            if found is not None:
                yield Cited(found)
        elif kind == "response.created" and event.response is not None:
            yield Begin(event.response.id, event.response.model)
        elif kind in ("error", "response.failed"):
            yield Failed(_told(data) or "The provider ended the stream with an error.")

    def _text(self, event: shapes.Event) -> Iterator[Delta]:
        if event.delta:
            yield _TEXTS[event.type](event.delta)
        if event.type == "response.output_text.delta":
            self._starts.setdefault(event.output_index, self._said)
            self._said += len(event.delta)

    def _item(self, index: int, item: shapes.Item) -> Iterator[Delta]:
        if item.type == "function_call":
            number = self._numbers[index] = len(self._numbers)
            yield ToolBegin(number, item.call_id, item.name)
            if item.arguments:
                yield ToolDelta(number, item.arguments)

    def _end(self, answer: Answer) -> Iterator[Delta]:
        yield Ending(finish_of(answer, called=bool(self._numbers)))
        if answer.usage is not None:
            yield Counted(tokens(answer.usage))
        yield End()


def _told(data: bytes) -> str | None:
    """Return what an error event says: beside its type, at `error`, or in the response."""
    event = json.decode(data, type=dict[str, Any])
    message = event.get("message")
    if isinstance(message, str):
        return message
    response = event.get("response")
    return error_message(json.encode(response) if isinstance(response, dict) else data)


class StreamRenderer:
    """Writes events; each item is closed before the next one opens."""

    __slots__ = (
        "_citations",
        "_finish",
        "_open",
        "_output",
        "_response",
        "_said",
        "_sequence",
        "_start",
        "_text",
        "_tokens",
        "_use",
    )

    def __init__(self, at_s: int, *, usage_wanted: bool) -> None:  # noqa: ARG002
        # Usage is part of the dialect.
        self._response = skeleton("", "", at_s, "in_progress")
        self._sequence = 0
        self._output: list[Item] = []
        self._open = ""
        self._text: list[str] = []
        self._said = self._start = 0
        self._citations: list[Citation] = []
        self._use = ToolUse("", "", "")
        self._finish: Finish = "stop"
        self._tokens: Tokens | None = None

    def render(self, delta: Delta) -> bytes:
        """Return the events of a delta; empty when there is nothing to say yet.

        Raises:
            InterleavedError: It belongs to an item that is closed.
        """
        match delta:
            case TextDelta(text=text):
                events = self._opened("message") + self._piece("output_text", text)
                self._said += len(text)
                return events
            case Cited(citation=citation):
                return self._cite(citation)
            case DeclinedDelta(text=text):
                return self._opened("refusal") + self._piece("refusal", text)
            case ThinkingDelta(text=text):
                if not text:
                    return b""  # The signature has no place here.
                return self._opened("reasoning") + self._piece("reasoning_summary_text", text)
            case ToolBegin(number=number, id=identity, name=name):
                closed = self._close()  # before its place is taken: it may be a call too
                self._use = ToolUse(identity, name, "")
                return closed + self._opened(f"call {number}")
            case ToolDelta(number=number, arguments=arguments):
                if self._open != f"call {number}":
                    raise InterleavedError(f"call {number} goes on after another item began")
                return self._piece("function_call_arguments", arguments)
            case _:
                return self._frame(delta)

    def _cite(self, citation: Citation) -> bytes:
        """Note a source of the open text; nothing when it is one of a text that is closed."""
        events = b""
        for found in of_part([citation], self._start, self._said):
            if self._open == "message":
                number = len(self._citations)
                self._citations.append(found)
                noted = {"annotation_index": number, "annotation": annotation(found)}
                kind = "response.output_text.annotation.added"
                events += self._event(kind, **self._part, **noted)
        return events

    def _frame(self, delta: Delta) -> bytes:
        """Return what begins and ends the stream."""
        match delta:
            case Begin(id=identity, model=model):
                self._response |= {"id": identity, "model": model}
                created = self._event("response.created", response=self._response)
                return created + self._event("response.in_progress", response=self._response)
            case Ending(finish=finish):
                self._finish = finish
            case Counted(tokens=counted):
                self._tokens = counted
            case End():
                closed = self._close()
                response = finished(self._response, self._output, self._finish, self._tokens)
                return closed + self._event(f"response.{response['status']}", response=response)
            case Failed(message=message):
                error = {"message": message, "type": "server_error", "code": "upstream_error"}
                fields = {"code": "upstream_error", "message": message, "param": None}
                return self._event("error", **fields, error={**error, "param": None})
            case _:
                pass
        return b""

    def _event(self, kind: str, **fields: Any) -> bytes:
        numbered = {"type": kind, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.encode(numbered))

    @property
    def _place(self) -> dict[str, Any]:
        """Where the open item is."""
        number = len(self._output)
        return {"item_id": item_id(self._response["id"], number), "output_index": number}

    @property
    def _part(self) -> dict[str, Any]:
        """Where the open part of the open item is."""
        index = "summary_index" if self._open == "reasoning" else "content_index"
        return {**self._place, index: 0}

    def _item(self, status: str, text: str) -> Item:
        """Return the open item; `text` is what has been said of it."""
        identity = self._place["item_id"]
        done = status == "completed"
        if self._open == "reasoning":
            return reasoning_item(identity, [text] if done else [])
        if self._open.startswith("call"):
            return call_item(identity, status, ToolUse(self._use.id, self._use.name, text))
        return message_item(identity, status, [self._content(text)] if done else [])

    def _content(self, text: str) -> Item:
        """Return the open part."""
        if self._open == "reasoning":
            return {"type": "summary_text", "text": text}
        if self._open == "refusal":
            return {"type": "refusal", "refusal": text}
        return output_text(text, self._citations if text else ())

    def _opened(self, kind: str) -> bytes:
        """Open an item of a kind unless it is open."""
        if self._open == kind:
            return b""
        events = self._close()
        self._open, self._text = kind, []
        self._start, self._citations = self._said, []
        place = {"output_index": len(self._output)}
        events += self._event(
            "response.output_item.added", **place, item=self._item("in_progress", "")
        )
        if not kind.startswith("call"):
            name = "reasoning_summary_part" if kind == "reasoning" else "content_part"
            part = self._content("")
            events += self._event(f"response.{name}.added", **self._part, part=part)
        return events

    def _piece(self, name: str, text: str) -> bytes:
        self._text.append(text)
        where = self._place if name == "function_call_arguments" else self._part
        logprobs: dict[str, Any] = {"logprobs": []} if name == "output_text" else {}
        return self._event(f"response.{name}.delta", **where, delta=text, **logprobs)

    def _close(self) -> bytes:
        """Close the open item, if there is one."""
        if not self._open:
            return b""
        text = "".join(self._text)
        events = self._whole(text)
        item = self._item("completed", text)
        place = {"output_index": len(self._output)}
        events += self._event("response.output_item.done", **place, item=item)
        self._output.append(item)
        self._open = ""
        return events

    def _whole(self, text: str) -> bytes:
        """Return the events that repeat what the open item has said."""
        if self._open.startswith("call"):
            done = {"arguments": text}
            return self._event("response.function_call_arguments.done", **self._place, **done)
        name, part = "output_text", "content_part"
        said: dict[str, Any] = {"text": text, "logprobs": []}
        if self._open == "reasoning":
            name, part, said = "reasoning_summary_text", "reasoning_summary_part", {"text": text}
        elif self._open == "refusal":
            name, said = "refusal", {"refusal": text}
        events = self._event(f"response.{name}.done", **self._part, **said)
        content = self._content(text)
        return events + self._event(f"response.{part}.done", **self._part, part=content)
