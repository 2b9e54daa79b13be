"""What torture writes down: the last run of each part, and all runs together."""

from pathlib import Path

from tests.torture.record import Findings, record

BEFORE = """# Torture

Kept.

## The last run

### A disk that fails

- of before

### All runs

| begun | commit | minutes | kills under streams | attempts checked | deaths | faults | problems |
|---|---|---|---|---|---|---|---|
| 2026-11-26 03:50 UTC | e56d52564b96 | 18 | 114 | 2,268 | 344 | 179 | 0 |
| together | | 18 | 114 | 2,268 | 344 | 179 | 0 |
"""


def test_a_part_that_was_not_played_keeps_its_last_run(tmp_path: Path) -> None:
    """Nodes alone are played twice: the disk's run stays, theirs is the last, and all are added.

    What is written down again while a run goes on stands there once.
    """
    page = tmp_path / "torture.md"
    page.write_text(BEFORE)
    for kills, seed in ((1_000, 7), (20, 8)):
        findings = Findings(f"2026-11-27 10:0{seed} UTC", "abc", seed, ("nodes",), minutes=5)
        for so_far in (1, kills):
            findings.tally.blows["kill a worker"] = so_far

            page.write_text(record(findings, {"python": "3.11"}, page))

    text = page.read_text()
    assert text.startswith(
        "# Torture\n\nKept.\n\n## The last run\n\n### A disk that fails\n\n- of "
    )
    assert text.count("### ") == 3
    assert ("- seed 8" in text, "- seed 7" in text) == (True, False)
    assert "| processes killed by SIGKILL | 20 |" in text
    assert text.endswith("| together | | 28 | 1,134 | 2,268 | 344 | 179 | 0 |\n")


def test_what_was_objected_to_is_told(tmp_path: Path) -> None:
    """A fault of the disk that lost something fails the run, and is named in its part."""
    page = tmp_path / "torture.md"
    page.write_text(BEFORE)
    findings = Findings("2026-11-27 10:00 UTC", "abc", 1, ("disk",))
    assert findings.sound
    findings.problems["disk"].append("EIO at operation 5: lost")

    text = record(findings, {}, page)

    assert not findings.sound
    assert "- PROBLEM: EIO at operation 5: lost" in text
    assert "| 2026-11-27 10:00 UTC |" in text
