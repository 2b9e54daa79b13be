"""Spend paths: the slices a principal's call is held on, resolved once per period."""

from collections.abc import Iterable
from datetime import tzinfo
from typing import NamedTuple

from headgate.budgets.settings import Budget
from headgate.budgets.tree import FOREVER_NS, Span, Window, budgets_on, nodes_of, span_at, window_of
from headgate.ledger.purse import Purse
from headgate.ledger.slices import Slice

PATHS_MAX = 65_536


class SpendPath(NamedTuple):
    """Everything a call of a principal (in a run) is limited by.

    Attributes:
        slices: From the run up to the root.
        budgets: The budget of each slice.
        windows: The key of each slice, as records carry them.
        renews_ns: When each window ends.
        nodes: The nodes that can be frozen above this call.
        until_ns: The path may be used for calls before this instant.
        chain: The delegations that the call is made through, from the key's own child down.
        above: The windows that what it is held on was carved from.
        expected: Whether every budget lets a call hold what it is expected to take.
    """

    slices: tuple[Slice, ...]
    budgets: tuple[Budget, ...]
    windows: tuple[str, ...]
    renews_ns: tuple[int, ...]
    nodes: tuple[str, ...]
    until_ns: int
    chain: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    expected: bool = False

    def unpaid(self) -> "SpendPath":
        """Return the path of a call that costs nothing: no budget limits it, a freeze does."""
        return self._replace(
            slices=(), budgets=(), windows=(), renews_ns=(), above=(), expected=False
        )

    def budget_of(self, piece: Slice) -> tuple[Budget, int]:
        """Return the budget of a slice of this path, and when it renews."""
        at = self.slices.index(piece)
        return self.budgets[at], self.renews_ns[at]


class Paths:
    """Finds and keeps spend paths; the purse owns the slices."""

    def __init__(self, budgets: Iterable[Budget], zone: tzinfo, purse: Purse) -> None:
        self._budgets = tuple(budgets)
        self._zone = zone
        self._purse = purse
        self._kept: dict[tuple[str, str | None], SpendPath] = {}

    def find(self, principal: str, team: str, run: str | None, now_ns: int) -> SpendPath:
        """Return the path of a call made now."""
        key = (principal, run)
        path = self._kept.get(key)
        if path is None or now_ns >= path.until_ns:
            if len(self._kept) >= PATHS_MAX:
                self._kept.clear()
            path = self._kept[key] = self._resolve(principal, team, run, now_ns)
        return path

    def _resolve(self, principal: str, team: str, run: str | None, now_ns: int) -> SpendPath:
        budgets = budgets_on(self._budgets, principal=principal, team=team, run=run)
        spans: list[Span] = [span_at(each.period, now_ns, self._zone) for each in budgets]
        windows: list[Window] = [
            window_of(budget, span, principal=principal, run=run)
            for budget, span in zip(budgets, spans, strict=True)
        ]
        nodes = nodes_of(principal, team)
        if run is not None:
            nodes = (f"run:{principal}/{run}", *nodes)
        return SpendPath(
            slices=tuple(self._purse.slice_of(each.key, each.budget.id) for each in windows),
            budgets=budgets,
            windows=tuple(each.key for each in windows),
            renews_ns=tuple(span.until_ns for span in spans),
            nodes=nodes,
            until_ns=min((span.until_ns for span in spans), default=FOREVER_NS),
            expected=bool(budgets) and all(each.holds == "expected" for each in budgets),
        )
