"""A node for what is described, and what is not collected where it would not be run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.node.harness import TestNode, running_node


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out every operation's cases with the slow tests: collecting makes them, for 13 s."""
    of_every_operation = collection_path.name == "test_every_operation.py"
    return True if of_every_operation and config.option.markexpr == "not slow" else None


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node without budgets."""
    with running_node(tmp_path_factory.mktemp("described")) as running:
        yield running
