"""The limit of each window now: what is configured, raised, carried over, or used up before; pure.

What is carried over and what a rolling window has used already is looked up in the books each
time: nothing is added up twice, and what is settled late is counted. What is asked of a period that
is over (a hold is extended, a clock is behind) must leave the later ones what they have used.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from headgate.budgets.periods import slots_after, slots_before
from headgate.budgets.settings import Budget
from headgate.budgets.tree import budget_id_of
from headgate.units.ids import is_carved


class Before(NamedTuple):
    """The window before one that something is carried over to, and the limit that it had."""

    window: str
    limit_nanos: int


def carried(budget: Budget, before: Before | None, used_nanos: int) -> int:
    """Return what a period adds to the limit of the next: what it left unused, up to a bound.

    Args:
        budget: Whose periods.
        before: The earlier of the two, None when nobody kept its limit.
        used_nanos: What is posted, held and lent of it by now.
    """
    if before is None:
        return 0
    return min(budget.carry_nanos_max, max(0, before.limit_nanos - used_nanos))


class Limits:
    """Tells the limit of a window by its key; None when its budget is configured no more.

    Attributes:
        used: What is used of a window by the books of all nodes, in nano-dollars; whoever keeps
            the books puts it here.
        before: By window, the one before it, where something is carried over.

    Args:
        budgets: By id; looked at each time, so that it may change.
        raised: By how much a budget's limit is raised now, by its id.
    """

    def __init__(
        self, budgets: Mapping[str, Budget], raised: Callable[[str], int] = lambda _budget: 0
    ) -> None:
        self._budgets = budgets
        self._raised = raised
        self.used: Callable[[str], int] = lambda _window: 0
        self.before: Mapping[str, Before] = {}

    def __call__(self, window: str) -> int | None:
        """Return the limit of a window; nothing may be lent of a carved one but what was carved."""
        return 0 if is_carved(window) else self.whole(window)

    def whole(self, window: str) -> int | None:
        """Return the limit of a window; of a carved one, what should be carved."""
        budget = self._budgets.get(budget_id_of(window))
        if budget is None:
            return None
        own_nanos = budget.limit_nanos + self._raised(budget.id)
        if budget.period == "rolling":
            return own_nanos - self._used_beside(window)
        following = self._following(window) if budget.carry_nanos_max else None
        # What the next period took of what this one had left is not spent here as well.
        taken = 0 if following is None else max(0, self.used(following) - own_nanos)
        return own_nanos + self.carried(budget, window) - taken

    def _used_beside(self, slot: str) -> int:
        """Return the most that any stretch of slots with this one in it has used of the others."""
        before = [self.used(each) for each in slots_before(slot)]
        after = [self.used(each) for each in slots_after(slot)]
        used = most = sum(before)
        for earlier, later in zip(before, after, strict=True):
            used += later - earlier
            most = max(most, used)
        return most

    def _following(self, window: str) -> str | None:
        return next((own for own, each in self.before.items() if each.window == window), None)

    def beside(self, window: str) -> tuple[str, ...]:
        """Return the other windows whose use counts in the limit of one."""
        budget = self._budgets.get(budget_id_of(window))
        if budget is None:
            return ()
        if budget.period == "rolling":
            return slots_before(window) + slots_after(window)
        if not budget.carry_nanos_max:
            return ()
        before, following = self.before.get(window), self._following(window)
        return tuple(each for each in (before and before.window, following) if each)

    def carried(self, budget: Budget, window: str) -> int:
        """Return what is carried over to a window."""
        if not budget.carry_nanos_max:
            return 0
        before = self.before.get(window)
        return carried(budget, before, 0 if before is None else self.used(before.window))
