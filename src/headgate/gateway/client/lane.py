"""A lane: what one of two attempts of a call that race writes to in place of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.gateway.client.tap import Tap

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.racing import Race
    from headgate.records.charge import Settlement

ANSWER: Final = b"HTTP/1.1 200 "
"""How an answer begins; what begins otherwise is a refusal, or a provider's error."""


class Lane(Tap):
    """Stands while both attempts run; what is written to it before an answer, nobody reads.

    Attributes:
        settlement: What the attempt was settled at, if it was before it answered; else None.
    """

    __slots__ = ("_exchange", "_race", "settlement")

    def __init__(self, race: Race, exchange: Exchange) -> None:
        super().__init__(None, keeping=False)
        self._race = race
        self._exchange = exchange
        self.settlement: Settlement | None = None

    def write(self, data: bytes) -> None:
        """Win the race by an answer; any other end of the attempt is not told."""
        if data.startswith(ANSWER):
            self._race.win(self._exchange, self, data)

    def ends(self, settlement: Settlement, *, whole: bool) -> None:
        """The attempt is settled; whoever stands behind the race is told once it has won."""
        self.settlement, self.whole = settlement, whole

    def leave(self) -> Tap | None:
        """The client went away, or the attempt shall end; what it writes to from now on."""
        return self._race.leave(self._exchange)

    def done(self, *, keep_alive: bool) -> None:
        """The attempt is over without an answer."""
        del keep_alive  # The client is not done with: it waits for the other attempt.
        self._race.drop_out(self._exchange)
