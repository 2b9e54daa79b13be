"""Allotments on the worker's side: the path of a delegate's call, and when money is carved for it.

A delegate's call is held on the nearest allotment of its chain (and on its run's own budgets).
The steward carves an allotment when money is first asked for, and is told again after it was
away; what is idle when a delegation is over goes back to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo
from types import MappingProxyType
from typing import NamedTuple

from headgate.budgets.periods import slots_before
from headgate.budgets.settings import FOREVER_NS, Budget
from headgate.budgets.tree import agent_nodes_of
from headgate.gateway.money.paths import PATHS_MAX, Limit, Paths, SpendPath
from headgate.identity.directory import Credential, Directory
from headgate.ledger.allotments import Allotment, allotment_window
from headgate.ledger.line import Borrowing
from headgate.ledger.purse import Ask, Purse
from headgate.ledger.slices import Slice


class Uncarved(NamedTuple):
    """An allotment that did not fit, the slice of the window above, and what is left there."""

    allotment: Allotment
    above: Slice
    left_nanos: int


Carve = Callable[[Sequence[Allotment]], bool]
GiveBack = Callable[[dict[str, int], Sequence[str]], bool]
"""Returns idle money, and says which small windows the worker has done with."""


class Lender(NamedTuple):
    """What the steward is asked for; each tells whether there is a connection to it now."""

    ask: Ask
    carve: Carve
    give_back: GiveBack


class Allotments:
    """The allotments that this worker has met, and its purse, which asks the steward through it."""

    def __init__(
        self,
        lender: Lender,
        directory: Directory,
        budgets: Iterable[Budget],
        zone: tzinfo,
        lineages: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    ) -> None:
        self._lender = lender
        self._directory = directory
        self.purse = Purse(self.ask)
        self.paths = Paths(budgets, zone, self.purse, lineages)
        self._kept: dict[tuple[str, str | None, tuple[str, ...]], SpendPath] = {}
        # By window: the allotments from the first of its chain down to its own.
        self._chains: dict[str, tuple[Allotment, ...]] = {}
        self._told: set[str] = set()
        self._live: set[str] = set()
        self._uncarved: dict[str, Uncarved] = {}
        self._ended: set[str] = set()
        self._seen_ns = 0

    def path(
        self, credential: Credential, run: str | None, tags: tuple[str, ...], now_ns: int
    ) -> SpendPath:
        """Return the path of a delegate's call made now."""
        delegation = credential.delegation
        assert delegation is not None
        self._seen_ns = now_ns
        key = (delegation.links[-1].id, run, tags)
        path = self._kept.get(key)
        if path is None or now_ns >= path.until_ns:
            if len(self._kept) >= PATHS_MAX:
                self._kept.clear()
            above = self.paths.find_delegated(credential, run, tags, now_ns)
            chain = _allotments(credential, above)
            path = self._kept[key] = self._under(chain, above) if chain else above
        return path

    def _under(self, chain: tuple[Allotment, ...], above: SpendPath) -> SpendPath:
        """Return the path of calls below an allotment: it, and the budgets of single calls."""
        own = chain[-1]
        if own.window not in self._chains:
            self._chains[own.window] = chain
            self._live.update(each.window for each in chain)
        name = own.window.partition("@")[0]
        budget = Budget(name, own.node, "once", own.amount_nanos)
        piece = self.purse.slice_of(own.window, name)
        limit = Limit(piece, budget, own.window, FOREVER_NS)
        path = above.limited(
            (*(each for each in above.limits() if not each.budget.stands), limit)
        )._replace(
            above=(
                *(window for each in reversed(self._chains[own.window]) for window in each.parents),
                *above.above,
            )
        )
        return path if above.routes is None else above.routes.under(path)

    def ask(self, borrowing: Borrowing) -> bool:
        """Ask the steward for money, and before that for the allotments it comes from."""
        new: dict[str, Allotment] = {}
        for window in borrowing.wants if self._chains else ():
            for each in self._chains.get(window, ()):
                if each.window not in self._told:
                    new[each.window] = each
        if new:
            above = [window for each in new.values() for window in each.parents]
            # What lies idle here would be missing where the allotment is carved.
            self._return([*above, *self._over_windows(self._seen_ns)])
            if self._lender.carve(tuple(new.values())):
                self._told.update(new)
                for window in new:
                    self._uncarved.pop(window, None)
        # What lies idle in the slots before counts against a rolling window.
        windows = {*borrowing.wants, *(each for need in borrowing.needs for each in need.windows)}
        earlier = [each for window in windows for each in slots_before(window)]
        if earlier:
            self._return(earlier)
        return self._lender.ask(borrowing)

    def refused(self, window: str, above: str, left_nanos: int) -> None:
        """Note that an allotment was not carved; the next call that needs it asks anew."""
        self._told.discard(window)
        found = [each for chain in self._chains.values() for each in chain if each.window == window]
        if found:
            piece = self.purse.slice_of(above, above.partition("@")[0])
            self._uncarved[window] = Uncarved(found[0], piece, left_nanos)

    def uncarved(self, piece: Slice) -> Uncarved | None:
        """Return why a slice has nothing because it, or what is above it, was not carved."""
        for each in self._chains.get(piece.window, ()):
            if (found := self._uncarved.get(each.window)) is not None:
                return found
        return None

    def disconnected(self) -> None:
        """The steward is gone: the next has to be told, and says what was lent."""
        self._told.clear()
        self._live.update(each.window for chain in self._chains.values() for each in chain)

    def sweep(self, now_ns: int) -> None:
        """Give back what lies idle in runs that rest, in periods and delegations that are over."""
        self._ended.update(self.paths.ended(now_ns))
        if self._ended and self._return(list(self._ended)):
            self._ended.difference_update(self._drained(self._ended))
        if self.paths.due(now_ns) and self._lender.give_back({}, ()):
            # What is kept of delegates' paths is found anew, so that they are seen to be in use.
            self._kept.clear()
            self._lender.give_back(*self.paths.sweep(now_ns))
        if self.purse.asks:
            self.purse.want(self.paths.ahead(now_ns))
        if not self._live:
            return
        over = self._over_windows(now_ns)
        if over and self._return(over):
            self._live.difference_update(self._drained(over))

    def _drained(self, windows: Iterable[str]) -> list[str]:
        """Return those of which nothing is held, and nothing left to be given back."""
        slices = [self.purse.slice_of(window, window.partition("@")[0]) for window in windows]
        return [piece.window for piece in slices if not piece.held_nanos and piece.idle_nanos <= 0]

    def _over_windows(self, now_ns: int) -> list[str]:
        return [
            each.window
            for chain in self._chains.values()
            for each in chain
            if each.window in self._live and self._over(each, now_ns)
        ]

    def _over(self, allotment: Allotment, now_ns: int) -> bool:
        stands = self._directory.stands(allotment.key, allotment.chain, now_ns)
        return allotment.has_ended(now_ns) or not stands

    def _return(self, windows: Sequence[str]) -> bool:
        amounts = self.purse.release(windows)
        # Every sweep comes by here while a hold is open in a window that has ended.
        return not amounts or self._lender.give_back(amounts, ())


def _allotments(credential: Credential, above: SpendPath) -> tuple[Allotment, ...]:
    """Return the allotments of a chain, from the first; each is carved from the one before."""
    delegation = credential.delegation
    assert delegation is not None
    parents = tuple(
        window for window, budget in zip(above.windows, above.budgets, strict=True) if budget.stands
    )
    chain: list[Allotment] = []
    for count, link in enumerate(delegation.links, 1):
        if link.asked.money_nanos is None:
            continue
        node = agent_nodes_of(credential.principal, delegation.names[:count])[0]
        window = allotment_window(node, link.id)
        chain.append(
            Allotment(
                window,
                link.asked.money_nanos,
                parents,
                credential.key,
                delegation.ids[:count],
                node,
                link.grant.until_ns,
            )
        )
        parents = (window,)
    return tuple(chain)
