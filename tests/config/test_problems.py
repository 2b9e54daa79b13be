"""Golden cases: a configuration, `----`, and the problems it has, all at once."""

from pathlib import Path

import pytest

from headgate.config.load import load
from headgate.units.errors import ConfigurationError

CASES = sorted((Path(__file__).parent / "problems").glob("*.txt"))
ENVIRON = {"GOOD": "sk-good", "EMPTY": " ", "SAME": "the-same-secret"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_all_problems_are_told_at_once(case: Path, tmp_path: Path) -> None:
    """Each problem has its dotted key, a sentence and a fix, in one error."""
    text, _, expected = case.read_text().partition("----\n")
    file = tmp_path / "headgate.toml"
    file.write_text(text)

    with pytest.raises(ConfigurationError) as caught:
        load(file, ENVIRON)

    told = "".join(
        f"{problem.key}: {problem.problem} Fix: {problem.fix}\n"
        for problem in caught.value.problems
    )
    assert told.replace(f"{tmp_path}/", "") == expected


def test_every_case_is_found() -> None:
    """The folder has cases, so that the test above is not empty."""
    assert len(CASES) >= 8


def test_no_problem_shows_a_secret(tmp_path: Path) -> None:
    """A secret in the wrong place is not repeated in the message."""
    file = tmp_path / "headgate.toml"
    file.write_text('[providers.a]\nkind = "anthropic"\nbase_url = "x"\ncredential = "sk-real"\n')

    with pytest.raises(ConfigurationError) as caught:
        load(file, {})

    assert "sk-real" not in str(caught.value)


def test_a_missing_file_names_init(tmp_path: Path) -> None:
    """Who has no configuration yet is told how to get one."""
    with pytest.raises(ConfigurationError, match="headgate init"):
        load(tmp_path / "nope.toml", {})


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    """A file in another encoding is a problem with a place."""
    file = tmp_path / "headgate.toml"
    file.write_bytes(b'[listen]\ngateway = "\xff"\n')

    with pytest.raises(ConfigurationError, match="Byte 20 is not UTF-8"):
        load(file, {})


@pytest.mark.parametrize("text", ["[" * 3_000, "1" * 5_000, "1e9999999999999999999"])
def test_what_toml_allows_and_nothing_can_hold_is_told(tmp_path: Path, text: str) -> None:
    """Nesting without end and numbers of thousands of digits are a problem of the file."""
    file = tmp_path / "headgate.toml"
    file.write_text(f"a = {text}\n")

    with pytest.raises(ConfigurationError, match="too large, or arrays and tables nest too deeply"):
        load(file, {})


def test_a_syntax_error_has_its_place(tmp_path: Path) -> None:
    """TOML that cannot be read is told with line and column."""
    file = tmp_path / "headgate.toml"
    file.write_text("[listen]\ngateway = 127.0.0.1:8080\n")

    with pytest.raises(ConfigurationError) as caught:
        load(file, {})

    assert [problem.key for problem in caught.value.problems] == ["line 2, column 16"]
