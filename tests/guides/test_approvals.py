"""The guide to asking a person first."""

from pathlib import Path

from tests.guides.running import run_guide
from tests.node.harness import once

PEOPLE = {"alice": "research", "bob": "research"}


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """Asking, deciding, using an approval once, waiting and raising print what the guide shows."""
    run_guide("approvals", tmp_path, budgets=[once("principal:alice", "10.00")], principals=PEOPLE)
