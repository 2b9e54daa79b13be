"""What a worker keeps for a run ends with its work, and goes on where the run does."""

from collections.abc import Iterator
from datetime import UTC

import pytest

from headgate.budgets.settings import Budget
from headgate.gateway.money.paths import AHEAD_NS, REST_NS, Paths, SpendPath
from headgate.identity.directory import Credential
from headgate.ledger.book import LeaseBook
from headgate.ledger.line import Borrowing, Line
from headgate.ledger.purse import Purse, Short, Waiting
from headgate.ledger.slices import settle

RUNS = 500
USD = 10**9
BUDGETS = (
    Budget("each-run", "run:*", "once", USD),
    Budget("team-month", "team:research", "month", 10_000 * USD),
)


ALICE = Credential("alice", "alice", "research", None)


class Worker:
    """A worker's purse and paths, and a line that lends to it at once."""

    def __init__(self) -> None:
        self.book = LeaseBook()
        self.line = Line(self.book, lambda window: (10_000 if "team" in window else 1) * USD)
        self.line.meet("w")
        self.purse = Purse(self._ask)
        self.paths = Paths(BUDGETS, UTC, self.purse)
        self.asked: list[Borrowing] = []
        self.now_ns = 1

    def _ask(self, borrowing: Borrowing) -> bool:
        self.asked.append(borrowing)
        return True

    def hold(self, run: str, amount: int = 5) -> SpendPath:
        """Make a hold for a call of a run."""
        path = self.paths.find(ALICE, run, (), self.now_ns)
        answers: list[Short | str | None] = []
        if self.purse.try_hold(path.slices, amount) is not None:
            path = path.renewed(self.purse)
            self.purse.wait(Waiting(path.slices, amount, answers.append, 0))
            self.serve()
            assert answers == [None]
        return path

    def serve(self) -> None:
        """Answer what was asked."""
        while self.asked:
            self.line.borrow("w", self.asked.pop(0), 0)
            outcomes = self.line.decide(0)
            self.purse.lent(self.line.grants().get("w", {}), outcomes, heard=True)

    def call(self, run: str) -> None:
        """Make a call that costs less than its hold."""
        path = self.hold(run)
        settle(path.slices, 5, 3)
        for window in path.windows:
            self.book.post("w", window, 3)

    def rest(self) -> list[str]:
        """Let the time of a sweep pass; returns the windows that are done."""
        self.now_ns += REST_NS
        assert self.paths.due(self.now_ns)
        returned, over = self.paths.sweep(self.now_ns)
        self.line.returned("w", returned)
        for window in over:
            self.line.ending.add(("w", window))
            if self.line.has_ended("w", window):
                self.book.close("w", window, trusted=True)
        return over


@pytest.fixture
def worker() -> Iterator[Worker]:
    """A worker; what it owns at the end of a test is what the book says."""
    made = Worker()
    yield made
    for window, account in made.book.windows.items():
        piece = made.purse.slice_of(window, "b")
        lease = account.leases.get("w")
        granted = 0 if lease is None else lease.granted_nanos - lease.posted_nanos
        assert piece.granted_nanos - piece.posted_nanos == granted


def test_nothing_is_kept_of_runs_that_are_over(worker: Worker) -> None:
    """Their slices are gone, what was idle in them is free, and their leases have ended."""
    for number in range(RUNS):
        worker.call(f"r{number}")
    assert len(worker.purse) == RUNS + 1

    assert worker.rest() == []
    assert len(worker.rest()) == RUNS

    assert len(worker.purse) == 1
    assert [window for window, each in worker.book.windows.items() if each.leases] == [
        "team-month@1970-01"
    ]
    run = worker.book.windows["each-run/alice/r7@once"]
    assert (run.closed_nanos, run.free_nanos) == (3, USD - 3)


def test_a_run_in_use_is_kept(worker: Worker) -> None:
    """Whether it makes calls now and then, or has one that runs for long."""
    worker.hold("long")
    for _ in range(4):
        worker.call("often")
        assert worker.rest() == []

    assert len(worker.purse) == 3


def test_a_run_that_comes_back_goes_on_with_what_it_has_left(worker: Worker) -> None:
    """It is lent what is left of its budget, not what it had spent before."""
    worker.call("r")
    worker.rest()
    worker.rest()
    worker.call("r")

    run = worker.book.windows["each-run/alice/r@once"]
    assert (run.closed_nanos, run.leases["w"].posted_nanos) == (3, 3)
    idle = worker.purse.slice_of("each-run/alice/r@once", "each-run").idle_nanos
    assert run.free_nanos + idle == USD - 6


def test_a_call_that_waited_while_its_run_rested_is_held_where_the_run_is_now(
    worker: Worker,
) -> None:
    """The path that it found before is renewed: a slice that was forgotten is lent nothing."""
    worker.call("r")
    path = worker.paths.find(ALICE, "r", (), worker.now_ns)
    worker.rest()
    worker.rest()
    assert worker.purse.try_hold(path.slices, 5) is not None

    renewed = path.renewed(worker.purse)

    assert renewed.slices[0] is not path.slices[0]
    assert renewed.slices[0] is worker.hold("r").slices[0]


def test_the_next_month_is_lent_ahead(worker: Worker) -> None:
    """At its turn the first call is held with no question asked; each window is asked for once."""
    turn_ns = 31 * 86_400 * 10**9
    worker.now_ns = turn_ns - AHEAD_NS - 1
    worker.call("r")
    assert worker.paths.ahead(worker.now_ns) == {}

    worker.now_ns = turn_ns - 1
    wants = worker.paths.ahead(worker.now_ns)
    assert list(wants) == ["team-month@1970-02"]
    assert worker.paths.ahead(worker.now_ns) == {}
    worker.purse.want(wants)
    worker.serve()

    worker.now_ns = turn_ns
    path = worker.paths.find(ALICE, "r", (), turn_ns)
    assert path.windows[-1] == "team-month@1970-02"
    assert worker.purse.try_hold(path.slices, 5) is None
    assert not worker.asked


def test_a_key_that_is_another_principals_by_now_is_held_on_that_ones_budgets() -> None:
    """What is remembered for a key is right as long as the key is whose it was."""
    budgets = (Budget("each", "principal:*", "once", USD),)
    paths = Paths(budgets, UTC, Purse(lambda _: True))
    bob = ALICE._replace(principal="bob")

    windows = [paths.find(each, None, (), 1).windows for each in (ALICE, ALICE, bob, ALICE)]

    assert windows[0] == windows[1] == windows[3] != windows[2]
