"""Workers are lent what lies idle at others; what is to be carved is gathered from all of them."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine

from headgate.ledger.keeper import Keeper
from headgate.ledger.line import WAIT_MS
from headgate.node.lending import Lending
from headgate.node.messages import Borrow, Carve, GiveBack, Lent, Message, Recall, Uncarved
from headgate.node.rows import AllotmentRow, NeedRow, OutcomeRow
from headgate.store.journal_writer import JournalWriter
from tests.ledger.test_journal import CALLER, ROUTE, end, hold
from tests.lending import borrow, give_back
from tests.stores import open_test_store

ABOVE = "team@once"
BELOW = "run/r@once"
LIMIT = 1_000
WORKER = "w-1"


@dataclass
class Stage:
    """A steward's lending, and what it tells workers."""

    keeper: Keeper
    lending: Lending
    said: list[tuple[str, Message]] = field(default_factory=list)

    async def carve(self, nanos: int) -> list[Uncarved]:
        """Carve an allotment from the window; returns what does not fit."""
        row = AllotmentRow(BELOW, nanos, (ABOVE,), "", (), "run:r", None)
        await self.lending.carve(Carve((row,)), "asks")
        return [each for _, each in self.said if isinstance(each, Uncarved)]

    async def decided(self) -> OutcomeRow:
        """Wait until a call is decided."""
        while True:
            await asyncio.sleep(0)
            for _, each in self.said:
                if isinstance(each, Lent) and each.outcomes:
                    return each.outcomes[0]

    async def recalled(self) -> Recall:
        """Wait until a worker is asked for what lies idle; returns what it is told."""
        while True:
            await asyncio.sleep(0)
            for _, each in self.said:
                if isinstance(each, Recall):
                    return each

    def lent(self) -> int:
        """Return what the worker has of the window."""
        return self.keeper.book.windows[ABOVE].leases[WORKER].granted_nanos


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A store of its own."""
    made = open_test_store(tmp_path)
    yield made
    made.dispose()


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Stage:
    """A steward with nothing lent yet."""
    keeper = Keeper(engine, tmp_path / "journal", lambda _window: LIMIT)
    said: list[tuple[str, Message]] = []

    def fail(error: Exception) -> None:
        raise error

    return Stage(keeper, Lending(keeper, lambda *each: said.append(each), fail), said)


def test_what_a_call_has_left_that_has_just_ended_can_be_given_away(
    stage: Stage, tmp_path: Path
) -> None:
    """Its worker has given back what it does not need, but that it has ended is not folded yet."""
    journal = JournalWriter(tmp_path / "journal" / WORKER, worker="w", epoch="e", at_ns=1)
    stage.keeper.discover()
    borrow(stage.keeper, WORKER, {ABOVE: 15})
    for record in (CALLER, ROUTE, hold(1)):
        journal.append(record)
    stage.keeper.fold()
    journal.append(end(1))
    give_back(stage.keeper, WORKER, {ABOVE: 8})

    assert asyncio.run(stage.carve(LIMIT - 8)) == []
    assert stage.keeper.allotments.limit(BELOW) == LIMIT - 8


def ahead(nanos: int) -> Borrow:
    """Return what a worker says that would like to have money that no call waits for."""
    return Borrow((), {ABOVE: nanos}, {}, {}, 0)


@pytest.mark.parametrize("asks_first", [True, False])
def test_nobody_is_lent_ahead_of_what_is_gathered(stage: Stage, asks_first: bool) -> None:
    """A worker that gives all back may ask ahead at once, or have asked just before it heard."""

    async def take_part() -> list[Uncarved]:
        stage.lending.meet(WORKER)
        stage.lending.hear(ahead(10), WORKER)
        assert stage.lent() == 10
        carving = asyncio.create_task(stage.carve(LIMIT))
        answer = GiveBack({ABOVE: 10}, (await stage.recalled()).number)
        for message in (ahead(10), answer) if asks_first else (answer, ahead(10)):
            stage.lending.hear(message, WORKER)
        return await carving

    assert asyncio.run(take_part()) == []
    assert stage.keeper.allotments.limit(BELOW) == LIMIT


def test_a_call_is_lent_what_it_needs_and_no_more_while_its_window_is_gathered(
    stage: Stage,
) -> None:
    """It came in its turn; what it would like beyond comes when the carving is decided."""

    async def take_part() -> list[Uncarved]:
        stage.lending.meet(WORKER)
        stage.lending.hear(ahead(10), WORKER)
        carving = asyncio.create_task(stage.carve(LIMIT - 5))
        number = (await stage.recalled()).number
        need = NeedRow(1, (ABOVE,), 5, shorten=False)
        stage.lending.hear(Borrow((need,), {ABOVE: 20}, {ABOVE: 10}, {}, 0), WORKER)
        assert stage.lent() == 5
        stage.lending.hear(GiveBack({}, number), WORKER)
        return await carving

    assert asyncio.run(take_part()) == []


def test_when_it_is_decided_workers_are_lent_ahead_again(stage: Stage) -> None:
    """Whether it was carved or did not fit."""

    async def take_part() -> list[Uncarved]:
        stage.lending.meet(WORKER)
        stage.lending.hear(ahead(10), WORKER)
        carving = asyncio.create_task(stage.carve(LIMIT + 1))
        stage.lending.hear(GiveBack({}, (await stage.recalled()).number), WORKER)
        short = await carving
        stage.lending.hear(ahead(10), WORKER)
        assert stage.lent() == 20
        return short

    assert [each.above for each in asyncio.run(take_part())] == [ABOVE]


def need(nanos: int) -> Borrow:
    """Return what a worker says whose call needs money."""
    return Borrow((NeedRow(1, (ABOVE,), nanos, shorten=False),), {}, {}, {}, 0)


def test_a_steward_that_is_late_hears_all_answers_before_it_refuses(stage: Stage) -> None:
    """What was said in time counts, though the time for it was over when it was heard."""

    async def take_part() -> OutcomeRow:
        for number in (1, 2):
            stage.lending.meet(f"w-{number}")
            stage.lending.hear(Borrow((), {ABOVE: 100}, {}, {}, 0), f"w-{number}")
        stage.lending.meet("w-3")
        stage.lending.hear(need(LIMIT - 50), "w-3")
        late_ns = time.monotonic_ns() + (WAIT_MS + 1) * 1_000_000
        recalls = {who: each.number for who, each in stage.said if isinstance(each, Recall)}
        while time.monotonic_ns() < late_ns:
            pass
        for journal, number in recalls.items():
            stage.lending.hear(GiveBack({ABOVE: 100}, number), journal)
        return await stage.decided()

    assert asyncio.run(take_part()).window is None


def test_what_a_call_has_left_that_has_ended_lies_idle(stage: Stage, tmp_path: Path) -> None:
    """Its worker does not answer, but the journal says that what it was lent was held and ended."""
    journal = JournalWriter(tmp_path / "journal" / WORKER, worker="w", epoch="e", at_ns=1)
    stage.keeper.discover()

    async def take_part() -> OutcomeRow:
        stage.lending.meet(WORKER)
        stage.lending.hear(need(10), WORKER)
        assert (await stage.decided()).window is None
        stage.said.clear()
        for record in (CALLER, ROUTE, hold(1), end(1)):
            journal.append(record)
        stage.lending.meet("w-2")
        stage.lending.hear(need(LIMIT - 7), "w-2")
        return await stage.decided()

    outcome = asyncio.run(take_part())
    assert (outcome.window, outcome.contended) == (ABOVE, True)
