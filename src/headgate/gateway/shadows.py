"""Shadow limits: they refuse nothing, and what they would have refused is written down.

A call is held on shadow windows as on hard ones. Where it does not fit it goes on without that
window, as if it had been refused there: so a shadow window counts what its limit would have let
through, and its record names those it was waived on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.ledger import slices

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.ledger.slices import Slice


def waive(exchange: Exchange, short: Slice | str | None) -> Slice | str | None:
    """Hold a call on the rest of its windows, where the one that is too small is a shadow.

    Args:
        exchange: The call, which waited for money; nobody else's turn is now.
        short: The window that was too small, a text when the steward did not answer, None when
            the call is held.

    Returns:
        The same as `short`, without the shadows.
    """
    while short is not None:
        path = exchange.path
        piece = _shadow(exchange, short)
        waived = None if piece is None else path.waive(piece)
        if waived is None:
            return short
        exchange.path = waived
        found = slices.hold(waived.slices, exchange.hold_nanos)
        if found is None or not isinstance(short, str):
            short = found
    return None


def _shadow(exchange: Exchange, short: Slice | str) -> Slice | None:
    """Return the window that may be waived; without a steward, the next that is too small."""
    if not isinstance(short, str):
        return short
    path = exchange.path
    for piece, budget in zip(path.slices, path.budgets, strict=True):
        if budget.mode == "shadow" and piece.idle_nanos < exchange.hold_nanos:
            return piece
    return None
