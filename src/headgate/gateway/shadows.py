"""Shadow limits: they refuse nothing, and what they would have refused is written down.

A call is held on shadow windows as on hard ones. Where it does not fit it goes on without that
window, as if it had been refused there: so a shadow window counts what its limit would have let
through, and its record names those it was waived on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.ledger import slices
from headgate.ledger.slices import Slice

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange


def waive(exchange: Exchange, short: Slice | str | None) -> Slice | str | None:
    """Hold a call without the shadows that it does not fit into, where that is all it lacks.

    Args:
        exchange: The call, which waited for money; nobody else's turn is now.
        short: The window that was too small, a text when the steward did not answer, None when
            the call is held.

    Returns:
        The same for the hard limits alone.
    """
    if short is None:
        return None
    path = exchange.path.waive(exchange.hold_nanos)
    if path is exchange.path:
        return short
    exchange.path = path
    found = slices.hold(path.slices, exchange.hold_nanos)
    return short if found is not None and isinstance(short, str) else found
