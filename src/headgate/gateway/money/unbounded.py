"""Features without a bound: what runs at the provider, capped by what a route allows a call.

Under a budget such a call holds the cap on top of its worst case. What the provider bills beyond
both is posted all the same, as overage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from headgate.gateway.money.pieces import worst_nanos
from headgate.records.charge import Settlement
from headgate.records.demand import Demand
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange

UNCOUNTED: Final = "uses_uncounted"
"""Why a call is not posted as measured: its usage leaves out what such a feature was used for."""


class Caps:
    """What features without a bound may cost a call, in nano-dollars by the alias it asks for."""

    def __init__(self, nanos: Mapping[str, int]) -> None:
        self._nanos = nanos

    def refuse(self, demand: Demand) -> Refusal | None:
        """Tell why a call under a budget may not use such a feature, None when it may."""
        if demand.model in self._nanos:
            return None
        return Refusal(
            errors.FEATURE_UNBOUNDED,
            f"{demand.unbounded} has no bounded cost, and this call is under a hard budget.",
            demand.unbounded,
        )

    def nanos_of(self, exchange: Exchange) -> int:
        """Return what a call holds on top, 0 when no budget limits it."""
        return self._nanos.get(exchange.asked, 0) if exchange.path.slices else 0


def with_cap(exchange: Exchange, settlement: Settlement) -> Settlement:
    """Return what a call is posted at that may have used such a feature.

    As measured where the usage says how often, or where that is above the hold already. Elsewhere
    the cap counts as used, as far as it is held.
    """
    card = exchange.card
    uncounted = settlement.state == "measured" and not exchange.demand.uses_counted
    if card is None or not uncounted or settlement.amount_nanos >= exchange.hold_nanos:
        return settlement
    cap = exchange.hold_nanos - worst_nanos(card, exchange)
    if cap <= 0:
        return settlement
    amount = min(settlement.amount_nanos + cap, exchange.hold_nanos)
    return Settlement(amount, "estimated", usage=settlement.usage, reason=UNCOUNTED)
