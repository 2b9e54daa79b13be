"""The guide to expected holds."""

from pathlib import Path

import pytest

from tests.guides.running import run_guide


@pytest.mark.slow
def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """Learning, growing and ending for want of money print what the guide shows."""
    run_guide("holds", tmp_path)
