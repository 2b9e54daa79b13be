"""What shadow limits would have refused: counted as journals are folded, in one transaction."""

from collections.abc import Mapping

from sqlalchemy import Connection, insert, select, update

from headgate.ledger.fold import Waived
from headgate.ledger.tables import shadow as table
from headgate.store import audit
from headgate.store.audit import Event
from headgate.units.money import format_usd

WOULD_REFUSE = "budget.would_refuse"


def count_waived(connection: Connection, waived: Mapping[str, Waived]) -> None:
    """Add what was waived, and say the first of each window in the audit chain."""
    for window, more in waived.items():
        own = table.c.window == window
        known = connection.execute(select(table).where(own)).first()
        if known is not None:
            connection.execute(
                update(table)
                .where(own)
                .values(
                    attempts=known.attempts + more.attempts,
                    amount_nanos=known.amount_nanos + more.amount_nanos,
                    first_ns=min(known.first_ns, more.first_ns),
                )
            )
            continue
        connection.execute(
            insert(table).values(
                window=window,
                attempts=more.attempts,
                amount_nanos=more.amount_nanos,
                first_ns=more.first_ns,
            )
        )
        budget, _, period = window.partition("@")
        detail = {"period": period, "held_usd": format_usd(more.amount_nanos)}
        event = Event("steward", WOULD_REFUSE, f"budget:{budget}", detail)
        audit.append(connection, event, more.first_ns)
