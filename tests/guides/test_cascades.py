"""The guide to cascades."""

from pathlib import Path

import pytest

from tests.guides.running import run_guide


@pytest.mark.slow
def test_the_guides_calls_are_verified_as_it_says(tmp_path: Path) -> None:
    """A well-formed answer is the cheap model's; one that is cut is asked for again."""
    run_guide("cascades", tmp_path)
