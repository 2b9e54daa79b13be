"""The guide to images and sound."""

from pathlib import Path

import pytest

from tests.guides.running import run_guide


@pytest.mark.slow
def test_the_guide_does_what_it_says(tmp_path: Path) -> None:
    """What is drawn, spoken and heard costs what the guide shows."""
    run_guide("media", tmp_path)
