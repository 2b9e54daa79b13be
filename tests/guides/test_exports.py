"""The guide to exports works as it is written."""

from pathlib import Path

import pytest

from tests.guides.running import run_guide


@pytest.mark.slow
def test_the_guide(tmp_path: Path) -> None:
    """Calls are made, scraped, asked for in SQL, and charged."""
    run_guide("exports", tmp_path)
