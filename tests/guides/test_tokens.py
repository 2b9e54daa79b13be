"""The guide to counts of tokens."""

from pathlib import Path

import pytest

from tests.guides.running import run_guide


@pytest.mark.slow
def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """A text and a request are counted, and another maker's model by Anthropic's client."""
    run_guide("tokens", tmp_path)
