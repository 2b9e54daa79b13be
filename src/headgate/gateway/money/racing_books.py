"""The books of a worker that hedges: of a call two attempts may be held at once.

Another class, so that those that do not hedge pay nothing for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from headgate.gateway.money.books import Books
from headgate.records.charge import HEDGE_LOST

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.records.charge import Settlement
    from headgate.records.journal import CacheNote
    from headgate.records.report import Report
    from headgate.store.journal_writer import JournalWriter

UNHEARD: Final = (None, "client_gone")
"""How an attempt that lost ends as any would; whatever else ends it is said as it is."""


class RacingBooks(Books):
    """Knows which attempts run beside another one, and which of them have lost."""

    def __init__(self, journal: JournalWriter) -> None:
        super().__init__(journal)
        self._racing: set[str] = set()
        self._lost: set[str] = set()

    def race(self, call: str) -> None:
        """Note that a call has two attempts from now on: whichever ends first is not the last."""
        self._racing.add(call)

    def lose(self, attempt: str) -> None:
        """Note that an attempt that is held has lost."""
        self._lost.add(attempt)

    def settle(
        self,
        exchange: Exchange,
        settlement: Settlement,
        *,
        report: Report,
        at_ns: int,
        final: bool,
        cache: CacheNote | None = None,
    ) -> None:
        """Post what an attempt cost and free the rest of its hold."""
        if self._has_lost(exchange) and settlement.reason in UNHEARD:
            settlement = replace(settlement, reason=HEDGE_LOST)
        last = self._is_last(exchange)
        super().settle(
            exchange, settlement, report=report, at_ns=at_ns, final=final and last, cache=cache
        )

    def void(self, exchange: Exchange, reason: str, *, at_ns: int, final: bool) -> None:
        """Free a hold of which certainly no byte reached the provider."""
        self._lost.discard(exchange.attempt)
        last = self._is_last(exchange)
        super().void(exchange, reason, at_ns=at_ns, final=final and last)

    def _has_lost(self, exchange: Exchange) -> bool:
        lost = exchange.attempt in self._lost
        self._lost.discard(exchange.attempt)
        return lost

    def _is_last(self, exchange: Exchange) -> bool:
        """Tell whether no other attempt of a call runs any more; once of two it is so."""
        races = exchange.call in self._racing
        self._racing.discard(exchange.call)
        return not races
