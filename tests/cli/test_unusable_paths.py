"""A path that cannot be used is told in a line with a fix, whichever command meets it."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_main import checks

COMMANDS = (("calls",), ("explain", "call_a"), ("check-books",), ("report",))
CHANGES = (("serve",), ("freeze", "organisation"), ("purge",))


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file where a folder should be."""
    path = tmp_path / "a-file"
    path.touch()
    return str(path)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_file_has_no_books(headgate: Any, file: str, command: tuple[str, ...]) -> None:
    """Named as the data directory, it is no store that could be read."""
    result = headgate(*command, "--data-dir", file)

    assert result.exit_code == 3
    assert f"There is no store at {file}" in result.stderr
    assert "Fix: " in result.stderr


@pytest.mark.parametrize("command", CHANGES, ids=" ".join)
def test_a_file_is_no_data_directory(headgate: Any, file: str, command: tuple[str, ...]) -> None:
    """What would write into it says which path cannot be used, and why."""
    result = headgate(*command, "--data-dir", file, env={"OPENAI_API_KEY": "k"})

    assert result.exit_code == 3
    assert result.stderr == f"{file} cannot be used: File exists.\n  Fix: See: headgate doctor\n"


def test_doctor_says_that_a_file_is_no_data_directory(headgate: Any, file: str) -> None:
    """It is there to find just that, and goes on with the other checks."""
    result = headgate("doctor", "--json", "--data-dir", file, env={"OPENAI_API_KEY": "k"})

    found = checks(result)
    assert result.exit_code == 1
    assert found["data directory"]["message"] == f"{file} is no folder."
    assert found["store and clock"]["message"] == "There is no store yet."
