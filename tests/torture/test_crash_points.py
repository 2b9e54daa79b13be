"""A process may die at any write: what it leaves is whole, and what it told others still holds."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.node.harness import ROOT
from tests.torture.crash_points import all_sites

SITES_MIN = 90
TIMES = 25
LIMIT_S = 1_800


def lives(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """Run the life with crash points; returns what came of each site."""
    command = [sys.executable, "-m", "tests.torture.crash_everywhere", str(folder), *arguments]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT_S
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(each["sound"] for each in found), [each for each in found if not each["sound"]]
    return found


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory, where there is one: a kill asks nothing of a disk."""
    shared = Path("/dev/shm")
    with TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


def test_what_a_kill_leaves_at_every_write_is_whole(memory: Path) -> None:
    """Journals pass the outsider's check, the store is their replay, what was told still holds.

    Each site of the code is looked at once, at one of the visits to it; which one, changes.
    """
    found = lives(memory / "lives", "--seed", str(random.randrange(1 << 30)))

    assert len(found) == len({each["site"] for each in found}) >= SITES_MIN


@pytest.mark.slow
def test_a_process_killed_at_every_write(memory: Path) -> None:
    """The same with real deaths by SIGKILL, at up to 25 different visits to each site."""
    found = lives(memory / "lives", "--kill", "--times", str(TIMES))

    assert {each["died"] for each in found} == {-9}
    assert len(found) > 5 * SITES_MIN


def test_the_sites_are_found_in_the_code() -> None:
    """The writes that matter most are among them, so the search looks at what it should."""
    sites = set(all_sites())

    assert len(sites) >= SITES_MIN
    assert sites >= {
        "gateway/money/books:hold:append#1",
        "ledger/keeper:_fold_next:before the commit#1",
        "ledger/keeper:lend:after the commit#1",
        "store/journal_reader:append:half#1",
        "store/journal_writer:append:half#1",
    }
