"""The guide to what survives."""

from pathlib import Path

import pytest

from tests.guides.running import run_guide
from tests.node.harness import once


@pytest.mark.slow
def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """A worker that is killed in a stream costs a hold, and the books are whole."""
    run_guide("durability", tmp_path, budgets=[once("principal:alice", "10.00")])
