"""Those who wait in line for money: who comes first is lent to first, whole or not at all; pure.

A call that finds its worker's slices too small is a *need*: an amount on every window of its path.
The line lends it once all of that is free, beside what those who came before still wait for; so a
small need never overtakes a large one on a window that they share. Nothing is kept for a need that
waits but its place: no two can each have what the other lacks, in whatever order they name their
windows.

What is lent to workers and lies idle there is *recalled* for a need that lacks it: each worker that
may have some is told, and gives back at once whatever no open hold needs. A need is refused when
all of them have answered since it came and it still does not fit, when what is posted leaves too
little whatever they answer, or when it has waited for `WAIT_MS`. What lies idle of another window
that counts in the limit of one, such as the slot before of a rolling budget, is recalled with it.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from headgate.ledger.book import COMFORT, LeaseBook, Wanted
from headgate.ledger.recalls import Recall, Recalls

WAIT_MS = 50
"""How long a need waits for money that is in motion."""


def is_small(window: str) -> bool:
    """Tell whether a window is a run's or a delegation's: near its limit it moves whole."""
    return "/" in window


class Need(NamedTuple):
    """What one call waits for.

    Attributes:
        id: Chosen by its worker, which is told by it what became of the need.
        windows: From the run upwards.
        shorten: Whether a smaller amount is of use: then what is left is lent with the refusal.
    """

    id: int
    windows: tuple[str, ...]
    amount_nanos: int
    shorten: bool = False


class Borrowing(NamedTuple):
    """What a worker says when it needs money.

    Attributes:
        needs: In the order in which their calls came.
        wants: What it would like beyond them, by window, so that it need not ask soon.
        returned: What it gives back with this: all that was idle in the windows of the needs.
        debts: What was posted there beyond what was lent, and is covered first.
        heard: How often it was lent to since it is connected: what is on its way to it now is
            not in `returned`.
    """

    needs: Sequence[Need]
    wants: Mapping[str, int]
    returned: Mapping[str, int]
    debts: Mapping[str, int]
    heard: int = 0


class Outcome(NamedTuple):
    """What became of a need.

    Attributes:
        window: The window that is too small; None when the need was lent what it asked for.
        left_nanos: What is left of that window.
        contended: Whether there is enough of it, though in other hands for a moment.
    """

    journal: str
    need: int
    window: str | None = None
    left_nanos: int = 0
    contended: bool = False


class Grant(NamedTuple):
    """What a worker's epoch was lent of a window, cumulative, and what it was before."""

    total_nanos: int
    before_nanos: int


@dataclass(slots=True)
class _Waiter:
    journal: str
    need: Need
    until_ms: int
    # Only recalls with a higher number were sent after it came.
    after: int
    # The windows that were too small when it was last looked at.
    short: tuple[str, ...] = ()


