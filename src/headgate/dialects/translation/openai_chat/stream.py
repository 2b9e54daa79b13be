"""Streams of Chat Completions: read, and written.

Wire format: `openai.types.chat.ChatCompletionChunk`, one per event, and `[DONE]` at the end. With
`include_usage` an event without choices tells the usage before that.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import json

from headgate.dialects.translation.events import MarkedEnd
from headgate.dialects.translation.openai.errors import error_message
from headgate.dialects.translation.openai_chat import stream_shapes as shapes
from headgate.dialects.translation.openai_chat.reply import (
    FINISH_REASONS,
    FINISHES,
    annotation,
    cited,
    render_usage,
    said,
    tokens,
)
from headgate.records.conversation import RedactedThinking, Thinking
from headgate.records.reply import (
    Begin,
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

DONE: Final = b"[DONE]"


_CHUNK: Final = json.Decoder(shapes.Chunk)


class StreamParser(MarkedEnd):
    """Reads events; `number` counts the tools called so far."""

    __slots__ = ("_begun", "_identities", "_number")

    def __init__(self) -> None:
        self._begun = False
        self._number = -1
        # Of each index the provider uses, the call that is open there: (its id, our number).
        self._identities: dict[int, tuple[str, int]] = {}

    def parse(self, data: bytes) -> Iterator[Delta]:
        """Yield what one event says.

        Raises:
            msgspec.DecodeError: It is no event of this dialect.
        """
        if data == DONE:
            yield End()
            return
        chunk = _CHUNK.decode(data)
        if bytes(chunk.error) != b"null":
            yield Failed(error_message(data) or "The provider ended the stream with an error.")
            return
        if not self._begun:
            self._begun = True
            yield Begin(chunk.id or "", chunk.model or "")
        for choice in chunk.choices or ():
            if choice.index == 0:
                yield from self._choice(choice)
        if chunk.usage is not None:
            yield Counted(tokens(chunk.usage))

    def _choice(self, choice: shapes.Choice) -> Iterator[Delta]:
        delta = choice.delta
        if delta is not None:
            if thought := delta.reasoning_content or delta.reasoning:
                yield ThinkingDelta(thought)
            for part in said(delta.content):
                thinks = isinstance(part, Thinking)
                yield ThinkingDelta(part.text) if thinks else TextDelta(part.text)
            for citation in cited(delta.annotations):
                yield Cited(citation)
            if delta.refusal:
                yield DeclinedDelta(delta.refusal)
            for call in delta.tool_calls or ():
                yield from self._tool(call)
        if choice.finish_reason:
            finish = FINISHES.get(choice.finish_reason, "stop")
            if finish == "stop" and self._number >= 0:
                finish = "tool_use"  # Some providers call tools and say they just stopped.
            yield Ending(finish)

    def _tool(self, call: shapes.ToolCall) -> Iterator[Delta]:
        """Yield what a piece of a call says; a new id at a known index begins another call."""
        index = call.index or 0
        known = self._identities.get(index)
        function = call.function or shapes.Function()
        if known is None or (call.id and call.id != known[0]):
            self._number += 1
            identity = call.id or f"call_{self._number}"
            known = self._identities[index] = (identity, self._number)
            yield ToolBegin(self._number, identity, function.name or "")
        if function.arguments:
            yield ToolDelta(known[1], function.arguments)


class StreamRenderer:
    """Writes events; `usage_wanted` says whether the client asked for the usage at the end."""

    __slots__ = ("_at_s", "_finish", "_head", "_tail", "_tokens", "_usage_wanted")

    def __init__(self, at_s: int, *, usage_wanted: bool) -> None:
        self._at_s = at_s
        self._usage_wanted = usage_wanted
        self._head = b""
        self._tail = b',"usage":null}\n\n' if usage_wanted else b"}\n\n"
        self._tokens: Tokens | None = None
        self._finish: Finish | None = None

    def render(self, delta: Delta) -> bytes:
        """Return the events of a delta; empty when there is nothing to say yet."""
        match delta:
            case TextDelta(text=text):
                return self._event(b'{"content":%b}' % json.encode(text))
            case ToolDelta(number=number, arguments=arguments):
                pattern = b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}'
                return self._event(pattern % (number, json.encode(arguments)))
            case ToolBegin():
                return self._tool(delta)
            case ThinkingDelta(text=text):
                # The signature has no place here.
                return self._event(b'{"reasoning_content":%b}' % json.encode(text)) if text else b""
            case Cited(citation=citation):
                return self._event(b'{"annotations":[%b]}' % json.encode(annotation(citation)))
            case DeclinedDelta(text=text):
                return self._event(b'{"refusal":%b}' % json.encode(text))
            case RedactedThinking():
                return b""  # Nobody but its provider can read it.
            case _:
                return self._frame(delta)

    def _frame(self, delta: Delta) -> bytes:
        """Return what begins and ends the stream."""
        match delta:
            case Begin():
                return self._begin(delta)
            case Ending(finish=finish):
                self._finish = finish
            case Counted(tokens=counted):
                self._tokens = counted
            case End():
                return self._end()
            case Failed(message=message):
                error = {"message": message, "type": "server_error", "code": "upstream_error"}
                return b"data: %b\n\n" % json.encode({"error": {**error, "param": None}})
            case _:
                pass
        return b""

    def _begin(self, begin: Begin) -> bytes:
        head = {"id": begin.id, "object": "chat.completion.chunk", "created": self._at_s}
        whole = json.encode({**head, "model": begin.model})
        self._head = b"data: %b," % whole[:-1]
        self._tokens = begin.tokens
        return self._event(b'{"role":"assistant","content":"","refusal":null}')

    def _tool(self, begin: ToolBegin) -> bytes:
        function = {"name": begin.name, "arguments": ""}
        call = {"index": begin.number, "id": begin.id, "type": "function", "function": function}
        return self._event(json.encode({"tool_calls": [call]}))

    def _event(self, delta: bytes, finish: bytes = b"null") -> bytes:
        pattern = b'%b"choices":[{"index":0,"delta":%b,"logprobs":null,"finish_reason":%b}]%b'
        return pattern % (self._head, delta, finish, self._tail)

    def _end(self) -> bytes:
        finish = json.encode(FINISH_REASONS[self._finish or "stop"])
        events = self._event(b"{}", finish)
        if self._usage_wanted and self._tokens is not None:
            usage = json.encode(render_usage(self._tokens))
            events += b'%b"choices":[],"usage":%b}\n\n' % (self._head, usage)
        return events + b"data: [DONE]\n\n"
