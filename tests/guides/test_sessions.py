"""The guide to sessions."""

from pathlib import Path

from tests.guides.running import run_guide


def test_the_guides_session_moves_as_it_says(tmp_path: Path) -> None:
    """The official client's agent begins cheap, rises in trouble, and goes back between tasks."""
    run_guide("sessions", tmp_path)
