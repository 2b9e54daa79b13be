"""The guide to running a node."""

from pathlib import Path

import pytest

from tests.guides.running import run_guide
from tests.node.harness import once
from tests.stores import on_a_file


@pytest.mark.slow
@on_a_file
def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """The books are copied and proven beside the node, and a second key works beside the first."""
    run_guide("operating", tmp_path, budgets=[once("principal:alice", "10.00")])
