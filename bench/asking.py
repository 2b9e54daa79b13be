"""Asks the node that is measured by its own command line, beside its running processes."""

import json
import subprocess
import sys
import time
from decimal import Decimal
from typing import NamedTuple

from bench import package
from bench.gateways import ROOT, Gateway
from bench.tools import BUILD

SETTLED_S = 30
"""So long the last calls may take to come into the books."""

BUDGET = "organisation-month"
"""The one of the budgets of `configuration.py` that every call is held on and no other is above."""


def ask(port: int, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the headgate that is measured on the node of a port; its output is JSON."""
    command = ["env", f"PYTHONPATH={package.path()}", sys.executable, "-m", "headgate.cli.main"]
    command += [*words, "--json", "--config", str(BUILD / f"headgate-{port}.toml")]
    command += ["--data-dir", str(BUILD / f"data-{port}")]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)


def books(port: int) -> tuple[bool, str]:
    """Check the books beside the running node; returns whether they are equal, and a sentence."""
    done = ask(port, "check-books")
    if not done.stdout:
        return False, done.stderr.strip()[-400:]
    found = json.loads(done.stdout)
    sentence = f"{found['records']} records of {found['journals']} journals"
    equal = bool(found["equal"])
    return equal, f"{sentence} {'are' if equal else 'are not'} what the store has"


class Audit(NamedTuple):
    """Whether a node has kept exactly what it has answered, and a sentence that says so."""

    right: bool
    sentence: str


def audit(node: Gateway) -> Audit:
    """Hold the books of a node that is at rest against what the load generator was answered."""
    answered = node.calls + node.streams
    kept = _settled(node.port)
    equal, told = books(node.port)
    right = equal and kept == Kept(answered, "0.000000000", 0)
    return Audit(
        right,
        f"{answered:,} calls were answered, {kept.calls:,} are in the books, {kept.estimated:,} of"
        f" them estimated; ${kept.held} are held. {told}.",
    )


class Kept(NamedTuple):
    """What the books of a node have: calls, dollars held, and how many calls are estimated."""

    calls: int
    held: str
    estimated: int


def _settled(port: int) -> Kept:
    """Return what the books have when nothing is held any more, or after `SETTLED_S`."""
    deadline_s = time.monotonic() + SETTLED_S
    while True:
        done = ask(port, "report")
        done.check_returncode()
        told = json.loads(done.stdout)
        kept = Kept(told["calls"], told["held"], told["estimated_calls"])
        if Decimal(kept.held) == 0 or time.monotonic() > deadline_s:
            return kept


def posted_nanos(port: int) -> int:
    """Return what all calls of a node did cost so far, in nano-dollars."""
    done = ask(port, "budgets")
    done.check_returncode()
    budgets = json.loads(done.stdout)
    (posted,) = (budget["posted"] for budget in budgets if budget["id"] == BUDGET)
    nanos = Decimal(posted) * 10**9
    assert nanos == int(nanos), "amounts are whole nano-dollars"
    return int(nanos)
