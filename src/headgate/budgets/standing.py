"""How budgets stand: posted, held, lent, carved, unaccounted and free, read from the store."""

from collections.abc import Collection, Iterable, Sequence
from datetime import tzinfo
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from headgate.budgets.settings import RUN_ANY, Budget
from headgate.budgets.store_raises import in_force
from headgate.budgets.tree import FOREVER_NS, Span, budget_id_of, span_at
from headgate.ledger.store_allotments import KeptAllotment, kept
from headgate.ledger.tables import journal, lease, window
from headgate.units.ids import window_key


class Standing(NamedTuple):
    """One window of a budget.

    Attributes:
        id: The budget, with `/principal/run` behind it for a run's own window.
        lent_nanos: Lent to workers and not yet held or posted; calls can still spend it.
        unaccounted_nanos: Lost sight of in a power cut; counted as spent.
        free_nanos: What calls can still claim: limit - posted - held - unaccounted - carved.
        carved_nanos: Allotted to delegations: the whole while one lasts, then what was used of it.
        delegated_nanos: What they did spend of that.
        raised_nanos: The part of the limit that was approved for a while.
    """

    id: str
    node: str
    period: str
    renews_ns: int | None
    limit_nanos: int
    posted_nanos: int
    held_nanos: int
    lent_nanos: int
    unaccounted_nanos: int
    free_nanos: int
    carved_nanos: int = 0
    delegated_nanos: int = 0
    raised_nanos: int = 0


class _Sums(NamedTuple):
    posted: int = 0
    held: int = 0
    unaccounted: int = 0
    granted: int = 0
    leased_posted: int = 0
    carved: int = 0
    delegated: int = 0

    @property
    def used(self) -> int:
        return self.posted + self.held + self.unaccounted + self.carved


def standings(
    connection: Connection,
    budgets: Iterable[Budget],
    at_ns: int,
    zone: tzinfo,
    *,
    runs: Collection[str] | None = None,
) -> list[Standing]:
    """Return every budget's current window, and each run's, in the configuration's order.

    The allotments of delegations that last follow them.

    Args:
        connection: To the store.
        budgets: Those of the configuration.
        at_ns: Now.
        zone: Where months begin.
        runs: Keys of the run windows to look at, None for all there are.
    """
    raises = in_force(connection, at_ns)
    spans = [(budget, span_at(budget.period, at_ns, zone)) for budget in budgets]
    only = None
    if runs is not None:
        only = {*runs, *(window_key(budget.id, span.key) for budget, span in spans)}
    allotments = list(kept(connection))
    own_limits = {each.allotment.window: each.allotment.amount_nanos for each in allotments}
    if only is not None:
        only.update(each.allotment.window for each in allotments)
    sums = _read_sums(connection, only)
    _carve(sums, allotments)
    found: list[Standing] = []
    for budget, span in spans:
        keys = [window_key(budget.id, span.key)]
        if budget.node == RUN_ANY:
            keys = sorted(
                key
                for key in sums
                if budget_id_of(key) == budget.id and key.endswith(f"@{span.key}")
                if runs is None or key in runs
            )
        raised = sum(each.by_nanos for each in raises if each.budget == budget.id)
        for key in keys:
            own = own_limits.get(key)
            limited = budget if own is None else budget._replace(limit_nanos=own)
            more = raised if own is None else 0
            found.append(_standing(limited, span, key, sums.get(key, _Sums()), more))
    for allotted in (each.allotment for each in allotments if each.ended_ns is None):
        if allotted.node.startswith("run:"):
            # It is the limit of a run's window, which stands among those of its budget.
            continue
        budget = Budget(
            allotted.window.partition("@")[0], allotted.node, "once", allotted.amount_nanos
        )
        span = Span("once", 0, FOREVER_NS)
        found.append(_standing(budget, span, allotted.window, sums.get(allotted.window, _Sums())))
    return found


def _carve(sums: dict[str, _Sums], allotments: Sequence[KeptAllotment]) -> None:
    """Count each allotment in the windows it is carved from: those below before those above."""
    for own, ended_ns, _ in reversed(allotments):
        below = sums.get(own.window, _Sums())
        claim = max(own.amount_nanos, below.used) if ended_ns is None else below.used
        spent = below.posted + below.delegated
        for parent in own.parents:
            above = sums.get(parent, _Sums())
            sums[parent] = above._replace(
                carved=above.carved + claim, delegated=above.delegated + spent
            )


def _standing(budget: Budget, span: Span, key: str, sums: _Sums, raised_nanos: int = 0) -> Standing:
    idle = sums.granted - sums.leased_posted - sums.held
    limit_nanos = budget.limit_nanos + raised_nanos
    return Standing(
        id=key.partition("@")[0],
        node=budget.node,
        period=span.key,
        renews_ns=span.until_ns if span.until_ns < FOREVER_NS else None,
        limit_nanos=limit_nanos,
        posted_nanos=sums.posted,
        held_nanos=sums.held,
        lent_nanos=max(0, idle),
        unaccounted_nanos=sums.unaccounted,
        free_nanos=limit_nanos - sums.used,
        carved_nanos=sums.carved,
        delegated_nanos=sums.delegated,
        raised_nanos=raised_nanos,
    )


def _read_sums(connection: Connection, only: Collection[str] | None) -> dict[str, _Sums]:
    windows = select(window)
    lent = select(
        lease.c.window,
        func.sum(lease.c.granted_nanos).label("granted"),
        func.sum(lease.c.posted_nanos).label("posted"),
    ).group_by(lease.c.window)
    if only is not None:
        windows = windows.where(window.c.window.in_(only))
        # Only open journals have leases; naming them makes this a lookup by key.
        open_journals = select(journal.c.name).where(~journal.c.ended)
        lent = lent.where(lease.c.journal.in_(open_journals), lease.c.window.in_(only))
    sums = {
        row.window: _Sums(row.posted_nanos, row.held_nanos, row.unaccounted_nanos)
        for row in connection.execute(windows)
    }
    for row in connection.execute(lent):
        known = sums.get(row.window, _Sums())
        sums[row.window] = known._replace(granted=row.granted, leased_posted=row.posted)
    return sums
