"""The shell's completion: its script, and the names of the configuration file."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headgate.cli.main import app


def completed(books: Path, line: str) -> list[str]:
    """Return what bash is offered at the end of a line."""
    environ = {
        "_HEADGATE_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
        "HEADGATE_CONFIG": str(books / "headgate.toml"),
    }
    result = CliRunner(env=environ).invoke(app, prog_name="headgate")
    assert result.exit_code == 0, result.output
    return result.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("headgate dri", ["drill"]),
        ("headgate keys re", ["revoke"]),
        ("headgate keys create --princ", ["--principal"]),
        ("headgate keys create new --principal a", ["alice"]),
        ("headgate keys create new --model f", ["fast"]),
        ("headgate keys revoke alice", ["alice-laptop"]),
        ("headgate freeze team:r", ["team:research"]),
        ("headgate thaw model:", ["model:fast"]),
        ("headgate drill --without gpt-5.4", ["gpt-5.4-mini"]),
        ("headgate use cod", ["codex"]),
        ("headgate calls --principal a", ["alice"]),
        ("headgate calls --deployment min", ["mini"]),
        ("headgate usage --by mo", ["month", "model"]),
    ],
)
def test_names_are_completed(books: Path, line: str, offered: list[str]) -> None:
    """Commands, options, and what stands in the configuration file."""
    assert completed(books, line) == offered


@pytest.mark.parametrize("text", [b"[keys", b"\xff", b"keys = 3"])
def test_a_broken_file_completes_nothing(books: Path, text: bytes) -> None:
    """A completion never fails."""
    (books / "headgate.toml").write_bytes(text)

    assert completed(books, "headgate keys revoke a") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_can_read(shell: str) -> None:
    """Each shell has its own; bash reads it without complaint."""
    environ = {"_HEADGATE_COMPLETE": f"source_{shell}"}
    script = CliRunner(env=environ).invoke(app, prog_name="headgate").stdout

    assert "_HEADGATE_COMPLETE" in script
    assert f"complete_{shell}" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script.encode(), check=True, stdout=sys.stderr)
