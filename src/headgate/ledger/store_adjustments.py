"""Corrections in the store: folded from journals, each id once, and read back."""

from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.engine import RowMapping

from headgate.ledger.adjustments import Corrected
from headgate.ledger.rows import windows_of_row
from headgate.ledger.tables import adjustment, attempts, window
from headgate.records.journal import AdjustmentRecord
from headgate.store import audit
from headgate.store.audit import Detail, Event
from headgate.units.money import format_usd

ADJUSTED = "money.adjusted"

ASKED_MAX = 500
"""So many ids a query asks for at a time: stores bound how many values a statement may have."""

# Two stewards may tell of one correction, each in a journal of its own: whoever is first counts.
_ADD = text("""
INSERT INTO adjustment
  (id, journal, at_ns, amount_nanos, windows, reason, source, made_by, attempt)
VALUES
  (:id, :journal, :at_ns, :amount_nanos, :windows, :reason, :source, :made_by, :attempt)
ON CONFLICT (id) DO NOTHING
""")


def take_adjustments(
    connection: Connection, journal: str, records: Sequence[AdjustmentRecord]
) -> dict[str, int]:
    """Fold corrections, in the caller's transaction; those that are known by their ids are none.

    What was added is told to the audit chain in the same transaction.

    Returns:
        By window key, how the posted sums moved.
    """
    moved: dict[str, int] = {}
    fresh = [record for record in records if _add(connection, journal, record)]
    for record in fresh:
        for key in record.windows:
            moved[key] = moved.get(key, 0) + record.amount_nanos
    for key, amount in moved.items():
        _move(connection, key, amount)
    if fresh:
        audit.append(connection, _event(journal, fresh), fresh[-1].at_ns)
    return moved


def _add(connection: Connection, journal: str, record: AdjustmentRecord) -> bool:
    values = msgspec.structs.asdict(record)
    values["made_by"] = values.pop("by")
    values["windows"] = msgspec.json.encode(record.windows).decode()
    return connection.execute(_ADD, {"journal": journal, **values}).rowcount == 1


def _move(connection: Connection, key: str, amount: int) -> None:
    moved = update(window).where(window.c.window == key)
    found = connection.execute(moved.values(posted_nanos=window.c.posted_nanos + amount))
    if found.rowcount == 0:
        sums = {"posted_nanos": amount, "held_nanos": 0, "unaccounted_nanos": 0}
        row = {"window": key, "budget": key.partition("@")[0], **sums}
        connection.execute(insert(window).values(row))


def _event(journal: str, fresh: Sequence[AdjustmentRecord]) -> Event:
    detail: Detail = {
        "reason": ", ".join(sorted({record.reason for record in fresh})),
        "corrections": len(fresh),
        "amount_usd": format_usd(sum(record.amount_nanos for record in fresh)),
    }
    return Event(fresh[-1].by, ADJUSTED, f"journal:{journal}", detail)


def find_made(connection: Connection, ids: Sequence[str]) -> dict[str, AdjustmentRecord]:
    """Return corrections that were made, by id."""
    found: dict[str, AdjustmentRecord] = {}
    for some in _pieces(ids):
        query = select(adjustment).where(adjustment.c.id.in_(some))
        for row in connection.execute(query).mappings():
            found[row["id"]] = adjustment_of_row(row)
    return found


def find_corrected(connection: Connection, ids: Sequence[str]) -> dict[str, Corrected]:
    """Return what is to be known of attempts before they are corrected, by attempt."""
    columns = attempts.c
    wanted = (columns.attempt, columns.state, columns.windows)
    found: dict[str, Corrected] = {}
    for some in _pieces(ids):
        query = select(*wanted, columns.posted_nanos, columns.adjusted_nanos)
        for row in connection.execute(query.where(columns.attempt.in_(some))).mappings():
            net = row["posted_nanos"] + row["adjusted_nanos"]
            found[row["attempt"]] = Corrected(row["state"], windows_of_row(row), net)
    return found


def all_made(connection: Connection) -> dict[str, AdjustmentRecord]:
    """Return every correction, by id."""
    rows = connection.execute(select(adjustment)).mappings()
    return {row["id"]: adjustment_of_row(row) for row in rows}


def adjusted_windows(connection: Connection) -> dict[str, int]:
    """Return what all corrections add to each window."""
    sums: dict[str, int] = {}
    for record in all_made(connection).values():
        for key in record.windows:
            sums[key] = sums.get(key, 0) + record.amount_nanos
    return sums


def made_of_call(connection: Connection, call: str) -> list[AdjustmentRecord]:
    """Return the corrections of a call's attempts, oldest first."""
    ids = adjustment.c.attempt
    query = select(adjustment).where(ids > f"{call}.", ids < f"{call}/")
    query = query.order_by(adjustment.c.at_ns, adjustment.c.id)
    return [adjustment_of_row(row) for row in connection.execute(query).mappings()]


def _pieces(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[at : at + ASKED_MAX] for at in range(0, len(ids), ASKED_MAX))


def adjustment_of_row(row: RowMapping) -> AdjustmentRecord:
    """Return a correction as its journal has it."""
    return AdjustmentRecord(
        id=row["id"],
        at_ns=row["at_ns"],
        amount_nanos=row["amount_nanos"],
        windows=windows_of_row(row),
        reason=row["reason"],
        source=row["source"],
        by=row["made_by"],
        attempt=row["attempt"],
    )
