"""Runs as they stand: what each has spent, holds and may not spend."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Row, case, func, select

from headgate.budgets.runs import Run
from headgate.identity.registry import frozen_nodes
from headgate.insights.contract_runs import RunView
from headgate.ledger.tables import attempt, caller, is_first
from headgate.units.instants import to_iso
from headgate.units.money import format_usd

CHUNK = 500
"""So many runs are asked for at once: SQLite bounds the parameters of a statement."""


def run_views(connection: Connection, runs: Sequence[Run]) -> list[RunView]:
    """Return runs with what their calls cost."""
    frozen = {each.node for each in frozen_nodes(connection)}
    spent = {
        (principal, run): (posted, held, calls)
        for principal, run, posted, held, calls in _sums(connection, [each.run for each in runs])
    }
    found: list[RunView] = []
    for each in runs:
        posted, held, calls = spent.get((each.principal, each.run), (0, 0, 0))
        found.append(
            RunView(
                principal=each.principal,
                run=each.run,
                parent=each.parent,
                agent=each.agent,
                depth=each.depth,
                state=each.state,
                frozen=each.node in frozen,
                budget=None if each.budget_nanos is None else format_usd(each.budget_nanos),
                spend=format_usd(posted),
                held=format_usd(held),
                calls=calls,
                created=to_iso(each.created_ns),
                changed=to_iso(each.changed_ns),
            )
        )
    return found


def _sums(
    connection: Connection, names: Sequence[str]
) -> Iterator[Row[str, str | None, int, int, int]]:
    held = case((attempt.c.state == "held", attempt.c.hold_nanos), else_=0)
    first = case((is_first, 1), else_=0)
    sums = (
        select(
            caller.c.principal,
            caller.c.run,
            func.sum(attempt.c.posted_nanos).label("posted"),
            func.sum(held).label("held"),
            func.sum(first).label("calls"),
        )
        .select_from(caller.join(attempt, attempt.c.caller == caller.c.id))
        .group_by(caller.c.principal, caller.c.run)
    )
    for start in range(0, len(names), CHUNK):
        yield from connection.execute(sums.where(caller.c.run.in_(names[start : start + CHUNK])))
