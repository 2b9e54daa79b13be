"""An answer as all dialects mean it: whole, or as the pieces of a stream.

A stream's parser makes `Delta`s of bytes that are cut anywhere; a renderer makes events of them.
"""

from typing import Literal, NamedTuple

from msgspec import Struct

from headgate.records.conversation import Declined, RedactedThinking, Text, Thinking, ToolUse

Finish = Literal["stop", "stop_sequence", "length", "tool_use", "refusal", "pause"]

ReplyPart = Text | Thinking | RedactedThinking | Declined | ToolUse


class Tokens(Struct, frozen=True, gc=False):
    """What a reply says it used, to be told again in the client's convention; never billed by.

    Attributes:
        uncached: Prompt tokens that were neither read from the cache nor written to it.
        output: All generated tokens, with those of `reasoning`.
    """

    uncached: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0


class Citation(NamedTuple):
    """Where something that was said comes from.

    Attributes:
        url: The address of the source; empty for none, and then it is told nowhere.
        title: The source's title, empty when unknown.
        start: The first character it stands for, counted in all the texts of the reply as one.
        end: The character behind the last.
    """

    url: str
    title: str
    start: int
    end: int


class Reply(Struct, frozen=True, gc=False):
    """A whole answer.

    Attributes:
        finish: Why it ended, None when it does not say.
        stop_sequence: Which of the client's stop sequences it met, None when none or unknown.
        tokens: None when it reports none.
        lost: JSON paths of what it says that has no place here.
        citations: The sources of its texts, in the order it names them.
    """

    id: str
    model: str
    parts: tuple[ReplyPart, ...]
    finish: Finish | None
    stop_sequence: str | None = None
    tokens: Tokens | None = None
    lost: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()


class Begin(Struct, frozen=True, gc=False):
    """The stream has begun; `tokens` is what is known of the prompt already."""

    id: str
    model: str
    tokens: Tokens | None = None


class TextDelta(Struct, frozen=True, gc=False):
    """More of the answer."""

    text: str


class Cited(Struct, frozen=True, gc=False):
    """A source of the texts so far."""

    citation: Citation


class ThinkingDelta(Struct, frozen=True, gc=False):
    """More of the thoughts, or the signature that ends them."""

    text: str = ""
    signature: str = ""


class DeclinedDelta(Struct, frozen=True, gc=False):
    """More of the words on why there is no answer."""

    text: str


class ToolBegin(Struct, frozen=True, gc=False):
    """A tool is called; `number` counts the calls of the stream from 0."""

    number: int
    id: str
    name: str


class ToolDelta(Struct, frozen=True, gc=False):
    """More of the arguments of call `number`, as JSON text."""

    number: int
    arguments: str


class Ending(Struct, frozen=True, gc=False):
    """Why the answer ended; the stream goes on to its `End`."""

    finish: Finish
    stop_sequence: str | None = None


class Counted(Struct, frozen=True, gc=False):
    """What was used so far; the last one counts."""

    tokens: Tokens


class End(Struct, frozen=True, gc=False):
    """The stream ended as its dialect says it must."""


class Failed(Struct, frozen=True, gc=False):
    """The provider ended the stream with an error."""

    message: str


Delta = (
    Begin
    | TextDelta
    | Cited
    | ThinkingDelta
    | RedactedThinking
    | DeclinedDelta
    | ToolBegin
    | ToolDelta
    | Ending
    | Counted
    | End
    | Failed
)
