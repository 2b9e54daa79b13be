"""An independent harness beside the checkout, when there is one: its ratios are then the gate.

It starts gateways by a command, loads them in turn and prints a table with a line per gateway:
name, then rate, CPU microseconds and ratio for each load, then the number of bad answers.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from bench import package

ROOT = Path(__file__).resolve().parents[1]
BESIDE = ROOT.parent / "shared" / "bench"
PORT = "9200"
"""It puts a port of its own in the place of this one."""

UPSTREAM = "http://127.0.0.1:9100"
NAME = "headgate"
BASE = "nginx"
TIMEOUT_S = 900


class HarnessError(Exception):
    """The harness failed, or printed what cannot be read."""


class Row(NamedTuple):
    """A gateway's line: CPU microseconds and ratio to the base, by load."""

    us: dict[str, float]
    ratios: dict[str, float]
    bad: int


def find(named: Path | None = None, beside: Path = BESIDE) -> Path | None:
    """Return the harness's folder: the named one, else the one beside the checkout, else None.

    Raises:
        HarnessError: The named folder has no harness.
    """
    chosen = beside if named is None else named
    if (chosen / "compare.py").is_file():
        return chosen
    if named is not None:
        raise HarnessError(f"{named} has no compare.py")
    return None


def target() -> str:
    """Return how the harness is told to start a node of this checkout."""
    paths = f"PYTHONPATH={package.path()}{os.pathsep}{ROOT}"
    command = ["env", paths, sys.executable, "-m", "bench.launch"]
    return f"{NAME}={shlex.join([*command, '--port', PORT, '--upstream', UPSTREAM])}"


def run(directory: Path, *, rounds: int, seconds: float) -> Row:
    """Set the harness up and let it compare a node with nginx.

    Raises:
        HarnessError: It failed, or there were bad answers.
    """
    _call([str(directory / "setup.sh")])
    command = [sys.executable, str(directory / "compare.py"), "--rounds", str(rounds)]
    printed = _call([*command, "--secs", str(seconds), BASE, "--target", target()])
    row = parse(printed, NAME)
    if row.bad:
        raise HarnessError(f"{row.bad} bad answers:\n{printed}")
    return row


def _call(command: Sequence[str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode:
        raise HarnessError(f"{command[0]}: {(done.stderr or done.stdout)[-800:]}")
    return done.stdout


def parse(printed: str, name: str) -> Row:
    """Read a gateway's line out of the printed table.

    Raises:
        HarnessError: There is no such line, or it does not fit the heading.
    """
    lines = [line.split() for line in printed.splitlines()]
    heading = next((words for words in lines if words[:1] == ["gateway"]), None)
    figures = next((words[1:] for words in reversed(lines) if words[:1] == [name]), None)
    if heading is None or figures is None:
        raise HarnessError(f"no line for {name} in:\n{printed}")
    loads = [before for before, word in pairwise(heading) if word == "/s"]
    try:
        numbers = [float(figure) for figure in figures]
        us = {load: numbers[3 * at + 1] for at, load in enumerate(loads)}
        ratios = {load: numbers[3 * at + 2] for at, load in enumerate(loads)}
        return Row(us, ratios, int(numbers[3 * len(loads)]))
    except (ValueError, IndexError) as error:
        raise HarnessError(f"the line of {name} cannot be read:\n{printed}") from error
