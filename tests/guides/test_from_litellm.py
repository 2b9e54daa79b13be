"""The guide to moving from another proxy."""

from pathlib import Path

from tests.guides.running import run_guide


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """A client goes on with its key, a dead account is passed over, a full budget refuses."""
    run_guide("from-litellm", tmp_path)
