"""The report: Markdown tables, the line that ends a run, and the record in the documentation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.harness import Row
from bench.rounds import Compared

BARS: Mapping[str, float] = {"plain": 2.5, "paced": 1.4}
"""Of the gate, which every run measures."""
TRANSLATED_BARS: Mapping[str, float] = {"translated": 6.0, "translated, paced": 3.0}
"""Of calls that are translated, where those were measured."""
PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


class Once(NamedTuple):
    """A figure that was taken once."""

    name: str
    base: str
    node: str


def comparison(found: Sequence[Compared]) -> str:
    """Return the table of the paired rounds."""
    lines = [
        "| load | nginx | whole node | worker alone | node / nginx | worker / nginx | rounds |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.load} | {each.base_us:.1f} | {each.whole_us:.1f} | {each.worker_us:.1f}"
        f" | {each.ratio:.2f} | {each.worker_ratio:.2f} | {each.rounds} |"
        for each in found
    ]
    return "\n".join(lines)


def once(rows: Sequence[Once]) -> str:
    """Return the table of figures that were taken once."""
    lines = ["| taken once | nginx | headgate |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {row.name} | {row.base} | {row.node} |" for row in rows)])


def independent(row: Row) -> str:
    """Return the table of the independent harness."""
    lines = ["| independent harness | whole node, us | node / nginx |", "|---|---|---|"]
    for load, ratio in row.ratios.items():
        lines.append(f"| {load} | {row.us[load]:.1f} | {ratio:.2f} |")
    return "\n".join(lines)


def listing(facts: Mapping[str, str]) -> str:
    """Return what is said of the machine."""
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())


def last_line(ratios: Mapping[str, float]) -> str:
    """Return the line a run ends with."""
    return " ".join(["ratios", *(f"{load}={ratios[load]:.2f}" for load in BARS)])


def above(ratios: Mapping[str, float]) -> list[str]:
    """Return a sentence for each ratio that is above its bar."""
    return [
        f"{load}: {ratios[load]:.2f} is above {bar}"
        for load, bar in {**BARS, **TRANSLATED_BARS}.items()
        if ratios.get(load, 0) > bar
    ]


def verdict(complaints: Sequence[str]) -> str:
    """Return whether the bars are met, in a sentence."""
    if not complaints:
        return "All bars are met."
    return f"**Not met**: {'; '.join(complaints)}."


def record(text: str, page: Path = PAGE, begin: str = BEGIN, end: str = END) -> None:
    """Put a report between marks of the page, in the place of the one before."""
    old = page.read_text(encoding="utf-8")
    head, rest = old.split(begin)
    tail = rest.split(end)[1]
    page.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", encoding="utf-8")
