"""Random histories of workers, a steward's line and book, and crashes, held to their promises.

Messages between a worker and the steward arrive in order, whenever the history says so: asks and
answers, recalls and what is given back for them cross each other in every way.
"""

import random
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from headgate.ledger import slices
from headgate.ledger.book import LeaseBook, Used
from headgate.ledger.line import Borrowing, Grant, Line, Outcome
from headgate.ledger.purse import Purse, Short, Waiting
from headgate.ledger.slices import Slice, Slices

LIMITS = {"run/r@once": 60, "team@once": 100, "root@once": 150}
RUN = "run/r@once"
PATHS = (tuple(LIMITS), ("team@once", "root@once"), ("root@once",))
WORKERS = ("w0", "w1", "w2")
NAMES = st.sampled_from(WORKERS)
AMOUNTS = st.integers(0, 40)


class Returned(NamedTuple):
    """What a worker gives back, as an answer to a recall or not; `done` with its run."""

    amounts: dict[str, int]
    recall: int = 0
    done: bool = False


class Told(NamedTuple):
    """What a worker is told: what is lent and decided."""

    grants: dict[str, Grant]
    outcomes: list[Outcome]
    heard: bool


class Recalled(NamedTuple):
    """A recall on its way."""

    number: int
    windows: tuple[str, ...]


@dataclass
class Worker:
    """One worker's epoch: its purse, what is on its way, and what of its journal is not folded."""

    journal: str
    purse: Purse
    up: deque[Borrowing | Returned] = field(default_factory=deque)
    down: deque[Told | Recalled] = field(default_factory=deque)
    holds: list[tuple[Slices, int]] = field(default_factory=list)
    unfolded: list[tuple[str, int, int]] = field(default_factory=list)
    posted: Counter[str] = field(default_factory=Counter)
    connected: bool = True

    def slices(self) -> dict[str, Slice]:
        """Return its slices by window."""
        return {window: self.purse.slice_of(window, "b") for window in LIMITS}


