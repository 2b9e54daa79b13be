"""A real node for tests: supervisor, steward and worker as processes, against the simulators.

    with running_node(tmp_path, budgets=[once("team:research", "2.50")]) as node:
        reply = post(node.gateway_url, CHAT, node.key(), chat("Hello"))
        node.await_nothing_held()

The node listens on free ports, its simulators run in the test's process (`node.simulator`, with
its gate, faults, pace and bill), and everything lies in the test's `tmp_path`.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, select

from headgate.budgets.settings import Budget, Holds, OnTight
from headgate.budgets.standing import Standing, standings
from headgate.ledger.tables import window
from headgate.node.client import ask
from headgate.node.messages import Done, Failed, Message
from headgate.simulator import INSTANT, Options, Simulator, SimulatorThread
from headgate.store.database import open_store_readonly
from headgate.units.money import format_usd, parse_usd
from tests.node.wire import post
from tests.stores import store_table
from tests.torture.checker import check_journals

ROOT = Path(__file__).parents[2]
READY_S = 30.0
START_S = STOP_S = 120.0
"""Longer than anything takes but on a machine that many share, where torture runs last of all."""
LOOK_S = 0.01

ALICE = {"alice": "research"}
"""The usual principals, with their teams."""

DEPLOYMENTS = {
    "mini": ("openai", "gpt-5.4-mini"),
    "gpt-5-5": ("openai", "gpt-5.5"),
    "haiku": ("anthropic", "claude-haiku-4-5"),
    "opus": ("anthropic", "claude-opus-4-8"),
    "embed": ("openai", "text-embedding-3-small"),
    "flash": ("google", "gemini-3.5-flash"),
    "pro": ("google", "gemini-2.5-pro"),
}
"""Deployments every test node has: provider and model."""


def once(
    node: str, limit_usd: str, *, on_tight: OnTight = "refuse", holds: Holds = "strict"
) -> Budget:
    """Return a one-off budget, named after its node (`team:research` gives `team-research`)."""
    name = node.replace(":*", "").replace(":", "-")
    return Budget(name, node, "once", parse_usd(limit_usd), on_tight, holds=holds)


def once_nanos(node: str, limit_nanos: int, *, on_tight: OnTight = "refuse") -> Budget:
    """Return a one-off budget of an amount in nano-dollars."""
    return once(node, format_usd(limit_nanos), on_tight=on_tight)


def until(met: Callable[[], bool], what: str, timeout_s: float = READY_S) -> None:
    """Wait for a condition of another process; fails the test when it never comes true."""
    clock = threading.Event()
    deadline_s = time.monotonic() + timeout_s
    while not met():
        assert time.monotonic() < deadline_s, f"waited {timeout_s} s in vain: {what}"
        clock.wait(LOOK_S)


def write_config(
    path: Path,
    *,
    openai_url: str,
    anthropic_url: str,
    gemini_url: str,
    budgets: Sequence[Budget] = (),
    principals: Mapping[str, str] = ALICE,
    provider: str = "",
    limits: str = "",
    extra: str = "",
) -> None:
    """Write a configuration that listens on free ports.

    Args:
        path: The file.
        openai_url: Base URL of the provider `openai`.
        anthropic_url: Base URL of the provider `anthropic`.
        gemini_url: Base URL of the provider `google`.
        budgets: Hard limits.
        principals: Team by principal; each gets a key.
        provider: Lines for every table of a provider.
        limits: Lines for `[limits]`.
        extra: More tables.
    """
    lines = ["[listen]", 'gateway = "127.0.0.1:0"', 'console = "127.0.0.1:0"']
    lines += ["[limits]", limits, "[organisation]", 'id = "acme"']
    for name, kind, url in (
        ("anthropic", "anthropic", anthropic_url),
        ("google", "gemini", gemini_url),
        ("openai", "openai", openai_url),
    ):
        lines += [f"[providers.{name}]", f'kind = "{kind}"', f'base_url = "{url}"']
        lines += [f'seller = "{name}"', 'credential = { value = "sk-test-credential" }', provider]
    for name, (seller, model) in DEPLOYMENTS.items():
        lines += [f"[deployments.{name}]", f'provider = "{seller}"', f'model = "{model}"']
        lines += ["concurrency_max = 100000", "queue_max = 100000"]
    lines += [f"[teams.{team}]" for team in sorted(set(principals.values()))]
    for principal, team in principals.items():
        lines += [f"[principals.{principal}]", f'team = "{team}"', f"[keys.{principal}]"]
        lines += [f'principal = "{principal}"', f'secret = {{ value = "{secret_of(principal)}" }}']
    for budget in budgets:
        lines += [f"[budgets.{budget.id}]", f'node = "{budget.node}"']
        lines += [f'period = "{budget.period}"', f'on_tight = "{budget.on_tight}"']
        lines += [f'limit_usd = "{format_usd(budget.limit_nanos)}"', f'holds = "{budget.holds}"']
        lines += [f'carved_from = "{above}"' for above in budget.carved_from[:1]]
    path.write_text("\n".join([*lines, extra]) + "\n")


def secret_of(principal: str) -> str:
    """Return the secret of a principal's key."""
    return f"hg_{principal}_0123456789abcdef0123456789abcdef"


