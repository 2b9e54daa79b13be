"""The guide to stopping what is being spent."""

from pathlib import Path

from tests.guides.running import run_guide


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """Freezing, seeing what is frozen and thawing print what the guide shows."""
    run_guide("stop", tmp_path)