class Leases(RuleBasedStateMachine):
    """A steward's book and three workers that live, die and come back."""

    def __init__(self) -> None:
        super().__init__()
        self.book = LeaseBook()
        self.limits = dict(LIMITS)
        self.line = Line(self.book, self.limits.__getitem__)
        self.now_ms = 0
        self.posted: Counter[str] = Counter()
        self.book.at_rest = lambda window: Used(window, self.posted[window], 0)
        self.overage: Counter[str] = Counter()
        self.epochs = 0
        self.workers: dict[str, Worker] = {}
        for name in WORKERS:
            self.begin(name)

    def begin(self, name: str) -> None:
        """Let a worker begin a new journal."""
        self.epochs += 1
        worker: Worker

        def ask(borrowing: Borrowing) -> bool:
            if worker.connected:
                worker.up.append(borrowing)
            return worker.connected

        worker = self.workers[name] = Worker(f"{name}-{self.epochs}", Purse(ask))
        self.line.meet(worker.journal)

    def move(self, asked: str = "") -> None:
        """Decide, and tell, as the steward does after each message."""
        outcomes, grants = self.line.decide(self.now_ms), self.line.grants()
        for worker in self.workers.values():
            mine = [each for each in outcomes if each.journal == worker.journal]
            lent = grants.get(worker.journal, {})
            if mine or lent or worker.journal == asked:
                worker.down.append(Told(lent, mine, worker.journal == asked))
        journals = {worker.journal: worker for worker in self.workers.values()}
        for recall in self.line.recalls():
            journals[recall.journal].down.append(Recalled(recall.number, recall.windows))

    def hear(self, worker: Worker) -> None:
        """Let the steward hear the next that a worker has said."""
        said = worker.up.popleft()
        if isinstance(said, Borrowing):
            self.line.borrow(worker.journal, said, self.now_ms)
            self.move(worker.journal)
            return
        self.line.returned(worker.journal, said.amounts, said.recall)
        if said.done:
            self.line.ending.add((worker.journal, RUN))
            self.end_run(worker)
        self.move()

    def end_run(self, worker: Worker) -> None:
        """End a lease of the run whose worker has done with it, when all is folded."""
        if self.line.has_ended(worker.journal, RUN):
            assert self.book.close(worker.journal, RUN, trusted=True) == 0
            del worker.posted[RUN]

    def tell(self, worker: Worker) -> None:
        """Let a worker hear the next that the steward has said."""
        told = worker.down.popleft()
        if isinstance(told, Recalled):
            worker.up.append(Returned(worker.purse.release(told.windows), told.number))
        else:
            worker.purse.lent(told.grants, told.outcomes, heard=told.heard)

    @rule(name=NAMES, windows=st.sampled_from(PATHS), amount=AMOUNTS, shorten=st.booleans())
    def call(self, name: str, windows: tuple[str, ...], amount: int, shorten: bool) -> None:
        """A call holds, or waits."""
        worker = self.workers[name]
        path = tuple(worker.purse.slice_of(each, each.partition("@")[0]) for each in windows)

        def resume(short: Short | str | None) -> None:
            if short is None:
                self.hold(worker, path, amount)
            elif isinstance(short, Short) and shorten and not short.contended:
                left = min(piece.idle_nanos for piece in path)
                if left > 0 and slices.hold(path, min(left, amount)) is None:
                    self.hold(worker, path, min(left, amount))

        if worker.purse.try_hold(path, amount) is None:
            resume(None)
        else:
            worker.purse.wait(Waiting(path, amount, resume, self.now_ms, shorten))

    def hold(self, worker: Worker, path: Slices, amount: int) -> None:
        """Write a hold that was made to the journal."""
        worker.holds.append((path, amount))
        worker.unfolded += [(piece.window, 0, amount) for piece in path]

    @rule(name=NAMES)
    def steward_hears(self, name: str) -> None:
        """What a worker said arrives."""
        if self.workers[name].up:
            self.hear(self.workers[name])

    @rule(name=NAMES)
    def worker_hears(self, name: str) -> None:
        """What a worker is told arrives."""
        if self.workers[name].down:
            self.tell(self.workers[name])

    @rule(ms=st.integers(1, 60))
    def time_passes(self, ms: int) -> None:
        """Whoever has waited for too long is refused."""
        self.now_ms += ms
        self.move()

    @rule(name=NAMES)
    def refill(self, name: str) -> None:
        """A worker asks ahead."""
        self.workers[name].purse.refill()

    @rule(name=NAMES, window=st.sampled_from(sorted(LIMITS)))
    def release(self, name: str, window: str) -> None:
        """A worker gives back what no hold needs, so that it can be carved."""
        worker = self.workers[name]
        if worker.connected:
            worker.up.append(Returned(worker.purse.release([window])))

    @rule(name=NAMES)
    def forget(self, name: str) -> None:
        """A worker has done with the run."""
        worker, returned = self.workers[name], dict[str, int]()
        piece = worker.purse.slice_of(RUN, "run/r")
        if worker.connected and worker.purse.forget(piece, returned):
            worker.up.append(Returned(returned, done=True))

    @rule()
    def rest(self) -> None:
        """Windows of which nobody is lent are left to the store."""
        for window in LIMITS:
            self.book.lay_to_rest(window)

    @rule(name=NAMES, share=st.integers(0, 4), data=st.data())
    def settle(self, name: str, share: int, data: st.DataObject) -> None:
        """A call ends: void at nothing, or at a part of its hold, or whole."""
        worker = self.workers[name]
        if worker.holds:
            at = data.draw(st.integers(0, len(worker.holds) - 1))
            self.end(worker, at, worker.holds[at][1] * share // 4)

    @rule(name=NAMES, beyond=st.integers(1, 50))
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
        worker.unfolded += [(piece.window, posted, -amount) for piece in path]
        worker.posted.update({piece.window: posted for piece in path})

    @rule(name=NAMES)
    def fold(self, name: str) -> None:
        """The steward folds what a journal has."""
        worker = self.workers[name]
        for window, posted, held in worker.unfolded:
            self.book.account(window, self.limits[window])
            self.book.post(worker.journal, window, posted, held)
            self.posted[window] += posted
        worker.unfolded.clear()
        self.end_run(worker)

    @rule(name=NAMES, heard=st.integers(0, 3))
    def crash(self, name: str, heard: int) -> None:
        """A worker dies, perhaps with messages on its way; its journal is taken over."""
        worker = self.workers[name]
        for _ in range(min(heard, len(worker.up))):
            self.hear(worker)
        self.line.part(worker.journal)
        for _ in list(worker.holds):
            self.end(worker, 0, worker.holds[0][1])
        self.fold(name)
        for window, account in self.book.windows.items():
            if worker.journal in account.leases:
                assert self.book.close(worker.journal, window, trusted=True) == 0
        self.begin(name)
        self.move()

    @rule(heard=st.integers(0, 3))
    def steward_dies(self, heard: int) -> None:
        """Every connection breaks, perhaps after something was stored; a new steward tells it."""
        for worker in self.workers.values():
            for _ in range(min(heard, len(worker.up))):
                self.hear(worker)
            worker.connected = False
        self.line = Line(self.book, self.limits.__getitem__)
        for name, worker in self.workers.items():
            worker.up.clear()
            worker.down.clear()
            worker.purse.disconnected()
            self.fold(name)
        for worker in self.workers.values():
            worker.connected = True
            self.line.meet(worker.journal)
            worker.purse.reconnected(
                {
                    window: Grant(lease.granted_nanos, lease.posted_nanos)
                    for window, account in self.book.windows.items()
                    if (lease := account.leases.get(worker.journal)) is not None
                }
            )

    @precondition(lambda self: self.limits == LIMITS)
    @rule(window=st.sampled_from(sorted(LIMITS)), limit=st.integers(0, 50))
    def lower_limit(self, window: str, limit: int) -> None:
        """The limit becomes smaller than what may be lent already, which is recalled."""
        self.limits[window] = limit
        self.book.account(window, limit)
        self.line.call_in([window])
        self.move()

    def drain(self) -> None:
        """Let everybody hear everything."""
        while any(worker.up or worker.down for worker in self.workers.values()):
            for worker in self.workers.values():
                while worker.up:
                    self.hear(worker)
                while worker.down:
                    self.tell(worker)

    @rule(
        calls=st.lists(st.tuples(NAMES, st.sampled_from(PATHS), AMOUNTS), min_size=1, max_size=6),
        order=st.randoms(use_true_random=False),
    )
    def crowd(self, calls: list[tuple[str, tuple[str, ...], int]], order: random.Random) -> None:
        """Calls come at once, anywhere, and only what does not fit is refused."""
        self.drain()
        refused: list[tuple[Short, int]] = []
        answered = 0

        def judge(worker: Worker, path: Slices, amount: int, short: Short | str | None) -> None:
            nonlocal answered
            answered += 1
            if short is None:
                self.hold(worker, path, amount)
            else:
                assert isinstance(short, Short)
                assert not short.contended
                refused.append((short, amount))

        for name, windows, amount in calls:
            worker = self.workers[name]
            path = tuple(worker.purse.slice_of(each, each.partition("@")[0]) for each in windows)
            resume = partial(judge, worker, path, amount)
            if worker.purse.try_hold(path, amount) is None:
                resume(None)
            else:
                worker.purse.wait(Waiting(path, amount, resume, self.now_ms))
        while ready := [
            *((each, True) for each in self.workers.values() if each.up),
            *((each, False) for each in self.workers.values() if each.down),
        ]:
            worker, rises = order.choice(ready)
            (self.hear if rises else self.tell)(worker)
        assert answered == len(calls)
        for short, amount in refused:
            window = short.piece.window
            assert self.limits[window] - self.carried(window) < amount

    def carried(self, window: str) -> int:
        """Return what is posted and held of a window, folded or not."""
        total = self.posted[window]
        for worker in self.workers.values():
            total += sum(posted for each, posted, _ in worker.unfolded if each == window)
            for path, amount in worker.holds:
                total += sum(amount for piece in path if piece.window == window)
        return total

    @invariant()
    def nothing_is_admitted_above_the_limit(self) -> None:
        """Posted + held is within the limit, but for what providers billed beyond their holds."""
        for window, limit in LIMITS.items():
            assert self.carried(window) <= limit + self.overage[window]

    @invariant()
    def the_book_lends_only_what_there_is(self) -> None:
        """A window whose limit stands and that nobody overdrew never lends below zero."""
        for window, account in self.book.windows.items():
            if self.limits[window] == LIMITS[window] and not self.overage[window]:
                assert account.free_nanos >= 0

    @invariant()
    def a_worker_has_what_the_book_says(self) -> None:
        """What a worker may spend, did spend, and what is on its way is what it was lent."""
        for worker in self.workers.values():
            for window, piece in worker.slices().items():
                lease = self.book.lease(worker.journal, window)
                coming = sum(
                    grant.total_nanos - grant.before_nanos
                    for told in worker.down
                    if isinstance(told, Told)
                    for each, grant in told.grants.items()
                    if each == window
                )
                going = sum(
                    (said.returned if isinstance(said, Borrowing) else said.amounts).get(window, 0)
                    for said in worker.up
                )
                has = worker.posted[window] + piece.held_nanos + piece.idle_nanos
                lent = 0 if lease is None else lease.granted_nanos
                if not self.overage[window]:
                    assert has + coming + going == lent, (window, worker.journal)

    @invariant()
    def slices_agree_with_the_open_holds(self) -> None:
        """What a slice holds is the sum of the open holds on it."""
        for worker in self.workers.values():
            held: Counter[str] = Counter()
            for path, amount in worker.holds:
                held.update({piece.window: amount for piece in path})
            for window, piece in worker.slices().items():
                assert piece.held_nanos == held[window]


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
