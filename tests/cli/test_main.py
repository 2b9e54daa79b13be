"""The frame: commands are found, help is quick, init and doctor work from nothing."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from headgate.cli.discovery import discover

HEAVY = {"sqlalchemy", "alembic", "starlette", "uvicorn", "jinja2", "headgate.config.load"}


def test_every_command_is_found() -> None:
    """Each file of the folder with an app or a name is a command, helpers are not."""
    names = set(discover())

    assert {
        "budgets",
        "calls",
        "check-books",
        "doctor",
        "explain",
        "freeze",
        "init",
        "keys",
        "prices",
        "report",
        "serve",
        "thaw",
    } <= names
    assert not names & {"main", "output", "contract", "doctor-checks"}


def test_a_command_is_one_file(tmp_path: Path) -> None:
    """A new file is a new command: its name, and its help from the docstring."""
    (tmp_path / "my_command.py").write_text('"""`headgate mine`: does it."""\nNAME = "mine"\n')
    (tmp_path / "other.py").write_text('"""`headgate other`: other things."""\napp = None\n')
    (tmp_path / "helper.py").write_text('"""Helps."""\n')

    found = discover(tmp_path)

    assert {name: one.help for name, one in found.items()} == {
        "mine": "Does it.",
        "other": "Other things.",
    }


def test_help_imports_nothing_heavy() -> None:
    """`--help` is quick because commands are imported only when they run."""
    code = (
        "import sys; from typer.testing import CliRunner; from headgate.cli.main import app; "
        "print(CliRunner().invoke(app, ['--help']).stdout); print(*sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    shown, _, modules = done.stdout.rpartition("\n\n")
    assert "check-books" in shown
    assert not HEAVY & set(modules.split())


def test_plain_values_need_no_library(tmp_path: Path) -> None:
    """A command that is given paths and texts starts without pydantic, whose import is long."""
    code = (
        "import sys; from typer.testing import CliRunner; from headgate.cli.main import app; "
        "print(CliRunner().invoke(app, sys.argv[1:]).output); print(*sys.modules)"
    )
    line = ["import", str(tmp_path / "none"), "--seat", "mia", "--data-dir", str(tmp_path)]

    done = subprocess.run(
        [sys.executable, "-c", code, *line], capture_output=True, text=True, check=True
    )

    assert f"{tmp_path / 'none'}: no such file" in done.stdout
    assert "pydantic" not in done.stdout.rpartition("\n\n")[2].split()


def test_other_values_are_checked_by_the_library(headgate: Any) -> None:
    """A number that is none, one out of range, and a choice that there is not, are refused."""
    for option, value in (("--limit", "many"), ("--limit", "0"), ("--state", "lost")):
        wrong = headgate("calls", option, value)

        assert wrong.exit_code == 2
        assert f"Invalid value for '{option}'" in wrong.stderr


def test_no_command_shows_help(headgate: Any) -> None:
    """`headgate` alone explains itself."""
    result = headgate()

    assert result.exit_code == 0
    assert "Commands:" in result.stdout


def test_the_version(headgate: Any) -> None:
    """`--version` prints it."""
    assert headgate("--version").stdout.startswith("headgate 0.")


def test_every_command_has_help(headgate: Any) -> None:
    """Each command imports and explains its options."""
    for name in discover():
        result = headgate(name, "--help")
        assert result.exit_code == 0, name
        assert "usage:" in result.stdout.casefold(), name


def test_help_is_plain_and_whole(headgate: Any) -> None:
    """No description is cut, arguments look as they are typed, completion is `headgate`'s own."""
    shown = " ".join(headgate("--help", env={"COLUMNS": "80"}).stdout.split())

    assert all(one.help in shown for one in discover().values())
    assert "freeze [OPTIONS] [NODE]\n" in headgate("freeze", "--help").stdout
    assert "explain [OPTIONS] {CALL}\n" in headgate("explain", "--help").stdout
    assert "freeze [OPTIONS] [NODE]\n" in headgate("freeze", "--help").stdout
    assert "install-completion" not in headgate("doctor", "--help").stdout


def test_a_mistyped_command(headgate: Any) -> None:
    """Near names are told; exit code 2."""
    result = headgate("budget")

    assert result.exit_code == 2
    assert "budgets" in result.stderr


