"""The guide to batches."""

from pathlib import Path

import pytest

from tests.guides.running import run_guide


@pytest.mark.slow
def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """Making a batch, waiting for it and looking at its cost print what the guide shows."""
    run_guide("batches", tmp_path)
