"""How budgets stand: posted, held, lent, carved, unaccounted and free, read from the store."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from headgate.budgets.limits import Before, carried
from headgate.budgets.periods import Span, slots_before, span_at
from headgate.budgets.settings import FOREVER_NS, Budget, Mode, is_each
from headgate.budgets.store_periods import read_before
from headgate.budgets.store_raises import Raise, in_force
from headgate.budgets.tree import budget_id_of
from headgate.ledger.allotments import BUDGET
from headgate.ledger.store_allotments import (
    KeptAllotment,
    Spent,
    amounts,
    carvings,
    from_below,
)
from headgate.ledger.tables import journal, lease, shadow, window
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
        carried_nanos: The part of the limit that the period before left unused.
        mode: `shadow` for a limit that refuses nothing.
        would_refuse: Attempts that a shadow limit would have refused.
        would_refuse_nanos: What was held for them elsewhere.
        lacking_nanos: What of its limit could not be carved: what is above has too little left.
        is_each: Whether it is one of many windows of its budget, such as a run's own.
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
    carried_nanos: int = 0
    mode: Mode = "hard"
    would_refuse: int = 0
    would_refuse_nanos: int = 0
    is_each: bool = False
    lacking_nanos: int = 0


class _Sums(NamedTuple):
    posted: int = 0
    held: int = 0
    unaccounted: int = 0
    granted: int = 0
    leased_posted: int = 0
    carved: int = 0
    delegated: int = 0
    waived: int = 0
    waived_nanos: int = 0

    def plus(self, other: "_Sums") -> "_Sums":
        """Return both together."""
        return _Sums(*(mine + its for mine, its in zip(self, other, strict=True)))

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
        runs: Keys of the run windows to look at, also of those that nothing is used of; None for
            all there are.
    """
    every = [(budget, span_at(budget, at_ns, zone)) for budget in budgets]
    spans = {budget.id: (budget, span) for budget, span in every if span is not None}
    carrying = {name: each for name, each in spans.items() if each[0].carry_nanos_max}
    before = read_before(connection, carrying, zone) if carrying else {}
    allotments, spent = carvings(connection)
    sums = _read_sums(connection, _looked_at(spans, before, allotments, runs))
    _carve(sums, allotments, spent)
    own_limits = amounts(connection, runs)
    own_limits.update((each.allotment.window, each.allotment.amount_nanos) for each in allotments)
    raises = in_force(connection, at_ns)
    found: list[Standing] = []
    for budget, span in spans.values():
        several = is_each(budget.node)
        names = _names(budget, span, sums, runs) if several else [budget.window_name]
        earlier = before.get(budget.id)
        extra = carried(budget, earlier, _used(sums, earlier))
        for name in names:
            key = window_key(name, span.key)
            own = own_limits.get(key, 0 if budget.carved_from else None)
            lacking = 0
            if budget.carved_from:
                lacking = max(0, budget.limit_nanos + _raised(budget, raises) - (own or 0))
            limited = budget if own is None else budget._replace(limit_nanos=own)
            raised = _raised(budget, raises) if own is None else 0
            total = _Sums()
            for each in (key, *slots_before(key)):
                total = total.plus(sums.get(each, _Sums()))
            shown = name if several else budget.id
            more = _More(raised, extra, lacking)
            found.append(_standing(limited, span, shown, total, more))
    for allotted in (each.allotment for each in allotments if each.ended_ns is None):
        if allotted.node.startswith(("run:", BUDGET)):
            # It is the limit of a window that stands among those of its budget.
            continue
        name = allotted.window.partition("@")[0]
        budget = Budget(name, allotted.node, "once", allotted.amount_nanos)
        span = Span("once", 0, FOREVER_NS)
        found.append(_standing(budget, span, name, sums.get(allotted.window, _Sums()), _More()))
    return found


class _More(NamedTuple):
    """What is added to a limit, and what could not be."""

    raised: int = 0
    carried: int = 0
    lacking: int = 0


def _raised(budget: Budget, raises: Iterable[Raise]) -> int:
    return sum(each.by_nanos for each in raises if each.budget == budget.id)


def _used(sums: Mapping[str, _Sums], before: Before | None) -> int:
    return 0 if before is None else sums.get(before.window, _Sums()).used


def _looked_at(
    spans: Mapping[str, tuple[Budget, Span]],
    before: Mapping[str, Before],
    allotments: Sequence[KeptAllotment],
    runs: Collection[str] | None,
) -> set[str] | None:
    """Return the windows that matter, None for all there are."""
    if runs is None:
        return None
    only = {*runs, *(each.allotment.window for each in allotments)}
    only.update(each.window for each in before.values())
    for budget, span in spans.values():
        key = window_key(budget.window_name, span.key)
        only.update((key, *slots_before(key)))
    return only


def _names(
    budget: Budget, span: Span, sums: Iterable[str], runs: Collection[str] | None
) -> list[str]:
    """Return whose windows a budget has that is about each thing of a kind on its own."""
    names = set()
    own = window_key(budget.id, span.key)
    periods = {each.rpartition("@")[2] for each in (own, *slots_before(own))}
    for key in sums if runs is None else runs:
        if budget_id_of(key) == budget.id:
            name, _, period = key.partition("@")
            if period in periods:
                names.add(name)
    return sorted(names)


def _carve(
    sums: dict[str, _Sums], allotments: Sequence[KeptAllotment], spent: Iterable[Spent]
) -> None:
    """Count each allotment in the windows it is carved from: those below before those above."""
    for rest in spent:
        _count(sums, rest.parents, rest.used_nanos, rest.posted_nanos)
    for own, ended_ns, _ in from_below(allotments):
        below = sums.get(own.window, _Sums())
        claim = max(own.amount_nanos, below.used) if ended_ns is None else below.used
        _count(sums, own.parents, claim, below.posted + below.delegated)


def _count(sums: dict[str, _Sums], parents: Iterable[str], claim: int, spent: int) -> None:
    for parent in parents:
        above = sums.get(parent, _Sums())
        sums[parent] = above._replace(
            carved=above.carved + claim, delegated=above.delegated + spent
        )


def _standing(budget: Budget, span: Span, name: str, sums: _Sums, more: _More) -> Standing:
    idle = sums.granted - sums.leased_posted - sums.held
    limit_nanos = budget.limit_nanos + more.raised + more.carried
    rolls = budget.period == "rolling"
    return Standing(
        id=name,
        node=budget.node,
        period=f"{budget.calendar.hours}h" if rolls else span.key,
        renews_ns=None if rolls or span.until_ns >= FOREVER_NS else span.until_ns,
        limit_nanos=limit_nanos,
        posted_nanos=sums.posted,
        held_nanos=sums.held,
        lent_nanos=max(0, idle),
        unaccounted_nanos=sums.unaccounted,
        free_nanos=limit_nanos - sums.used,
        carved_nanos=sums.carved,
        delegated_nanos=sums.delegated,
        raised_nanos=more.raised,
        carried_nanos=more.carried,
        mode=budget.mode,
        would_refuse=sums.waived,
        would_refuse_nanos=sums.waived_nanos,
        is_each=is_each(budget.node),
        lacking_nanos=more.lacking,
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
    for row in connection.execute(select(shadow)):
        if only is None or row.window in only:
            known = sums.get(row.window, _Sums())
            sums[row.window] = known._replace(waived=row.attempts, waived_nanos=row.amount_nanos)
    return sums
