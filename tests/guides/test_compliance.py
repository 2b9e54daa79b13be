"""The guide to keeping data where it may be."""

from pathlib import Path

from tests.guides.running import run_guide


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """Requirements decide who is asked, and the record says what was required."""
    run_guide("compliance", tmp_path)
