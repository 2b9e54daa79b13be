"""Streams of Converse, read.

Wire format: events of one member each, as `headgate.dialects.bedrock_converse` says; content
comes in numbered blocks, of which only tools announce themselves.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import json

from headgate.dialects.translation.bedrock_converse import stream_shapes as shapes
from headgate.dialects.translation.bedrock_converse.reply import FINISHES, error_message, tokens
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

_EVENT: Final = json.Decoder(shapes.Event)


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

    def _start(self, block: shapes.BlockStart) -> Iterator[Delta]:
        tool = block.start.tool if block.start is not None else None
        if tool is not None and tool.type is None:
            number = self._numbers[block.index] = len(self._numbers)
            yield ToolBegin(number, tool.id, tool.name)

    def _delta(self, block: shapes.BlockDelta) -> Iterator[Delta]:
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

    def _end(self, event: shapes.Event) -> Iterator[Delta]:
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
