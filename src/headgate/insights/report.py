"""Reports: what was spent, held, estimated and refused, by any side of a call."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import ColumnElement, Connection, Select, case, distinct, exists, func, select

from headgate.ledger.tables import adjustment, attempts, refusal
from headgate.units.instants import from_datetime, to_datetime

Side = Literal["principal", "team", "model", "deployment", "day", "run"]
SIDES: tuple[Side, ...] = get_args(Side)

_ATTEMPT_SIDES: dict[str, ColumnElement[Any]] = {
    "principal": attempts.c.principal,
    "team": attempts.c.team,
    "model": attempts.c.served_model,
    "deployment": attempts.c.deployment,
    "run": attempts.c.run,
}
_REFUSAL_SIDES: dict[str, ColumnElement[Any]] = {
    "principal": refusal.c.principal,
    "team": refusal.c.team,
    "run": refusal.c.run,
}


class Stretch(NamedTuple):
    """A stretch of time, from inclusive, until exclusive; None is open."""

    from_ns: int | None = None
    until_ns: int | None = None


@dataclass(slots=True)
class Totals:
    """Sums over some calls.

    Attributes:
        name: What they have in common; None for those that have none (no run, no model
            answered, refused before a deployment was chosen).
        calls: Calls with at least one attempt.
        refused: Calls that were refused before any attempt.
        spend_nanos: Posted, measured and estimated together.
        estimated_nanos: The estimated part of it.
        unknown_calls: Calls without a known price, posted at nothing.
        held_nanos: Held by attempts that still run.
        adjusted_nanos: What corrections have added to the spend since. Those of no attempt
            count when they were made, and have no name.
    """

    name: str | None = None
    calls: int = 0
    refused: int = 0
    spend_nanos: int = 0
    estimated_calls: int = 0
    estimated_nanos: int = 0
    unknown_calls: int = 0
    held_nanos: int = 0
    adjusted_nanos: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The sums over all calls of a stretch, and by one side; the largest spend first."""

    total: Totals
    by: tuple[Totals, ...]


def report(connection: Connection, side: Side, since_ns: int | None, zone: tzinfo) -> Report:
    """Return the report of all calls since an instant (None: all).

    Args:
        connection: To the store.
        side: What to group by; days are those of `zone`, oldest first.
        since_ns: Calls from here on.
        zone: The organisation's.
    """
    stretch = Stretch(since_ns)
    total = _totals(connection, None, stretch).get(None, Totals())
    if side == "day":
        return Report(total, tuple(_by_day(connection, stretch, zone)))
    rows = _totals(connection, side, stretch).values()
    ordered = sorted(rows, key=lambda row: (-row.spend_nanos, row.name is None, row.name or ""))
    return Report(total, tuple(ordered))


def _totals(
    connection: Connection, side: Side | None, stretch: Stretch
) -> dict[str | None, Totals]:
    found: dict[str | None, Totals] = {}
    name = _ATTEMPT_SIDES.get(side) if side else None
    query = _grouped(name, _SUMS).where(*_within(attempts.c.at_ns, stretch))
    for row in connection.execute(query):
        label = None if name is None else row[-1]
        calls, *sums = row[: len(_SUMS)]
        found[label] = Totals(label, calls, 0, *(value or 0 for value in sums))
    name = _REFUSAL_SIDES.get(side) if side else None
    refusals = _grouped(name, (func.count(),)).select_from(refusal)
    for row in connection.execute(refusals.where(*_within(refusal.c.at_ns, stretch))):
        label = None if name is None else row[-1]
        if row[0]:
            found.setdefault(label, Totals(label)).refused = row[0]
    for label, amount in _adjusted(connection, side, stretch).items():
        found.setdefault(label, Totals(label)).adjusted_nanos = amount
    return found


def _adjusted(connection: Connection, side: Side | None, stretch: Stretch) -> dict[str | None, int]:
    """Return the sums of corrections, by where the attempts that they correct belong."""
    columns = adjustment.c
    if not connection.scalar(select(exists().where(columns.id.is_not(None)))):
        # Most books have none, and there is nothing to join them with.
        return {}
    name = _ATTEMPT_SIDES.get(side) if side else None
    joined = adjustment.join(attempts, attempts.c.attempt == columns.attempt)
    of_attempts = _grouped(name, (func.sum(columns.amount_nanos),)).select_from(joined)
    alone = select(func.sum(columns.amount_nanos)).where(columns.attempt.is_(None))
    alone = alone.where(*_within(columns.at_ns, stretch))
    found: dict[str | None, int] = {}
    rows = connection.execute(of_attempts.where(*_within(attempts.c.at_ns, stretch))).all()
    for row in (*rows, *connection.execute(alone)):
        label = None if name is None or len(row) == 1 else row[-1]
        if row[0] is not None:
            found[label] = found.get(label, 0) + int(row[0])
    return found


def _grouped(
    name: ColumnElement[Any] | None, sums: tuple[ColumnElement[int], ...]
) -> Select[*tuple[Any, ...]]:
    query: Select[*tuple[Any, ...]] = select(*sums)
    return query if name is None else query.add_columns(name).group_by(name)


def _sum_where(state: str, amount: ColumnElement[int]) -> ColumnElement[int]:
    return func.sum(case((attempts.c.state == state, amount), else_=0))


def _calls_where(state: str) -> ColumnElement[int]:
    return func.count(distinct(case((attempts.c.state == state, attempts.c.call))))


_SUMS: tuple[ColumnElement[int], ...] = (
    func.count(distinct(attempts.c.call)),
    func.sum(attempts.c.posted_nanos),
    _calls_where("estimated"),
    _sum_where("estimated", attempts.c.posted_nanos),
    _calls_where("unknown"),
    _sum_where("held", attempts.c.hold_nanos),
)


_ALONE = select(adjustment.c.at_ns).where(adjustment.c.attempt.is_(None)).subquery()
"""When corrections of no attempt were made."""


def _within(column: ColumnElement[int], stretch: Stretch) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if stretch.from_ns is not None:
        conditions.append(column >= stretch.from_ns)
    if stretch.until_ns is not None:
        conditions.append(column < stretch.until_ns)
    return conditions


def _by_day(connection: Connection, stretch: Stretch, zone: tzinfo) -> Iterator[Totals]:
    at_ns = _first_after(connection, stretch)
    while at_ns is not None:
        day = to_datetime(at_ns).astimezone(zone).date()
        start = datetime(day.year, day.month, day.day, tzinfo=zone)
        following = day + timedelta(days=1)
        end = datetime(following.year, following.month, following.day, tzinfo=zone)
        until_ns = from_datetime(end)
        from_ns = max(from_datetime(start), stretch.from_ns or 0)
        totals = _totals(connection, None, Stretch(from_ns, until_ns))[None]
        totals.name = day.isoformat()
        yield totals
        at_ns = _first_after(connection, Stretch(until_ns))


def _first_after(connection: Connection, stretch: Stretch) -> int | None:
    firsts = [
        connection.scalar(select(func.min(column)).where(*_within(column, stretch)))
        for column in (attempts.c.at_ns, refusal.c.at_ns, _ALONE.c.at_ns)
    ]
    return min((first for first in firsts if first is not None), default=None)
