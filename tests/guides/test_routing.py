"""The guide to policies that are tried before they serve."""

from pathlib import Path

import pytest

from tests.guides.running import run_guide


@pytest.mark.slow
def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """A shadow's notes, a decision's estimates and an experiment's sums are as the guide shows."""
    run_guide("routing", tmp_path)
