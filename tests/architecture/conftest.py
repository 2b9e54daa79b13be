"""Hands every Python module of the repository to the tests that ask for one."""

from pathlib import Path

import pytest

from tests.architecture import repository


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once per module, when it asks for `module`, `source_module` or `test_module`."""
    by_argument = {
        "module": repository.python_files(),
        "source_module": repository.python_files("src"),
        "test_module": repository.python_files("tests"),
    }
    for argument, paths in by_argument.items():
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, paths, ids=_name)


def _name(path: Path) -> str:
    return str(path.relative_to(repository.ROOT))
