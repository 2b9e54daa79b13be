"""Raises of limits in the store: in force from their approval until an instant.

All functions that change something do so as part of the caller's transaction.
"""

from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from headgate.budgets.tables import budget_raise
from headgate.store import audit
from headgate.store.audit import Event
from headgate.units.instants import to_iso
from headgate.units.money import format_usd


class Raise(NamedTuple):
    """A budget's limit is higher until an instant; `approval` names the decision it goes by."""

    approval: str
    budget: str
    by_nanos: int
    until_ns: int


def put_in_force(connection: Connection, wanted: Raise, actor: str, now_ns: int) -> None:
    """Raise a limit from now on, as was approved."""
    keep_raise(connection, wanted)
    audit.append(connection, raised(wanted, actor), now_ns)


def keep_raise(connection: Connection, wanted: Raise) -> None:
    """Raise a limit from now on; the caller tells the audit chain."""
    connection.execute(insert(budget_raise).values(wanted._asdict()))


def raised(wanted: Raise, actor: str, reason: str = "") -> Event:
    """Return what the audit chain is told of a raise."""
    event = _event(wanted, actor, "budget.raised")
    return event._replace(detail={**event.detail, "reason": reason}) if reason else event


def in_force(connection: Connection, now_ns: int) -> list[Raise]:
    """Return the raises that hold now."""
    columns = [budget_raise.c[field] for field in Raise._fields]
    rows = select(*columns).where(budget_raise.c.until_ns > now_ns)
    return [Raise(*row) for row in connection.execute(rows)]


def tell_ended(connection: Connection, now_ns: int) -> None:
    """Say in the audit chain which raises are over; by itself each ends at its instant."""
    columns = [budget_raise.c[field] for field in Raise._fields]
    late = budget_raise.c.until_ns <= now_ns
    over = select(*columns).where(late, budget_raise.c.ended_ns.is_(None))
    for row in connection.execute(over).all():
        ended = Raise(*row)
        this = budget_raise.c.approval == ended.approval
        connection.execute(update(budget_raise).where(this).values(ended_ns=now_ns))
        audit.append(connection, _event(ended, "steward", "budget.raise_ended"), now_ns)


def _event(about: Raise, actor: str, action: str) -> Event:
    detail = {
        "approval": about.approval,
        "by_usd": format_usd(about.by_nanos),
        "until": to_iso(about.until_ns),
    }
    return Event(actor, action, f"budget:{about.budget}", detail)
