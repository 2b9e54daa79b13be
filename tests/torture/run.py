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
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from bench.machine import commit, facts
from headgate.store.migrate import open_store
from tests import stores
from tests.node.harness import ROOT
from tests.torture import test_disk_faults
from tests.torture.blows import Tally
from tests.torture.faulty_vfs import Fault, Kind
from tests.torture.rounds import Round
from tests.torture.stages import FOUR, ONE, TWO_NODES
from tests.torture.test_crash_points import lives

PAGE = ROOT / "docs" / "torture.md"
RESULTS = "## The last run"
RUNS = "### All runs"
ROUND_BLOWS = 12
CLASSES = ("process", "power")
PARTS = ("crashes", "disk", "nodes")
SHARES = {"crashes": 0.15, "disk": 0.25}
"""Parts of the time, at most, when there are others."""
MEMORY = Path("/dev/shm")
"""A kill asks nothing of a disk, and a failing one is made of its calls, not of the disk."""


@dataclass(slots=True)
class Findings:
    """What was done, and what was found.

    Attributes:
        crashes: Deaths at crash points, each followed by a recovery that was checked.
        sites: How many different ones.
        disk: Faults of the disk below the store, by kind, each followed by a recovery.
        operations: How many operations of the disk there are.
        everywhere: At how many of them it has failed.
        lacking: What could not be done here.
    """

    begun: str
    minutes: int
    seed: int
    nodes: int = 0
    crashes: int = 0
    sites: int = 0
    disk: Counter[str] = field(default_factory=Counter)
    operations: int = 0
    everywhere: int = 0
    lacking: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