@dataclass(slots=True)
class TestNode:
    """A node that runs, and what a test does to it."""

    __test__ = False

    config: Path
    data_dir: Path
    bill: Path
    simulator: Simulator
    budgets: Sequence[Budget]
    gateway_url: str = ""
    console_url: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The supervisor."""
        assert self._process is not None, "start comes first"
        return self._process

    def key(self, principal: str = "alice") -> str:
        """Return a key a client sends."""
        return secret_of(principal)

    def pid(self, name: str) -> int:
        """Return the id of `supervisor`, `steward` or `worker-0`, as last written."""
        return int((self.data_dir / "run" / f"{name}.pid").read_text())

    def send_signal(self, name: str, number: signal.Signals) -> int:
        """Send a signal to one of the processes; returns its id."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def kill(self, name: str) -> int:
        """Kill a process as a crash would (-9); returns the id it had."""
        return self.send_signal(name, signal.SIGKILL)

    def await_successor(self, name: str, dead: int) -> None:
        """Wait until the supervisor has replaced a process and calls are served again."""
        until(lambda: self._pid_or_none(name) not in (None, dead), f"a successor of {name}")
        self.await_ready()

    def _pid_or_none(self, name: str) -> int | None:
        text = (self.data_dir / "run" / f"{name}.pid").read_text()
        return int(text) if text.endswith("\n") else None

    def await_ready(self, timeout_s: float = READY_S) -> None:
        """Wait until the data plane says that calls can be served."""
        until(self._ready, f"the gateway of {self.config.parent.name} is ready", timeout_s)

    def _ready(self) -> bool:
        try:
            reply = post(self.gateway_url, "/readyz", None, b"", method="GET")
        except OSError:
            return False
        return reply.status == 200

    def ask(self, message: Message) -> Done | Failed:
        """Send the steward a message, as the command line does."""
        return ask(self.data_dir, message)

    def standings(self, budgets: Sequence[Budget] | None = None) -> list[Standing]:
        """Return how the budgets stand in the store now."""
        engine = open_store_readonly(self.data_dir)
        try:
            with engine.connect() as connection:
                chosen = self.budgets if budgets is None else budgets
                return standings(connection, chosen, time.time_ns(), UTC)
        finally:
            engine.dispose()

    def standing(self, node: str) -> Standing:
        """Return how the one budget on a node of the tree stands in the store now."""
        (found,) = [each for each in self.standings() if each.node == node]
        return found

    def await_posted(self, node: str, amount_nanos: int) -> Standing:
        """Wait until everything is folded: an amount is posted on a node and nothing is held."""

        def met() -> bool:
            now = self.standing(node)
            return now.posted_nanos == amount_nanos and now.held_nanos == 0

        until(met, f"{amount_nanos} nanos posted on {node}: {self.standing(node)}")
        return self.standing(node)

    def await_nothing_held(self) -> list[Standing]:
        """Wait until every attempt has its end in the journals, and the store has all of them."""
        until(self._folded, "every attempt has ended and is folded")
        return self.standings()

    def _folded(self) -> bool:
        journals = check_journals(self.data_dir, {}, running=True, several=True).windows
        if any(sums.held for sums in journals.values()):
            return False
        store = self._windows()
        return all(
            window in store
            and store[window].held_nanos == 0
            and store[window].posted_nanos == sums.posted
            for window, sums in journals.items()
        )

    def _windows(self) -> dict[str, Row[Any]]:
        """Return every window that the store has, those of delegations that are over too."""
        engine = open_store_readonly(self.data_dir)
        try:
            with engine.connect() as connection:
                return {row.window: row for row in connection.execute(select(window))}
        finally:
            engine.dispose()

    def hold_nanos(self, body: bytes, path: str, principal: str = "alice") -> int:
        """Return what a call with this body is held at, by making it."""
        reply = post(self.gateway_url, path, self.key(principal), body)
        assert reply.status == 200, reply
        return parse_usd(reply.headers["x-headgate-hold-usd"])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell the node to drain and stop; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_S)

    def start(self, workers: int = 1) -> None:
        """Start (again) on the same data directory, and wait until calls are served."""
        command = [sys.executable, "-m", "tests.node.serving"]
        command += [str(self.config), str(self.data_dir), str(workers)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE
        )
        urls = json.loads(_first_line(self.process))
        self.gateway_url, self.console_url = urls["gateway"], urls["console"]


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    with process.stdout as output, selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        ready = selector.select(START_S)
        line = output.readline() if ready else b""
    if not line:
        process.kill()
        process.wait()
    assert line, f"the node did not become ready within {START_S} s"
    return line


