"""The guide to budgets of every kind."""

from pathlib import Path

from tests.guides.running import run_guide


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """Limits by tag, model and provider, a shadow and a raise print what the guide shows."""
    run_guide("budgets", tmp_path)
