"""Streams of Converse, read.

Wire format: events of one member each, as `headgate.dialects.bedrock_converse` says; content
comes in numbered blocks, of which only tools announce themselves.
"""

from collections.abc import Iterator

from msgspec import Raw, Struct, field, json

from headgate.dialects.translation.bedrock_converse.reply import (
    FINISHES,
    Usage,
    error_message,
    tokens,
)
from headgate.dialects.translation.events import MarkedEnd
from headgate.records.conversation import RedactedThinking
from headgate.records.reply import (
    Begin,
    Counted,
    Delta,
    End,
    Ending,
    Failed,
    TextDelta,
    ThinkingDelta,
    ToolBegin,
    ToolDelta,
)

_NULL = Raw(b"null")


class _ToolStart(Struct, gc=False):
    id: str = field(name="toolUseId")
    name: str
    type: str | None = None


class _Start(Struct, gc=False):
    tool: _ToolStart | None = field(default=None, name="toolUse")


class _BlockStart(Struct, gc=False):
    index: int = field(name="contentBlockIndex")
    start: _Start | None = None


class _ToolDelta(Struct, gc=False):
    input: str = ""


class _Reasoning(Struct, gc=False):
    text: str | None = None
    signature: str | None = None
    redacted: str | None = field(default=None, name="redactedContent")


class _Delta(Struct, gc=False):
    text: str | None = None
    tool: _ToolDelta | None = field(default=None, name="toolUse")
    reasoning: _Reasoning | None = field(default=None, name="reasoningContent")


class _BlockDelta(Struct, gc=False):
    index: int = field(name="contentBlockIndex")
    delta: _Delta = field(default_factory=_Delta)


class _Stop(Struct, gc=False):
    reason: str | None = field(default=None, name="stopReason")


class _Metadata(Struct, gc=False):
    usage: Usage | None = None


class _Event(Struct, gc=False):
    begin: Raw = field(default=_NULL, name="messageStart")
    start: _BlockStart | None = field(default=None, name="contentBlockStart")
    more: _BlockDelta | None = field(default=None, name="contentBlockDelta")
    stop: _Stop | None = field(default=None, name="messageStop")
    metadata: _Metadata | None = None
    error: Raw = _NULL


_EVENT = json.Decoder(_Event)


class StreamParser(MarkedEnd):
    """Reads events; the stream ends once both the reason and the usage were told."""

    __slots__ = ("_counted", "_numbers", "_stopped")

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._stopped = self._counted = False

    def parse(self, data: bytes) -> Iterator[Delta]:
        """Yield what one event says.

        Raises:
            msgspec.DecodeError: It is no event of this dialect.
        """
        event = _EVENT.decode(data)
        if event.more is not None:
            yield from self._delta(event.more)
        elif event.start is not None:
            yield from self._start(event.start)
        elif bytes(event.begin) != b"null":
            yield Begin("", "")
        elif bytes(event.error) != b"null":
            yield Failed(error_message(data) or "The provider ended the stream with an error.")
        else:
            yield from self._end(event)

    def _start(self, block: _BlockStart) -> Iterator[Delta]:
        tool = block.start.tool if block.start is not None else None
        if tool is not None and tool.type is None:
            number = self._numbers[block.index] = len(self._numbers)
            yield ToolBegin(number, tool.id, tool.name)

    def _delta(self, block: _BlockDelta) -> Iterator[Delta]:
        delta = block.delta
        if delta.text:
            yield TextDelta(delta.text)
        elif delta.tool is not None:
            number = self._numbers.get(block.index)
            if number is not None and delta.tool.input:
                yield ToolDelta(number, delta.tool.input)
        elif delta.reasoning is not None:
            thought = delta.reasoning
            if thought.redacted is not None:
                yield RedactedThinking(thought.redacted)
            elif thought.text or thought.signature:
                yield ThinkingDelta(thought.text or "", thought.signature or "")

    def _end(self, event: _Event) -> Iterator[Delta]:
        """Yield the reason and the usage, whichever comes first, and the end after both."""
        if event.stop is not None:
            self._stopped = True
            yield Ending(FINISHES.get(event.stop.reason or "", "stop"))
        elif event.metadata is not None and event.metadata.usage is not None:
            self._counted = True
            yield Counted(tokens(event.metadata.usage))
        else:
            return
        if self._stopped and self._counted:
            yield End()