@contextmanager
def running_node(
    tmp_path: Path,
    *,
    budgets: Sequence[Budget] = (),
    principals: Mapping[str, str] = ALICE,
    workers: int = 1,
    options: Options | None = None,
    openai_url: str | None = None,
    anthropic_url: str | None = None,
    gemini_url: str | None = None,
    provider: str = "",
    limits: str = "",
    extra: str = "",
    environment: Mapping[str, str] = MappingProxyType({}),
    store_url: str | None = None,
    start: bool = True,
) -> Iterator[TestNode]:
    """Run a node for a test; it is told to stop at the end, and killed when it does not.

    Args:
        tmp_path: Where configuration, data directory and bill go.
        budgets: Hard limits; see `once`.
        principals: Team by principal; `node.key(principal)` is the key of each.
        workers: How many workers.
        options: Of the simulators; they answer at once unless this says otherwise.
        openai_url: Another upstream in place of the OpenAI simulator.
        anthropic_url: Another upstream in place of the Anthropic simulator.
        gemini_url: Another upstream in place of the Gemini simulator.
        provider: Lines of TOML for every table of a provider.
        limits: Lines of TOML for `[limits]`.
        extra: Further tables.
        environment: More of the processes' environment.
        store_url: The address of a database; None for the store that the tests run on.
        start: Whether it starts at once, and not when the test says so.
    """
    bill = tmp_path / "bill.jsonl"
    options = options or Options(pace=INSTANT)
    tmp_path.mkdir(parents=True, exist_ok=True)
    with SimulatorThread(seed=7, options=_with_bill(options, bill)) as simulator:
        config = tmp_path / "headgate.toml"
        write_config(
            config,
            openai_url=openai_url or simulator.openai_url,
            anthropic_url=anthropic_url or simulator.anthropic_url,
            gemini_url=gemini_url or simulator.gemini_url,
            budgets=budgets,
            principals=principals,
            provider=provider,
            limits=limits,
            extra=extra + store_table(store_url),
        )
        path = f"{ROOT / 'src'}:{ROOT}"
        node = TestNode(config, tmp_path / "data", bill, simulator, budgets)
        node.environment = {**os.environ, "PYTHONPATH": path, **environment}
        if start:
            node.start(workers)
        try:
            yield node
        finally:
            _end(node)


def _with_bill(options: Options, bill: Path) -> Options:
    return replace(options, bill_log=bill)


def _end(node: TestNode) -> None:
    node.simulator.gate.release()
    try:
        node.stop()
    except subprocess.TimeoutExpired:
        node.process.kill()
        node.process.wait()
        raise
