"""The guide to retries."""

from pathlib import Path

from tests.guides.running import run_guide


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """A repeat gets the first reply, by curl and by the official client; another body does not."""
    run_guide("retries", tmp_path)
