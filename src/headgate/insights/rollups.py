"""Rolling up hours that are over, and reading sums from what is rolled up.

What an hour comes to is kept by each side of a call, so that a report over ten million calls reads
some thousands of sums. Nothing is lost by it: an hour that is not rolled up is summed from its
rows, and so are the ragged ends of a stretch. A call with attempts in two hours counts in both.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy import Connection, Engine, and_, delete, func, insert, select, update

from headgate.insights.totals import Side, Stretch, Totals, adjusted_of, totals_of, within
from headgate.ledger.rolled import HOUR_NS, hour_of, rolled_hour, rollup
from headgate.ledger.tables import attempt, refusal
from headgate.store.dialect import wait_for_writers

SETTLED_NS = 2 * HOUR_NS
"""How old an hour's end is when it is rolled up: nearly all calls have ended by then."""

HOURS_AT_ONCE = 24
GAPS_MAX = 50
"""With more hours missing in between than this, rows are summed as if nothing were rolled up."""

ALL = ""
COMPLETE = rolled_hour.c.building.is_(None)
_NAMED: tuple[Side, ...] = ("principal", "team", "model", "deployment", "run", "tag")
"""Sides whose sums are kept; those of keys and agents are summed from rows."""
_SUMS = ("calls", "refused", "spend_nanos", "estimated_calls", "estimated_nanos", "unknown_calls")


def roll_up(writing: Engine, reading: Engine, now_ns: int, me: str) -> int:
    """Roll up hours that are over, oldest first; the store is written in short transactions only.

    Args:
        writing: The store.
        reading: The same, for the long part.
        now_ns: The present.
        me: What nobody else who rolls up calls itself.

    Returns:
        How many were begun: fewer than `HOURS_AT_ONCE` when there are no more.
    """
    with writing.begin() as connection:
        wait_for_writers(connection)
        hours = list(_due(connection, now_ns))
        connection.execute(delete(rolled_hour).where(rolled_hour.c.hour_ns.in_(hours)))
        for hour_ns in hours:
            connection.execute(insert(rolled_hour).values(hour_ns=hour_ns, building=me))
    for hour_ns in hours:
        with reading.connect() as connection:
            rows = list(_rows(connection, hour_ns))
        with writing.begin() as connection:
            _keep(connection, hour_ns, rows, me)
    return len(hours)


def _keep(connection: Connection, hour_ns: int, rows: list[dict[str, object]], me: str) -> None:
    # What was folded into that hour meanwhile has taken the mark away.
    mine = and_(rolled_hour.c.hour_ns == hour_ns, rolled_hour.c.building == me)
    complete = connection.execute(update(rolled_hour).where(mine).values(building=None))
    if complete.rowcount:
        connection.execute(delete(rollup).where(rollup.c.hour_ns == hour_ns))
        if rows:
            connection.execute(insert(rollup), rows)


def _due(connection: Connection, now_ns: int) -> Iterator[int]:
    firsts = [connection.scalar(select(func.min(table.c.at_ns))) for table in (attempt, refusal)]
    first_ns = min((first for first in firsts if first is not None), default=None)
    if first_ns is None:
        return
    known = set(connection.scalars(select(rolled_hour.c.hour_ns).where(COMPLETE)))
    held = select(attempt.c.at_ns).where(attempt.c.state == "held")
    # What still runs will change its hour.
    running = {hour_of(at_ns) for at_ns in connection.scalars(held)}
    over = range(hour_of(first_ns), hour_of(now_ns - SETTLED_NS), HOUR_NS)
    open_hours = (hour_ns for hour_ns in over if hour_ns not in known and hour_ns not in running)
    yield from islice(open_hours, HOURS_AT_ONCE)


def _rows(connection: Connection, hour_ns: int) -> Iterator[dict[str, object]]:
    stretch = Stretch(hour_ns, hour_ns + HOUR_NS)
    for side in (None, *_NAMED):
        for totals in totals_of(connection, side, stretch).values():
            sums = {name: getattr(totals, name) for name in _SUMS}
            if any(sums.values()):
                yield {"side": side or ALL, "hour_ns": hour_ns, "name": totals.name or "", **sums}


def read_totals(
    connection: Connection, side: Side | None, stretch: Stretch
) -> dict[str | None, Totals]:
    """Return the sums over the calls of a stretch by their names, with their corrections.

    Args:
        connection: To the store.
        side: What names them, but no day or month; None for one sum over all, whose name is None.
        stretch: When they were held or refused.
    """
    found: dict[str | None, Totals] = {}
    kept = side is None or side in _NAMED
    rolled, gaps = _parts(connection, stretch) if kept else ([], [stretch])
    for gap in gaps:
        _add(found, totals_of(connection, side, gap).values())
    for part in rolled:
        _add(found, _rolled(connection, side, part))
    for name, amount in adjusted_of(connection, side, stretch).items():
        _add(found, [Totals(name, adjusted_nanos=amount)])
    return found


def _rolled(connection: Connection, side: Side | None, stretch: Stretch) -> Iterator[Totals]:
    sums = [func.sum(rollup.c[name]) for name in _SUMS]
    query = select(rollup.c.name, *sums).where(rollup.c.side == (side or ALL))
    query = query.where(*within(rollup.c.hour_ns, stretch)).group_by(rollup.c.name)
    for name, *values in connection.execute(query):
        yield Totals(name or None, *map(int, values))


def _add(found: dict[str | None, Totals], more: Iterable[Totals]) -> None:
    for totals in more:
        found.setdefault(totals.name, Totals(totals.name)).add(totals)


def _parts(connection: Connection, stretch: Stretch) -> tuple[list[Stretch], list[Stretch]]:
    """Return the parts of a stretch that are rolled up, and those in between."""
    columns = rolled_hour.c.hour_ns
    query = select(columns).where(COMPLETE, *within(columns, stretch)).order_by(columns)
    rolled: list[Stretch] = []
    for hour_ns in connection.scalars(query):
        end_ns = hour_ns + HOUR_NS
        if stretch.until_ns is not None and end_ns > stretch.until_ns:
            break
        if rolled and rolled[-1].until_ns == hour_ns:
            rolled[-1] = Stretch(rolled[-1].from_ns, end_ns)
        else:
            rolled.append(Stretch(hour_ns, end_ns))
    if len(rolled) > GAPS_MAX:
        return [], [stretch]
    edges = [stretch.from_ns, *(edge for part in rolled for edge in part), stretch.until_ns]
    gaps = [Stretch(*edges[at : at + 2]) for at in range(0, len(edges), 2)]
    return rolled, [gap for gap in gaps if gap.from_ns is None or gap.from_ns != gap.until_ns]
