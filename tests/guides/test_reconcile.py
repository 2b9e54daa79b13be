"""The guide to checking the bill."""

from pathlib import Path

from tests.guides.running import run_guide
from tests.node.harness import once


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """Comparing, correcting and comparing again print what the guide shows."""
    run_guide(
        "reconcile",
        tmp_path,
        budgets=[once("organisation", "10.00")],
        environment={"OPENAI_ADMIN_KEY": "sk-admin-test"},
    )
