"""The guide to learning from feedback."""

from pathlib import Path

from tests.guides.running import run_guide


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """Votes are told by command and official client, answers compared, and what is known shown."""
    run_guide("feedback", tmp_path)
