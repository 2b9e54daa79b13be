"""`headgate init`: what it finds, asks, writes and proves, against simulated providers."""

import json
import os
import pty
import re
import selectors
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from headgate.cli.main import app
from headgate.cli.start.detect import from_environment
from headgate.config.load import load
from headgate.config.unpriced import unpriced
from headgate.providers.registry import providers, setup_of
from headgate.simulator import INSTANT, Options, Simulator, SimulatorThread

VARIABLES = {
    name: None
    for setup in map(setup_of, providers().values())
    for name in (*setup.secrets, *setup.parts, *setup.variables)
}
"""All that could be found in an environment, taken away."""

Init = Callable[..., Result]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """Simulated providers."""
    with SimulatorThread(seed=3, options=Options(pace=INSTANT)) as running:
        yield running


@pytest.fixture
def init(tmp_path: Path) -> Init:
    """Run the command in a folder of its own, with only what a test puts into the environment."""

    def run(*arguments: str, **environ: str) -> Result:
        runner = CliRunner(env={**VARIABLES, **environ})
        return runner.invoke(app, ["init", "--dir", str(tmp_path), *arguments])

    return run


def test_what_is_found_is_set_up(init: Init, tmp_path: Path) -> None:
    """A key in the environment is referred to, never copied; the file is its owner's alone."""
    result = init("--team", "core", "--name", "ada", "--budget", "25", OPENAI_API_KEY="sk-secret")

    assert result.exit_code == 0, result.output
    file = tmp_path / "headgate.toml"
    assert file.stat().st_mode & 0o077 == 0
    assert "sk-secret" not in file.read_text()
    snapshot = load(file, {"OPENAI_API_KEY": "sk-secret"})
    assert list(snapshot.providers) == ["openai"]
    assert snapshot.principals["ada"].team == "core"
    assert snapshot.budgets["organisation-month"].limit_nanos == 25 * 10**9
    assert re.search(r"export HEADGATE_KEY=hg_ada_\S{20}", result.stdout)
    # Pytest is no name that the commands answer to.
    assert f"{shlex.quote(sys.executable)} -m headgate serve" in result.stdout


def test_a_file_that_is_there_is_left_alone(init: Init, tmp_path: Path) -> None:
    """Nothing is written over, and the exit code says so."""
    (tmp_path / "headgate.toml").write_text("# mine\n")

    assert init(OPENAI_API_KEY="k").exit_code == 1
    assert (tmp_path / "headgate.toml").read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "No provider's key is in the environment."),
        (("--provider", "opnai"), "Did you mean 'openai'?"),
        (("--provider", "azure_openai"), "Export AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_KEY."),
        (("--provider", "openai_compatible"), "--server URL"),
        (("--server", "http://127.0.0.1:9/v1"), "No model server lists its models"),
        (("--server", "http://127.0.0.1:9/v1"), "One that wants a key is written into"),
        (("--provider", "openai", "--budget", "much"), "is no limit"),
        (("--provider", "openai", "--name", "no name"), "cannot name a person"),
        (("--provider", "openai", "--base-url", "mistral=http://127.0.0.1"), "moves no provider"),
    ],
)
def test_what_cannot_be_set_up_is_refused(
    init: Init, tmp_path: Path, arguments: tuple[str, ...], problem: str
) -> None:
    """Each refusal names what to do, and nothing is written."""
    result = init(*arguments)

    assert result.exit_code == 2
    assert problem in " ".join(result.stderr.split())
    assert not (tmp_path / "headgate.toml").exists()


def test_every_kind_is_found_by_what_it_names() -> None:
    """A provider is found when its credential and its address are there, and not before."""
    for kind, setup in ((kind, setup_of(one)) for kind, one in providers().items()):
        placed = dict.fromkeys(setup.variables, "https://somewhere")
        for name in setup.secrets:
            (found,) = from_environment({**placed, name: "k"})
            assert (found.kind, found.secret) == (kind, {"env": name})
            assert "{" not in found.base_url
        if setup.command:
            (found,) = from_environment({**placed, **dict.fromkeys(setup.parts, "k")})
            assert found.command == setup.command
        if setup.variables:
            assert not list(from_environment(dict.fromkeys(setup.secrets, "k")))


def test_keys_of_several_parts_are_put_together() -> None:
    """What a command makes of several variables is what the provider's kind can use."""
    (kind,) = [one for one in providers().values() if setup_of(one).command]
    parts = dict.fromkeys(setup_of(kind).parts, "PART")

    printed = subprocess.run(
        setup_of(kind).command, env={**os.environ, **parts}, capture_output=True, check=True
    )

    assert kind.headers(printed.stdout.decode().strip()) == ()


