"""The limits that periods had, kept while they run: what is carried over is counted from them.

A period whose limit nobody kept, because no node ran in it or the budget was new, leaves nothing.
All functions that change something do so as part of the caller's transaction.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import tzinfo

from sqlalchemy import Connection, delete, insert, select

from headgate.budgets.limits import Before, Limits
from headgate.budgets.periods import Span, span_at, span_before
from headgate.budgets.settings import Budget
from headgate.budgets.tables import budget_period as table
from headgate.units.ids import window_key


def kept_limits(connection: Connection, windows: Iterable[str]) -> dict[str, int]:
    """Return the limits that were kept of some windows."""
    rows = select(table.c.window, table.c.limit_nanos).where(table.c.window.in_(list(windows)))
    return {row.window: row.limit_nanos for row in connection.execute(rows)}


def look_nowhere(_connection: Connection, _windows: Collection[str]) -> None:
    """Books that know all that is used need not look."""


def keep_periods(
    connection: Connection,
    budgets: Iterable[Budget],
    limits: Limits,
    now_ns: int,
    zone: tzinfo,
    look: Callable[[Connection, Collection[str]], None] = look_nowhere,
) -> None:
    """Keep the limits of the periods that run, and tell `limits` which come before which.

    To be called again and again: the last limit that a period had while it ran stays. The next
    period is told of as well, so that it has what is its own from its first moment.

    Args:
        connection: To the store.
        budgets: Those of the configuration.
        limits: Is told, and tells what is carried over.
        now_ns: Now.
        zone: The organisation's.
        look: Has `limits` know what is used of some windows by now.
    """
    spans: dict[str, tuple[Budget, Span]] = {}
    windows: set[str] = set()
    for budget in budgets:
        span = span_at(budget, now_ns, zone) if budget.carry_nanos_max else None
        if span is not None:
            spans[budget.id] = (budget, span)
            windows.add(window_key(budget.id, span.key))
            windows.update(window for window in (_before(budget, span, zone),) if window)
    if not spans:
        limits.before = {}
        return
    kept = kept_limits(connection, windows)
    look(connection, windows)
    before: dict[str, Before] = {}
    limits.before = before
    for budget, span in spans.values():
        window, earlier = window_key(budget.id, span.key), _before(budget, span, zone)
        if earlier in kept:
            before[window] = Before(earlier, kept[earlier])
        limit_nanos = budget.limit_nanos + limits.carried(budget, window)
        if kept.get(window) != limit_nanos:
            _keep(connection, window, limit_nanos)
        following = span_at(budget, span.until_ns, zone)
        if following is not None:
            before[window_key(budget.id, following.key)] = Before(window, limit_nanos)


def read_before(
    connection: Connection, spans: Mapping[str, tuple[Budget, Span]], zone: tzinfo
) -> dict[str, Before]:
    """Return the windows before those of some budgets, by budget, as far as limits were kept."""
    earlier = {name: _before(budget, span, zone) for name, (budget, span) in spans.items()}
    kept = kept_limits(connection, [window for window in earlier.values() if window])
    return {
        name: Before(window, kept[window]) for name, window in earlier.items() if window in kept
    }


def _before(budget: Budget, span: Span, zone: tzinfo) -> str:
    earlier = span_before(budget, span, zone)
    return "" if earlier is None else window_key(budget.id, earlier.key)


def _keep(connection: Connection, window: str, limit_nanos: int) -> None:
    connection.execute(delete(table).where(table.c.window == window))
    connection.execute(insert(table).values(window=window, limit_nanos=limit_nanos))
