"""Suites over a real node: the budget holds, what was paid is not paid again, results are votes."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from typer.testing import CliRunner, Result

from headgate.cli.main import app
from headgate.units.money import parse_usd
from tests.node.harness import TestNode, once, running_node, until

TASKS = 12


def suite(folder: Path, pace: str = "") -> Path:
    """Write a suite whose tasks all succeed."""
    path = folder / "sums.jsonl"
    tasks = [
        {
            "id": f"sum-{number}",
            "prompt": f'What is {number} plus 1? {pace} [say "{number + 1}"]',
            "check": {"number": number + 1},
            "output_tokens_max": 200,
        }
        for number in range(TASKS)
    ]
    path.write_text("\n".join(map(json.dumps, tasks)))
    return path


def evaluate(node: TestNode, path: Path, budget: str, *more: str) -> Result:
    """Run the suite."""
    arguments = ("--suite", str(path), "--models", "gpt-5-5,mini", "--budget", budget)
    told = ("--url", node.gateway_url, "--config", str(node.config), "--json", *more)
    runner = CliRunner(env={"HEADGATE_KEY": node.key()})
    return runner.invoke(app, ["eval", *arguments, *told])


def answers(result: Result) -> int:
    """Return how many answers a report counts."""
    rows = json.loads(result.stdout)["tables"][0]["rows"]
    return sum(int(row[2]) for row in rows)


def test_a_budget_stops_a_suite_and_a_larger_one_lets_it_go_on(tmp_path: Path) -> None:
    """Never is more posted than the budget; the second run asks only what is missing."""
    path = suite(tmp_path)
    with running_node(tmp_path, budgets=[once("run:*", "5.00")]) as node:
        first = evaluate(node, path, "0.008")
        bill = lines(node.bill)
        runs = CliRunner().invoke(
            app,
            ["runs", "list", "--json", "--config", str(node.config)],
            env={"HEADGATE_DATA_DIR": str(node.data_dir)},
        )
        spent = sum(parse_usd(each["spend"]) for each in json.loads(runs.stdout))

        second = evaluate(node, path, "1.00")
        third = evaluate(node, path, "1.00")
        whole = lines(node.bill)
        node.await_nothing_held()

    assert first.exit_code == 1, first.output
    assert 0 < answers(first) == bill < 2 * TASKS
    assert 0 < spent <= 8_000_000
    assert any("budget" in line for line in json.loads(first.stdout)["answer"])
    assert second.exit_code == 0, second.output
    assert answers(second) == 2 * TASKS == whole
    assert third.exit_code == 0
    assert json.loads(third.stdout) == json.loads(second.stdout)


def test_without_a_budget_on_runs_nothing_is_asked(tmp_path: Path) -> None:
    """The gateway has nothing to carve a budget from, and the message says what to add."""
    path = suite(tmp_path)
    with running_node(tmp_path) as node:
        refused = evaluate(node, path, "0.01")
        asked = node.bill.exists() and node.bill.read_text()

    assert refused.exit_code == 1
    assert 'budget on "run:*"' in refused.stderr
    assert not asked


def test_a_suite_that_is_killed_goes_on_and_pays_nothing_twice(tmp_path: Path) -> None:
    """Killed with calls in flight, again and again: the provider bills each answer once."""
    path = suite(tmp_path, "[sim:ttft_ms=300]")
    kept = path.with_suffix(".results.jsonl")
    with running_node(tmp_path, budgets=[once("run:*", "5.00")]) as node:
        told = ("--models", "gpt-5-5,mini", "--budget", "1.00", "--url", node.gateway_url)
        command = [sys.executable, "-m", "headgate.cli.main", "eval", "--suite", str(path), *told]
        environment = {
            **os.environ,
            "HEADGATE_KEY": node.key(),
            "HEADGATE_CONFIG": str(node.config),
        }
        for number in (4, 8, 12):
            running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
            until(partial(has, kept, number), "a few results")
            running.kill()
            running.wait()

        last = evaluate(node, path, "1.00")
        node.await_nothing_held()
        bill = lines(node.bill)

    assert last.exit_code == 0, last.output
    assert answers(last) == 2 * TASKS == bill


def lines(path: Path) -> int:
    """Return how many lines a file has, 0 before there is one."""
    return len(path.read_text().splitlines()) if path.exists() else 0


def has(path: Path, least: int) -> bool:
    """Tell whether a file has so many lines."""
    return lines(path) >= least
