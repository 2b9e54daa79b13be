"""Running the command line as a person does, on a folder with real books."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from headgate.cli.main import app

Headgate = Callable[..., Result]


@pytest.fixture
def headgate(books: Path) -> Headgate:
    """Run a command with `--config` and `--data-dir` of the folder `books`."""
    environ = {
        "HEADGATE_CONFIG": str(books / "headgate.toml"),
        "HEADGATE_DATA_DIR": str(books / "data"),
        "OPENAI_API_KEY": None,
    }

    def run(
        *arguments: str, env: dict[str, str | None] | None = None, color: bool = False
    ) -> Result:
        return CliRunner(env={**environ, **(env or {})}).invoke(app, arguments, color=color)

    return run
