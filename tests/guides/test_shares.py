"""The guide to sharing what is scarce."""

from pathlib import Path

from tests.guides.running import run_guide


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """Classes, who waits, how long, and deadlines print what the guide shows."""
    run_guide("shares", tmp_path)
