"""The data plane of one worker in a thread of this process, on a loopback port.

    with Gateway(tmp_path, config(openai_url=..., anthropic_url=...)) as gateway:
        reply = ask(gateway, chat("hello"))
        gateway.assert_settled()

Everything is real but the steward's socket: money is lent by a real `LeaseBook` that follows the
journal, one turn of the loop later, as an answer over a socket would come.
"""

import asyncio
import itertools
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import uvloop

from headgate.app import Steward, data_plane, journal_name
from headgate.budgets.limits import Limits
from headgate.capacity.health import Breaker, Health
from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.counting.tally import Tallier
from headgate.gateway.client.edge import ClientConnection
from headgate.gateway.client.logged import welcome
from headgate.gateway.listener.access_log import AccessLog
from headgate.gateway.listener.door import Door
from headgate.gateway.pipeline import Pipeline
from headgate.gateway.sweep import sweep
from headgate.ledger.book import LeaseBook
from headgate.ledger.fold import Batch, Known, fold
from headgate.ledger.folded import Folded, decode
from headgate.ledger.line import Borrowing, Line
from headgate.ledger.purse import Purse
from headgate.node.durable import journal_syncs
from headgate.records.approval import Asking
from headgate.records.control import Answered, ControlReply, ControlRequest
from headgate.records.journal import (
    HoldRecord,
    Record,
    RefusalRecord,
    RouteRecord,
    SettleRecord,
    VoidRecord,
)
from headgate.store.disk import Disk
from headgate.store.journal_reader import JournalReader
from headgate.store.journal_writer import JournalWriter

T = TypeVar("T")
End = SettleRecord | VoidRecord

TICK_S = 0.01
START_S = 10.0
PATIENCE_S = 10.0
SEGMENT_BYTES = 1 << 20
WORKER, EPOCH = "worker-0", "test"


def read_on(reader: JournalReader) -> list[Record]:
    """Return all the records that follow, as far as the journal goes now."""
    records: list[Record] = []
    while more := reader.read():
        records += more
    return records


def fold_on(reader: JournalReader, known: Known) -> Batch:
    """Fold all the records that follow, as the keeper does."""
    records: list[Folded] = []
    while more := reader.read_as(decode):
        records += more
    return fold(records, known)


class LendingSteward:
    """Lends from a real lease book; stops answering while `silent`, is gone while `absent`.

    Attributes:
        control: Control requests that wait for `answer_control`, while `slow_control`.
        calls: Those on which it takes votes, as the store knows them; of others it knows nothing.
        told: What it answers to whoever asks for a name.
    """

    def __init__(self, snapshot: Snapshot, journal: Path) -> None:
        self.book = LeaseBook()
        self.line = Line(self.book, lambda window: self._limit_of(window) or 0)
        self.line.meet(EPOCH)
        self.silent = self.absent = self.slow_control = False
        self.control: list[Callable[[], None]] = []
        self.calls: set[str] = set()
        self.told: dict[str, str] = {}
        self.purse: Purse
        self._limit_of = Limits(snapshot.budgets)
        self._limit_of.used = self.book.used
        self._reader = JournalReader(journal)
        self._known = Known(itertools.count(1))

    def is_there(self) -> bool:
        """Tell whether it has been met."""
        return not self.absent

    def ask(self, borrowing: Borrowing) -> bool:
        """Lend what is needed, on the loop's next turn."""
        if self.absent:
            return False
        if not self.silent:
            asyncio.get_running_loop().call_soon(self._lend, borrowing)
        return True

    def _lend(self, borrowing: Borrowing) -> None:
        self._follow()
        self.line.borrow(EPOCH, borrowing, 0)
        heard, outcomes = True, self.line.decide(0)
        while heard or outcomes:
            self.purse.lent(self.line.grants().get(EPOCH, {}), outcomes, heard=heard)
            for recall in self.line.recalls():
                self.line.returned(EPOCH, self.purse.release(recall.windows), recall.number)
            heard, outcomes = False, self.line.decide(0)

    def _follow(self) -> None:
        """Post what the journal says since the last look, as the keeper does."""
        batch = fold_on(self._reader, self._known)
        for window, movement in batch.movements.items():
            self.book.account(window, self._limit_of(window) or 0)
            self.book.post(EPOCH, window, movement.posted_nanos, movement.held_nanos)

    def send(self, request: ControlRequest, answered: Answered) -> bool:
        """Take votes on `calls` and know nothing else, now or when `answer_control` says so."""
        if self.absent:
            return False
        voted = any(call in request.body for call in self.calls)
        told = self.told.get(request.name, "{}" if voted else None)
        reply = ControlReply(404, f"There is no {request.name}.", "call_unknown")
        if told is not None:
            reply = ControlReply(200, told)
        if self.slow_control:
            self.control.append(lambda: answered(reply))
        else:
            asyncio.get_running_loop().call_soon(answered, reply)
        return True

    # A clerk: people are asked, and whatever they say a test says for them.

    def ask_approval(self, _asking: Asking) -> bool:
        """Have a person asked, who says nothing."""
        return not self.absent

    def use_approval(self, _asking: Asking) -> bool:
        """Take down that an approval is used, and say nothing."""
        return not self.absent

    def let_go(self, _approval: str, *, withdrawn: bool) -> bool:
        """Take down that nobody waits any more."""
        del withdrawn  # It is all the same to who says nothing.
        return not self.absent

    def answer_control(self) -> None:
        """Answer the control requests that wait."""
        waiting, self.control = self.control, []
        for answer in waiting:
            answer()


