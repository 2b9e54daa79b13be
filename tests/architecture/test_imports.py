"""Imports that the contracts in `.importlinter` cannot speak of while a room is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT, imported_modules, inside, syntax

SIMULATOR_USERS = ("cli/", "simulator/")


def test_the_ground_floor_needs_nothing(source_module: Path) -> None:
    """`units` stands on the standard library alone, so that everything can stand on it."""
    if not inside(source_module).startswith("units/"):
        return
    for module, line in imported_modules(syntax(source_module)):
        known = module.split(".")[0] in sys.stdlib_module_names
        assert known or module.startswith("headgate.units"), f"line {line}: import of {module}"


def test_the_simulator_is_a_stranger(source_module: Path) -> None:
    """The simulator shares no code with what it judges, and only the command line starts it."""
    path = inside(source_module)
    for module, line in imported_modules(syntax(source_module)):
        of_simulator = f"{module}.".startswith("headgate.simulator.")
        if path.startswith("simulator/"):
            ours = module.split(".")[0] == "headgate"
            assert of_simulator or not ours, f"line {line}: the simulator imports {module}"
        elif of_simulator:
            assert path.startswith(SIMULATOR_USERS), f"line {line}: {path} imports {module}"


@pytest.mark.parametrize("process", ["supervisor", "worker"])
def test_who_never_opens_the_store_does_not_load_it(process: str) -> None:
    """A third of a node's start, and of its memory, was SQL that only the steward speaks."""
    code = f"import sys, headgate.node.{process}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"sqlalchemy", "alembic", "jinja2", "starlette", "uvicorn"}
