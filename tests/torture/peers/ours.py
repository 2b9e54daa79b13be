"""Headgate, as the scripts see it: one node, one budget on the organisation."""

import contextlib
import os
import signal
from pathlib import Path

from bench.machine import commit
from headgate.simulator import Simulator
from tests.node.harness import ROOT, TestNode, once_nanos, secret_of, write_config
from tests.torture.peers.gateway import until

PROCESSES = ("supervisor", "steward", "worker-0")
GONE_S = 10.0


class Ours:
    """A node of one worker with its defaults."""

    keeps_books = True
    key = secret_of("alice")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._node: TestNode | None = None
        self.about = (
            f"Headgate of commit {commit()}, one worker, SQLite, durability class `process`"
        )
        self.base_url = ""

    @property
    def node(self) -> TestNode:
        """The node."""
        assert self._node is not None, "start comes first"
        return self._node

    def start(self, simulator: Simulator, limit_nanos: int) -> None:
        """Write a configuration and start."""
        self._folder.mkdir(parents=True, exist_ok=True)
        budgets = [once_nanos("organisation", limit_nanos)]
        config = self._folder / "headgate.toml"
        write_config(
            config,
            openai_url=simulator.openai_url,
            anthropic_url=simulator.anthropic_url,
            gemini_url=simulator.gemini_url,
            budgets=budgets,
        )
        self._node = TestNode(
            config,
            self._folder / "data",
            self._folder / "bill.jsonl",
            simulator,
            budgets,
            environment={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        )
        self.restart()

    def spend_nanos(self) -> int:
        """Return what is posted; what is still held is not spent yet."""
        (standing,) = self.node.standings()
        return standing.posted_nanos

    def kill(self) -> None:
        """Kill supervisor, steward and worker."""
        pids = [self.node.pid(name) for name in PROCESSES[1:]]
        for pid in (self.node.process.pid, *pids):
            # A child may have seen the end of its parent first.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.node.process.wait()
        assert until(lambda: not any(map(_lives, pids)), GONE_S)

    def restart(self) -> None:
        """Start on the same data directory."""
        self.node.start()
        self.base_url = self.node.gateway_url

    def stop(self) -> None:
        """Let it drain and stop."""
        if self._node is not None:
            self._node.stop()


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
