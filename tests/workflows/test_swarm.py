"""A swarm whose process is killed again and again finishes its work, within its budget."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from headgate.ledger.store_repeats import open_repeats, repeat
from headgate.units.money import parse_usd
from tests.node.harness import ROOT, TestNode, once, running_node, until
from tests.node.wire import post

pytest.importorskip("dbos", reason="the extra `workflows` is not installed")

BUDGET_USD = "0.900000001"
CHILD_TIMEOUT_S = 300


@contextmanager
def program(
    node: TestNode, engine: str, agents: int, steps: int
) -> Iterator[subprocess.Popen[str]]:
    """Run the program; it is killed in the end, as a crash would."""
    command = [sys.executable, "-m", "tests.workflows.swarm_child", engine, node.gateway_url]
    command += [node.key(), str(agents), str(steps), BUDGET_USD]
    with subprocess.Popen(
        command, cwd=ROOT, env=node.environment, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def seen(node: TestNode) -> dict[str, Any]:
    """Return the run as the gateway tells of it."""
    reply = post(node.gateway_url, "/v1/runs/swarm", node.key(), b"", method="GET")
    return dict(reply.document["run"]) if reply.status == 200 else {"calls": 0, "state": ""}


def billed(node: TestNode) -> int:
    """Return how many calls the provider has billed."""
    return len(node.bill.read_bytes().splitlines()) if node.bill.exists() else 0


def await_billed(node: TestNode, count: int) -> None:
    """Wait until the provider has billed so many calls."""
    until(lambda: billed(node) >= count, f"{count} calls", CHILD_TIMEOUT_S)


def swarms(node: TestNode, engine: str, *, agents: int, steps: int, kills: int) -> None:
    """Run a swarm to its end, its process killed at equal shares of its work."""
    whole = agents * steps
    for kill in range(1, kills + 1):
        with program(node, engine, agents, steps):
            await_billed(node, whole * kill // (kills + 1))
    with program(node, engine, agents, steps) as running:
        await_billed(node, whole)
        until(lambda: seen(node)["state"] == "waiting", "it waits for a person", CHILD_TIMEOUT_S)
        assert parse_usd(seen(node)["held"]) == 0
        approve(node, engine)
        printed, _ = running.communicate(timeout=CHILD_TIMEOUT_S)
    answers = json.loads(printed)
    assert [len(each) for each in answers] == [steps] * agents
    run = seen(node)
    assert run["state"] == "done"
    assert parse_usd(run["spend"]) <= parse_usd(BUDGET_USD)
    node.await_nothing_held()
    assert run["calls"] == billed(node) == whole
    keys = keys_of(node)
    assert len(keys) == len({call for _, call in keys}) == whole
    assert all(key.startswith("swarm-") for key, _ in keys)


def keys_of(node: TestNode) -> list[tuple[str, str]]:
    """Return the idempotency keys that the gateway knows, with the call of each."""
    engine = open_repeats(node.data_dir)
    with engine.connect() as connection:
        found = [(row.key, row.call) for row in connection.execute(select(repeat))]
    engine.dispose()
    return found


def approve(node: TestNode, engine: str) -> None:
    """Say yes, as a person does."""
    command = [sys.executable, "-m", "headgate.cli.main", "runs", "approve", "alice/swarm"]
    command += ["--config", str(node.config), "--data-dir", str(node.data_dir)]
    subprocess.run([*command, "--engine", engine], env=node.environment, check=True, timeout=60)


def test_a_swarm_that_is_killed_finishes_its_work(tmp_path: Path) -> None:
    """Every step is charged once, by the gateway's books and by the provider's bill."""
    with running_node(tmp_path, budgets=[once("run:*", "1.00")]) as node:
        engine = f"sqlite:///{tmp_path / 'workflows.db'}"
        swarms(node, engine, agents=20, steps=3, kills=2)


@pytest.mark.slow
def test_a_large_swarm_that_is_killed_often_finishes_its_work(tmp_path: Path) -> None:
    """The same with a thousand steps and eight kills."""
    with running_node(tmp_path, budgets=[once("run:*", "1.00")]) as node:
        engine = f"sqlite:///{tmp_path / 'workflows.db'}"
        swarms(node, engine, agents=200, steps=5, kills=8)
