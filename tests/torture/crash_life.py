"""A short life of a steward and its workers, in which everything that keeps money happens.

Everything that keeps money or a decision happens in it at least once, on real files. What the
world saw (a provider that was sent to, a worker that was told of a loan) stands in files apart, so
that what is found after a death can be held against it: `aftermath.py` does.
"""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from queue import SimpleQueue
from typing import Any, ClassVar

import msgspec
from msgspec.structs import replace
from sqlalchemy import Dialect, Engine

from headgate.budgets.limits import Limits
from headgate.budgets.settings import Budget
from headgate.budgets.store_periods import keep_periods
from headgate.governance.keeper import Decision
from headgate.governance.requests import Request
from headgate.governance.settings import Rule
from headgate.ledger.allotments import Allotment, allotment_window
from headgate.ledger.keeper import Keeper
from headgate.ledger.keeper_adjustments import adjust
from headgate.ledger.settings import Idempotency
from headgate.ledger.store_repeats import Repeats, open_repeats
from headgate.node import in_force
from headgate.node.approving import Approving
from headgate.node.commands import Command, carry_out
from headgate.node.messages import (
    AskApproval,
    CreateKey,
    Freeze,
    LetGo,
    RevokeDelegation,
    RevokeKey,
    UseApproval,
)
from headgate.records.adjustment import Adjusted, Adjustment
from headgate.records.approval import ShownRaise, digest_of
from headgate.records.charge import ChargeLine
from headgate.records.journal import (
    CallerRecord,
    DecisionRecord,
    HoldRecord,
    RefusalRecord,
    RouteRecord,
    SettleRecord,
    VoidRecord,
)
from headgate.records.repeats import Claim, Kept, Over
from headgate.store import audit
from headgate.store.database import make_engine
from headgate.store.disk import Disk
from headgate.store.journal_sync import JournalSync
from headgate.store.journal_writer import JournalWriter
from headgate.store.place import STORE_NAME
from tests.governance.shown import ASKING, SHOWN
from tests.lending import borrow, give_back

TEAM = "team@once"
RUN = "run/alice/r@once"
LIMIT = 100_000
HOLD, COST = 20, 7
BELOW = Allotment(
    allotment_window("agent:alice/a", "a" * 32), 500, (TEAM,), "alice", ("a",), "agent:alice/a"
)
ASIDE = Allotment("research-day@2026-11-26", 300, (TEAM,), "", (), "budget:research-day", 10**18)
"""What a budget of the configuration has of the one above it."""
SEGMENT_BYTES = 8 << 10
PATIENCE_S = 20
CALLS = 30
RULES = {"dear": Rule("dear", "organisation", ("bob",))}


COMPILED: dict[Any, Any] = {}
SPOKEN: list[Dialect] = []
"""Statements are compiled once for all lives."""


def open_engine(data: Path) -> Engine:
    """Open a store that is there, with the statements that other lives have compiled."""
    engine = make_engine(f"sqlite:///{data / STORE_NAME}")
    if not SPOKEN:
        SPOKEN.append(engine.dialect)
    # Statements are kept by dialect, and every engine brings one of its own.
    engine.dialect = SPOKEN[0]
    return engine.execution_options(compiled_cache=COMPILED)


class World:
    """What others saw: a bill, loans that were told, and what was confirmed to people."""

    def __init__(self, data: Path) -> None:
        self._bill, self._told = data / "bill.jsonl", data / "told.jsonl"

    def send(self, attempt: str) -> None:
        """Have a provider serve an attempt, and charge for it."""
        line = {"request_id": f"r-{attempt}", "amount": f"{COST}/{10**9}"}
        _add(self._bill, line)

    def tell(self, **what: Any) -> None:
        """Confirm something to somebody."""
        _add(self._told, what)


