"""`make fuzz`: the properties of bodies and streams under guided bytes, for a bounded time.

The bytes come from atheris and are what hypothesis draws its examples from, so what is found is
kept in hypothesis's own database: the next run of the tests replays it.
https://hypothesis.readthedocs.io/en/latest/how-to/external-fuzzers.html
"""

import argparse
import importlib
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

PROPERTIES = "tests.fuzz.test_dialects"
GUIDED = "headgate.dialects"
CORPUS = Path("build") / "fuzz-corpus"
INPUT_BYTES_MAX = 2_048
SEEDS = 32
"""So many inputs to begin with, of any bytes: an empty one would take minutes to grow."""

TOLD_LINES = 60


def fuzz(name: str, seconds: int) -> None:
    """Fuzz one property; ends the process, with another status than 0 when it does not hold."""
    # Lies in a folder of its own and not in the environment, so no import at the top may name it.
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=[GUIDED]):
        test = getattr(importlib.import_module(PROPERTIES), name)
    corpus = CORPUS / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number in range(SEEDS):
        seed = random.Random(number).randbytes(INPUT_BYTES_MAX // 2)
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}", f"-max_len={INPUT_BYTES_MAX}", "-len_control=0"]
    atheris.Setup(
        [name, *limits, f"-artifact_prefix={CORPUS}/", str(corpus)],
        test.hypothesis.fuzz_one_input,
    )
    atheris.Fuzz()


def names() -> list[str]:
    """Return the names of the properties."""
    properties = vars(importlib.import_module(PROPERTIES)).items()
    return [name for name, each in properties if hasattr(each, "hypothesis")]


def main() -> int:
    """Fuzz every property for its part of the time; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all of them together")
    parser.add_argument("--only", help="the name of one property, in this process")
    arguments = parser.parse_args()
    if arguments.only:
        fuzz(arguments.only, arguments.seconds)
    found = names()
    share = str(max(1, arguments.seconds // len(found)))
    failed = [name for name in found if not holds(name, share)]
    say(f"{len(found)} properties, does not hold: {failed or 'none'}")
    return len(failed)


def holds(name: str, seconds: str) -> bool:
    """Fuzz one property in a process of its own; what that says is shown when it does not hold."""
    command = [sys.executable, "-m", "tests.fuzz.run", "--only", name, "--seconds", seconds]
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    told = done.stderr.splitlines()
    reached = [line for line in told if "DONE" in line]
    say(f"{name}: {reached[-1] if reached and not done.returncode else 'does not hold'}")
    if done.returncode:
        sys.stderr.write(done.stdout + "\n".join(told[-TOLD_LINES:]) + "\n")
    return not done.returncode


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"fuzz: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
