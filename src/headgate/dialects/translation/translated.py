"""A client of one dialect served by a deployment of another: what the pipeline sees of it.

Translation stands in front of what is done natively: the client's body becomes a body of the
target's dialect, which is then bounded, edited and metered like any other of that dialect. What
comes back is metered as the target's dialect says, and told again in the client's.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec import Raw, structs

from headgate.dialects.body import TOO_DEEP
from headgate.dialects.long_body import is_utf8
from headgate.dialects.opened import Members
from headgate.dialects.registry import Dialect, SpokenDialect, StreamReader
from headgate.dialects.sse import first_data
from headgate.dialects.translation.check import check
from headgate.dialects.translation.events import Events
from headgate.dialects.translation.fields import TranslationError
from headgate.dialects.translation.losses import Losses, bounded, places
from headgate.dialects.translation.registry import (
    StreamParser,
    StreamRenderer,
    Teller,
    Translator,
)
from headgate.records.conversation import Call
from headgate.records.demand import Demand, Edit
from headgate.records.reply import Begin, Delta, End, Ending, Failed, TextDelta
from headgate.records.report import Report
from headgate.units.errors import BODY_MALFORMED, FEATURE_UNSUPPORTED, UPSTREAM_BROKEN, Refusal

NOT_TOLD: Final = "The provider's answer cannot be told in the dialect of this call."


def as_text(said: bytes) -> bytes:
    """Return what a provider said; what is no UTF-8 in it becomes U+FFFD, for no dialect has it."""
    return said if is_utf8(said) else said.decode(errors="replace").encode()


# Of any length, for what is asked of them is remembered: the compiler makes pairs anew each time.
_LAST: Final[tuple[type[End | Failed], ...]] = (End, Failed)


class Name:
    """What stands for the id and the model of a reply that does not say them."""

    __slots__ = ("call", "model")

    def __init__(self, call: str, model: str) -> None:
        self.call, self.model = call, model


class Translation:
    """A body in the target's dialect.

    Attributes:
        demand: What it asks for, as the target's dialect would read it.
        lost: Where the client's body says what it does not; bounded.
    """

    __slots__ = ("body", "demand", "lost")

    def __init__(self, body: bytes, demand: Demand, lost: tuple[str, ...]) -> None:
        self.body, self.demand, self.lost = body, demand, lost


class Translated:
    """One attempt in a foreign dialect; offers of a `Dialect` what an attempt needs.

    Attributes:
        KIND: The target's dialect.
        FORWARDED: No header of the client's dialect means anything to the target.
        untold: Where the target's whole reply says what no other dialect does; bounded.
    """

    __slots__ = ("_at_s", "_client", "_from", "_name", "_to", "_upstream", "untold")

    FORWARDED: frozenset[bytes] = frozenset()

    def __init__(
        self,
        client: tuple[Dialect, Translator],
        upstream: tuple[SpokenDialect, Teller],
        at_s: int,
        call: str = "",
    ) -> None:
        """Translate between two dialects, at an instant in seconds.

        Args:
            client: What the client speaks.
            upstream: What the target speaks.
            at_s: Seconds since 1970, which some dialects tell.
            call: The call's id, which stands for that of a reply without one.
        """
        self._client, self._from = client
        self._upstream, self._to = upstream
        self._at_s = at_s
        self._name = Name(call, "")
        self.untold: tuple[str, ...] = ()

    @property
    def KIND(self) -> str:  # noqa: N802
        """The target's dialect; named as in the modules of the dialects."""
        return self._upstream.KIND

    def translate(
        self, body: bytes | Mapping[str, Raw] | Call, edit: Edit, *, stream: bool, drop: bool
    ) -> Translation | Refusal:
        """Say a request, which the client's dialect has read, in the target's.

        Args:
            body: The client's; or its members, or what it means, where those are known.
            edit: The model and the limit to render.
            stream: Whether the reply is to be streamed; not every dialect says it in the body.
            drop: Whether features that the target lacks may be left out; otherwise the first
                that would change the answer refuses the call.
        """
        try:
            call = self._read(body)
            if call.stream != stream:
                call = structs.replace(call, stream=stream)
            check(call.turns)
            losses = Losses(call.lost)
            new = self._to.render_call(call, edit, losses)
        except TranslationError as error:
            return TOO_DEEP if isinstance(error.__cause__, RecursionError) else error.refusal
        if not drop:
            for loss in losses.found:
                if not loss.hint:
                    message = f"{loss.at} {loss.reason}, and this route leaves nothing out."
                    return Refusal(FEATURE_UNSUPPORTED, message, loss.at)
        if not is_utf8(new.body):
            # Members that are carried as they are were never decoded on the way.
            return Refusal(BODY_MALFORMED, "The body holds a text that is not UTF-8.")
        self._name = Name(self._name.call, edit.model)
        return Translation(new.body, new.demand, places(losses.found))

    def _read(self, body: bytes | Mapping[str, Raw] | Call) -> Call:
        if isinstance(body, Call):
            return body
        if isinstance(body, bytes):
            return self._from.parse_call(body)
        # What is taken out of the members of a long body is taken out of a copy.
        return self._from.parse_call(body if isinstance(body, Members) else dict(body))

    def edit(self, body: bytes, demand: Demand, edit: Edit) -> bytes:
        """Change a translated body as `edit` says."""
        return self._upstream.edit(body, demand, edit)

    def report(self, body: bytes) -> Report:
        """Read the metering facts of the target's reply."""
        return self._upstream.report(body)

    def starts_with_error(self, payload: bytes) -> bool:
        """Tell whether the first event of the target's stream is an error."""
        return self._upstream.starts_with_error(payload)

    def render_reply(self, body: bytes) -> bytes | None:
        """Tell the target's reply in the client's dialect; None when it cannot be understood."""
        try:
            reply = self._to.parse_reply(as_text(body))
        except (ValueError, RecursionError):
            return None
        self.untold = bounded(reply.lost)
        if not (reply.id and reply.model):
            name = self._name
            reply = structs.replace(
                reply, id=reply.id or name.call, model=reply.model or name.model
            )
        return self._from.render_reply(reply, self._at_s)

    def error_message(self, body: bytes) -> str | None:
        """Return what the target's error says, be it a reply or the first event of a stream."""
        return self._to.error_message(as_text(first_data(body) or body))

    def Stream(self, strip_usage: bool) -> StreamReader:  # noqa: N802
        """Return the reader of one stream; named as in the modules of the dialects."""
        return TranslatedStream(
            self._upstream.Stream(False),
            self._to.StreamParser(),
            self._from.StreamRenderer(self._at_s, usage_wanted=not strip_usage),
            self._client.render_stream_error,
            self._name,
        )


