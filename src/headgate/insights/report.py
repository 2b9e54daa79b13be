"""Reports: what was spent, held, estimated and refused, by any side of a call.

Hours that are rolled up (`insights/rollups.py`) are read as their sums, all others from the rows.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

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


def report(connection: Connection, side: Side, since_ns: int | None, zone: tzinfo) -> Report:
    """Return the report of all calls since an instant (None: all).

    Args:
        connection: To the store.
        side: What to group by; days are those of `zone`, oldest first.
        since_ns: Calls from here on.
        zone: The organisation's.
    """
    stretch = Stretch(since_ns)
    total = read_totals(connection, None, stretch).get(None, Totals())
    if side == "day":
        return Report(total, tuple(_by_day(connection, stretch, zone)))
    rows: Collection[Totals] = read_totals(connection, side, stretch).values()
    rows = _by_tag(rows) if side == "tag" else rows
    ordered = sorted(rows, key=lambda row: (-row.spend_nanos, row.name is None, row.name or ""))
    return Report(total, tuple(ordered))


def _by_tag(rows: Iterable[Totals]) -> Collection[Totals]:
    """Return the sums of each tag, from those of all the tags of calls together.

    A call with several counts for each of them.
    """
    found: dict[str | None, Totals] = {}
    for row in rows:
        tags = msgspec.json.decode(row.name or "[]", type=tuple[str, ...])
        for tag in (*tags,) or (None,):
            found.setdefault(tag, Totals(tag)).add(row)
    return found.values()


def _by_day(connection: Connection, stretch: Stretch, zone: tzinfo) -> Iterator[Totals]:
    at_ns = _first_after(connection, stretch)
    while at_ns is not None:
        day = to_datetime(at_ns).astimezone(zone).date()
        start = datetime(day.year, day.month, day.day, tzinfo=zone)
        following = day + timedelta(days=1)
        end = datetime(following.year, following.month, following.day, tzinfo=zone)
        until_ns = from_datetime(end)
        from_ns = max(from_datetime(start), stretch.from_ns or 0)
        totals = read_totals(connection, None, Stretch(from_ns, until_ns))[None]
        totals.name = day.isoformat()
        yield totals
        at_ns = _first_after(connection, Stretch(until_ns))


def _first_after(connection: Connection, stretch: Stretch) -> int | None:
    firsts = [
        connection.scalar(select(func.min(column)).where(*within(column, stretch)))
        for column in (attempts.c.at_ns, refusal.c.at_ns, ALONE.c.at_ns)
    ]
    return min((first for first in firsts if first is not None), default=None)
