"""The guide to reaching providers."""

from pathlib import Path

import pytest

from tests.guides.running import run_guide


@pytest.mark.slow
def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """With a proxy for others, the providers here are asked and called directly."""
    run_guide("reach", tmp_path)
