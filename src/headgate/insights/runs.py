"""Runs as they stand: what each has spent, holds and may not spend."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Row, case, func, select

from headgate.budgets.runs import Run, read_runs, tree_of
from headgate.identity.registry import frozen_nodes
from headgate.insights.contract_runs import RunView
from headgate.ledger.tables import attempt, caller, is_first
from headgate.units.instants import to_iso
from headgate.units.money import format_usd

CHUNK = 500
"""So many runs are asked for at once: SQLite bounds the parameters of a statement."""


def run_views(connection: Connection, runs: Sequence[Run]) -> list[RunView]:
    """Return runs with what their calls cost since they were told of."""
    frozen = {each.node for each in frozen_nodes(connection)}
    spent = {
        (principal, run): (posted, held, calls)
        for principal, run, posted, held, calls in _sums(connection, runs)
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


ROOTS_MAX = 20
SHOWN_MAX = 400


def newest_trees(connection: Connection) -> list[RunView]:
    """Return the newest runs without a parent, each with all below it, as many as a page shows."""
    found: list[Run] = []
    for root in read_runs(connection, limit=ROOTS_MAX, roots=True):
        found.extend(tree_of(connection, root))
        if len(found) >= SHOWN_MAX:
            break
    return run_views(connection, found[:SHOWN_MAX])


def _sums(
    connection: Connection, runs: Sequence[Run]
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
    names = [each.run for each in runs]
    # Attempts are found by their time, and no run has spent before it was told of.
    since_ns = min((each.created_ns for each in runs), default=0)
    sums = sums.where(attempt.c.at_ns >= since_ns)
    for start in range(0, len(names), CHUNK):
        yield from connection.execute(sums.where(caller.c.run.in_(names[start : start + CHUNK])))
