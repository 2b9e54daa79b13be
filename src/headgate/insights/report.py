"""Reports: what was spent, held, estimated and refused, by any side of a call.

Hours that are rolled up (`insights/rollups.py`) are read as their sums, all others from the rows.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

import msgspec
from sqlalchemy import Connection, func, select

from headgate.insights.rollups import read_totals
from headgate.insights.totals import ALONE, Side, Stretch, Totals, within
from headgate.ledger.tables import attempts, refusal
from headgate.units.instants import from_datetime, to_datetime


@dataclass(frozen=True, slots=True)
class Report:
    """The sums over all calls of a stretch, and by one side; the largest spend first."""

    total: Totals
    by: tuple[Totals, ...]


def report(
    connection: Connection,
    side: Side,
    since_ns: int | None,
    zone: tzinfo,
    until_ns: int | None = None,
) -> Report:
    """Return the report of all calls since an instant, and before another (None: all).

    Args:
        connection: To the store.
        side: What to group by; days and months are those of `zone`, oldest first.
        since_ns: Calls from here on.
        zone: The organisation's.
        until_ns: Calls before this.
    """
    stretch = Stretch(since_ns, until_ns)
    total = read_totals(connection, None, stretch).get(None, Totals())
    if side in ("day", "month"):
        return Report(total, tuple(_by_period(connection, side, stretch, zone)))
    rows: Collection[Totals] = read_totals(connection, side, stretch).values()
    if side in ("tag", "agent"):
        rows = _renamed(rows, _tags if side == "tag" else _agent)
    ordered = sorted(rows, key=lambda row: (-row.spend_nanos, row.name is None, row.name or ""))
    return Report(total, tuple(ordered))


def _renamed(
    rows: Iterable[Totals], names: Callable[[str], Iterable[str | None]]
) -> Collection[Totals]:
    """Return sums by the names that each row's name stands for; it counts for each of them."""
    found: dict[str | None, Totals] = {}
    for row in rows:
        for name in names(row.name or ""):
            found.setdefault(name, Totals(name)).add(row)
    return found.values()


def _tags(name: str) -> Iterable[str | None]:
    """Return each of the tags that calls have together; None for calls without."""
    return (*msgspec.json.decode(name or "[]", type=tuple[str, ...]),) or (None,)


def _agent(name: str) -> Iterable[str | None]:
    """Return the node of a chain of delegations, whatever their ids; None for a key's own calls."""
    principal, _, chain = name.partition(" ")
    agents = (link.partition("~")[0] for link in msgspec.json.decode(chain or "[]", type=list[str]))
    path = "/".join((principal, *agents))
    return (f"agent:{path}" if "/" in path else None,)


def _by_period(
    connection: Connection, side: Side, stretch: Stretch, zone: tzinfo
) -> Iterator[Totals]:
    at_ns = _first_after(connection, stretch)
    while at_ns is not None:
        day = to_datetime(at_ns).astimezone(zone).date()
        start, end = _around(day, side)
        end_ns = from_datetime(datetime(end.year, end.month, end.day, tzinfo=zone))
        start_ns = from_datetime(datetime(start.year, start.month, start.day, tzinfo=zone))
        within_ns = max(start_ns, stretch.from_ns or 0)
        until_ns = end_ns if stretch.until_ns is None else min(end_ns, stretch.until_ns)
        totals = read_totals(connection, None, Stretch(within_ns, until_ns))[None]
        totals.name = start.isoformat() if side == "day" else f"{start:%Y-%m}"
        yield totals
        at_ns = _first_after(connection, Stretch(until_ns, stretch.until_ns))


def _around(day: date, side: Side) -> tuple[date, date]:
    """Return the first day of a period, and the first of the next."""
    if side == "day":
        return day, day + timedelta(days=1)
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


def _first_after(connection: Connection, stretch: Stretch) -> int | None:
    firsts = [
        connection.scalar(select(func.min(column)).where(*within(column, stretch)))
        for column in (attempts.c.at_ns, refusal.c.at_ns, ALONE.c.at_ns)
    ]
    return min((first for first in firsts if first is not None), default=None)
