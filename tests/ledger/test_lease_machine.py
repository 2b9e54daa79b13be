"""Random histories of workers, their purses, the lease book and crashes, held to its promises."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from headgate.ledger import slices
from headgate.ledger.book import LeaseBook
from headgate.ledger.purse import Need, Purse, Waiting
from headgate.ledger.slices import Slice

LIMITS = {"run@once": 60, "team@once": 100, "root@once": 150}
PATHS = (("run@once", "team@once", "root@once"), ("team@once", "root@once"), ("root@once",))
WORKERS = ("w0", "w1")
AMOUNTS = st.integers(0, 40)


@dataclass
class Worker:
    """One worker's epoch: its purse, and what its journal has that is not folded."""

    journal: str
    purse: Purse
    asked: list[Sequence[Need]] = field(default_factory=list)
    holds: list[tuple[Sequence[Slice], int]] = field(default_factory=list)
    unfolded: list[tuple[str, int]] = field(default_factory=list)
    slices: dict[str, Slice] = field(default_factory=dict)


class Leases(RuleBasedStateMachine):
    """A steward's book and two workers that live, die and come back."""

    def __init__(self) -> None:
        super().__init__()
        self.book = LeaseBook()
        self.limits = dict(LIMITS)
        self.limits_max = dict(LIMITS)
        self.posted: Counter[str] = Counter()
        self.overage: Counter[str] = Counter()
        self.epochs = 0
        self.workers: dict[str, Worker] = {}
        for name in WORKERS:
            self.begin(name)

    def begin(self, name: str) -> None:
        """Let a worker begin a new journal."""
        self.epochs += 1
        asked: list[Sequence[Need]] = []

        def ask(needs: Sequence[Need]) -> bool:
            asked.append(needs)
            return True

        self.workers[name] = Worker(f"{name}-{self.epochs}", Purse(ask), asked)

    def lend(self, worker: Worker, needs: Sequence[Need]) -> dict[str, int]:
        """Do what the steward does with a request."""
        granted = {}
        for need in needs:
            self.book.account(need.window, self.limits[need.window])
            granted[need.window] = self.book.lend(
                worker.journal, need.window, need_nanos=need.need_nanos, want_nanos=need.want_nanos
            )
        return granted

    @rule(name=st.sampled_from(WORKERS), windows=st.sampled_from(PATHS), amount=AMOUNTS)
    def call(self, name: str, windows: tuple[str, ...], amount: int) -> None:
        """A call holds, or waits."""
        worker = self.workers[name]
        path = tuple(worker.purse.slice_of(each, each.partition("@")[0]) for each in windows)
        worker.slices |= dict(zip(windows, path, strict=True))

        def resume(short: Slice | str | None) -> None:
            if short is None:
                worker.holds.append((path, amount))

        if worker.purse.try_hold(path, amount) is None:
            resume(None)
        else:
            worker.purse.wait(Waiting(path, amount, resume, 0))

    @rule(name=st.sampled_from(WORKERS), more=AMOUNTS, data=st.data())
    def extend(self, name: str, more: int, data: st.DataObject) -> None:
        """A call that runs holds more, or waits for it while it runs on; it may end meanwhile."""
        worker = self.workers[name]
        if not worker.holds:
            return
        hold = worker.holds[data.draw(st.integers(0, len(worker.holds) - 1))]
        path = hold[0]

        def resume(short: Slice | str | None) -> None:
            if short is not None:
                return
            at = next((at for at, each in enumerate(worker.holds) if each is hold), None)
            if at is None:
                slices.void(path, more)
            else:
                worker.holds[at] = (path, worker.holds[at][1] + more)

        if worker.purse.try_hold(path, more) is None:
            resume(None)
        else:
            worker.purse.wait(Waiting(path, more, resume, 0))

    @rule(name=st.sampled_from(WORKERS))
    def answer(self, name: str) -> None:
        """The steward answers what a worker asked first."""
        worker = self.workers[name]
        if worker.asked:
            worker.purse.granted(self.lend(worker, worker.asked.pop(0)), answer=True)

    @rule(name=st.sampled_from(WORKERS))
    def refill(self, name: str) -> None:
        """A worker asks ahead."""
        self.workers[name].purse.refill()

    @rule(name=st.sampled_from(WORKERS), window=st.sampled_from(sorted(LIMITS)))
    def release(self, name: str, window: str) -> None:
        """A worker gives back what no call of its needs, so that it can be carved."""
        worker = self.workers[name]
        for each, amount in worker.purse.release([window]).items():
            self.book.give_back(worker.journal, each, amount)

    @rule(name=st.sampled_from(WORKERS), share=st.integers(0, 4), data=st.data())
    def settle(self, name: str, share: int, data: st.DataObject) -> None:
        """A call ends: void at nothing, or at a part of its hold, or whole."""
        worker = self.workers[name]
        if worker.holds:
            at = data.draw(st.integers(0, len(worker.holds) - 1))
            self.end(worker, at, worker.holds[at][1] * share // 4)

    @rule(name=st.sampled_from(WORKERS), beyond=st.integers(1, 50))
    def overdraw(self, name: str, beyond: int) -> None:
        """A provider bills beyond the hold."""
        worker = self.workers[name]
        if worker.holds:
            path, amount = worker.holds[0]
            self.end(worker, 0, amount + beyond)
            self.overage.update({piece.window: beyond for piece in path})

    def end(self, worker: Worker, at: int, posted: int) -> None:
        """End a hold in the purse and write it to the journal."""
        path, amount = worker.holds.pop(at)
        slices.settle(path, amount, posted)
        worker.unfolded += [(piece.window, posted) for piece in path]

    @rule(name=st.sampled_from(WORKERS))
    def fold(self, name: str) -> None:
        """The steward folds what a journal has."""
        worker = self.workers[name]
        for window, posted in worker.unfolded:
            self.book.account(window, self.limits[window])
            self.book.post(worker.journal, window, posted)
            self.posted[window] += posted
        worker.unfolded.clear()

    @rule(name=st.sampled_from(WORKERS), lent=st.booleans())
    def crash(self, name: str, lent: bool) -> None:
        """A worker dies, perhaps with an answer on its way; its journal is taken over."""
        worker = self.workers[name]
        if lent and worker.asked:
            self.lend(worker, worker.asked[0])
        for _ in list(worker.holds):
            self.end(worker, 0, worker.holds[0][1])
        self.fold(name)
        for window, account in self.book.windows.items():
            if worker.journal in account.leases:
                assert self.book.close(worker.journal, window, trusted=True) == 0
        self.begin(name)

    @rule(lent=st.booleans())
    def steward_dies(self, lent: bool) -> None:
        """Every connection breaks, perhaps after a grant was stored; a new steward tells it."""
        for worker in self.workers.values():
            if lent and worker.asked:
                self.lend(worker, worker.asked[0])
            worker.asked.clear()
            worker.purse.disconnected()
        for worker in self.workers.values():
            told = {
                window: account.leases[worker.journal].granted_nanos
                for window, account in self.book.windows.items()
                if worker.journal in account.leases
            }
            worker.purse.granted(told, answer=False)
            worker.purse.reconnected()

    @precondition(lambda self: self.limits == LIMITS)
    @rule(window=st.sampled_from(sorted(LIMITS)), limit=st.integers(0, 50))
    def lower_limit(self, window: str, limit: int) -> None:
        """The limit becomes smaller than what may be lent already."""
        self.limits[window] = limit
        self.book.account(window, limit)

    @invariant()
    def nothing_is_admitted_above_the_limit(self) -> None:
        """Posted + held is within the limit, but for what providers billed beyond their holds."""
        for window, limit in self.limits_max.items():
            total = self.posted[window]
            for worker in self.workers.values():
                total += sum(amount for each, amount in worker.unfolded if each == window)
                total += worker.slices[window].held_nanos if window in worker.slices else 0
            assert total <= limit + self.overage[window]

    @invariant()
    def the_book_lends_only_what_there_is(self) -> None:
        """A window whose limit stands and that nobody overdrew never lends below zero."""
        for window, account in self.book.windows.items():
            if self.limits[window] == LIMITS[window] and not self.overage[window]:
                assert account.free_nanos >= 0

    @invariant()
    def a_worker_never_thinks_it_was_lent_more(self) -> None:
        """Every slice is at most what the book says was lent to its worker."""
        for worker in self.workers.values():
            for window, piece in worker.slices.items():
                account = self.book.windows.get(window)
                lease = account.leases.get(worker.journal) if account is not None else None
                assert piece.granted_nanos <= (lease.granted_nanos if lease is not None else 0)

    @invariant()
    def slices_agree_with_the_open_holds(self) -> None:
        """What a slice holds is the sum of the open holds on it."""
        for worker in self.workers.values():
            held: Counter[str] = Counter()
            for path, amount in worker.holds:
                held.update({piece.window: amount for piece in path})
            for window, piece in worker.slices.items():
                assert piece.held_nanos == held[window]


class Alone(Leases):
    """The same with one worker, for which refusals can be judged."""

    @rule(windows=st.sampled_from(PATHS), amounts=st.lists(AMOUNTS, min_size=1, max_size=5))
    def crowd(self, windows: tuple[str, ...], amounts: list[int]) -> None:
        """Calls come at once and all are answered; only what does not fit is refused."""
        worker = self.workers["w0"]
        while worker.asked:
            self.answer("w0")
        for amount in amounts:
            self.judged(worker, windows, amount)
        while worker.asked:
            self.answer("w0")

    def judged(self, worker: Worker, windows: tuple[str, ...], amount: int) -> None:
        """Make a call; when it is refused, it must not have fitted."""
        path = tuple(worker.purse.slice_of(each, each.partition("@")[0]) for each in windows)
        worker.slices |= dict(zip(windows, path, strict=True))

        def resume(short: Slice | str | None) -> None:
            if short is None:
                worker.holds.append((path, amount))
                return
            assert isinstance(short, Slice)
            other = self.book.windows[short.window].leases.get(self.workers["w1"].journal)
            free = self.limits[short.window] - self.used(short.window)
            assert free - (other.counted_nanos if other is not None else 0) < amount

        if worker.purse.try_hold(path, amount) is None:
            resume(None)
        else:
            worker.purse.wait(Waiting(path, amount, resume, 0))

    def used(self, window: str) -> int:
        """Return what this worker, and closed journals, have posted and hold."""
        worker = self.workers["w0"]
        unfolded = sum(amount for each, amount in worker.unfolded if each == window)
        lease = self.book.windows[window].leases.get(self.workers["w1"].journal)
        theirs = lease.posted_nanos if lease is not None else 0
        return self.posted[window] - theirs + unfolded + worker.slices[window].held_nanos


QUICK = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLeases = Leases.TestCase
TestLeases.settings = QUICK
TestAlone = Alone.TestCase
TestAlone.settings = QUICK
