"""The guide to the response cache."""

from pathlib import Path

import pytest

from tests.guides.running import run_guide


@pytest.mark.slow
def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """Over a real node: given again, asked anew, shown, and purged at its worker."""
    run_guide("response-cache", tmp_path)
