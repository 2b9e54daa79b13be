"""Use and plan readings out of `usage.db`, by seat."""

from collections.abc import Sequence
from itertools import groupby

from headgate.economics.plans.windows import Use
from headgate.economics.usage_logs.record import Reading
from headgate.economics.usage_logs.store import UsageStore

_SEATS = "SELECT DISTINCT seat, source, seller FROM usage ORDER BY seat, source, seller"
_USES = """
SELECT started_ns, cost_nanos FROM usage
WHERE seat = ? AND source = ? AND seller = ? AND cost_nanos IS NOT NULL ORDER BY started_ns
"""
_UNPRICED = """
SELECT count(*) FROM usage WHERE seat = ? AND source = ? AND seller = ? AND cost_nanos IS NULL
"""
_READINGS = """
SELECT window_minutes, at_ns, used_bp, resets_ns FROM reading
WHERE seat = ? AND source = ? ORDER BY window_minutes, at_ns
"""


def seats(store: UsageStore) -> tuple[tuple[str, str, str], ...]:
    """Return each (seat, kind of log, seller) that there is use of."""
    return tuple(store.connection.execute(_SEATS))


def uses(store: UsageStore, seat: str, source: str, seller: str) -> tuple[Use, ...]:
    """Return the priced use of a seat, by time."""
    return tuple(map(Use._make, store.connection.execute(_USES, (seat, source, seller))))


def unpriced(store: UsageStore, seat: str, source: str, seller: str) -> int:
    """Return how many records of a seat have no price."""
    (count,) = store.connection.execute(_UNPRICED, (seat, source, seller)).fetchone()
    return int(count)


def readings(store: UsageStore, seat: str, source: str) -> dict[int, Sequence[Reading]]:
    """Return what the plan's own meter said, by the length of its windows, by time."""
    rows = store.connection.execute(_READINGS, (seat, source))
    return {
        int(minutes): [Reading(at_ns, minutes, used, resets) for _, at_ns, used, resets in group]
        for minutes, group in groupby(rows, key=lambda row: row[0])
    }
