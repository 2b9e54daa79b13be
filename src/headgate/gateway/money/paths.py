"""Spend paths: the slices a call is held on, resolved once per caller, route and period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from types import MappingProxyType
from typing import Final, NamedTuple

from headgate.budgets.periods import Span, span_at, until_of
from headgate.budgets.settings import FOREVER_NS, Budget
from headgate.budgets.tree import Bound, Spender, Tree, spender_nodes_of
from headgate.catalog.settings import Deployment
from headgate.identity.directory import Credential
from headgate.ledger.purse import Purse
from headgate.ledger.slices import Slice
from headgate.units.ids import window_key

PATHS_MAX: Final = 65_536
AHEAD_NS: Final = 2_000_000_000
"""How long before a period begins its money is asked for."""
REST_NS: Final = 5_000_000_000
"""A run that nobody works on is forgotten after one or two of these."""

NO_TAGS: Final[tuple[str, ...]] = ()

_Key = tuple[str, str, str | None, tuple[str, ...]]


class Limit(NamedTuple):
    """One window that a call is held on, with its slice; it ends at `until_ns`."""

    piece: Slice
    budget: Budget
    window: str
    until_ns: int


class SpendPath(NamedTuple):
    """Everything a call of a principal (in a run, with tags) is limited by.

    Attributes:
        slices: From the run up to the root.
        budgets: The budget of each slice.
        windows: The key of each slice, as records carry them.
        renews_ns: When each window ends.
        nodes: The nodes that can be frozen above this call.
        until_ns: The path may be used for calls before this instant.
        chain: The delegations that the call is made through, from the key's own child down.
        above: The windows that what it is held on was carved from.
        tags: What the call is tagged with.
        waived: The shadow windows that it does not fit into, and is not held on.
        hard: Whether anything that it is held on can refuse it.
        varies: Whether an attempt has to look for its own path.
        routes: What else limits it by where it goes, None for nothing.
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
    tags: tuple[str, ...] = NO_TAGS
    waived: tuple[str, ...] = ()
    hard: bool = False
    varies: bool = False
    routes: Routes | None = None
    expected: bool = False

    def unpaid(self) -> SpendPath:
        """Return the path of a call that costs nothing: no budget limits it, a freeze does."""
        return self.limited(())._replace(above=(), varies=False, routes=None)

    def limits(self) -> tuple[Limit, ...]:
        """Return what it is held on, one by one."""
        rows = zip(self.slices, self.budgets, self.windows, self.renews_ns, strict=True)
        return tuple(Limit(*row) for row in rows)

    def limited(self, limits: Sequence[Limit]) -> SpendPath:
        """Return the same path with other windows."""
        return self._replace(
            slices=tuple(each.piece for each in limits),
            budgets=tuple(each.budget for each in limits),
            windows=tuple(each.window for each in limits),
            renews_ns=tuple(each.until_ns for each in limits),
            hard=any(each.budget.mode == "hard" for each in limits),
            expected=bool(limits) and all(_expects(each.budget) for each in limits),
        )

    def toward(self, deployment: Deployment) -> SpendPath:
        """Return the path of an attempt that goes to a deployment."""
        return self if self.routes is None else self.routes.toward(deployment)

    def waive(self, small: Slice) -> SpendPath:
        """Return the path without a shadow window that is too small for a call."""
        left = self.limited([each for each in self.limits() if each.piece is not small])
        return left._replace(waived=(*self.waived, small.window), varies=True)

    def renewed(self, purse: Purse) -> SpendPath:
        """Return the path with the slices that its windows have now.

        Those of a run that nobody worked on for a while were forgotten meanwhile.
        """
        slices = tuple(purse.slice_of(each.window, each.budget) for each in self.slices)
        return self if slices == self.slices else self._replace(slices=slices)

    def budget_of(self, piece: Slice) -> tuple[Budget, int]:
        """Return the budget of a slice of this path, and when it renews."""
        at = self.slices.index(piece)
        return self.budgets[at], self.renews_ns[at]


