"""Writes down what torture found: the last run of each part, and the table of all runs.

What stands above them on the page is left as it is, and so is the last run of a part that was not
played this time.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.node.harness import ROOT
from tests.torture.blows import Tally

PAGE = ROOT / "docs" / "torture.md"
RESULTS = "## The last run"
PARTS = {
    "crashes": "### Crash points",
    "disk": "### A disk that fails",
    "nodes": "### Nodes under streams",
}
RUNS = "### All runs"
TOLD = ("processor", "kernel", "python", "fsync of 4 KB", "load average before")
PROBLEMS_SHOWN = 50


@dataclass(slots=True)
class Findings:
    """What was done, and what was found.

    Attributes:
        parts: Which parts were played.
        minutes: How long it took so far.
        stages: On how many there were blows.
        crashes: Deaths at crash points, each followed by a recovery that was checked.
        sites: How many different ones.
        disk: Faults of the disk below the store, by kind, each followed by a recovery.
        operations: How many operations of the disk there are.
        everywhere: At how many of them it has failed.
        faults: How many faults there can be: each operation, in each way.
        lacking: What could not be done here.
        tally: What befell nodes.
        problems: What was objected to in the parts without nodes.
    """

    begun: str
    commit: str
    seed: int
    parts: tuple[str, ...] = tuple(PARTS)
    minutes: int = 0
    stages: int = 0
    crashes: int = 0
    sites: int = 0
    disk: Counter[str] = field(default_factory=Counter)
    operations: int = 0
    everywhere: int = 0
    faults: int = 0
    lacking: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    problems: dict[str, list[str]] = field(default_factory=lambda: {"crashes": [], "disk": []})

    def problems_of(self, part: str) -> list[str]:
        """Return what was objected to in a part."""
        return self.tally.problems if part == "nodes" else self.problems[part]

    @property
    def sound(self) -> bool:
        """Whether nothing was objected to."""
        return not any(self.problems_of(part) for part in self.parts)


def record(findings: Findings, machine: dict[str, str], page: Path = PAGE) -> str:
    """Return the page with new results, in place of those of the same run if it has some."""
    above, _, below = page.read_text().partition(RESULTS)
    sections = {title: _section(below, title) for title in PARTS.values()}
    for part in findings.parts:
        sections[PARTS[part]] = "\n".join(_last(part, findings, machine))
    kept = [f"{title}\n\n{text}" for title, text in sections.items() if text]
    runs = "\n".join(_runs(below, findings))
    return "\n\n".join([above + RESULTS, *kept, f"{RUNS}\n\n{runs}"]) + "\n"


def _section(below: str, title: str) -> str:
    return below.partition(f"{title}\n")[2].partition("\n### ")[0].strip()


def _last(part: str, findings: Findings, machine: dict[str, str]) -> Iterator[str]:
    problems = findings.problems_of(part)
    yield from (f"- {name}: {value}" for name, value in machine.items() if name in TOLD)
    yield f"- commit: {findings.commit}"
    yield f"- begun {findings.begun}, {findings.minutes} minutes"
    yield from (f"- seed {findings.seed}", "", "| what | count |", "|---|---|")
    rows = {"crashes": _crashes, "disk": _disk, "nodes": _nodes}[part](findings)
    for name, value in (*rows, ("problems", f"{len(problems)}")):
        yield f"| {name} | {value} |"
    if problems:
        yield ""
        yield from (f"- PROBLEM: {problem}" for problem in problems[:PROBLEMS_SHOWN])


def _crashes(findings: Findings) -> Iterator[tuple[str, str]]:
    yield "deaths, each followed by a recovery", f"{findings.crashes:,} at {findings.sites} sites"


def _disk(findings: Findings) -> Iterator[tuple[str, str]]:
    done = sum(findings.disk.values())
    yield "operations of the disk at which it failed", _of(findings.everywhere, findings.operations)
    yield "faults, each followed by a recovery", _of(done, findings.faults)
    yield from ((f"- {kind}", f"{count:,}") for kind, count in sorted(findings.disk.items()))


def _nodes(findings: Findings) -> Iterator[tuple[str, str]]:
    tally = findings.tally
    ends = ", ".join(f"{count:,} {state}" for state, count in sorted(tally.states.items()))
    yield "stages, one after the other", f"{findings.stages}"
    yield "processes killed by SIGKILL", f"{tally.kills:,}"
    yield from ((f"- on {stage}", f"{count:,}") for stage, count in sorted(tally.kills_on.items()))
    yield "- of which had not begun to serve again", f"{tally.starting:,}"
    yield from ((blow, f"{count:,}") for blow, count in sorted(tally.blows.items()))
    yield "times that everything was checked", f"{tally.checks:,}"
    attempts = f"{sum(tally.states.values()):,}: {ends}"
    yield "attempts of calls checked against the bill", attempts
    yield from (("not done", each) for each in findings.lacking)


def _of(done: int, all_of: int) -> str:
    return f"{done:,} of {all_of:,}"


def _runs(before: str, findings: Findings) -> Iterator[str]:
    """Yield the table of all runs: those that the page had, this one, and what all come to."""
    kept = before.partition(RUNS)[2].splitlines()
    own = f"| {findings.begun} | {findings.commit} |"
    rows = [line for line in kept if line.startswith("| 2") and not line.startswith(own)]
    tally = findings.tally
    problems = sum(len(findings.problems_of(part)) for part in findings.parts)
    counts = [tally.kills, sum(tally.states.values()), findings.crashes]
    counts += [sum(findings.disk.values()), problems]
    rows.append(f"{own} {findings.minutes} | {' | '.join(f'{each:,}' for each in counts)} |")
    columns = zip(*(row.strip("| ").split(" | ") for row in rows), strict=True)
    whole = [sum(int(each.replace(",", "")) for each in column) for column in list(columns)[2:]]
    head = ["begun", "commit", "minutes", "kills under streams", "attempts checked"]
    head += ["deaths at crash points", "faults of the disk", "problems"]
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    yield from rows
    yield f"| together | | {' | '.join(f'{each:,}' for each in whole)} |"
