"""Drift: by how much what providers say they charged differs from the books, by provider.

What reconciling found last is kept here, a row for each provider, model and day.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    String,
    Table,
    delete,
    insert,
    select,
)

from headgate.records.reconciled import Cell
from headgate.store import audit
from headgate.store.audit import Detail, Event
from headgate.store.schema import METADATA
from headgate.units.money import format_usd

DRIFTED = "reconcile.drift"
EXPLAINED = frozenset({"agreed", "late"})
"""Reasons whose difference is none, or not known yet."""

reconciled = Table(
    "reconciled",
    METADATA,
    Column("provider", String, primary_key=True),
    Column("model", String, primary_key=True),
    Column("day", String, primary_key=True),
    Column("reason", String, nullable=False),
    Column("booked_nanos", BigInteger, nullable=False),
    Column("told_nanos", BigInteger),
    Column("calls", Integer, nullable=False),
    Column("told_calls", Integer),
    Column("checked_ns", BigInteger, nullable=False),
)
"""What was found of each cell when it was last compared."""


class Drift(NamedTuple):
    """How far a provider's reports are from the books.

    Attributes:
        days: How many days were compared.
        booked_nanos: What the books have of the cells that are settled.
        told_nanos: What the provider says of them.
        drift_nanos: The differences of the cells, each without its sign, summed up.
        unknown_nanos: The part of it that no reason accounts for.
        late: How many cells may still change.
        checked_ns: When it was last compared.
    """

    provider: str
    days: int
    booked_nanos: int
    told_nanos: int
    drift_nanos: int
    unknown_nanos: int
    late: int
    checked_ns: int


def drifts(connection: Connection, since_day: str = "") -> tuple[Drift, ...]:
    """Return the drift of each provider, over the days from one on (ISO date; "": all)."""
    by_provider: dict[str, list[Cell]] = {}
    for cell in kept_cells(connection, since_day):
        by_provider.setdefault(cell.provider, []).append(cell)
    return tuple(_drift(name, cells) for name, cells in sorted(by_provider.items()))


def _drift(provider: str, cells: list[Cell]) -> Drift:
    settled = [cell for cell in cells if cell.reason != "late"]
    apart = [cell for cell in settled if cell.reason not in EXPLAINED]
    return Drift(
        provider=provider,
        days=len({cell.day for cell in cells}),
        booked_nanos=sum(cell.booked_nanos for cell in settled),
        told_nanos=sum(cell.told_nanos or 0 for cell in settled),
        drift_nanos=sum(abs(cell.difference_nanos) for cell in apart),
        unknown_nanos=sum(abs(c.difference_nanos) for c in apart if c.reason == "unknown"),
        late=len(cells) - len(settled),
        checked_ns=max(cell.checked_ns for cell in cells),
    )


def kept_cells(connection: Connection, since_day: str = "") -> list[Cell]:
    """Return what is kept, by provider, day and model."""
    columns = reconciled.c
    query = select(reconciled).where(columns.day >= since_day)
    query = query.order_by(columns.provider, columns.day, columns.model)
    return [Cell(**row) for row in connection.execute(query).mappings()]


def keep_cells(
    connection: Connection, cells: Iterable[Cell], alert_nanos: int | None, by: str, at_ns: int
) -> None:
    """Keep what was found in place of what was, and tell the audit chain of a drift.

    It is told when a provider's drift is above a bound and is not what it was before.

    Args:
        connection: A transaction of the caller's.
        cells: What was found.
        alert_nanos: The bound; None tells of none.
        by: Who compared.
        at_ns: When.
    """
    before = {each.provider: each.drift_nanos for each in drifts(connection)}
    names: set[str] = set()
    for cell in cells:
        names.add(cell.provider)
        columns = reconciled.c
        same = (columns.provider == cell.provider, columns.model == cell.model)
        connection.execute(delete(reconciled).where(*same, columns.day == cell.day))
        row = {name: getattr(cell, name) for name in Cell.__struct_fields__}
        connection.execute(insert(reconciled).values(row))
    for each in drifts(connection):
        if alert_nanos is None or each.provider not in names or each.drift_nanos <= alert_nanos:
            continue
        if each.drift_nanos != before.get(each.provider, 0):
            audit.append(connection, _event(each, by), at_ns)


def _event(drift: Drift, by: str) -> Event:
    detail: Detail = {
        "drift_usd": format_usd(drift.drift_nanos),
        "unknown_usd": format_usd(drift.unknown_nanos),
        "booked_usd": format_usd(drift.booked_nanos),
        "told_usd": format_usd(drift.told_nanos),
        "days": drift.days,
    }
    return Event(by, DRIFTED, f"provider:{drift.provider}", detail)
