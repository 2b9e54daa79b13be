"""Which budgets a call falls under, and which windows they have at an instant; pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from headgate.budgets.settings import ORGANISATION, RUN_ANY, Budget, Period
from headgate.units.ids import window_key
from headgate.units.instants import from_datetime, to_datetime

FOREVER_NS = 1 << 62


class Span(NamedTuple):
    """A period's key and its bounds (from inclusive, until exclusive)."""

    key: str
    from_ns: int
    until_ns: int


class Window(NamedTuple):
    """A budget's window for one call."""

    key: str
    budget: Budget


def span_at(period: Period, at_ns: int, zone: tzinfo) -> Span:
    """Return the period an instant falls in.

    A month begins at local midnight of its first day, whatever daylight saving does.
    """
    if period == "once":
        return Span("once", 0, FOREVER_NS)
    assert period == "month", period
    local = to_datetime(at_ns).astimezone(zone)
    first = datetime(local.year, local.month, 1, tzinfo=zone)
    following = (first + timedelta(days=32)).replace(day=1)
    return Span(f"{first:%Y-%m}", from_datetime(first), from_datetime(following))


def nodes_of(principal: str, team: str) -> tuple[str, ...]:
    """Return the nodes a principal's calls fall under, from the principal up to the root."""
    return (f"principal:{principal}", f"team:{team}", ORGANISATION)


def agent_nodes_of(principal: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the nodes of a chain of delegations, from the last of them up to the first."""
    return tuple(
        f"agent:{principal}/{'/'.join(names[:count])}" for count in range(len(names), 0, -1)
    )


def budgets_on(
    budgets: Iterable[Budget], *, principal: str, team: str, run: str | None
) -> tuple[Budget, ...]:
    """Return the budgets a call falls under, from the run up to the root."""
    nodes = nodes_of(principal, team)
    if run is not None:
        nodes = (RUN_ANY, *nodes)
    by_node: dict[str, list[Budget]] = {node: [] for node in nodes}
    for budget in budgets:
        if budget.node in by_node:
            by_node[budget.node].append(budget)
    return tuple(budget for node in nodes for budget in by_node[node])


def window_of(budget: Budget, span: Span, *, principal: str, run: str | None) -> Window:
    """Return a budget's window in a period; each run has windows of its own."""
    if budget.node == RUN_ANY:
        return Window(window_key(f"{budget.id}/{principal}/{run}", span.key), budget)
    return Window(window_key(budget.id, span.key), budget)


def budget_id_of(window: str) -> str:
    """Return the id of the configured budget that a window key belongs to."""
    return window.partition("@")[0].partition("/")[0]


def limit_of(window: str, budgets: Mapping[str, Budget]) -> int | None:
    """Return the limit of a window, None when its budget is configured no more."""
    budget = budgets.get(budget_id_of(window))
    return None if budget is None else budget.limit_nanos
