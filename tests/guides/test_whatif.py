"""The guide to what a past period would have cost."""

from pathlib import Path

import pytest

from tests.guides.running import run_guide


@pytest.mark.slow
def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """Models, seats, scenarios beside each other, and a policy on the books, as the guide shows."""
    run_guide("whatif", tmp_path)
