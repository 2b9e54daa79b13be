"""`headgate use`: what it prints works as it stands."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headgate.cli.main import app
from headgate.cli.use import clients
from tests.clients.speakers.javascript import FOLDER, INSTALLED, WHY_NOT
from tests.node.harness import TestNode


def printed(node: TestNode, client: str, *more: str) -> str:
    """Return what the command prints, with the port that the running node listens on."""
    command = ["use", client, "--config", str(node.config), *more]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert node.key() not in result.output
    found = re.search(r"http://127\.0\.0\.1:[0-9]+", result.stdout)
    assert found is not None
    return result.stdout.replace(found[0], node.gateway_url)


def ran(
    node: TestNode, command: list[str], text: str, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run something with the key, and more, in its environment."""
    environment = {**os.environ, "HEADGATE_KEY": node.key(), **more}
    return subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )


PYTHON = {
    "openai": "haiku",
    "anthropic": "mini",
    "mistral": "haiku",
    "langchain": "haiku",
    "google-genai": "flash",
}
"""Clients whose lines are a program in Python, and a model to ask: a foreign one, if possible."""


@pytest.mark.parametrize("client", PYTHON)
def test_the_lines_for_a_client_in_python_print_an_answer(
    node: TestNode,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    client: str,
) -> None:
    """They run unchanged, also where the model speaks the other dialect."""
    lines = printed(node, client, "--model", PYTHON[client])
    monkeypatch.setenv("HEADGATE_KEY", node.key())

    exec(compile(lines, client, "exec"), {})

    assert capsys.readouterr().out.strip()


@pytest.mark.slow  # a process of its own, as its event loop is left to the end of it
def test_the_lines_for_pydantic_ai_print_an_answer(node: TestNode) -> None:
    """They are a program in Python, too."""
    lines = printed(node, "pydantic-ai", "--model", "haiku")
    done = ran(node, [sys.executable, "-"], lines)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.slow  # starts a program that takes long to start, several times
def test_the_lines_for_llm_print_an_answer(node: TestNode, tmp_path: Path) -> None:
    """They are for a shell, and add a model to those that it knows."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    lines = printed(node, "llm", "--model", "haiku")
    done = ran(node, ["sh", "-e"], lines, PATH=path, LLM_USER_PATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.slow  # starts node
@pytest.mark.skipif(not INSTALLED, reason=WHY_NOT)
def test_the_lines_for_vercel_print_an_answer(node: TestNode) -> None:
    """They are a module of JavaScript."""
    lines = printed(node, "vercel-ai", "--model", "haiku")
    script = FOLDER / "printed.mjs"
    script.write_text(lines)
    done = ran(node, ["node", str(script)], "")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_lines_for_curl_print_an_answer(node: TestNode) -> None:
    """A shell takes them as they are."""
    done = ran(node, ["sh"], printed(node, "curl", "--model", "mini"))
    assert '"chat.completion"' in done.stdout, done.stderr


def test_the_lines_for_codex_are_its_configuration(node: TestNode) -> None:
    """They are TOML, and name the alias and where the key is found."""
    made = tomllib.loads(printed(node, "codex"))
    assert made["model_providers"]["headgate"]["env_key"] == "HEADGATE_KEY"
    assert made["model"] == "either"


@pytest.mark.parametrize("client", sorted(clients()))
def test_every_client_is_told_the_address(node: TestNode, client: str) -> None:
    """Whatever the client, its lines have the address of this gateway."""
    assert node.gateway_url in printed(node, client)


@pytest.mark.parametrize(
    ("words", "told"), [(["emacs"], "claude-code"), (["curl", "--model", "minni"], "mini")]
)
def test_what_is_not_known_is_told_with_what_is(
    node: TestNode, words: list[str], told: str
) -> None:
    """A mistyped client or model is answered with the names there are."""
    result = CliRunner().invoke(app, ["use", *words, "--config", str(node.config)])
    assert result.exit_code == 2
    assert told in result.output
