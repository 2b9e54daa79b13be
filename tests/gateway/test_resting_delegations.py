"""What a worker keeps for the work of delegations ends with that work, as a run's own does."""

from collections.abc import Sequence
from datetime import UTC

import pytest

from headgate.budgets.settings import Budget
from headgate.gateway.money.allotments import Allotments, Lender
from headgate.gateway.money.paths import REST_NS, SpendPath
from headgate.identity.directory import Credential, Directory
from headgate.identity.grant import Asked, Delegation, Grant, Link

USD = 10**9
COUNT = 500
BUDGETS = (
    Budget("each-run", "run:*", "once", USD),
    Budget("each-agent", "agent:alice/*", "once", USD),
    Budget("team-month", "team:research", "month", 10_000 * USD),
)


def delegate(number: int, agent: str = "worker", money_nanos: int | None = None) -> Credential:
    """Return a delegation of alice's key, the one of a number."""
    asked = Asked(agent, money_nanos=money_nanos)
    link = Link(f"{number:032x}", asked, Grant(money_nanos=money_nanos))
    return Credential("alice", "alice", "research", None, Delegation((link,)))


class Worker:
    """A worker's allotments and paths; its steward takes what is given back, and lends nothing."""

    def __init__(self) -> None:
        self.over: list[str] = []
        lender = Lender(lambda _asked: True, lambda _new: True, self._give_back)
        self.allotments = Allotments(lender, Directory(b"pepper"), BUDGETS, UTC)
        self.now_ns = 1

    def _give_back(self, _amounts: dict[str, int], over: Sequence[str]) -> bool:
        self.over += over
        return True

    def path(self, credential: Credential, run: str | None) -> SpendPath:
        """Return what a call that is made now is held on."""
        return self.allotments.path(credential, run, (), self.now_ns)

    def rest(self) -> list[str]:
        """Let the time of a sweep pass; returns the windows that are done."""
        self.now_ns += REST_NS
        self.over.clear()
        self.allotments.sweep(self.now_ns)
        return list(self.over)


@pytest.mark.parametrize("money_nanos", [None, USD])
def test_nothing_is_kept_of_runs_of_delegations_that_are_over(money_nanos: int | None) -> None:
    """Whether or not the delegation has money of its own."""
    worker, own = Worker(), delegate(1, money_nanos=money_nanos)
    for number in range(COUNT):
        worker.path(own, f"r{number}")
    slices = len(worker.allotments.purse)

    worker.rest()
    worker.path(own, None)
    done = worker.rest()

    assert sorted(done) == sorted(f"each-run/alice/r{number}@once" for number in range(COUNT))
    assert len(worker.allotments.purse) == slices - COUNT


def test_nothing_is_kept_of_agents_that_are_gone() -> None:
    """Whoever makes calls names them, so there may be a new one for each task."""
    worker = Worker()
    for number in range(COUNT):
        worker.path(delegate(number, f"agent-{number}"), None)
    assert len(worker.allotments.purse) == COUNT + 1

    worker.rest()
    done = worker.rest()

    assert sorted(done) == sorted(f"each-agent/agent-{number}@once" for number in range(COUNT))
    assert len(worker.allotments.purse) == 1


def test_a_run_of_a_delegation_that_is_in_use_is_kept() -> None:
    """Calls that come now and then find it, however many sweeps there are."""
    worker, own = Worker(), delegate(1)
    for _ in range(4):
        worker.path(own, "r")
        assert worker.rest() == []


def test_an_agent_at_work_is_kept_while_its_runs_come_and_go() -> None:
    """Its window is that of all its runs: the first that rests does not take it from the others."""
    worker, own = Worker(), delegate(1)
    (at_work,) = [each for each in worker.path(own, "first").slices if "each-agent" in each.window]

    for number in range(4):
        assert at_work in worker.path(own, f"r{number}").slices
        worker.rest()

    assert at_work in worker.path(own, "last").slices


def test_an_agent_whose_call_runs_is_kept() -> None:
    """It is forgotten when that call has ended, and not before."""
    worker, own = Worker(), delegate(1)
    path = worker.path(own, None)
    (busy,) = [each for each in path.slices if "each-agent" in each.window]
    busy.held_nanos = 1

    assert [worker.rest() for _ in range(3)] == [[], [], []]
    assert busy in worker.path(own, None).slices
    busy.held_nanos = 0
    worker.rest()
    assert worker.rest() == ["each-agent/worker@once"]
