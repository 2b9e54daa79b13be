"""Which windows the calls of one caller are held on now, and which of them are its own; pure."""

from collections.abc import Collection, Iterable
from datetime import tzinfo
from typing import NamedTuple

from headgate.budgets.periods import slots_before, span_at
from headgate.budgets.settings import Budget, kind_of
from headgate.budgets.tree import Bound, Spender, Tree
from headgate.catalog.settings import Deployment

OWN = frozenset({"principal", "key", "agent", "run"})
"""Kinds of nodes that only calls of one principal are below."""


class HeldOn(NamedTuple):
    """A window that somebody's calls are held on.

    Attributes:
        name: What its standing is called: the budget, with what it is each of behind it.
        key: The window as the books have it.
    """

    budget: Budget
    name: str
    key: str

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The windows that tell what is used of it: itself, and the slots it looks back over."""
        return (self.key, *slots_before(self.key))


def held_on(
    budgets: Iterable[Budget],
    spender: Spender,
    deployments: Collection[Deployment],
    at_ns: int,
    zone: tzinfo,
) -> list[HeldOn]:
    """Return what a spender's calls are held on, from the run up to the root, then by routes.

    Args:
        budgets: Those of the configuration.
        spender: Who calls.
        deployments: Where the calls may go.
        at_ns: Now.
        zone: Where months begin.
    """
    bound = Tree(budgets).above(spender)
    standing = _now([each for each in bound if not each.routes], at_ns, zone)
    # As with a call: what a budget was carved from counts all of that budget already.
    carved = {name for each in standing for name in each.budget.carved_from}
    standing = [each for each in standing if each.budget.id not in carved]
    there = (each.toward(to) for each in bound if each.routes for to in deployments)
    routed = _now([each for each in there if each is not None], at_ns, zone)
    return list(dict.fromkeys([*standing, *routed]))


def _now(bound: Iterable[Bound], at_ns: int, zone: tzinfo) -> list[HeldOn]:
    """Return the windows that budgets have now; none of a budget that is not in force."""
    found = []
    for each in bound:
        span = span_at(each.budget, at_ns, zone)
        if span is not None:
            key = each.window(span.key)
            name = each.budget.id + each.own
            found.append(HeldOn(each.budget, name, key))
    return found


def is_own(budget: Budget) -> bool:
    """Tell whether only the calls of one principal are held on a budget's window."""
    return any(kind_of(node) in OWN for node in budget.nodes)