@dataclass(slots=True)
class _Pass:
    """One look at everybody in line.

    Attributes:
        free: What is free of each window.
        claims: What those who still wait claim of it.
        served: Whom it lent to, and of what.
        hoped: What those who are refused in this look may find idle when they come again.
        away: By window and a need's `after`: what may come back, and whether anybody was asked.
        counting: By window: it, and those whose idle money counts in its limit.
        late_ms: Who waits since before then is refused what it lacks.
    """

    late_ms: int
    free: dict[str, int] = field(default_factory=dict)
    claims: Counter[str] = field(default_factory=Counter)
    served: list[tuple[str, str]] = field(default_factory=list)
    hoped: Counter[str] = field(default_factory=Counter)
    away: dict[tuple[str, int], tuple[int, bool]] = field(default_factory=dict)
    counting: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Line:
    """Everybody who waits, over all windows.

    Args:
        book: What is lent; only the line lends.
        limit_of: The limit of a window, in nano-dollars.

    Attributes:
        beside: The other windows whose use counts in the limit of one.
        recalled: Who was asked for idle money, and who has answered.
        changed: Leases that are not written down yet as they are, by journal and window.
        ending: Leases of small windows whose worker has done with them.
        over: Windows that are to be recalled though nobody waits.
        gathered: Windows whose idle money is waited for, by how many wait: what calls need of them
            is lent, but nothing ahead of it, or what came back would be lent again before it is
            used.
    """

    def __init__(self, book: LeaseBook, limit_of: Callable[[str], int]) -> None:
        self._book = book
        self._limit_of = limit_of
        self.beside: Callable[[str], Sequence[str]] = lambda _window: ()
        self._waiting: list[_Waiter] = []
        self._wants: list[tuple[str, Mapping[str, int]]] = []
        self._debts: dict[tuple[str, str], int] = {}
        self._lent: Counter[tuple[str, str]] = Counter()
        self._told: Counter[str] = Counter()
        self.recalled = Recalls(book)
        self.over: set[str] = set()
        self.gathered: Counter[str] = Counter()
        self.changed: set[tuple[str, str]] = set()
        self.ending: set[tuple[str, str]] = set()

    # What is said to it.

    def meet(self, journal: str) -> None:
        """A worker is connected; it asks anew for what it waited for."""
        self.part(journal)
        self.recalled.connected.add(journal)

    def part(self, journal: str) -> None:
        """A worker hangs up: what it waits for it will ask for again, and it answers nothing."""
        self.recalled.part(journal)
        del self._told[journal]
        self._waiting = [each for each in self._waiting if each.journal != journal]
        for pair in [pair for pair in self._debts if pair[0] == journal]:
            del self._debts[pair]
        self.ending = {pair for pair in self.ending if pair[0] != journal}

    def borrow(self, journal: str, borrowing: Borrowing, now_ms: int) -> None:
        """Let a worker's needs join the line, behind everybody."""
        self.returned(journal, borrowing.returned)
        after = self.recalled.number
        self.recalled.number += 1
        for need in borrowing.needs:
            self._waiting.append(_Waiter(journal, need, now_ms + WAIT_MS, after))
            for window in need.windows:
                if borrowing.heard == self._told[journal]:
                    # It has given back what was idle: for its own needs that is an answer.
                    self.recalled.says_all(journal, window)
                self._debts.pop((journal, window), None)
                self.ending.discard((journal, window))
        for window, debt in borrowing.debts.items():
            self._debts[journal, window] = debt
        if borrowing.wants:
            self._wants.append((journal, borrowing.wants))

    def returned(self, journal: str, amounts: Mapping[str, int], recall: int = 0) -> None:
        """Take back what a worker whose lease is open has not; `recall` numbers what it answers."""
        for window, amount in amounts.items():
            if self._book.lease(journal, window) is not None:
                self._book.give_back(journal, window, amount)
                self.changed.add((journal, window))
        if recall:
            self.recalled.answers(journal, recall)

    def call_in(self, windows: Sequence[str]) -> None:
        """Recall what is lent of windows though nobody waits: their limits are lower, or gone."""
        self.over.update(windows)

    def wanted(self) -> dict[str, Wanted]:
        """Return what is asked of each window now, by those who wait and beyond."""
        needs: Counter[str] = Counter()
        wants: Counter[str] = Counter()
        for waiter in self._waiting:
            for window in waiter.need.windows:
                needs[window] += waiter.need.amount_nanos
                needs[window] += self._debts.get((waiter.journal, window), 0)
        for _, wanted in self._wants:
            wants.update(wanted)
        return {window: Wanted(needs[window], wants[window]) for window in {*needs, *wants}}

    def has_ended(self, journal: str, window: str) -> bool:
        """Tell once that nothing is held or lent of a small window that a worker has done with."""
        if (journal, window) not in self.ending:
            return False
        lease = self._book.lease(journal, window)
        if lease is None:
            self.ending.discard((journal, window))
            return False
        if lease.held_nanos or lease.granted_nanos > lease.posted_nanos:
            return False
        self.ending.discard((journal, window))
        return True

    # What comes of it.

    def decide(self, now_ms: int, *, heard: bool = True) -> list[Outcome]:
        """Lend to whom it can, in order; refuse whom it must; the rest goes on waiting.

        Args:
            now_ms: Monotonic time.
            heard: Whether all that workers have said by now is known: else nobody is refused for
                having waited, for what it waits for may have been returned already.
        """
        look = _Pass(late_ms=now_ms if heard else 0)
        outcomes: list[Outcome] = []
        waiting: list[_Waiter] = []
        for waiter in self._waiting:
            outcome = self._look_at(waiter, look, now_ms)
            if outcome is not None:
                outcomes.append(outcome)
                continue
            waiting.append(waiter)
            for window in waiter.need.windows:
                look.claims[window] += waiter.need.amount_nanos
        self._waiting = waiting
        if not waiting:
            self.recalled.forget_answers()
        self._lend_beyond(look)
        return outcomes

    def grants(self) -> dict[str, dict[str, Grant]]:
        """Return what was lent since the last call, by journal and window."""
        found: dict[str, dict[str, Grant]] = {}
        for (journal, window), grown in self._lent.items():
            total = self._book.windows[window].leases[journal].granted_nanos
            found.setdefault(journal, {})[window] = Grant(total, total - grown)
        self._lent.clear()
        self._told.update(found.keys())
        return found

    def recalls(self) -> list[Recall]:
        """Return who is to be asked for what lies idle, for those who still wait."""
        since = dict.fromkeys(self.over, self.recalled.number)
        self.over.clear()
        for waiter in self._waiting:
            for window in waiter.short:
                # An answer that is new for who came last is new for all.
                since[window] = max(since.get(window, 0), waiter.after)
        for window, after in list(since.items()):
            for each in self.beside(window):
                since[each] = max(since.get(each, 0), after)
        return self.recalled.send(since.items())

    def next_ms(self) -> int | None:
        """Return when `decide` has somebody to refuse for having waited; None when nobody waits."""
        return min((each.until_ms for each in self._waiting), default=None)

    def _free(self, look: _Pass, window: str) -> int:
        free = look.free.get(window)
        if free is None:
            account = self._book.account(window, self._limit_of(window))
            free = look.free[window] = account.free_nanos
        return free

    def _look_at(self, waiter: _Waiter, look: _Pass, now_ms: int) -> Outcome | None:
        journal, need = waiter.journal, waiter.need
        costs = {window: self._cost(waiter, look, window) for window in need.windows}
        left = {window: look.free[window] - look.claims[window] for window in costs}
        waiter.short = tuple(window for window, cost in costs.items() if left[window] < cost)
        for window in waiter.short:
            if look.free[window] < costs[window]:
                return self._refusal(waiter, look, window, now_ms)
        if waiter.short and look.late_ms < waiter.until_ms:
            return None
        if waiter.short:
            behind = waiter.short[0]
            return Outcome(journal, need.id, behind, look.free[behind], contended=True)
        for window, cost in costs.items():
            debt = self._debts.pop((journal, window), 0)
            self._lend(look, (journal, window), need.amount_nanos + debt, cost)
            self.recalled.takes(journal, window, need.amount_nanos, now_ms)
            look.served.append((journal, window))
        return Outcome(journal, need.id)

    def _cost(self, waiter: _Waiter, look: _Pass, window: str) -> int:
        self._free(look, window)
        debt = self._debts.get((waiter.journal, window), 0)
        return self._book.cost(waiter.journal, window, waiter.need.amount_nanos + debt)

    def _lend(self, look: _Pass, lease: tuple[str, str], amount: int, cost: int) -> None:
        self._book.lend(*lease, amount)
        look.free[lease[1]] -= cost
        for each in self.beside(lease[1]):
            look.free.pop(each, None)
        self._lent[lease] += amount
        self.changed.add(lease)

    def _refusal(self, waiter: _Waiter, look: _Pass, window: str, now_ms: int) -> Outcome | None:
        """Refuse a need for a window that has not enough free, unless more may come back."""
        free, cost = look.free[window], self._cost(waiter, look, window)
        away, asked = self._away(waiter, look, window)
        hope = free + away >= cost or (asked and waiter.need.shorten)
        if hope and look.late_ms < waiter.until_ms:
            return None
        counting = self._counting(look, window)
        idle = sum(self.recalled.in_motion(each, waiter.after, now_ms) for each in counting)
        # It is told to come again for what nobody before it was told to come again for.
        contended = free - look.claims[window] - look.hoped[window] + min(away, idle) >= cost
        look.hoped[window] += cost if contended else 0
        if not contended and waiter.need.shorten:
            self._lend_rest(waiter, look)
        return Outcome(waiter.journal, waiter.need.id, window, max(0, free), contended)

    def _away(self, waiter: _Waiter, look: _Pass, window: str) -> tuple[int, bool]:
        """Return what may come back at the most, and whether a worker is asked for some."""
        key = (window, waiter.after)
        found = look.away.get(key)
        if found is None:
            counting = self._counting(look, window)
            each = [self.recalled.away(one, waiter.after) for one in counting]
            found = sum(away for away, _ in each), any(asked for _, asked in each)
            look.away[key] = found
        return found

    def _counting(self, look: _Pass, window: str) -> tuple[str, ...]:
        found = look.counting.get(window)
        if found is None:
            beside = [each for each in self.beside(window) if each in self._book.windows]
            found = look.counting[window] = (window, *beside)
        return found

    def _lend_rest(self, waiter: _Waiter, look: _Pass) -> None:
        journal, amount = waiter.journal, waiter.need.amount_nanos
        windows = waiter.need.windows
        rest = {each: min(self._free(look, each) - look.claims[each], amount) for each in windows}
        for window, some in rest.items() if min(rest.values()) > 0 else ():
            self._lend(look, (journal, window), some, some)

    def _lend_beyond(self, look: _Pass) -> None:
        """Lend more than calls need where that is comfortable; the rest of a small budget whole."""
        wants, self._wants = self._wants, []
        comfortable: set[str] = set()
        kept = {each for window in self.gathered for each in (window, *self.beside(window))}
        for journal, wanted in wants:
            for window, amount in wanted.items():
                if window in kept:
                    continue
                free = self._free(look, window)
                if not look.claims[window] and free >= COMFORT * amount > 0:
                    self._lend(look, (journal, window), amount, amount)
                    comfortable.add(window)
        for journal, window in look.served:
            free = self._free(look, window)
            small = is_small(window) and window not in comfortable and window not in kept
            if free > 0 and not look.claims[window] and small:
                self._lend(look, (journal, window), free, free)