def _add(path: Path, line: dict[str, Any]) -> None:
    """Add a line to a file in one write, and leave nothing open: lives end anywhere."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, json.dumps(line).encode() + b"\n")
    os.close(descriptor)


class Workers:
    """The workers whose calls wait for a person: none is left."""

    def living_anywhere(self) -> set[str]:
        """Return the journals of the living."""
        return set()

    def tell_workers(self, data: bytes) -> None:
        """Nobody hears it."""


def live(data: Path, engine: Engine | None = None) -> None:
    """Live through everything once, with a store of its own unless one is given."""
    world, engine = World(data), engine or open_engine(data)
    keeper = Keeper(engine, data / "journal", lambda _window: LIMIT)
    power = Worker(data, keeper, world, "w-1", Disk("power"))
    power.calls(CALLS)
    keeper.carve([BELOW], 5)
    world.tell(carved=BELOW.window)
    for amount in (ASIDE.amount_nanos, 200):
        # Its limit is lowered, and what is not in it any more flows back.
        assert keeper.set_aside([ASIDE._replace(amount_nanos=amount)], 5) == []
    power.serve(CALLS, leave="unsent")
    power.serve(CALLS + 1, leave="sent")
    power.die()
    assert keeper.take_over("w-1", 7)
    process = Worker(data, keeper, world, "w-2", Disk())
    process.calls(CALLS)
    for number in range(2):
        process.waive(number)
        keeper.fold()
    process.run_once()
    process.give_back()
    process.close()
    keeper.fold()
    cut = Worker(data, keeper, world, "w-3", Disk(), boot="another boot")
    cut.serve(1, leave="sent")
    cut.die()
    keeper.take_over("w-3", 8)
    keeper.end_allotments(lambda each: each == BELOW, 9)
    correct(keeper, engine, "5")
    world.tell(corrected=True)
    govern(world, engine)
    carry_over(engine)
    repeat(world, data, engine)
    kept = data
    for number in range(2):
        kept = in_force.keep(data, number, b"[organisation]\n" * 100)
        world.tell(in_force=kept.name)
    in_force.forget_all_but(data, kept)
    engine.dispose()


def correct(keeper: Keeper, engine: Engine, epoch: str) -> Adjusted:
    """Correct what was posted at a bound, and a window that nobody has used yet; once."""
    attempt = f"call_w-1{CALLS:04d}.1"
    wanted = [
        Adjustment("adj-1", COST - HOLD, "late", "a bill", attempt=attempt),
        Adjustment("adj-2", 3, "late", "a bill", windows=("other@once",)),
    ]
    return adjust(keeper, engine, wanted, by="user:test", epoch=epoch, at_ns=9)


class Worker:
    """A worker: its journal, what it was lent, and the calls it serves.

    Attributes:
        living: Those whose journal is locked.
    """

    living: ClassVar[list["Worker"]] = []

    def __init__(
        self,
        data: Path,
        keeper: Keeper,
        world: World,
        name: str,
        disk: Disk,
        *,
        boot: str | None = None,
        lends: int = CALLS * HOLD,
    ) -> None:
        self._name, self._keeper, self._world = name, keeper, world
        self._journal = JournalWriter(
            data / "journal" / name,
            worker="w",
            epoch=name,
            at_ns=1,
            segment_bytes=SEGMENT_BYTES,
            disk=disk,
        )
        self.living.append(self)
        if boot is not None:
            # As if the machine had been started again since.
            path = data / "journal" / name / "00000001.hgj"
            path.write_bytes(bytes(path.stat().st_size))
        self._turns: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._syncs = JournalSync(self._journal, disk, soon=self._turns.put, back=self._turns.put)
        self._power = disk.durability == "power"
        self._served = 0
        keeper.discover()
        self._lent = borrow(keeper, name, {TEAM: lends + 400})
        world.tell(lent=self._lent, to=name)
        self._journal.append(CallerRecord(1, "alice", "research", "alice", (TEAM,)))
        self._journal.append(RouteRecord(1, "mini", "mini", "openai_chat"))
        self._journal.append(DecisionRecord(1, 1, "mini", "cheapest", 1, 1, ()))

    def _sync(self) -> None:
        done: list[bool] = []
        self._syncs.wait(done.append)
        while not done:
            self._turns.get(timeout=PATIENCE_S)()
        assert done == [True]

    def calls(self, count: int) -> None:
        """Serve calls; the steward folds now and then."""
        for number in range(count):
            self.serve(self._served)
            self._served += 1
            self._journal.prepare()
            if number % 10 == 9:
                self._keeper.fold()
                if self._power:
                    self._syncs.sweep()
        refused = ("alice", "research", "alice", "mini", "budget_exceeded", "no")
        self._journal.append(RefusalRecord(f"call_{self._name}x{self._served}", 2, *refused))

    def serve(self, number: int, leave: str = "") -> None:
        """Hold, send and settle; some are never sent, and some left as they are."""
        attempt = f"call_{self._name}{number:04d}.1"
        self._journal.append(HoldRecord(attempt, number, HOLD, 1, 1, 1, 100, 100))
        self._journal.holds_open += 1
        if self._power:
            self._sync()
        void = number % 7 == 6
        if not void and leave != "unsent":
            self._world.send(attempt)
        if leave:
            return
        if number % 5 == 3:
            # It ends in a later stretch than it began in.
            self._keeper.fold()
        if void:
            self._journal.append(VoidRecord(attempt, number, "connect_timeout"))
        else:
            lines = (ChargeLine("input", COST, 10**6, COST, "row"),)
            settle = SettleRecord(attempt, number, COST, "measured", lines)
            status = 200 if number % 2 else 201
            settle = replace(settle, upstream_request_id=f"r-{attempt}", status=status)
            self._journal.append(settle)
        self._journal.holds_open -= 1

    def waive(self, number: int) -> None:
        """Serve a call that a shadow limit would have refused."""
        attempt = f"call_{self._name}s{number:03d}.1"
        callers = CallerRecord(
            2 + number, "alice", "research", "alice", (TEAM,), waived=("shadow@once",)
        )
        self._journal.append(callers)
        self._journal.append(HoldRecord(attempt, number, HOLD, 2 + number, 1, 1, 100, 100))
        self._journal.append(VoidRecord(attempt, number, "connect_timeout"))

    def run_once(self) -> None:
        """Borrow for a run, and have done with it."""
        lent = borrow(self._keeper, self._name, {RUN: HOLD})
        give_back(self._keeper, self._name, lent)
        self._keeper.end_small(self._name, [RUN])

    def give_back(self) -> None:
        """Give back some of what is idle: it is taken out of the purse first."""
        self._lent = {window: amount - 100 for window, amount in self._lent.items()}
        self._world.tell(lent=self._lent, to=self._name)
        give_back(self._keeper, self._name, {TEAM: 100})

    def die(self) -> None:
        """Leave the journal as it is, and nothing open."""
        self.living.remove(self)
        self._syncs.close()
        journal = self._journal
        spares = [spare.descriptor for spare in journal._spares]
        full = (*journal._full_ones, *journal._in_sync)
        for descriptor in (journal._descriptor, *full, *spares, journal._lock):
            os.close(descriptor)

    def close(self) -> None:
        """End the journal."""
        self.living.remove(self)
        self._syncs.close()
        self._journal.close(6)


def carry_over(engine: Engine) -> None:
    """Keep the limit of a period that carries over."""
    budget = Budget("carries", "organisation", "month", LIMIT, carry_nanos_max=LIMIT)
    with engine.begin() as connection:
        keep_periods(connection, [budget], Limits({budget.id: budget}), time.time_ns(), UTC)


def govern(world: World, engine: Any) -> None:
    """Freeze, make keys and revoke them; ask, decide and use approvals; raise a limit."""
    orders: list[Command] = [
        Freeze("team:research", frozen=True, reason="why"),
        Freeze("team:research", frozen=False),
        CreateKey("made", "alice", ("*",), "ab" * 32),
        RevokeKey("made"),
        RevokeDelegation("cd" * 32),
    ]
    for order in orders:
        carry_out(engine, order, 10)
        world.tell(entries=_entries(engine))
    approving = Approving(engine, Workers(), lambda: RULES)
    digest = digest_of(SHOWN)
    for name in ("apr_1", "apr_2", "apr_3"):
        approving.answer(AskApproval(replace(ASKING, approval=name)), "w-1")
        world.tell(entries=_entries(engine))
    approving.decide("apr_1", Decision("approve", "bob", "yes"), digest)
    world.tell(entries=_entries(engine), approved="apr_1")
    use = UseApproval(replace(ASKING, approval="apr_1", call="call_2"))
    approving.answer(use, "w-1")
    world.tell(entries=_entries(engine), used="apr_1")
    approving.answer(LetGo("apr_2", withdrawn=True), "w-1")
    now_ns = time.time_ns()
    raised = ShownRaise(
        *("alice", "research", "alice", "dear", "team", "team:research"),
        limit_nanos=LIMIT,
        by_nanos=5,
        until_ns=now_ns + 10**11,
        why="more",
    )
    shown = msgspec.json.encode(raised).decode()
    fields = ("dear", "alice", shown, digest_of(raised), "", None)
    request = Request("apr_4", "raise", now_ns, now_ns + 10**11, "pending", *fields)
    approving.ask_raise(raised, request)
    approving.decide("apr_4", Decision("approve", "bob", "yes"), request.digest)
    world.tell(entries=_entries(engine))
    approving.watch(now_ns + 10**12)


def repeat(world: World, data: Path, engine: Any) -> None:
    """Claim idempotency keys, keep a reply, make room for another, forget them all."""
    kept_replies = open_repeats(data)
    try:
        _repeat(world, Repeats(kept_replies, engine, lambda: None))
    finally:
        kept_replies.dispose()


def _repeat(world: World, repeats: Repeats) -> None:
    settings = Idempotency()
    for number in range(2):
        claim = Claim("alice", f"key-{number}", "ff", f"call_w-2{number:04d}", "w-2")
        repeats.claim(claim, settings, 10)
        world.tell(claimed=claim.key)
        kept = Kept(200, "application/json", "", b"answer" * 100)
        over = Over("alice", claim.key, claim.call, sent=True, whole=True, kept=kept)
        repeats.over(over, settings._replace(replies_bytes_max=700))
        world.tell(kept=claim.key)
    world.tell(forgotten=True)
    repeats.sweep(settings, 10**18)


def _entries(engine: Any) -> int:
    with engine.connect() as connection:
        return audit.verify(connection).entries
