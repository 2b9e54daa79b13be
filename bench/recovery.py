"""How long a new steward takes to read a dead worker's journal: `python -m bench.recovery`.

A journal of so many calls is written, its writer dies with some of them in flight, and a keeper
takes over from an empty store: it folds everything, posts what was open and closes the journal.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from bench.ledger import NOT_HERE, begin, hold_record, settle_record
from bench.machine import facts
from headgate.ledger.keeper import Keeper
from headgate.store.journal_writer import JournalWriter
from headgate.store.migrate import open_store

OPEN = 100
LIMIT = 10**18
PREPARE_EVERY = 1_000


def write(folder: Path, calls: int) -> int:
    """Leave the journal of a worker that died; returns its size in bytes."""
    journal = JournalWriter(folder / "journal" / "w-1", worker="w", epoch="1", at_ns=1)
    begin(journal)
    for number in range(calls + OPEN):
        journal.append(hold_record(number))
        if number < calls:
            journal.append(settle_record(number))
        if number % PREPARE_EVERY == 0:
            journal.prepare()
    os.close(journal._lock)
    return sum(each.stat().st_size for each in (folder / "journal" / "w-1").iterdir())


def main() -> None:
    """Write, recover, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.recovery")
    parser.add_argument("--calls", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="recovery-") as name:
        folder = Path(name)
        told = {name: value for name, value in facts(folder).items() if name not in NOT_HERE}
        sys.stdout.write("".join(f"{name}: {value}\n" for name, value in told.items()))
        size = write(folder, given.calls)
        before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        wall, cpu = time.perf_counter(), time.process_time()
        keeper = Keeper(open_store(folder), folder / "journal", lambda _window: LIMIT)
        keeper.discover()
        assert keeper.take_over("w-1", 2)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(
        f"{given.calls:,} calls and {OPEN} in flight, {size >> 20} MiB of journal: recovered in "
        f"{wall:.1f} s ({cpu:.1f} s of the processor); memory {before_kb >> 10} MiB before, "
        f"{peak_kb >> 10} MiB at most\n"
    )


if __name__ == "__main__":
    main()