def main() -> int:
    """Torture, print, record; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make torture")
    parser.add_argument("--minutes", type=int, default=120, help="how long, at most")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; 0: by chance")
    parser.add_argument("--kills", type=int, default=0, help="end after so many under streams")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="by default all")
    parser.add_argument("--no-record", action="store_true", help="leave docs/torture.md as it is")
    given = parser.parse_args()
    seed = given.seed or random.SystemRandom().randrange(1 << 30)
    begun = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    findings = Findings(begun, given.minutes, seed)
    folder, chance = Path(mkdtemp(prefix="torture-")), random.Random(seed)
    until_s = time.monotonic() + given.minutes * 60
    machine = facts(folder)
    shares = {part: share if len(given.parts) > 1 else 1.0 for part, share in SHARES.items()}
    if "crashes" in given.parts:
        _crash(folder, findings, given.minutes * shares["crashes"])
    if "disk" in given.parts:
        _disk(folder, findings, chance, time.monotonic() + given.minutes * 60 * shares["disk"])
    if "nodes" in given.parts:
        kills = given.kills or sys.maxsize
        _nodes(
            *(folder, findings, chance),
            lambda: time.monotonic() < until_s and findings.tally.kills < kills,
        )
        stores.stop_all()
    text = page(findings, machine)
    sys.stdout.write(text)
    if not given.no_record:
        PAGE.write_text(text)
    return 1 if findings.tally.problems else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")
    sys.stdout.flush()


def _crash(folder: Path, findings: Findings, minutes: float) -> None:
    """Kill at every site, as often as there is time for: about ten deaths a second and a half."""
    times = max(1, min(25, int(minutes * 60 / 20)))
    _say(f"crash points, up to {times} visits each")
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else folder) as memory:
        try:
            found = lives(Path(memory) / "crashes", "--kill", "--times", str(times))
        except (AssertionError, subprocess.SubprocessError) as error:
            findings.tally.problems.append(f"crash points: {error}")
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
        for kind, at in faults:
            if time.monotonic() > until_s:
                break
            try:
                test_disk_faults.endure(template, test_disk_faults.long, Fault(kind, at))
            except AssertionError as error:
                findings.tally.problems.append(f"{kind.value} at operation {at}: {error}")
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
    folder: Path, findings: Findings, chance: random.Random, goes_on: Callable[[], bool]
) -> None:
    plays = [ONE, FOUR, TWO_NODES]
    if stores.binaries() is None:
        plays.remove(TWO_NODES)
        findings.lacking.append("two nodes, for no PostgreSQL is installed")
    tally = findings.tally
    while goes_on():
        play, durability = plays[findings.nodes % len(plays)], CLASSES[findings.nodes % 2]
        _say(f"stage {findings.nodes + 1} ({durability}); {tally.kills} kills so far")
        before = len(tally.problems)
        place = folder / f"stage-{findings.nodes}"
        try:
            Round(place, tally, chance, play).run(ROUND_BLOWS, durability, goes_on)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            tally.problems.append(f"{place}: {type(error).__name__}: {error}")
        findings.nodes += 1
        if len(tally.problems) > before:
            _say("; ".join(tally.problems[before:]))
        else:
            shutil.rmtree(place)


def page(findings: Findings, machine: dict[str, str]) -> str:
    """Return the page with new results; what stands above them is left as it is."""
    tally = findings.tally
    ends = ", ".join(f"{count:,} {state}" for state, count in sorted(tally.states.items()))
    disk = ", ".join(f"{n:,} x {kind}" for kind, n in sorted(findings.disk.items())) or "none"
    rows = [
        ("stages, one after the other", f"{findings.nodes}, half of each durability class"),
        ("processes killed by SIGKILL under streams", f"{tally.kills:,}"),
        *((f"- on {stage}", f"{count:,}") for stage, count in sorted(tally.kills_on.items())),
        ("- of which had not begun to serve again", f"{tally.starting:,}"),
        *((blow, f"{count:,}") for blow, count in sorted(tally.blows.items())),
        ("times that everything was checked", f"{tally.checks:,}"),
        ("attempts of calls checked against the bill", f"{sum(tally.states.values()):,}: {ends}"),
        (
            "deaths at crash points, without a node",
            f"{findings.crashes:,} at {findings.sites} sites",
        ),
        ("faults of the disk below the store", disk),
        ("operations at which it failed", f"{findings.everywhere:,} of {findings.operations:,}"),
        *(("not done", each) for each in findings.lacking),
        ("problems", f"{len(tally.problems)}"),
    ]
    above, _, below = PAGE.read_text().partition(RESULTS)
    lines = [above + RESULTS, ""]
    lines += [f"- {name}: {value}" for name, value in machine.items() if name in TOLD]
    lines += [f"- commit: {commit()}", f"- begun {findings.begun}, {findings.minutes} minutes"]
    lines += [f"- seed {findings.seed}", "", "| what | count |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in rows]
    lines += [""] + [f"- PROBLEM: {problem}" for problem in tally.problems[:50]]
    text = "\n".join(lines).rstrip()
    return "\n".join([text, "", RUNS, "", *_runs(below, findings)]) + "\n"


def _runs(before: str, findings: Findings) -> list[str]:
    """Return the table of all runs: those that the page had, this one, and what all come to."""
    kept = before.partition(RUNS)[2].splitlines()
    rows = [line for line in kept if line.startswith("| 2")]
    tally = findings.tally
    counts = [tally.kills, sum(tally.states.values()), findings.crashes]
    counts += [sum(findings.disk.values()), len(tally.problems)]
    cells = (findings.begun, commit(), str(findings.minutes), *(f"{each:,}" for each in counts))
    rows.append(f"| {' | '.join(cells)} |")
    columns = zip(*(row.strip("| ").split(" | ") for row in rows), strict=True)
    whole = [sum(int(each.replace(",", "")) for each in column) for column in list(columns)[2:]]
    head = ["begun", "commit", "minutes", "kills under streams", "attempts checked"]
    head += ["deaths at crash points", "faults of the disk", "problems"]
    total = f"| together | | {' | '.join(f'{each:,}' for each in whole)} |"
    return [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows, total]


TOLD = ("processor", "kernel", "python", "fsync of 4 KB", "load average before")


if __name__ == "__main__":
    raise SystemExit(main())