class TranslatedStream:
    """Reads the target's stream for its metering facts, and tells it in the client's dialect."""

    __slots__ = (
        "_ending",
        "_error",
        "_events",
        "_name",
        "_over",
        "_parser",
        "_reader",
        "_renderer",
    )

    def __init__(
        self,
        reader: StreamReader,
        parser: StreamParser,
        renderer: StreamRenderer,
        error: Callable[[Refusal, str | None], bytes],
        name: Name,
    ) -> None:
        self._reader = reader
        self._parser = parser
        self._renderer = renderer
        self._error = error
        self._name = name
        self._events = Events()
        self._over = self._ending = False

    @property
    def head_report(self) -> Report | None:
        """What the first event says; None until it has arrived whole."""
        return self._reader.head_report

    def feed(self, payload: bytes) -> bytes:
        """Take bytes as they come and return those that go to the client.

        What cannot be told ends the client's stream with an error; the rest is metered still.
        """
        self._reader.feed(payload)
        if self._over:
            return b""
        return self._told(payload)

    def flush(self) -> bytes:
        """Return what an event without its end says, and the end itself."""
        self._reader.flush()
        if self._over:
            return b""
        return self._told(None)

    def finish(self) -> Report:
        """Return what the whole stream said."""
        return self._reader.finish()

    def close(self) -> bytes | None:
        """End the client's stream as its output limit would: all that comes is metered still.

        Returns:
            The events; None when the stream has said already why it ends, empty when what is
            open cannot be ended in order.
        """
        if self._over or self._ending:
            return None
        self._over = True
        try:
            return self._renderer.render(Ending("length")) + self._renderer.render(End())
        except ValueError:
            return b""

    def _told(self, payload: bytes | None) -> bytes:
        """Return what bytes of the target say, None for their end, in the client's dialect."""
        told: list[bytes] = []
        try:
            events = self._events.flush() if payload is None else self._events.feed(payload)
            for data in events:
                self._tell(self._parser.parse(as_text(data)), told)
                if self._over:
                    return b"".join(told)
            if payload is None:
                self._tell(self._parser.end(), told)
        except (ValueError, RecursionError):
            self._over = True
            told.append(self._error(Refusal(UPSTREAM_BROKEN, NOT_TOLD), self._name.call or None))
        return told[0] if len(told) == 1 else b"".join(told)

    def _tell(self, deltas: Iterable[Delta], told: list[bytes]) -> None:
        """Add what deltas are in the client's dialect, up to the end of its stream."""
        for delta in deltas:
            if isinstance(delta, TextDelta):
                told.append(self._renderer.render(delta))
                continue
            told.append(self._renderer.render(self._named(delta)))
            if isinstance(delta, Ending):
                self._ending = True
            elif isinstance(delta, _LAST):
                self._over = True
                return

    def _named(self, delta: Delta) -> Delta:
        """Return a delta; a beginning without a name gets ours."""
        if not isinstance(delta, Begin):
            return delta
        name = self._name
        return structs.replace(delta, id=delta.id or name.call, model=delta.model or name.model)
