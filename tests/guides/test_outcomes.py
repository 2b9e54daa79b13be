"""The guide to what a result costs."""

from pathlib import Path

from tests.guides.running import run_guide


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """Outcomes are told by curl and by the official client, and the command sums them up."""
    run_guide("outcomes", tmp_path)