class Routes:
    """The budgets of a path that depend on where a call goes, and the path of each deployment."""

    def __init__(self, paths: Paths, base: SpendPath, bound: Sequence[Bound], now_ns: int) -> None:
        self._paths = paths
        self._bound = tuple(bound)
        self._now_ns = now_ns
        self._kept: dict[str, SpendPath] = {}
        self._base = base

    def under(self, base: SpendPath) -> SpendPath:
        """Return a path that these budgets limit as well, by where its calls go."""
        routes = Routes(self._paths, base, self._bound, self._now_ns)
        path = base._replace(routes=routes, varies=True)
        routes._base = path
        return path

    def toward(self, deployment: Deployment) -> SpendPath:
        """Return the path of an attempt that goes to a deployment."""
        path = self._kept.get(deployment.id)
        if path is None:
            found = (each.toward(deployment) for each in self._bound)
            bound = [each for each in found if each is not None]
            limits = self._paths.limits(bound, self._now_ns)
            path = self._base.limited((*self._base.limits(), *limits))
            self._kept[deployment.id] = path
        return path


class Paths:
    """Finds and keeps spend paths; the purse owns the slices.

    Args:
        budgets: Those of the configuration.
        zone: The organisation's.
        purse: Has the slices.
        lineages: By team, itself and the teams above it; one that is not there has none above.
    """

    def __init__(
        self,
        budgets: Iterable[Budget],
        zone: tzinfo,
        purse: Purse,
        lineages: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    ) -> None:
        configured = list(budgets)
        self._tree = Tree(configured)
        self._passing = frozenset(each.id for each in configured if each.passes)
        self._zone = zone
        self._purse = purse
        self._lineages = lineages
        self._kept: dict[_Key, SpendPath] = {}
        # By key, of calls without run and tags: those are most, and a tuple takes long to be found.
        self._usual: dict[str, tuple[Credential, SpendPath]] = {}
        # Those that nobody has asked for since the last sweep.
        self._resting: dict[_Key, SpendPath] = {}
        self._swept_ns = 0
        # When the first of the periods ends that paths were found for.
        self._turn_ns = FOREVER_NS
        self._asked_ahead: set[str] = set()
        self._spans: dict[str, tuple[Span | None, int]] = {}
        # When the windows end that have slices here, and the first of these instants.
        self._ends: dict[str, int] = {}
        self._end_ns = FOREVER_NS

    def find(
        self, credential: Credential, run: str | None, tags: tuple[str, ...], now_ns: int
    ) -> SpendPath:
        """Return the path of a call made now with a key itself."""
        is_usual = run is None and not tags
        if is_usual:
            usual = self._usual.get(credential.key)
            if usual is not None and usual[0] is credential and now_ns < usual[1].until_ns:
                return usual[1]
        path = self._find(credential.key, credential, run, tags, now_ns)
        if is_usual:
            self._usual[credential.key] = (credential, path)
        return path

    def find_delegated(
        self, credential: Credential, run: str | None, tags: tuple[str, ...], now_ns: int
    ) -> SpendPath:
        """Return the path of a delegate's call made now, as if it had no money of its own."""
        delegation = credential.delegation
        assert delegation is not None
        # No key has such an id.
        return self._find(f"~{delegation.links[-1].id}", credential, run, tags, now_ns)

    def _find(
        self,
        name: str,
        credential: Credential,
        run: str | None,
        tags: tuple[str, ...],
        now_ns: int,
    ) -> SpendPath:
        key = (name, credential.principal, run, tags)
        path = self._kept.get(key)
        if path is None or now_ns >= path.until_ns:
            path = self._resting.pop(key, None)
            if path is None or now_ns >= path.until_ns:
                path = self._resolve(credential, run, tags, now_ns)
            if len(self._kept) >= PATHS_MAX:
                self._resting.update(self._kept)
                self._kept.clear()
                self._usual.clear()
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
        for path in (*self._kept.values(), *self._resting.values()):
            for piece, budget, window, until_ns in path.limits():
                if until_ns > now_ns + AHEAD_NS or window in self._asked_ahead:
                    continue
                self._asked_ahead.add(window)
                span = _next(budget, until_ns, self._zone)
                if span is not None:
                    key = window_key(window.rpartition("@")[0], span.key)
                    wants[key] = piece.granted_nanos - piece.posted_nanos
                    self._purse.slice_of(key, budget.id)
        return {window: nanos for window, nanos in wants.items() if nanos > 0}

    def due(self, now_ns: int) -> bool:
        """Tell whether it is time to sweep."""
        # A clock that was set back is no reason to wait for it.
        return not self._swept_ns <= now_ns < self._swept_ns + REST_NS

    def sweep(self, now_ns: int) -> tuple[dict[str, int], list[str]]:
        """Forget the runs and agents at rest for two sweeps, and what is kept for them.

        Returns:
            What lay idle in their slices, by window, and all their windows; the caller gives it
            back to the steward.
        """
        self._swept_ns = now_ns
        self._usual.clear()
        returned: dict[str, int] = {}
        small = dict.fromkeys(each for path in self._resting.values() for each in self._small(path))
        for path in self._kept.values() if small else ():
            # An agent that works is kept, while runs of it come and go.
            for each in path.slices:
                small.pop(each, None)
        done = [each for each in small if self._purse.forget(each, returned)]
        # A call of the others runs, or waits.
        left = small.keys() - done
        for key, path in self._resting.items() if left else ():
            if not left.isdisjoint(path.slices):
                self._kept.setdefault(key, path.renewed(self._purse))
        self._resting, self._kept = self._kept, {}
        return returned, [each.window for each in done]

    def _small(self, path: SpendPath) -> Iterator[Slice]:
        """Yield the slices of a path whose windows come and go."""
        for piece, budget in zip(path.slices, path.budgets, strict=True):
            if budget.id in self._passing:
                yield piece

    def _resolve(
        self, credential: Credential, run: str | None, tags: tuple[str, ...], now_ns: int
    ) -> SpendPath:
        if now_ns >= self._turn_ns:
            self._turn_ns = FOREVER_NS
            self._asked_ahead.clear()
        team, delegation = credential.team, credential.delegation
        spender = Spender(
            credential.principal,
            self._lineages.get(team, (team,)),
            credential.key,
            run,
            tags,
            () if delegation is None else delegation.names,
        )
        bound = self._tree.above(spender)
        until_ns = min((self._span(each.budget, now_ns)[1] for each in bound), default=FOREVER_NS)
        self._turn_ns = min(self._turn_ns, until_ns)
        empty = SpendPath((), (), (), (), spender_nodes_of(spender), until_ns)
        fixed = [each for each in bound if not each.routes]
        limits = self.limits(fixed, now_ns)
        # What a budget was carved from is not held on: all of the budget counts there already.
        carved = {name for each in limits for name in each.budget.carved_from}
        path = empty.limited([each for each in limits if each.budget.id not in carved])._replace(
            chain=() if delegation is None else delegation.chain,
            above=tuple(each.window for each in limits if each.budget.id in carved),
            tags=tags,
        )
        routed = [each for each in bound if each.routes]
        return Routes(self, path, routed, now_ns).under(path) if routed else path

    def limits(self, bound: Iterable[Bound], now_ns: int) -> list[Limit]:
        """Return the windows that budgets have now; none of a budget that is not in force."""
        limits = []
        for each in bound:
            span, until_ns = self._span(each.budget, now_ns)
            if span is not None:
                window = each.window(span.key)
                piece = self._purse.slice_of(window, each.budget.id)
                limits.append(Limit(piece, each.budget, window, until_ns))
                if until_ns < FOREVER_NS:
                    self._ends[window] = until_ns
                    self._end_ns = min(self._end_ns, until_ns)
        return limits

    def ended(self, now_ns: int) -> list[str]:
        """Return windows that have ended; each once."""
        if now_ns < self._end_ns:
            return []
        over = [window for window, until_ns in self._ends.items() if until_ns <= now_ns]
        for window in over:
            del self._ends[window]
        self._end_ns = min(self._ends.values(), default=FOREVER_NS)
        return over

    def _span(self, budget: Budget, now_ns: int) -> tuple[Span | None, int]:
        """Return a budget's period now, and until when that holds: runs come by the thousand."""
        kept = self._spans.get(budget.id)
        if kept is None or now_ns >= kept[1]:
            span = span_at(budget, now_ns, self._zone)
            kept = self._spans[budget.id] = (span, until_of(budget, now_ns, span))
        return kept


def _next(budget: Budget, until_ns: int, zone: tzinfo) -> Span | None:
    """Return the period after one, where its limit does not depend on what is used in that."""
    if budget.period == "rolling" or budget.carry_nanos_max:
        return None
    return span_at(budget, until_ns, zone)


def _expects(budget: Budget) -> bool:
    # A shadow could refuse to extend a hold, which would end a stream.
    return budget.holds == "expected" and budget.mode == "hard"
