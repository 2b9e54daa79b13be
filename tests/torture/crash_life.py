"""A short life of a steward and its workers, killed at one crash point; then the books are checked.

    python -m tests.torture.crash_life FOLDER --times 25      prints one line of JSON a site

Everything that keeps money or a decision happens in it at least once, on real files. What the
world saw (a provider that was sent to, a worker that was told of a loan) stands in files apart,
so that what is found after the death can be held against it.
"""

import argparse
import gc
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, ClassVar

from tests.torture.crash_points import Trap, all_sites, install

if __name__ == "__main__":
    TRAP = install()

# What is imported from here on has crash points, when this is run as a program.
import msgspec
from msgspec.structs import replace
from sqlalchemy import Engine

from headgate.governance.keeper import Decision, find
from headgate.governance.requests import Request
from headgate.governance.settings import Rule
from headgate.insights.books import check_books
from headgate.ledger.allotments import Allotment, allotment_window
from headgate.ledger.keeper import Keeper, Want
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
from headgate.store.database import STORE_NAME, make_engine
from headgate.store.disk import Disk
from headgate.store.journal_sync import JournalSync
from headgate.store.journal_writer import JournalWriter
from headgate.store.migrate import open_store
from headgate.units.errors import HeadgateError
from tests.governance.shown import ASKING, SHOWN
from tests.torture.checker import check

TEAM = "team@once"
LIMIT = 100_000
HOLD, COST = 20, 7
BELOW = Allotment(
    allotment_window("agent:alice/a", "a" * 32), 500, (TEAM,), "alice", ("a",), "agent:alice/a"
)
SEGMENT_BYTES = 8 << 10
PATIENCE_S = 20
CALLS = 30
ELSEWHERE = ("gateway/", "node/commands:by_steward:", "store/disk:allocate:unlink")
"""Sites that need a whole node, or a disk that fails: other tests come to them."""
MISSED_PART = 10
"""At most a tenth of the sites may be missed by it."""
RULES = {"dear": Rule("dear", "organisation", ("bob",))}


COMPILED: dict[Any, Any] = {}
"""Statements are compiled once for all lives."""


def _store(data: Path) -> Engine:
    engine = make_engine(f"sqlite:///{data / STORE_NAME}")
    return engine.execution_options(compiled_cache=COMPILED)