CONFIG = """
[listen]
gateway = "127.0.0.1:{gateway}"
console = "127.0.0.1:0"

[providers.local]
kind = "openai_compatible"
base_url = "http://127.0.0.1:{provider}/v1"
credential = {{ env = "LOCAL_KEY" }}
"""


def checks(result: Any) -> dict[str, dict[str, str]]:
    """Return doctor's checks by name."""
    return {check["name"]: check for check in json.loads(result.stdout)["checks"]}


def test_doctor_finds_nothing_wrong(headgate: Any, books: Path) -> None:
    """A valid configuration, a free port, a provider that takes connections: exit code 0."""
    with socket.create_server(("127.0.0.1", 0)) as provider:
        port = provider.getsockname()[1]
        (books / "headgate.toml").write_text(CONFIG.format(gateway=0, provider=port))

        result = headgate("doctor", "--json", env={"LOCAL_KEY": "k"})

    found = checks(result)
    assert result.exit_code == 0, result.stdout
    assert found["provider local"]["status"] == "ok"
    assert found["steward"]["status"] == "warning"
    assert "headgate serve" in found["steward"]["fix"]


def test_doctor_finds_what_is_wrong(headgate: Any, books: Path) -> None:
    """A taken port, a missing credential and open files are told, each with a fix."""
    (books / "data").chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (books / "headgate.toml").write_text(CONFIG.format(gateway=port, provider=port))

        result = headgate("doctor", "--json", env={"LOCAL_KEY": None})

    found = checks(result)
    assert result.exit_code == 1
    assert "LOCAL_KEY" in found["configuration"]["message"]
    assert found["gateway port"]["status"] == "error"
    assert found["permissions"]["fix"].startswith("chmod go=")
    assert all(check["fix"] for check in found.values() if check["status"] != "ok")


def test_doctor_warns_of_a_model_without_a_price(headgate: Any, books: Path) -> None:
    """A slip in a deployment's model is no error, but told with the near name."""
    file = books / "headgate.toml"
    file.write_text(file.read_text().replace("gpt-5.4-mini", "gpt-5.4-mni"))

    found = checks(headgate("doctor", "--json", env={"OPENAI_API_KEY": "k"}))

    assert found["prices"] == {
        "name": "prices",
        "status": "warning",
        "message": "deployments.mini: openai/gpt-5.4-mni has no price; "
        "calls under a budget will be refused.",
        "fix": "Did you mean gpt-5.4-mini?",
    }


def test_serve_warns_of_a_model_without_a_price(headgate: Any, books: Path) -> None:
    """The line is there before the node starts, which an address in use prevents here."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = books / "headgate.toml"
        listen = f'[listen]\ngateway = "127.0.0.1:{port}"\n'
        file.write_text(listen + file.read_text().replace("gpt-5.4-mini", "my-own"))

        result = headgate("serve", env={"OPENAI_API_KEY": "k"})

    assert result.exit_code == 3
    assert "Warning: deployments.mini: openai/my-own has no price;" in result.stderr


def test_the_data_directory_lies_beside_the_configuration(headgate: Any, books: Path) -> None:
    """One option is enough, on either side of it in the environment; --data-dir wins."""
    (books / "data").rename(books / "headgate-data")
    without = {"HEADGATE_DATA_DIR": None}
    alone = {**without, "HEADGATE_CONFIG": None}
    config = str(books / "headgate.toml")

    assert "launch" in headgate("budgets", env=without).stdout
    assert "launch" in headgate("budgets", "--config", config, env=alone).stdout
    assert "call_a" in headgate("calls", "--config", config, env=alone).stdout
    elsewhere = headgate("calls", "--config", config, "--data-dir", "elsewhere", env=alone)
    assert "There is no store at elsewhere/" in elsewhere.stderr


def test_doctor_for_people(headgate: Any, books: Path) -> None:
    """Lines with a sign, and the fix below; a broken configuration is one of them."""
    (books / "headgate.toml").write_text("[lissten]\n")

    result = headgate("doctor")

    assert result.exit_code == 1
    assert "ERROR    configuration:" in result.stdout
    assert "Fix: Did you mean 'listen'?" in result.stdout
    signs = [line[:7].strip() for line in result.stdout.splitlines() if "  Fix:" not in line]
    assert signs[:-1] == sorted(signs[:-1])
    assert "ok" not in signs
    assert "-v shows them" in result.stdout
    assert "\nok       data directory:" in headgate("doctor", "-v").stdout
