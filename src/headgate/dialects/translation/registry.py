"""The dialects that can be translated, found by their `KIND`, and what each one must offer."""

from collections.abc import Iterable, Iterator
from typing import Protocol, cast

from msgspec import Raw

from headgate.dialects import translation as folder
from headgate.dialects.registry import discover
from headgate.dialects.translation.losses import Losses
from headgate.dialects.translation.parser import Reading
from headgate.dialects.translation.written import Written
from headgate.records.conversation import Bound, Call
from headgate.records.demand import Edit
from headgate.records.reply import Delta, Reply


class StreamParser(Protocol):
    """Reads the events of one stream."""

    def parse(self, data: bytes, /) -> Iterable[Delta]:
        """Return what one event says.

        Raises:
            msgspec.DecodeError: It is no event of this dialect.
        """

    def end(self) -> Iterator[Delta]:
        """Yield what the end of the bytes says, where no event says that it is the last."""


class StreamRenderer(Protocol):
    """Writes the events of one stream."""

    def render(self, delta: Delta, /) -> bytes:
        """Return the events of a delta; empty when there is nothing to say yet.

        Raises:
            ValueError: No event can say it.
        """


class StreamParsers(Protocol):
    """Makes the parser of a stream."""

    def __call__(self) -> StreamParser:
        """Return a new one."""


class StreamRenderers(Protocol):
    """Makes the renderer of a stream."""

    def __call__(self, at_s: int, /, *, usage_wanted: bool) -> StreamRenderer:
        """Return a new one, for a stream of the instant `at_s` in seconds since 1970."""


class Teller(Protocol):
    """What every module here offers: calls are told in its dialect, and its replies understood.

    Attributes:
        KIND: The dialect, as in `headgate.dialects`.
    """

    KIND: str
    StreamParser: StreamParsers

    def render_call(self, call: Call, edit: Edit, losses: Losses, /) -> Written:
        """Write a request for the model and with the limit of `edit`, and say what it asks for.

        Raises:
            TranslationError: Something in it cannot be said in this dialect at all.
        """

    def parse_reply(self, body: bytes, /) -> Reply:
        """Read a whole reply.

        Raises:
            msgspec.DecodeError: It is none.
            ValueError: It has no answer in it.
        """

    def error_message(self, body: bytes, /) -> str | None:
        """Return what an error reply or event says, None when it cannot be read."""


class Translator(Teller, Protocol):
    """What a module of a dialect that clients speak offers as well: the way back."""

    StreamRenderer: StreamRenderers

    def parse_call(self, body: bytes | dict[str, Raw], /) -> Call:
        """Read a request, of which the members may be known already; they are taken out.

        Raises:
            TranslationError: A leaf cannot be understood.
        """

    def parsing(self, body: bytes | dict[str, Raw], /) -> Reading:
        """Read a request as `parse_call` does, with a pause behind each of its turns."""

    def bound(self, body: bytes, call: Call | None = None, /) -> Bound | None:
        """Return where a conversation may go because of what it carries, None for anywhere.

        Args:
            body: What the client sent.
            call: What it means, where that is known.
        """

    def render_reply(self, reply: Reply, at_s: int, /) -> bytes:
        """Write a whole reply of the instant `at_s` in seconds since 1970."""


def tellers() -> dict[str, Teller]:
    """Return every dialect that calls can be translated to, by kind."""
    return {kind: cast(Teller, part) for kind, part in discover(folder).items()}


def translators() -> dict[str, Translator]:
    """Return every dialect whose clients can be served by translation, by kind."""
    found = tellers().items()
    return {kind: cast(Translator, part) for kind, part in found if hasattr(part, "parse_call")}