class World:
    """What others saw: a bill, loans that were told, and what was confirmed to people."""

    def __init__(self, data: Path) -> None:
        self._bill = os.open(data / "bill.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._told = os.open(data / "told.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def send(self, attempt: str) -> None:
        """Have a provider serve an attempt, and charge for it."""
        line = {"request_id": f"r-{attempt}", "amount": f"{COST}/{10**9}"}
        os.write(self._bill, json.dumps(line).encode() + b"\n")

    def tell(self, **what: Any) -> None:
        """Confirm something to somebody."""
        os.write(self._told, json.dumps(what).encode() + b"\n")


class Workers:
    """The workers whose calls wait for a person: none is left."""

    def living(self) -> set[str]:
        """Return the journals of the living."""
        return set()

    def tell_workers(self, data: bytes) -> None:
        """Nobody hears it."""


def live(data: Path, engine: Engine | None = None) -> None:
    """Live through everything once, with a store of its own unless one is given."""
    world, engine = World(data), engine or _store(data)
    keeper = Keeper(engine, data / "journal", lambda _window: LIMIT)
    power = Worker(data, keeper, world, "w-1", Disk("power"))
    power.calls(CALLS)
    keeper.carve([BELOW], 5)
    world.tell(carved=BELOW.window)
    power.serve(CALLS, leave="unsent")
    power.serve(CALLS + 1, leave="sent")
    power.die()
    assert keeper.take_over("w-1", 7)
    process = Worker(data, keeper, world, "w-2", Disk())
    process.calls(CALLS)
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
    repeat(world, data, engine, keeper)
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
        self._lent = keeper.lend(name, [Want(TEAM, lends, 400)])
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
        if void:
            self._journal.append(VoidRecord(attempt, number, "connect_timeout"))
        else:
            lines = (ChargeLine("input", COST, 10**6, COST, "row"),)
            settle = SettleRecord(attempt, number, COST, "measured", lines)
            settle = replace(settle, upstream_request_id=f"r-{attempt}")
            self._journal.append(settle)
        self._journal.holds_open -= 1

    def give_back(self) -> None:
        """Give back some of what is idle: it is taken out of the purse first."""
        self._lent = {window: amount - 100 for window, amount in self._lent.items()}
        self._world.tell(lent=self._lent, to=self._name)
        self._keeper.give_back(self._name, {TEAM: 100})

    def die(self) -> None:
        """Leave the journal as it is."""
        self.living.remove(self)
        self._syncs.close()
        os.close(self._journal._lock)

    def close(self) -> None:
        """End the journal."""
        self.living.remove(self)
        self._syncs.close()
        self._journal.close(6)


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


def repeat(world: World, data: Path, engine: Any, keeper: Keeper) -> None:
    """Claim idempotency keys, keep a reply, make room for another, forget them all."""
    repeats, settings = Repeats(open_repeats(data), engine, lambda: None), Idempotency()
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


# After the death


def verify(data: Path, *, honest: bool = True) -> None:
    """Recover as a new steward does; everything that was told still holds, and no money is lost.

    Args:
        data: What the dead have left.
        honest: Whether the disk has kept what it said it had.
    """
    told = _read(data / "told.jsonl") if honest else []
    engine = _store(data)
    keeper = Keeper(engine, data / "journal", lambda _window: LIMIT)
    keeper.discover()
    last = {each["to"]: each["lent"] for each in told if "lent" in each}
    for name in list(keeper.journals):
        for window, amount in last.get(name, {}).items():
            assert keeper.lent_to(name).get(window, 0) >= amount, f"{name} was told of {amount}"
        assert keeper.take_over(name, 100)
    assert not keeper.journals
    go_on(data, keeper)
    if any("corrected" in each for each in told):
        assert correct(keeper, engine, "6") == Adjusted(known=2)
    (data / "journal").mkdir(exist_ok=True)
    report = check(data, data / "bill.jsonl", {TEAM: LIMIT})
    assert not report.problems, report.problems
    books = check_books(engine, data / "journal")
    assert books.equal and books.held_total_nanos == 0, books.problems
    account = keeper.book.account(TEAM, LIMIT)
    again = Keeper(engine, data / "journal", lambda _window: LIMIT)
    assert again.book.account(TEAM, LIMIT).free_nanos == account.free_nanos
    assert account.free_nanos <= LIMIT - report.windows[TEAM].posted
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        chain = audit.verify(connection)
        assert chain.broken_at is None
        assert chain.entries >= max([each.get("entries", 0) for each in told], default=0)
        for status in ("approved", "used"):
            for name in (each[status] for each in told if status in each):
                request = find(connection, name)
                assert request is not None and request.status in {status, "used", "withdrawn"}
    assert BELOW.window in keeper.book.windows or not any("carved" in each for each in told)
    _verify_repeats(data, engine, told)
    copies = {path.name: path.read_bytes() for path in (data / "run").glob("in-force-*.toml")}
    named = [each["in_force"] for each in told if "in_force" in each]
    assert not named or copies[named[-1]] == b"[organisation]\n" * 100
    engine.dispose()


def go_on(data: Path, keeper: Keeper) -> None:
    """Serve on after the recovery, with a worker of its own."""
    after = Worker(data, keeper, World(data), "w-9", Disk())
    after.calls(3)
    after.close()
    keeper.fold()
    assert not keeper.journals


def _verify_repeats(data: Path, engine: Any, told: list[dict[str, Any]]) -> None:
    if any("forgotten" in each for each in told):
        return
    repeats = Repeats(open_repeats(data), engine, lambda: None)
    kept = [each["kept"] for each in told if "kept" in each]
    for key in [each["claimed"] for each in told if "claimed" in each]:
        claim = Claim("alice", key, "ff", "call_after", "w-9")
        ruling = repeats.claim(claim, Idempotency(), 11).ruling
        # A call that was claimed and served is never served again.
        assert ruling != "go", (key, ruling)
        # Its reply is given again, or has made room for another.
        assert key not in kept or ruling in {"replay", "done"}, (key, ruling)


def _read(path: Path) -> list[dict[str, Any]]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


# Each site in turn


def in_scope() -> list[str]:
    """Return the sites that this life comes to."""
    return [site for site in all_sites() if not site.startswith(ELSEWHERE)]


def _apart(act: Callable[[], None]) -> int:
    """Do something in a process of its own; returns its exit status, or minus its signal."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - the child ends here, whatever it was
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_everywhere(folder: Path, trap: Trap, times: int, seed: int) -> Iterator[dict[str, Any]]:
    """Kill at each site, at different visits to it, and check what is left each time."""
    visits = _begin(folder, trap, times, seed)
    gc.collect()
    gc.freeze()
    for site in visits:
        for visit in visits[site]:
            data = _fresh(folder, "killed")
            trap.armed = (site, visit)
            died = _apart(partial(live, data))
            trap.armed = None
            sound = died == -9 and _apart(partial(verify, data)) == 0
            yield {"site": site, "visit": visit, "died": died, "sound": sound}
            _put_away(data, keep=not sound)


def photograph_everywhere(folder: Path, trap: Trap, seed: int) -> Iterator[dict[str, Any]]:
    """Check what a kill would leave at each site, without killing: the files as they are there.

    A SIGKILL changes no file, so a copy made at the site is what it leaves; one life is enough.
    """
    visits = _begin(folder, trap, 1, seed)
    data = _fresh(folder, "photographed")

    def take(site: str, visit: int) -> None:
        if visit in visits.get(site, ()):
            shutil.copytree(data, folder / "pictures" / f"{site.replace('/', '-')}@{visit}")

    trap.camera = take
    live(data)
    trap.camera = None
    for site in visits:
        for visit in visits[site]:
            picture = folder / "pictures" / f"{site.replace('/', '-')}@{visit}"
            try:
                verify(picture)
                wrong = ""
            except (AssertionError, HeadgateError) as error:
                wrong = f"{type(error).__name__}: {error}"
            yield {"site": site, "visit": visit, "sound": not wrong, "wrong": wrong}
            _put_away(picture, keep=bool(wrong))


def _begin(folder: Path, trap: Trap, times: int, seed: int) -> dict[str, list[int]]:
    """Live once unharmed, and choose at which visits to each site to kill.

    Raises:
        AssertionError: Too many sites are not come to: the life has to do what is new.
    """
    chance = random.Random(seed)
    (folder / "template").mkdir(parents=True)
    open_store(folder / "template").dispose()
    whole = _fresh(folder, "whole")
    trap.hits.clear()
    live(whole)
    hits = dict(trap.hits)
    verify(whole)
    trap.hits.clear()
    sites = [site for site in in_scope() if hits.get(site)]
    missed = [site for site in in_scope() if not hits.get(site)]
    assert len(missed) <= len(sites) // MISSED_PART, f"the life does not come to {missed}"
    return {
        site: sorted(chance.sample(range(1, hits[site] + 1), min(times, hits[site])))
        for site in sites
    }


def _fresh(folder: Path, name: str) -> Path:
    return Path(shutil.copytree(folder / "template", folder / name))


def _put_away(data: Path, *, keep: bool) -> None:
    if keep:
        data.rename(data.parent / f"failed-{len(list(data.parent.iterdir()))}")
    else:
        shutil.rmtree(data)


def main() -> None:
    """Print what came of each site."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", type=int, default=1, help="how often at each site, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kill", action="store_true", help="kill, instead of taking pictures")
    given = parser.parse_args()
    found = (
        kill_everywhere(given.folder, TRAP, given.times, given.seed)
        if given.kill
        else photograph_everywhere(given.folder, TRAP, given.seed)
    )
    for line in found:
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
