"""The ledger alone: hold and settle over four levels, durable, the fold included, in one process.

    python -m bench.ledger                    both durability classes, each with and without 2 ms
    python -m bench.ledger --calls 50000 --together 64
    python -m bench.ledger --store postgresql://headgate@db.example/postgres

With `--store` each run makes a database of its own on that server and drops it afterwards; the one
that is named is only connected to. The keeper is then that of a node among others.
The purse, the journal and the keeper are those of a node; what a worker and a steward do in two
processes is done here in turns on one core. In class `power` so many calls as `--together` says
wait for a sync together, and the next ones are held while it runs.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from sqlalchemy import event, select, text

from bench.machine import facts, fsync_time
from headgate.ledger import slices, tables
from headgate.ledger.keeper import Keeper
from headgate.ledger.line import Borrowing, Need
from headgate.ledger.purse import Purse
from headgate.records.charge import ChargeLine
from headgate.records.journal import (
    CallerRecord,
    DecisionRecord,
    Durability,
    HoldRecord,
    RouteRecord,
    SettleRecord,
)
from headgate.store.disk import Disk
from headgate.store.journal_sync import JournalSync
from headgate.store.journal_writer import JournalWriter
from headgate.store.migrate import open_store
from headgate.store.place import database_of, name_database
from headgate.store.postgresql import address_of, make_server_engine

WINDOWS = ("run/alice/r1@once", "alice@2026-11", "team@2026-11", "organisation@2026-11")
LIMIT = 10**15
HOLD, COST = 3_000_000, 1_234_567
LINES = (
    ChargeLine("input", 812, 750_000, 609, "openai/gpt-5.4-mini@2026-03-17"),
    ChargeLine("input_cached", 1_024, 75_000, 77, "openai/gpt-5.4-mini@2026-03-17"),
    ChargeLine("output", 274_196, 4_500_000, 1_233_882, "openai/gpt-5.4-mini@2026-03-17"),
)
LENT = 10**14
FOLD_EVERY = 2_000
"""Calls between two folds: a node that serves 20,000 a second folds ten times in it."""
INJECTED_S = 0.002
DATABASE = "headgate_bench"
MAKE = "CREATE DATABASE headgate_bench TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
DROP = "DROP DATABASE headgate_bench WITH (FORCE)"


class SlowDisk(Disk):
    """A disk whose syncs take longer than they do."""

    def __init__(self, durability: Durability, more_s: float) -> None:
        super().__init__(durability)
        self.more_s = more_s

    def sync(self, descriptor: int) -> None:
        """Sync, and take the time."""
        super().sync(descriptor)
        if self.more_s:
            time.sleep(self.more_s)


class Run(NamedTuple):
    """One run: how long it took by the clock and by the processor, and how many syncs."""

    calls: int
    wall_s: float
    cpu_s: float
    syncs: int


def hold_record(number: int) -> HoldRecord:
    """Return a hold as a gateway writes it."""
    attempt = f"call_01a0b1c2d3e4{number:08x}.1"
    at_ns = 1_795_000_000_000_000_000 + number
    return HoldRecord(attempt, at_ns, HOLD, 1, 1, 1, 2_400, 4_096, stream=True)


def settle_record(number: int) -> SettleRecord:
    """Return its end."""
    hold = hold_record(number)
    told = ("gpt-5.4-mini-2026-03-17", f"chatcmpl-{number:024x}", f"req_{number:024x}")
    return SettleRecord(
        *(hold.attempt, hold.at_ns + 10**9, COST, "measured", LINES, {}, *told, 200, None),
        *(350_000, 1_000_000),
    )


def begin(journal: JournalWriter) -> None:
    """Write what holds refer to."""
    journal.append(CallerRecord(1, "alice", "research", "alice", WINDOWS, "r1"))
    journal.append(RouteRecord(1, "mini", "mini", "openai_chat"))
    journal.append(DecisionRecord(1, 1, "mini", "cheapest", 1, 1, ()))


class Ledger:
    """A worker's and a steward's ledger, in one process."""

    def __init__(self, folder: Path, disk: Disk, more_s: float) -> None:
        self.engine = open_store(folder)
        if more_s:
            event.listen(self.engine, "commit", lambda _connection: time.sleep(more_s))
        node = "bench" if database_of(folder) else ""
        self.keeper = Keeper(self.engine, folder / "journal", lambda _window: LIMIT, node)
        self.journal = JournalWriter(
            folder / "journal" / "bench-1", worker="bench", epoch="1", at_ns=1, disk=disk
        )
        self.keeper.discover()
        self.turns: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.syncs = JournalSync(self.journal, disk, soon=self.turns.put, back=self.turns.put)
        self.power = disk.durability == "power"
        self.purse = Purse(lambda _borrowing: False)
        self.path = tuple(self.purse.slice_of(window, "") for window in WINDOWS)
        self._lend()
        begin(self.journal)

    def _lend(self) -> None:
        for window in WINDOWS:
            self.keeper.book.account(window, LIMIT)
        needs = [Need(1, WINDOWS, LENT)]
        self.keeper.line.borrow("bench-1", Borrowing(needs, {}, {}, {}), 0)
        self.keeper.lend(0)
        for piece in self.path:
            lease = self.keeper.book.windows[piece.window].leases["bench-1"]
            piece.granted_nanos = lease.granted_nanos

    def hold(self, number: int) -> None:
        """Hold on every level, and write it down."""
        short = self.purse.try_hold(self.path, HOLD)
        assert short is None, short
        self.journal.append(hold_record(number))
        self.journal.holds_open += 1

    def settle(self, number: int) -> None:
        """Post on every level, and write it down first."""
        self.journal.append(settle_record(number))
        self.journal.holds_open -= 1
        slices.settle(self.path, HOLD, COST)

    def serve(self, calls: int, together: int) -> None:
        """Hold and settle so many calls; fold now and then, and at the end all of it."""
        done: list[bool] = []
        for group in _groups(calls, together):
            for number in group:
                self.hold(number)
            if self.power:
                self.syncs.wait(done.append)
                while not done:
                    self.turns.get()()
                assert done.pop()
            for number in group:
                self.settle(number)
            if group.stop % FOLD_EVERY < together:
                self.journal.prepare()
                self.keeper.fold()
        while self.keeper.fold():
            pass

    def check(self, calls: int) -> None:
        """Fail when the store has not all of it: then a figure would say nothing."""
        with self.engine.connect() as connection:
            sums = select(tables.window.c.posted_nanos, tables.window.c.held_nanos)
            rows = connection.execute(sums).all()
        assert [tuple(row) for row in rows] == [(calls * COST, 0)] * len(WINDOWS), rows


def _groups(calls: int, together: int) -> Iterator[range]:
    for first in range(0, calls, together):
        yield range(first, min(calls, first + together))


@contextmanager
def new_store(server: str | None) -> Iterator[Path]:
    """Yield a new data directory, with a database of its own on a server if one is named."""
    with tempfile.TemporaryDirectory(prefix="ledger-") as folder:
        if server is None:
            yield Path(folder)
            return
        engine = make_server_engine(server)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(MAKE))
            own = address_of(server).set(database=DATABASE, drivername="postgresql")
            name_database(Path(folder), own.render_as_string(hide_password=False))
            try:
                yield Path(folder)
            finally:
                connection.execute(text(DROP))
        engine.dispose()


def measure(
    durability: Durability, more_s: float, calls: int, together: int, server: str | None = None
) -> Run:
    """Run once, on a new store."""
    with new_store(server) as folder:
        ledger = Ledger(folder, SlowDisk(durability, more_s), more_s)
        wall, cpu = time.perf_counter(), time.process_time()
        ledger.serve(calls, together)
        run = Run(calls, time.perf_counter() - wall, time.process_time() - cpu, ledger.syncs.syncs)
        ledger.check(calls)
        ledger.syncs.close()
        ledger.journal.close(2)
        ledger.engine.dispose()
        return run


def main() -> None:
    """Print what was measured, and on what."""
    parser = argparse.ArgumentParser(prog="python -m bench.ledger")
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--together", type=int, default=64, help="calls that wait for one sync")
    parser.add_argument("--store", metavar="URL", help="a PostgreSQL server, instead of SQLite")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledger-") as folder:
        told = {name: value for name, value in facts(Path(folder)).items() if name not in NOT_HERE}
        p50 = fsync_time(Path(folder)).ms_p50
    sys.stdout.write("".join(f"{name}: {value}\n" for name, value in told.items()))
    classes: tuple[Durability, ...] = ("process", "power")
    for durability in classes:
        for more_s in (0.0, INJECTED_S):
            run = measure(durability, more_s, given.calls, given.together, given.store)
            sys.stdout.write(
                f"{durability:8} fsync p50 {p50 + 1e3 * more_s:.2f} ms: "
                f"{run.calls / run.wall_s:,.0f} calls/s, {1e6 * run.cpu_s / run.calls:.1f} us of "
                f"the processor each; {run.syncs:,} syncs for {run.calls:,} calls\n"
            )
            sys.stdout.flush()


NOT_HERE = ("nginx", "durability class")

if __name__ == "__main__":
    main()