class Gateway:
    """A data plane that runs.

    Attributes:
        port: Where it listens.
        problems: What the event loop was told went wrong; `assert_settled` wants none.
        late_ms: How much later than it is each sweep thinks that it comes.
    """

    def __init__(
        self,
        directory: Path,
        config: str,
        disk: Disk | None = None,
        *,
        epoch: str = EPOCH,
        tallier: Tallier | None = None,
    ) -> None:
        self._epoch = epoch
        self._tallier = tallier
        self.disk = disk or Disk()
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / "headgate.toml"
        file.write_text(config)
        self.snapshot = load(file, {})
        self.directory = directory / "journal" / journal_name(WORKER, epoch)
        self.port = 0
        self.problems: list[str] = []
        self.late_ms = self._behind_ms = 0
        self.pipeline: Pipeline
        self.steward: LendingSteward
        self._loop: asyncio.AbstractEventLoop
        self._stopping: asyncio.Event
        self._ready = threading.Event()
        self._ticked = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    # its life

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(START_S), "the gateway did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(START_S)
        assert not self._thread.is_alive(), "the gateway did not stop"

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._note)
        self._stopping = asyncio.Event()
        journal = JournalWriter(
            self.directory,
            worker=WORKER,
            epoch=self._epoch,
            at_ns=time.time_ns(),
            segment_bytes=SEGMENT_BYTES,
            disk=self.disk,
        )
        lends = self.steward = LendingSteward(self.snapshot, self.directory)
        world = data_plane(
            self.snapshot,
            pepper=b"pepper",
            journal=journal,
            steward=Steward(ask=lends.ask, control=lends, ready=lends.is_there, clerk=lends),
            now_ns=time.time_ns,
            call_soon=asyncio.get_running_loop().call_soon,
        )
        self.steward.purse = world.purse
        files = self.snapshot.edge.access_log
        log = None if files is None else AccessLog(files, WORKER)
        syncs = journal_syncs(journal, self.disk)
        world = replace(world, syncs=syncs, access_log=log, tallier=self._tallier)
        self.pipeline = Pipeline(world)
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self.door = Door(self.snapshot.edge, listening, welcome(self.pipeline))
        await self.door.open()
        self._tick()
        self._ready.set()
        await self._stopping.wait()
        self.door.close()
        for client in list(self.pipeline.connections):
            if client.transport is not None:
                client.transport.abort()
        await asyncio.sleep(0)
        for exchange in list(self.pipeline.exchanges):
            exchange.timed_out("shutdown_timeout")
        for pool in world.pools:
            pool.close()
        # A dial that is under way closes its socket when it is cancelled, a turn of the loop later.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)
        if world.syncs is not None:
            world.syncs.close()
        if log is not None:
            log.close()
        if journal.holds_open == 0:
            journal.close(time.time_ns())

    def _tick(self) -> None:
        """Sweep often, and let those look who wait for something."""
        self._behind_ms += self.late_ms
        sweep(self.pipeline, time.monotonic_ns() // 1_000_000 + self._behind_ms)
        with self._ticked:
            self._ticked.notify_all()
        if not self._stopping.is_set():
            self._loop.call_later(TICK_S, self._tick)

    def _note(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        self.problems.append(f"{context.get('message')}: {context.get('exception')!r}")

    # looking at it

    def run(self, function: Callable[[], T]) -> T:
        """Call a function in the gateway's thread and return its result."""

        async def call() -> T:
            return function()

        return self.await_in(call())

    def bring(self, client: ClientConnection, data: bytes) -> None:
        """Have a client bring bytes, in the gateway's thread, and take their turn to its end."""
        client.data_received(data)
        self.pipeline.stages.run()

    def await_in(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Await a coroutine in the gateway's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S)

    def start(self, work: Coroutine[object, object, T]) -> T:
        """Run a coroutine in the gateway's thread and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def until(self, met: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S) -> None:
        """Wait until a condition, looked at in the gateway's thread at each sweep, is met."""
        deadline_s = time.monotonic() + timeout_s
        while not self.run(met):
            assert time.monotonic() < deadline_s, f"waited {timeout_s} s in vain: {what}"
            with self._ticked:
                self._ticked.wait(TICK_S)

    def ticks(self, count: int) -> None:
        """Wait until the gateway has swept a number of times."""
        with self._ticked:
            for _ in range(count):
                self._ticked.wait(PATIENCE_S)

    def until_idle(self) -> None:
        """Wait until no call is in flight."""
        self.until(lambda: not self.pipeline.exchanges, "no call is in flight")

    def heal(self) -> None:
        """Forget how the deployments did, so that one test's faults are not another's."""
        self.run(self._heal)

    def _heal(self) -> None:
        world = self.pipeline.world
        for target in world.targets.values():
            target.health = Health(Breaker())
        world.router.watch({name: target.health for name, target in world.targets.items()})

    # its journal

    def records(self) -> list[Record]:
        """Return the whole journal so far."""
        return self.run(lambda: read_on(JournalReader(self.directory)))

    def holds(self, call: str) -> list[HoldRecord]:
        """Return the holds of a call, in order."""
        return [
            each for each in self.records() if isinstance(each, HoldRecord) and each.call == call
        ]

    def routes(self, call: str) -> list[RouteRecord]:
        """Return where the attempts of a call went, in order."""
        named = {each.number: each for each in self.records() if isinstance(each, RouteRecord)}
        return [named[hold.route] for hold in self.holds(call)]

    def ends(self, call: str) -> list[End]:
        """Return how the attempts of a call ended, in order."""
        return [each for each in self.records() if isinstance(each, End) and each.call == call]

    def last_call(self) -> str:
        """Return the call that was held last."""
        return [each.call for each in self.records() if isinstance(each, HoldRecord)][-1]

    def refusals(self) -> list[RefusalRecord]:
        """Return who was refused before any attempt."""
        return [each for each in self.records() if isinstance(each, RefusalRecord)]

    def assert_settled(self) -> None:
        """Assert that each hold ended once, that nothing stays held, and that no bug showed."""
        self.until_idle()
        records = self.records()
        held = [each.attempt for each in records if isinstance(each, HoldRecord)]
        ended = [each.attempt for each in records if isinstance(each, End)]
        assert len(set(held)) == len(held), "an attempt is held twice"
        assert sorted(held) == sorted(ended), "each attempt ends once"
        self.run(self._assert_free)
        problems, self.problems = self.problems, []
        assert not problems, problems

    def _assert_free(self) -> None:
        world = self.pipeline.world
        assert world.journal.holds_open == 0
        assert {
            name: target.places.taken for name, target in world.targets.items()
        } == dict.fromkeys(world.targets, 0), "every place is given back"
        batch = fold_on(JournalReader(self.directory), Known(itertools.count(1)))
        for window, movement in batch.movements.items():
            piece = world.purse.slice_of(window, "")
            assert (piece.held_nanos, movement.held_nanos) == (0, 0), window
            assert piece.posted_nanos == movement.posted_nanos, window
