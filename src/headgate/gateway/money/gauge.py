"""The gauge on a stream with an expected hold: what was surely not exceeded, and what is held.

Each byte that a model may have written counts as a token, and the stop reserve on top: so much the
hold covers at every moment. Before that is used up the hold is extended. When no budget has more,
the stream is ended as its output limit would end it.

A piece of a stream costs an addition and a comparison. Only when all bytes since the last look
together could exceed what is covered are they looked at, and what no model wrote is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headgate.dialects.registry import StreamReader
from headgate.dialects.stops.registry import Stop
from headgate.dialects.stops.written import Frame, written_bytes
from headgate.dialects.translation.translated import TranslatedStream
from headgate.gateway.refusals import LENGTH_STOP, stream_cut
from headgate.ledger import slices
from headgate.ledger.purse import Short, Waiting

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline

STEP_TOKENS_MIN: Final = 256
"""A hold grows by this much output at least, and otherwise doubles."""

BURST: Final = 2
"""How many times what is held has to be seen before a stream counts as one that comes in bursts."""

NOT_CLOSED: Final = stream_cut(LENGTH_STOP)
"""What a client is told where no events of its dialect would end what is open."""

NEVER: Final = 1 << 60


class Ruler(NamedTuple):
    """What a stream is measured by.

    Attributes:
        held_tokens: The output that is held at first, the reserve included.
        reserve_tokens: What the provider may generate unseen until it learns that it is over.
        unwritten: What of the stream no model wrote.
        stop: Knows what of the client's stream is open; None of one that is translated.
    """

    held_tokens: int
    reserve_tokens: int
    unwritten: Frame
    stop: Stop | None


class Gauge:
    """Watches one stream."""

    __slots__ = (
        "_asked_nanos",
        "_asked_tokens",
        "_asking",
        "_attempt",
        "_denied",
        "_exchange",
        "_held_tokens",
        "_looking",
        "_mark",
        "_pieces",
        "_pipeline",
        "_raw",
        "_reserve_tokens",
        "_seen",
        "_stop",
        "_stopping",
        "_stream",
        "_told",
        "_unwritten",
        "_whole",
    )

    def __init__(
        self, pipeline: Pipeline, exchange: Exchange, stream: StreamReader, ruler: Ruler
    ) -> None:
        self._pipeline, self._exchange, self._stream = pipeline, exchange, stream
        self._attempt = exchange.attempt
        self._held_tokens, self._reserve_tokens, self._unwritten, self._stop = ruler
        # `_pieces` came since the last look and are `_raw` bytes; before that, `_whole` tokens at
        # most in events that were whole, and `_seen` with the one that was not.
        self._pieces: list[bytes] = []
        self._raw = self._whole = self._seen = self._mark = 0
        self._told: list[bytes] = []
        self._asked_nanos = self._asked_tokens = 0
        self._asking = self._denied = self._stopping = self._looking = False
        self._set_mark()

    def tokens_max(self) -> int:
        """Return the most that was generated, if nothing was hidden: what was seen, and more."""
        self._look()
        return self._seen + self._reserve_tokens

    def feed(self, payload: bytes) -> bytes:
        """Take bytes as they come and return those that go to the client."""
        self._pieces.append(payload)
        self._raw += len(payload)
        data = self._stream.feed(payload)
        if self._raw < self._mark:
            self._told.append(data)
            return data
        self._looking = True
        self._look()
        if not self._stopping:
            self._cover()
        self._looking = False
        if self._stopping and self._exchange.begun:
            return self._end(data)
        # With its first bytes the client gets the head of its reply: they are not the last ones.
        self._told.append(data)
        return data

    # how much came

    def _look(self) -> None:
        """Count what came since the last time; an event that is not whole is counted again."""
        events = b"".join(self._pieces)
        at = _end_of_events(events)
        rest = events[at:]
        self._whole += written_bytes(self._unwritten, events[:at])
        self._seen = self._whole + written_bytes(self._unwritten, rest)
        self._pieces = [rest] if rest else []
        self._raw = 0
        if self._stop is not None and self._told:
            self._stop.add(b"".join(self._told))
        self._told = []

    @property
    def _room(self) -> int:
        """How many more bytes are covered, with the reserve left over."""
        return self._held_tokens - self._reserve_tokens - self._seen

    @property
    def _low(self) -> int:
        """From how little room on more is asked for: the steward needs its time to answer."""
        return (self._held_tokens - self._reserve_tokens) // 4

    @property
    def _held_whole(self) -> bool:
        """Whether the worst case is held by now: the provider stops by itself."""
        return self._held_tokens >= self._exchange.output_tokens_max

    def _set_mark(self) -> None:
        if self._held_whole:
            self._mark = NEVER
        elif self._asking or self._denied:
            self._mark = max(1, self._room)
        else:
            self._mark = max(1, self._room - self._low)

    @property
    def late(self) -> bool:
        """Whether so much came at once that nobody could have stopped it in time."""
        return not self._held_whole and self._seen > BURST * self._held_tokens

    # what is held

    def _cover(self) -> None:
        """See to it that what came, and the reserve, is held; else the stream has to stop."""
        if self._room <= self._low and not (self._asking or self._denied or self._held_whole):
            self._ask()
        self._see()
        if self._short and self._asking:
            self._exchange.pause()
        self._set_mark()

    @property
    def _short(self) -> bool:
        """Whether more came than is held."""
        return self._room <= 0 and not self._held_whole

    def _see(self) -> None:
        """Stop when what came is not held and nothing is left to hold it with."""
        if self._short and not self._asking:
            self._stopping = not self._take_rest()

    def _ask(self) -> None:
        """Extend the hold to twice the output, or let the steward be asked for that."""
        exchange, world = self._exchange, self._pipeline.world
        step = max(STEP_TOKENS_MIN, self._held_tokens)
        self._asked_tokens = min(exchange.output_tokens_max, self._seen + step + self._low)
        self._asked_nanos = self._price(self._asked_tokens)
        if not world.books.has_room():
            self._denied = True
        elif world.purse.try_hold(exchange.path.slices, self._asked_nanos) is None:
            self._extend(self._asked_tokens, self._asked_nanos)
        else:
            self._asking = True
            path, since_ms = exchange.path.slices, self._pipeline.coarse_ms
            # Where it is refused what is left comes with the answer, for `_take_rest`.
            world.purse.wait(
                Waiting(path, self._asked_nanos, self.on_money, since_ms, shorten=True)
            )

    def on_money(self, short: Short | str | None) -> None:
        """The steward has answered, perhaps after the attempt was over."""
        self._asking = False
        if self._is_over:
            if short is None:
                slices.void(self._exchange.path.slices, self._asked_nanos)
            return
        if short is None:
            self._extend(self._asked_tokens, self._asked_nanos)
        else:
            # Also when it is in other hands: streams that waited for each other would never end.
            self._denied = True
        self._go_on()

    @property
    def _is_over(self) -> bool:
        """Whether the attempt has ended, and perhaps another one has begun."""
        exchange = self._exchange
        return exchange.attempt != self._attempt or not exchange.held

    def _go_on(self) -> None:
        """Go on with a stream that may have waited."""
        if self._looking:
            return
        self._look()
        self._see()
        self._set_mark()
        client = self._exchange.client
        if self._stopping and self._ends_here():
            self._end(b"")
        elif not (self._short and self._asking) and (client is None or not client.paused):
            self._exchange.resume()

    def _take_rest(self) -> bool:
        """Hold what the budgets have left, if it is worth anything; False when it is not."""
        exchange = self._exchange
        card = exchange.card
        assert card is not None
        if not self._pipeline.world.books.has_room():
            return False
        idle = min(piece.idle_nanos for piece in exchange.path.slices)
        within = card.output_tokens_within(exchange.hold_nanos + idle, exchange.input_tokens_max)
        tokens = min(within, exchange.output_tokens_max, self._held_tokens + STEP_TOKENS_MIN)
        if tokens <= self._seen + self._reserve_tokens and tokens < exchange.output_tokens_max:
            return False
        amount = self._price(tokens)
        if slices.hold(exchange.path.slices, amount) is not None:
            return False
        self._extend(tokens, amount)
        return True

    def _price(self, tokens: int) -> int:
        """Return what the hold lacks to cover so much output."""
        exchange = self._exchange
        card = exchange.card
        assert card is not None
        return max(0, card.worst_nanos(exchange.input_tokens_max, tokens) - exchange.hold_nanos)

    def _extend(self, tokens: int, amount_nanos: int) -> None:
        """Write down that more is held; it counts once that is as durable as holds are."""
        world = self._pipeline.world
        self._denied = False
        if amount_nanos:
            world.books.extend(self._exchange, amount_nanos, self._pipeline.now_ns())
        if world.syncs is None:
            self._held_tokens = tokens
        else:
            self._asking = True
            world.syncs.wait(lambda synced: self._synced(tokens, synced))

    def _synced(self, tokens: int, synced: bool) -> None:
        """The extension is on the disk, or the disk has failed."""
        self._asking = False
        if self._is_over:
            return
        if synced:
            self._held_tokens = tokens
        else:
            self._denied = True
        self._go_on()

    # how it ends

    def _ends_here(self) -> bool:
        """Tell whether the client was sent whole events only."""
        return isinstance(self._stream, TranslatedStream) or not self._pieces

    def _end(self, data: bytes) -> bytes:
        """End the stream behind the last whole event; return what goes to the client until then."""
        self._look()
        stream, stop = self._stream, self._stop
        tokens = min(self._seen + self._reserve_tokens, self._exchange.output_tokens_max)
        if isinstance(stream, TranslatedStream):
            closing = stream.close()
        else:
            assert stop is not None
            at = _end_of_events(data)
            if not at and not self._ends_here():
                self._told.append(data)
                self._mark = 1
                return data
            stop.add(data[:at])
            closing = stop.close(tokens)
            if closing is not None:
                data = data[:at]
        if closing is None:
            # It has said already why it ends: what is left of it is not generated any more.
            self._stopping, self._mark = False, NEVER
            return data
        exchange = self._exchange
        last = closing or exchange.dialect.render_stream_error(NOT_CLOSED, exchange.call)
        self._pipeline.endings.length_stop(exchange, data + last, tokens)
        return b""


def _end_of_events(events: bytes) -> int:
    """Return how many of the bytes are whole events, 0 when none is."""
    return max(
        events.rfind(end) + len(end) if end in events else 0 for end in (b"\n\n", b"\r\n\r\n")
    )
