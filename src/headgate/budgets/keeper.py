"""Watching budgets: samples what they spend, and says in the audit chain when one burns down.

Only budgets of the configuration are watched, not each run's own window: there are thousands of
those, and each is small.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, delete, insert, select

from headgate.budgets.burn import LONG_NS, Burn, Sample, burn_of
from headgate.budgets.settings import Budget
from headgate.budgets.standing import Standing
from headgate.budgets.tables import alarm, spend_sample
from headgate.store import audit
from headgate.store.audit import Event
from headgate.store.dialect import hold_lock
from headgate.units.ids import window_key
from headgate.units.instants import NANOS_PER_SECOND, to_iso
from headgate.units.money import format_usd

WATCH_S = 15
KEPT_NS = LONG_NS + 60 * NANOS_PER_SECOND
HOUR_NS = 3_600 * NANOS_PER_SECOND
BURNING, CALM = "budget.burning", "budget.calm"


def watch(
    connection: Connection,
    standings: Iterable[Standing],
    budgets: Mapping[str, Budget],
    now_ns: int,
) -> None:
    """Take a sample of every window, and raise or end its alarm, in the caller's transaction."""
    hold_lock(connection, "alarms")
    watched = [each for each in standings if not each.is_each and each.id in budgets]
    connection.execute(delete(spend_sample).where(spend_sample.c.at_ns < now_ns - KEPT_NS))
    rows = [
        {"window": _key(each), "at_ns": now_ns, "posted_nanos": _spent_nanos(each)}
        for each in watched
    ]
    if rows:
        connection.execute(insert(spend_sample), rows)
    paces = burns(connection, watched)
    raised = {row.window for row in connection.execute(select(alarm))}
    current = set()
    for standing in watched:
        key, burn = _key(standing), paces[standing.id]
        within_ns = budgets[standing.id].alarm_within_hours * HOUR_NS
        current.add(key)
        if burn.alarms(now_ns, within_ns):
            if key not in raised:
                connection.execute(insert(alarm).values(window=key, since_ns=now_ns))
                audit.append(connection, _burning(standing, burn), now_ns)
        elif key in raised:
            _end(connection, key)
            event = Event("steward", CALM, f"budget:{standing.id}", {"period": standing.period})
            audit.append(connection, event, now_ns)
    for key in raised - current:
        # Its period is over, or its budget is configured no more.
        _end(connection, key)


def burns(connection: Connection, standings: Iterable[Standing]) -> dict[str, Burn]:
    """Return the pace of each window, by the id of its standing; none of a run's own."""
    samples: dict[str, list[Sample]] = {}
    found = select(spend_sample).order_by(spend_sample.c.window, spend_sample.c.at_ns)
    for row in connection.execute(found):
        samples.setdefault(row.window, []).append(Sample(row.at_ns, row.posted_nanos))
    return {
        each.id: burn_of(samples.get(_key(each), ()), each.free_nanos, each.renews_ns)
        for each in standings
        if not each.is_each
    }


def _burning(standing: Standing, burn: Burn) -> Event:
    assert burn.exhausted_ns is not None
    detail = {
        "period": standing.period,
        "node": standing.node,
        "limit_usd": format_usd(standing.limit_nanos),
        "free_usd": format_usd(standing.free_nanos),
        "spent_last_hour_usd": format_usd(burn.spent_last_hour_nanos),
        "exhausted_at": to_iso(burn.exhausted_ns),
    }
    return Event("steward", BURNING, f"budget:{standing.id}", detail)


def _spent_nanos(standing: Standing) -> int:
    """Return what was spent below a window, by delegations as well."""
    return standing.posted_nanos + standing.delegated_nanos


def _end(connection: Connection, key: str) -> None:
    connection.execute(delete(alarm).where(alarm.c.window == key))


def _key(standing: Standing) -> str:
    return window_key(standing.id, standing.period)
