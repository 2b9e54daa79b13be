"""The guide to suites of one's own tasks."""

from pathlib import Path

from tests.guides.running import run_guide


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """A suite with a check of each kind is run, kept, told as feedback, and says what is safe."""
    run_guide("evaluating", tmp_path)
