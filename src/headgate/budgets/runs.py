"""Runs that were told of: their tree, their state and their budget, in the store.

A run is named by the header of its calls, and needs no more than that. One that was told of also
has a parent, an agent's name, a state, and a budget of its own, which is an allotment: the limit
of the run's own window, carved from the window of its parent.
"""

from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import Connection, Row, insert, select, update

from headgate.budgets.tables import run as table

State = Literal["running", "waiting", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = get_args(State)
ENDED: frozenset[State] = frozenset({"done", "failed", "cancelled"})
"""What a run that is over never leaves."""


LEVEL_MAX = 500
"""So many parents are asked for at once: SQLite bounds the parameters of a statement."""


class Run(NamedTuple):
    """A run.

    Attributes:
        parent: The run of the same principal that started it, None for none.
        agent: What works on it, as its client calls it.
        depth: 1 for a run without a parent.
        budget_nanos: Its own limit, None for that of the configuration alone.
    """

    principal: str
    run: str
    parent: str | None
    agent: str
    depth: int
    state: State
    budget_nanos: int | None
    created_ns: int
    changed_ns: int

    @property
    def node(self) -> str:
        """The node of the budget tree."""
        return f"run:{self.principal}/{self.run}"


def find_run(connection: Connection, principal: str, name: str) -> Run | None:
    """Return a run, None when nobody told of it."""
    query = select(table).where(table.c.principal == principal, table.c.run == name)
    row = connection.execute(query).first()
    return None if row is None else _run(row)


def keep_run(connection: Connection, new: Run) -> None:
    """Keep a run that is new."""
    connection.execute(insert(table).values(new._asdict()))


def change_run(connection: Connection, changed: Run) -> None:
    """Keep what became of a run."""
    own = (table.c.principal == changed.principal, table.c.run == changed.run)
    values = {"state": changed.state, "changed_ns": changed.changed_ns}
    connection.execute(update(table).where(*own).values(values))


def read_runs(
    connection: Connection,
    principal: str | None = None,
    limit: int | None = None,
    *,
    roots: bool = False,
) -> list[Run]:
    """Return runs, newest first; of one principal or all, perhaps only those without a parent."""
    query = select(table).order_by(table.c.created_ns.desc(), table.c.principal, table.c.run)
    if principal is not None:
        query = query.where(table.c.principal == principal)
    if roots:
        query = query.where(table.c.parent.is_(None))
    return [_run(row) for row in connection.execute(query.limit(limit))]


def tree_of(connection: Connection, root: Run) -> list[Run]:
    """Return a run and all below it, each behind the one that started it, oldest first."""
    below: dict[str, list[Run]] = {}
    level = [root.run]
    while level:
        query = select(table).where(
            table.c.principal == root.principal, table.c.parent.in_(level[:LEVEL_MAX])
        )
        rows = connection.execute(query.order_by(table.c.created_ns, table.c.run))
        found = [_run(row) for row in rows]
        for each in found:
            below.setdefault(each.parent or "", []).append(each)
        level = [*level[LEVEL_MAX:], *(each.run for each in found)]
    ordered, left = [], [root]
    while left:
        each = left.pop()
        ordered.append(each)
        left.extend(reversed(below.get(each.run, ())))
    return ordered


def _run(row: Row[Any]) -> Run:
    return Run(**row._mapping)
