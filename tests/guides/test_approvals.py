"""The guide to asking a person first."""

from pathlib import Path

from tests.guides.running import run_guide

PEOPLE = {"alice": "research", "bob": "research"}


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """Asking, deciding, using an approval once and waiting for one print what the guide shows."""
    run_guide("approvals", tmp_path, principals=PEOPLE)
