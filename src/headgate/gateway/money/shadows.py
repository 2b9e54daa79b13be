"""Shadow limits: they refuse nothing, and what they would have refused is written down.

A call is held on shadow windows as on hard ones. Where it does not fit it goes on without that
window, as if it had been refused there: so a shadow window counts what its limit would have let
through, and its record names those it was waived on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.ledger.purse import Short

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange


def waive(exchange: Exchange, short: Short | str) -> bool:
    """Take a call off a shadow window that it does not fit into.

    Args:
        exchange: The call, which waited for money and got none.
        short: The window that is too small; a text when the steward did not answer, so that there
            is no money for it on any window.

    Returns:
        False when a hard limit is in its way; else the call can be held on what is left.
    """
    if isinstance(short, str):
        return False
    budget, _ = exchange.path.budget_of(short.piece)
    if budget.mode == "hard":
        return False
    exchange.path = exchange.path.waive(short.piece)
    return True
