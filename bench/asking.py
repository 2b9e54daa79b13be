"""Asks the node that is measured by its own command line, beside its running processes."""

import json
import subprocess
import sys
from decimal import Decimal

from bench import package
from bench.gateways import ROOT
from bench.tools import BUILD

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


def posted_nanos(port: int) -> int:
    """Return what all calls of a node did cost so far, in nano-dollars."""
    done = ask(port, "budgets")
    done.check_returncode()
    budgets = json.loads(done.stdout)
    (posted,) = (budget["posted"] for budget in budgets if budget["id"] == BUDGET)
    nanos = Decimal(posted) * 10**9
    assert nanos == int(nanos), "amounts are whole nano-dollars"
    return int(nanos)
