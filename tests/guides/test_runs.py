"""The guide to runs."""

from pathlib import Path

import pytest

from tests.guides.running import run_guide

pytest.importorskip("dbos", reason="the extra `workflows` is not installed")


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """A tree of runs is budgeted, stopped and cancelled, and a swarm runs to its end."""
    run_guide("runs", tmp_path)
