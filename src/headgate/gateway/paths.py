"""Spend paths: the slices a principal's call is held on, resolved once per period."""

from collections.abc import Iterable
from datetime import tzinfo
from typing import NamedTuple

from headgate.budgets.settings import Budget
from headgate.budgets.tree import FOREVER_NS, Span, Window, budgets_on, nodes_of, span_at, window_of
from headgate.ledger.line import is_small
from headgate.ledger.purse import Purse
from headgate.ledger.slices import Slice

PATHS_MAX = 65_536
AHEAD_NS = 2_000_000_000
"""How long before a period begins its money is asked for."""
REST_NS = 5_000_000_000
"""A run that nobody works on is forgotten after one or two of these."""


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

    def renewed(self, purse: Purse) -> "SpendPath":
        """Return the path with the slices that its windows have now.

        Those of a run that nobody worked on for a while were forgotten meanwhile.
        """
        slices = tuple(purse.slice_of(each.window, each.budget) for each in self.slices)
        return self if slices == self.slices else self._replace(slices=slices)

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
        # Those that nobody has asked for since the last sweep.
        self._resting: dict[tuple[str, str | None], SpendPath] = {}
        self._swept_ns = 0
        # When the first of the periods ends that paths were found for.
        self._turn_ns = FOREVER_NS
        self._asked_ahead: set[str] = set()

    def find(self, principal: str, team: str, run: str | None, now_ns: int) -> SpendPath:
        """Return the path of a call made now."""
        key = (principal, run)
        path = self._kept.get(key)
        if path is None or now_ns >= path.until_ns:
            path = self._resting.pop(key, None)
            if path is None or now_ns >= path.until_ns:
                path = self._resolve(principal, team, run, now_ns)
            if len(self._kept) >= PATHS_MAX:
                self._resting.update(self._kept)
                self._kept.clear()
            self._kept[key] = path
        return path

    def ahead(self, now_ns: int) -> dict[str, int]:
        """Return what to ask for of windows that are about to begin, each window once.

        At the turn of a month every caller finds a new window: what its slice of the last one had
        is asked for before, so that nobody has to wait then.
        """
        wants: dict[str, int] = {}
        if not now_ns < self._turn_ns <= now_ns + AHEAD_NS:
            return wants
        for (principal, run), path in (*self._kept.items(), *self._resting.items()):
            for piece, budget, renews_ns in zip(
                path.slices, path.budgets, path.renews_ns, strict=True
            ):
                if renews_ns > now_ns + AHEAD_NS or piece.window in self._asked_ahead:
                    continue
                self._asked_ahead.add(piece.window)
                span = span_at(budget.period, renews_ns, self._zone)
                window = window_of(budget, span, principal=principal, run=run)
                wants[window.key] = piece.granted_nanos - piece.posted_nanos
        return {window: nanos for window, nanos in wants.items() if nanos > 0}

    def due(self, now_ns: int) -> bool:
        """Tell whether it is time to sweep."""
        # A clock that was set back is no reason to wait for it.
        return not self._swept_ns <= now_ns < self._swept_ns + REST_NS

    def sweep(self, now_ns: int) -> tuple[dict[str, int], list[str]]:
        """Forget the runs that nobody has worked on for two sweeps, and what is kept for them.

        Returns:
            What lay idle in their slices, by window, and all their windows; the caller gives it
            back to the steward.
        """
        self._swept_ns = now_ns
        returned: dict[str, int] = {}
        over: list[str] = []
        for key, path in self._resting.items():
            small = [each for each in path.slices if is_small(each.window)]
            done = [each for each in small if self._purse.forget(each, returned)]
            over += [each.window for each in done]
            if len(done) < len(small):
                # A call of it runs, or waits.
                self._kept.setdefault(key, path)
        self._resting, self._kept = self._kept, {}
        return returned, over

    def _resolve(self, principal: str, team: str, run: str | None, now_ns: int) -> SpendPath:
        if now_ns >= self._turn_ns:
            self._turn_ns = FOREVER_NS
            self._asked_ahead.clear()
        budgets = budgets_on(self._budgets, principal=principal, team=team, run=run)
        spans: list[Span] = [span_at(each.period, now_ns, self._zone) for each in budgets]
        windows: list[Window] = [
            window_of(budget, span, principal=principal, run=run)
            for budget, span in zip(budgets, spans, strict=True)
        ]
        nodes = nodes_of(principal, team)
        if run is not None:
            nodes = (f"run:{principal}/{run}", *nodes)
        until_ns = min((span.until_ns for span in spans), default=FOREVER_NS)
        self._turn_ns = min(self._turn_ns, until_ns)
        return SpendPath(
            slices=tuple(self._purse.slice_of(each.key, each.budget.id) for each in windows),
            budgets=budgets,
            windows=tuple(each.key for each in windows),
            renews_ns=tuple(span.until_ns for span in spans),
            nodes=nodes,
            until_ns=until_ns,
            expected=bool(budgets) and all(each.holds == "expected" for each in budgets),
        )
