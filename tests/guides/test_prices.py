"""The guide to prices."""

from pathlib import Path

import pytest

from tests.guides.running import run_guide


@pytest.mark.slow
def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """Contracts are charged, changes weighed, lists reviewed, and wrong prices corrected."""
    run_guide("prices", tmp_path)
