"""A stream gathered, as it comes, into the whole answer that it says; pure."""

from __future__ import annotations

from headgate.dialects.translation.events import Events
from headgate.dialects.translation.registry import StreamParser
from headgate.records.conversation import Declined, RedactedThinking, Text, Thinking, ToolUse
from headgate.records.reply import (
    Begin,
    DeclinedDelta,
    Delta,
    End,
    Ending,
    Failed,
    Finish,
    Reply,
    ReplyPart,
    TextDelta,
    ThinkingDelta,
    ToolBegin,
    ToolDelta,
)


class Gathered:
    """What a stream has said so far.

    Args:
        parser: Reads the events of its dialect.
    """

    def __init__(self, parser: StreamParser) -> None:
        self._parser = parser
        self._events = Events()
        self._begin = Begin("", "")
        self._done: list[ReplyPart] = []
        self._said: list[str] = []
        self._saying: type[Text | Thinking | Declined] = Text
        self._signature = ""
        self._tools: dict[int, tuple[int, str, str, list[str]]] = {}
        self._finish: Finish | None = None
        self._stop_sequence: str | None = None
        self._ended = self._unreadable = False

    def feed(self, payload: bytes) -> None:
        """Take bytes as they come; what comes behind something unreadable is passed over."""
        if self._unreadable or not payload:
            return
        try:
            for data in self._events.feed(payload):
                for delta in self._parser.parse(data):
                    self._add(delta)
        except (ValueError, KeyError, RecursionError):
            self._unreadable = True

    def reply(self) -> Reply | None:
        """Return the whole answer once all bytes are here; None for one that says none."""
        try:
            for data in self._events.flush():
                for delta in self._parser.parse(data):
                    self._add(delta)
            for delta in self._parser.end():
                self._add(delta)
        except (ValueError, KeyError, RecursionError):
            return None
        if self._unreadable or not self._ended:
            return None
        self._turn(Text)
        parts = list(self._done)
        for place, identity, name, pieces in self._tools.values():
            parts[place] = ToolUse(identity, name, "".join(pieces))
        begin = self._begin
        return Reply(begin.id, begin.model, tuple(parts), self._finish, self._stop_sequence)

    def _add(self, delta: Delta) -> None:
        match delta:
            case TextDelta(text=text):
                self._say(Text, text)
            case ThinkingDelta(text=text, signature=signature):
                self._say(Thinking, text)
                self._signature += signature
            case DeclinedDelta(text=text):
                self._say(Declined, text)
            case RedactedThinking():
                self._turn(Text)
                self._done.append(delta)
            case ToolBegin(number=number, id=identity, name=name):
                self._turn(Text)
                self._tools[number] = (len(self._done), identity, name, [])
                self._done.append(ToolUse(identity, name, ""))
            case ToolDelta(number=number, arguments=arguments):
                self._tools[number][3].append(arguments)
            case _:
                self._note(delta)

    def _note(self, delta: Delta) -> None:
        """Take what is no part of the answer: sources and counts are not asked for."""
        match delta:
            case Begin():
                self._begin = delta
            case Ending(finish=finish, stop_sequence=stop_sequence):
                self._finish, self._stop_sequence = finish, stop_sequence
            case End():
                self._ended = True
            case Failed():
                self._unreadable = True

    def _say(self, kind: type[Text | Thinking | Declined], text: str) -> None:
        """Add to what is being said; another kind of saying begins a part of its own."""
        if kind is not self._saying:
            self._turn(kind)
        self._said.append(text)

    def _turn(self, kind: type[Text | Thinking | Declined]) -> None:
        """End the part that is being said, if anything was, and turn to another kind."""
        text, self._said = "".join(self._said), []
        signature, self._signature = self._signature, ""
        if self._saying is Thinking and (text or signature):
            self._done.append(Thinking(text, signature))
        elif text:
            self._done.append(self._saying(text))
        self._saying = kind
