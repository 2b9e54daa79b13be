"""A race: two attempts of one call that run beside each other; the first answer goes to the client.

Each attempt has an exchange of its own, with its own hold, and both write to lanes. An attempt
that answers gets the client, and the other one is given up as if its client had gone away. One
that fails drops out unheard, and the other goes on as if it were alone. So two lanes stand, or
none, and whoever has no lane is a call like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.gateway.client.lane import Lane
from headgate.gateway.client.tap import Tap
from headgate.gateway.endings import UNSENT
from headgate.records.charge import HEDGE_LOST

if TYPE_CHECKING:
    from headgate.gateway.client.edge import ClientConnection
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.money.racing_books import RacingBooks
    from headgate.gateway.pipeline import Pipeline


class Race:
    """Two attempts of one call.

    Args:
        pipeline: Theirs.
        books: Where they are written down.
        first: The one that was silent; its client waits for the answer.
        beside: The one that is made beside it, not yet held.
    """

    __slots__ = ("_beside", "_body_bytes", "_books", "_client", "_first", "_pipeline")

    def __init__(
        self, pipeline: Pipeline, books: RacingBooks, first: Exchange, beside: Exchange
    ) -> None:
        client = first.client
        assert client is not None, first.call
        self._pipeline = pipeline
        self._books = books
        self._first = first
        self._beside = beside
        self._client: ClientConnection | Tap = client
        self._body_bytes = first.request.body_bytes
        first.client = Lane(self, first)
        beside.client = Lane(self, beside)
        books.race(first.call)

    def win(self, winner: Exchange, lane: Lane, data: bytes) -> None:
        """Give an attempt the client, with the first bytes of its answer; give the other up."""
        self._hand_over(winner)
        client = self._client
        if lane.settlement is not None and isinstance(client, Tap):
            client.ends(lane.settlement, whole=lane.whole)
        client.write(data)
        self._give_up(self._other(winner))

    def drop_out(self, failed: Exchange) -> None:
        """Let an attempt end unheard: the other one has the client to itself, and may go on."""
        left = self._other(failed)
        self._hand_over(left)
        left.number = max(left.number, failed.number)
        if failed is self._first and self._body_bytes:
            # The body has its room until nobody needs it; that went with the first attempt.
            left.request.body_bytes = self._body_bytes
            self._pipeline.buffer(self._body_bytes)

    def leave(self, exchange: Exchange) -> Tap | None:
        """The client went away; both attempts are seen to their end, if nobody stays for it.

        Told to the first attempt. The other one is told only when it alone shall end.

        Returns:
            What the attempt writes to from now on.
        """
        beside, client = self._beside, self._client
        if exchange is beside:
            self.drop_out(beside)
            return None
        stays = client.leave() if isinstance(client, Tap) else None
        if stays is None:
            beside.client = None
            self._pipeline.endings.client_gone(beside)
            return None
        self._client = stays
        self._pipeline.endings.client_gone(beside)
        # One that had not been sent has dropped out by now.
        now = self._first.client
        assert isinstance(now, Tap), exchange.call
        return now

    def _other(self, exchange: Exchange) -> Exchange:
        return self._beside if exchange is self._first else self._first

    def _hand_over(self, exchange: Exchange) -> None:
        client = exchange.client = self._client
        if isinstance(client, Tap):
            client.follow(exchange)
        else:
            client.exchange = exchange

    def _give_up(self, loser: Exchange) -> None:
        """End the attempt that lost: as after a client that left, by its provider's setting.

        What was not sent is not; a stream is closed where the provider says `cancel`; any other
        reply is read to its end, for its usage.
        """
        pipeline, endings = self._pipeline, self._pipeline.endings
        self._books.lose(loser.attempt)
        loser.client = loser.plan = None
        # Its session goes on where it was answered, with what that provider has of the prompt.
        loser.turn.session = loser.prompt = None
        endings.forget_body(loser)
        if loser.phase in UNSENT:
            self._books.void(loser, HEDGE_LOST, at_ns=pipeline.now_ns(), final=True)
            endings.finish(loser)
        elif loser.own.stream and loser.target.pool.provider.on_disconnect == "cancel":
            endings.give_up(loser, HEDGE_LOST)
        else:
            loser.drained_since_ms = pipeline.coarse_ms
