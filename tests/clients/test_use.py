"""`headgate use`: what it prints works as it stands."""

import os
import subprocess
import sys
import tomllib

import pytest
from typer.testing import CliRunner

from headgate.cli.main import app
from headgate.cli.use import clients
from tests.node.harness import TestNode


def printed(node: TestNode, client: str, *more: str) -> str:
    """Return what the command prints, with the port that the running node listens on."""
    command = ["use", client, "--config", str(node.config), *more]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert node.key() not in result.output
    usual = next(word for word in result.output.split() if "127.0.0.1" in word)
    address = usual[usual.index("http://") :].strip('",').removesuffix("/v1").partition("/v1/")[0]
    return result.output.replace(address, node.gateway_url)


def ran(node: TestNode, command: list[str], text: str) -> subprocess.CompletedProcess[str]:
    """Run something with the key in its environment."""
    environment = {**os.environ, "HEADGATE_KEY": node.key()}
    return subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )


@pytest.mark.parametrize(("client", "model"), [("openai", "mini"), ("anthropic", "mini")])
def test_the_lines_for_an_official_client_print_an_answer(
    node: TestNode, client: str, model: str
) -> None:
    """They run unchanged, also where the model speaks the other dialect."""
    done = ran(node, [sys.executable, "-"], printed(node, client, "--model", model))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_lines_for_curl_print_an_answer(node: TestNode) -> None:
    """A shell takes them as they are, comment included."""
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