class Models(BaseHTTPRequestHandler):
    """Lists models as servers of one's own do, in the form of OpenAI's `GET /v1/models`."""

    def do_GET(self) -> None:
        body = json.dumps({"object": "list", "data": [{"id": "qwen3:8b"}, {"id": "org/big model"}]})
        self.send_response(200 if self.path == "/v1/models" else 404)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_server_of_ones_own_lists_its_models(init: Init, tmp_path: Path) -> None:
    """Its first models become deployments that cost nothing but the machine."""
    with HTTPServer(("127.0.0.1", 0), Models) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        result = init("--server", f"http://127.0.0.1:{listener.server_port}/v1")
        listener.shutdown()

    assert result.exit_code == 0, result.output
    snapshot = load(tmp_path / "headgate.toml", {})
    assert {one.model for one in snapshot.deployments.values()} == {"qwen3:8b", "org/big model"}
    assert list(snapshot.deployments) == ["qwen3-8b", "org-big-model"]
    assert unpriced(snapshot, time.time_ns()) == ()


def test_each_provider_is_proved(init: Init, tmp_path: Path, simulator: Simulator) -> None:
    """A node is started and each provider asked: its cost is told and booked, or what was wrong."""
    urls = {"openai": simulator.openai_url, "anthropic": simulator.anthropic_url}
    urls |= {"gemini": simulator.gemini_url, "mistral": "http://127.0.0.1:9"}
    moved = [word for kind, url in urls.items() for word in ("--base-url", f"{kind}={url}")]

    result = init("--yes", *moved, **{f"{kind.upper()}_API_KEY": "k" for kind in urls})

    told = re.findall(r"(\w+): \S+ answered for \$(0\.\d{9})\.", result.stdout)
    assert [provider for provider, _ in told] == ["anthropic", "gemini", "openai"]
    assert all(cost.strip("0.") for _, cost in told)
    assert result.exit_code == 1
    assert "mistral: mistral-small failed: " in result.stderr
    assert "headgate doctor --online" in result.stderr
    config = str(tmp_path / "headgate.toml")
    report = CliRunner().invoke(app, ["calls", "--json", "--state", "measured", "--config", config])
    booked = {call["deployment"]: call["posted"] for call in json.loads(report.stdout)}
    assert sorted(booked.values()) == sorted(cost for _, cost in told)


def answer_on_a_terminal(
    folder: Path, environ: dict[str, str], answers: list[tuple[str, str]]
) -> str:
    """Run the command on a terminal, answer its questions, and return all that stood there.

    Args:
        folder: Where it writes.
        environ: What is found in the environment.
        answers: The end of each question, in turn, and what is typed then.
    """
    present = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    master, terminal = pty.openpty()
    command = [sys.executable, "-m", "headgate.cli.main", "init", "--no-call", "--dir", str(folder)]
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env={**present, **environ}
    )
    os.close(terminal)
    shown, since = "", 0
    with selectors.DefaultSelector() as selector:
        selector.register(master, selectors.EVENT_READ)
        while selector.select(30):
            try:
                shown += os.read(master, 65_536).decode()
            except OSError:
                break
            if answers and (found := shown.find(answers[0][0], since)) >= 0:
                question, answer = answers.pop(0)
                since = found + len(question)
                os.write(master, f"{answer}\n".encode())
    os.close(master)
    assert process.wait(30) == 0, shown
    return shown


NAMES = [("team [research]: ", "lab"), ("under [me]: ", "grace"), ("for all [100.00]: ", "7.50")]


def test_on_a_terminal_it_asks(tmp_path: Path) -> None:
    """What is found is offered, names and the limit are asked for, and answers are obeyed."""
    found = {"OPENAI_API_KEY": "k", "MISTRAL_API_KEY": "k"}

    shown = answer_on_a_terminal(
        tmp_path, found, [("MISTRAL_API_KEY? [Y/n]: ", "n"), ("KEY? [Y/n]: ", "y"), *NAMES]
    )

    assert "Use mistral, with MISTRAL_API_KEY?" in shown
    snapshot = load(tmp_path / "headgate.toml", {"OPENAI_API_KEY": "k"})
    assert list(snapshot.providers) == ["openai"]
    assert snapshot.principals["grace"].team == "lab"
    assert snapshot.budgets["organisation-month"].limit_nanos == 7_500_000_000


def test_a_key_that_is_typed_is_kept_unseen(tmp_path: Path) -> None:
    """With nothing in the environment it asks for a provider and its key, which is not shown."""
    first, last = ("mistral, openai: ", "openai"), ("in OPENAI_API_KEY): ", "sk-typed")

    shown = answer_on_a_terminal(tmp_path, {}, [first, *NAMES, last])

    assert "sk-typed" not in shown
    snapshot = load(tmp_path / "headgate.toml", {})
    assert snapshot.providers["openai"].credential == "sk-typed"
