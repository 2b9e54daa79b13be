"""What the configuration sets aside for budgets: carved when it is in force, and kept in step.

A budget that is carved from another has, in each of its periods, an allotment of its limit there.
It is carved before the period begins, changed with the limit, and ends with the period or when the
configuration has it no more: then what was used of it stays counted above, and the rest is free.
Where there is too little above, as much is set aside as there is, and more as it becomes free.
What lies idle there is recalled for it, ever more seldom while that does not suffice.
"""

from collections.abc import Collection, Iterator
from functools import partial

from headgate.budgets.limits import Limits
from headgate.budgets.periods import span_at
from headgate.budgets.settings import FOREVER_NS, Budget
from headgate.config.snapshot import Snapshot
from headgate.ledger.allotments import BUDGET, Allotment
from headgate.ledger.keeper import Keeper
from headgate.node.lending import Lending
from headgate.node.rules import Rules
from headgate.units.ids import window_key
from headgate.units.instants import NANOS_PER_SECOND

LOOK_NS = NANOS_PER_SECOND
SOON_NS = NANOS_PER_SECOND // 10
"""How soon it is looked again when something was first lacking, and has been recalled."""
AHEAD_NS = 5 * NANOS_PER_SECOND
"""How long before a period begins its money is carved: workers ask for it before that, too."""
PAUSE_MAX_NS = 60 * NANOS_PER_SECOND
"""So long at the most between two recalls for the same lack: each has workers ask anew."""
GRACE_NS = 5 * NANOS_PER_SECOND
"""So long a period's allotment outlives it, for calls that began in it and wait for money."""
CHANGE_NS = 30 * NANOS_PER_SECOND
"""So long workers of an earlier configuration may go on with what it set aside, if they live."""


class Carving:
    """Sets aside what the rules in force say.

    Args:
        rules: The rules.
        limits: The limit of a window, with what it is raised by.
        keeper: The ledger's hands.
        lending: Recalls what is lent where it lacks.
        connected: The journals of the workers that are connected, as they come and go.
    """

    def __init__(
        self,
        rules: Rules,
        limits: Limits,
        keeper: Keeper,
        lending: Lending,
        connected: Collection[str],
    ) -> None:
        self._rules = rules
        self._limits = limits
        self._keeper = keeper
        self._lending = lending
        self._connected = connected
        self._next_ns = 0
        # What was set aside though it is less than wanted; when to recall for it again.
        self._short: dict[str, int] = {}
        self._recall_ns = self._pause_ns = 0
        # The workers of the configuration before, and until when they are waited for.
        self._before: frozenset[str] = frozenset()
        self._before_until_ns = 0

    def take_up(self, now_ns: int) -> None:
        """The rules have changed: workers that are here go by those before for a while."""
        self._before = frozenset(self._connected)
        self._before_until_ns = now_ns + CHANGE_NS
        self._carve(now_ns)
        self._lending.limits_changed()

    def look(self, now_ns: int) -> None:
        """End the allotments whose time is over; every `LOOK_NS`, carve what is to be carved."""
        self._keeper.end_allotments(partial(Allotment.has_ended, now_ns=now_ns), now_ns)
        if now_ns >= self._next_ns or self._next_ns > now_ns + LOOK_NS:
            self._carve(now_ns)

    def _carve(self, now_ns: int) -> None:
        snapshot = self._rules.snapshot
        wanted = list(self._wanted(snapshot, now_ns))
        lasts = {each.window for each in wanted}

        def is_over(allotment: Allotment) -> bool:
            if not allotment.node.startswith(BUDGET) or allotment.window in lasts:
                return False
            until_ns = allotment.until_ns
            return until_ns is None or now_ns < until_ns - GRACE_NS

        ended = 0 if self._waits(now_ns) else self._keeper.end_allotments(is_over, now_ns)
        before = {window: self._keeper.allotments.limit(window) for window in lasts}
        short = self._keeper.set_aside(wanted, now_ns)
        above = sorted({parent for each in short for parent in each.parents})
        lacking = {each.window: self._keeper.allotments.limit(each.window) for each in short}
        anew, self._short = lacking != self._short, lacking
        self._next_ns = now_ns + (SOON_NS if anew and short else LOOK_NS)
        lowered = any(self._keeper.allotments.limit(each) < before[each] for each in lasts)
        if ended or lowered:
            self._lending.limits_changed()
        if anew:
            self._recall_ns, self._pause_ns = now_ns, LOOK_NS
        if above and not now_ns < self._recall_ns <= now_ns + PAUSE_MAX_NS:
            self._recall_ns = now_ns + self._pause_ns
            self._pause_ns = min(2 * self._pause_ns, PAUSE_MAX_NS)
            self._keeper.return_idle(above)
            self._lending.recall(above)

    def _waits(self, now_ns: int) -> bool:
        """Tell whether workers of the configuration before still spend what it set aside."""
        return now_ns < self._before_until_ns and not self._before.isdisjoint(self._connected)

    def _wanted(self, snapshot: Snapshot, now_ns: int) -> Iterator[Allotment]:
        """Yield what is to be set aside now, from the largest budget to the smallest."""
        carved = [each for each in snapshot.budgets.values() if each.carved_from]
        for budget in sorted(carved, key=lambda each: len(each.carved_from)):
            span = span_at(budget, now_ns, snapshot.zone)
            if span is not None:
                yield from self._of_period(snapshot, budget, now_ns)
            begins_ns = budget.calendar.starts_ns if span is None else span.until_ns
            if now_ns < begins_ns <= now_ns + AHEAD_NS:
                yield from self._of_period(snapshot, budget, begins_ns)

    def _of_period(self, snapshot: Snapshot, budget: Budget, at_ns: int) -> Iterator[Allotment]:
        parent = snapshot.budgets[budget.carved_from[0]]
        span = span_at(budget, at_ns, snapshot.zone)
        above = span_at(parent, at_ns, snapshot.zone)
        if span is None or above is None:
            return
        window = window_key(budget.window_name, span.key)
        yield Allotment(
            window=window,
            amount_nanos=self._limits.whole(window) or 0,
            parents=(window_key(parent.window_name, above.key),),
            key="",
            chain=(),
            node=f"{BUDGET}{budget.id}",
            until_ns=None if span.until_ns >= FOREVER_NS else span.until_ns + GRACE_NS,
        )
