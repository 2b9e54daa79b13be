"""`make torture`: everything that can go wrong, for as long as is asked, and what came of it.

    make torture ARGS="--minutes 120"            all of it; docs/torture.md is written anew
    make torture ARGS="--minutes 5 --no-record"  a try
    make torture ARGS="--parts nodes --kills 1000"

First each crash point is killed at, then the disk below the store fails at each of its operations,
and the rest of the time belongs to whole nodes under streams (`rounds.py`). The exit status is 0
when nothing was lost, counted twice or left held, and 1 otherwise; what is wrong is kept.
"""

import argparse
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from bench.machine import commit, facts
from headgate.store.migrate import open_store
from tests import stores
from tests.torture import test_disk_faults
from tests.torture.faulty_vfs import Fault, Kind
from tests.torture.record import PAGE, PARTS, RESULTS, Findings, record
from tests.torture.rounds import Round
from tests.torture.stages import FOUR, ONE, TWO_NODES
from tests.torture.test_crash_points import lives

ROUND_BLOWS = 12
CLASSES = ("process", "power")
SHARES = {"crashes": 3, "disk": 5, "nodes": 12}
"""How the time is shared out among the parts that are played."""
MEMORY = Path("/dev/shm")
"""A kill asks nothing of a disk, and a failing one is made of its calls, not of the disk."""


def main() -> int:
    """Torture, print, record; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make torture")
    parser.add_argument("--minutes", type=int, default=120, help="how long, at most")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; 0: by chance")
    parser.add_argument("--kills", type=int, default=0, help="end after so many under streams")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=[*PARTS], help="by default all"
    )
    parser.add_argument("--no-record", action="store_true", help="leave docs/torture.md as it is")
    given = parser.parse_args()
    seed = given.seed or random.SystemRandom().randrange(1 << 30)
    begun = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    findings = Findings(begun, commit(), seed, tuple(given.parts))
    folder, chance = Path(mkdtemp(prefix="torture-")), random.Random(seed)
    began_s = time.monotonic()
    until_s = began_s + given.minutes * 60
    machine = facts(folder)

    def keep() -> str:
        findings.minutes = round((time.monotonic() - began_s) / 60)
        text = record(findings, machine)
        if not given.no_record:
            PAGE.write_text(text)
        return text

    share_s = given.minutes * 60 / sum(SHARES[part] for part in given.parts)
    if "crashes" in given.parts:
        _crash(folder, findings, SHARES["crashes"] * share_s)
    if "disk" in given.parts:
        _disk(folder, findings, chance, time.monotonic() + SHARES["disk"] * share_s)
    if "nodes" in given.parts:
        kills = given.kills or sys.maxsize
        _nodes(
            *(folder, findings, chance),
            lambda: time.monotonic() < until_s and findings.tally.kills < kills,
            keep,
        )
        stores.stop_all()
    text = keep()
    sys.stdout.write(text[text.index(RESULTS) :])
    return 0 if findings.sound else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")
    sys.stdout.flush()


def _crash(folder: Path, findings: Findings, seconds: float) -> None:
    """Kill at every site, as often as there is time for: about ten deaths a second and a half."""
    times = max(1, min(25, int(seconds / 20)))
    _say(f"crash points, up to {times} visits each")
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else folder) as memory:
        try:
            found = lives(Path(memory) / "crashes", "--kill", "--times", str(times))
        except (AssertionError, subprocess.SubprocessError) as error:
            findings.problems["crashes"].append(str(error))
            return
    findings.crashes = len(found)
    findings.sites = len({each["site"] for each in found})


def _disk(folder: Path, findings: Findings, chance: random.Random, until_s: float) -> None:
    """Fail at every operation of the disk, as far as there is time: first each once."""
    _say("a disk that fails below the store")
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else folder) as memory:
        template = Path(memory) / "template"
        template.mkdir()
        open_store(template).dispose()
        come = set[int]()
        faults, findings.operations = _faults(template, chance)
        findings.faults = len(faults)
        for kind, at in faults:
            if time.monotonic() > until_s:
                break
            try:
                test_disk_faults.endure(template, test_disk_faults.long, Fault(kind, at))
            except AssertionError as error:
                findings.problems["disk"].append(f"{kind.value} at operation {at}: {error}")
                shutil.move(template.parent / "life", folder / f"{kind.name}-{at}")
            findings.disk[kind.value] += 1
            come.add(at)
        findings.everywhere = len(come)


def _faults(template: Path, chance: random.Random) -> tuple[list[tuple[Kind, int]], int]:
    """Return every fault there can be, and at how many operations.

    First comes one for each operation, of any kind, then all the others; both in random order.
    """
    life = test_disk_faults.long
    last = test_disk_faults.count(template, life, Kind.CUT) - 1
    lasts = dict.fromkeys(Kind, last)
    # Reads fail in this way alone, so there are more of them.
    lasts[Kind.ERROR] = test_disk_faults.count(template, life, Kind.ERROR) - 1
    all_of = [(kind, at) for kind in Kind for at in range(1, lasts[kind])]
    chance.shuffle(all_of)
    by_operation = {at: (kind, at) for kind, at in all_of}
    first = set(by_operation.values())
    rest = [each for each in all_of if each not in first]
    return [*by_operation.values(), *rest], len(by_operation)


def _nodes(
    folder: Path,
    findings: Findings,
    chance: random.Random,
    goes_on: Callable[[], bool],
    keep: Callable[[], str],
) -> None:
    """Play one stage after the other as long as it goes on; what came of each is kept at once."""
    plays = [ONE, FOUR, TWO_NODES]
    if stores.binaries() is None:
        plays.remove(TWO_NODES)
        findings.lacking.append("two nodes, for no PostgreSQL is installed")
    tally = findings.tally
    while goes_on():
        play, durability = plays[findings.stages % len(plays)], CLASSES[findings.stages % 2]
        _say(f"stage {findings.stages + 1} ({durability}); {tally.kills} kills so far")
        before = len(tally.problems)
        place = folder / f"stage-{findings.stages}"
        try:
            Round(place, tally, chance, play).run(ROUND_BLOWS, durability, goes_on)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            tally.problems.append(f"{place}: {type(error).__name__}: {error}")
        findings.stages += 1
        if len(tally.problems) > before:
            _say("; ".join(tally.problems[before:]))
        else:
            shutil.rmtree(place)
        keep()


if __name__ == "__main__":
    raise SystemExit(main())
