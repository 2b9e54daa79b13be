"""What the README tells a newcomer to type works."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.catalog.settings import Deployment
from headgate.cli.demonstration.organisation import VISITOR
from headgate.config.load import load
from tests.demo.conftest import Node

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
SNIPPET_TIMEOUT_S = 30
USUAL_URL = "http://127.0.0.1:8080"
SECRETS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "DEEPSEEK_API_KEY", "HEADGATE_KEY_ALICE")


def blocks(language: str) -> list[str]:
    """Return the README's fenced blocks of one language, in order."""
    return [text for name, text in BLOCK.findall(README) if name == language]


def run(command: list[str], node: Node) -> str:
    """Run a snippet as a visitor of the demonstration would; return what it printed."""
    environment = {"HEADGATE_KEY": node.keys[VISITOR], "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=SNIPPET_TIMEOUT_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("number", range(2), ids=["openai", "anthropic"])
def test_the_snippets_for_the_official_clients_print_an_answer(node: Node, number: int) -> None:
    """Both Python snippets run unchanged, but for the port, and print what the model said."""
    snippets = blocks("python")
    assert len(snippets) == 2
    snippet = snippets[number].replace(USUAL_URL, node.url)

    assert len(run([sys.executable, "-c", snippet], node).split()) > 10


def test_the_snippet_for_curl_shows_what_the_call_cost(node: Node) -> None:
    """The curl line is answered, with the headers the README promises."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    snippet = next(text for text in blocks("sh") if text.startswith("curl"))

    printed = run(["sh", "-c", snippet.replace(USUAL_URL, node.url)], node).lower()

    assert printed.startswith("http/1.1 200")
    for header in ("x-headgate-call:", "x-headgate-hold-usd:", "x-headgate-cost-usd:"):
        assert header in printed
    assert '"content":' in printed


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    """`make run` and `make test` exist."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"^make (\S+)", blocks("sh")[0], re.M)

    assert commands == ["run", "test"]
    for target in commands:
        assert re.search(rf"^{target}:", makefile, re.M)


def test_the_configuration_loads_and_every_deployment_has_a_price(tmp_path: Path) -> None:
    """The long configuration is valid as it stands, and nothing in it is unpriced."""
    (text,) = blocks("toml")
    path = tmp_path / "headgate.toml"
    path.write_text(text, "utf-8")

    snapshot = load(path, {name: f"{name.lower()}-0123456789abcdef" for name in SECRETS})

    assert set(snapshot.providers) == {"openai", "anthropic", "deepseek", "local"}
    for deployment in snapshot.deployments.values():
        assert isinstance(deployment, Deployment)
        assert snapshot.price_book.rows_of(deployment.seller, deployment.priced_as), deployment.id
