"""A team's months out of what was used: of imported logs by seat, of the books by principal.

Only months that have ended count: half a month is no month of demand.
"""

from collections.abc import Iterable
from datetime import tzinfo
from fractions import Fraction

from sqlalchemy import Connection, func, select

from headgate.economics.inputs import InputError
from headgate.economics.mix.load_team import USERS_MAX
from headgate.economics.mix.offers import User
from headgate.economics.usage_logs.store import UsageStore
from headgate.ledger.tables import attempts
from headgate.units.instants import NANOS_PER_SECOND, to_datetime

QUARTER_NS = 900 * NANOS_PER_SECOND
"""Every zone's months begin at a whole quarter of an hour."""

_IMPORTED = """
SELECT seat, started_ns / ?1, sum(cost_nanos) FROM usage
WHERE cost_nanos IS NOT NULL AND started_ns < ?2 GROUP BY 1, 2
"""


def imported_team(store: UsageStore, zone: tzinfo, now_ns: int) -> tuple[User, ...]:
    """Return seats with their months at list price.

    Raises:
        InputError: No month has ended since the first use.
    """
    rows = store.connection.execute(_IMPORTED, (QUARTER_NS, now_ns))
    return _team(rows, zone, now_ns)


def booked_team(connection: Connection, zone: tzinfo, now_ns: int) -> tuple[User, ...]:
    """Return principals with their months as they were posted, corrections included.

    Raises:
        InputError: No month has ended since the first call.
    """
    quarter = attempts.c.at_ns // QUARTER_NS
    posted = func.sum(attempts.c.posted_nanos + attempts.c.adjusted_nanos)
    query = (
        select(attempts.c.principal, quarter, posted)
        .where(attempts.c.posted_nanos.is_not(None), attempts.c.at_ns < now_ns)
        .group_by(attempts.c.principal, quarter)
    )
    return _team((tuple(row) for row in connection.execute(query)), zone, now_ns)


def _team(rows: Iterable[tuple[str, int, int]], zone: tzinfo, now_ns: int) -> tuple[User, ...]:
    """Return who used what in which month; every user has every month between first and last."""
    running = _month(now_ns, zone)
    used: dict[str, dict[int, int]] = {}
    for name, quarter, nanos in rows:
        month = _month(int(quarter) * QUARTER_NS, zone)
        if month < running:
            months = used.setdefault(name, {})
            months[month] = months.get(month, 0) + int(nanos)
    if not used:
        raise InputError(
            "Nobody has a month of use that has ended yet.",
            "Wait for it, or give a FILE of months.",
        )
    if len(used) > USERS_MAX:
        raise InputError(f"There are {len(used)} users.", f"A mix takes at most {USERS_MAX}.")
    # What came after the last use is not known: logs that were imported once end there.
    every = [month for months in used.values() for month in months]
    span = range(min(every), max(every) + 1)
    return tuple(
        User(name, tuple(max(0, months.get(one, 0)) for one in span), None, Fraction(0), None)
        for name, months in sorted(used.items())
    )


def _month(at_ns: int, zone: tzinfo) -> int:
    """Return months since year 0."""
    moment = to_datetime(at_ns).astimezone(zone)
    return moment.year * 12 + moment.month - 1
