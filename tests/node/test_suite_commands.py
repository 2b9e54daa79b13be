"""Tasks that are commands: a user's agent, on a budget of its own, whatever becomes of it."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from headgate.cli.main import app
from headgate.units.money import parse_usd
from tests.node.harness import TestNode, once, running_node

pytestmark = pytest.mark.slow

AGENT = """
import os, sys, openai

task = sys.stdin.read()
client = openai.OpenAI(max_retries=0)
for number in range(int(sys.argv[1])):
    stream = client.chat.completions.create(
        model=sys.argv[2], stream=True, max_completion_tokens=200,
        messages=[{"role": "user", "content": f"{task} {number} [say \\"done\\"]"}],
        extra_headers={"x-headgate-run": "somebody-elses"},
    )
    text = "".join(each.choices[0].delta.content or "" for each in stream if each.choices)
assert "HEADGATE_CONFIG" not in os.environ
assert os.environ["HEADGATE_KEY"] == os.environ["OPENAI_API_KEY"]
open("result.txt", "w").write(open("given.txt").read() + text)
print(text)
if sys.argv[3:] == ["hangs"]:
    import time
    time.sleep(600)
"""


GONE = 'made="${HOME%/work}"; rm -r "$made"; : > "$made"'
"""Takes its folder away, and leaves in its place what cannot be removed as one."""


def evaluate(node: TestNode, folder: Path, tasks: list[dict[str, Any]], budget: str) -> Result:
    """Write a suite beside an agent and a folder to work in, and run it."""
    (folder / "agent.py").write_text(AGENT)
    (folder / "repo").mkdir(exist_ok=True)
    (folder / "repo" / "given.txt").write_text("given: ")
    path = folder / "agents.jsonl"
    path.write_text("\n".join(json.dumps({"folder": "repo", **each}) for each in tasks))
    told = ("--models", "gpt-5-5,mini", "--budget", budget, "--url", node.gateway_url)
    runner = CliRunner(env={"HEADGATE_KEY": node.key(), "HEADGATE_CONFIG": str(node.config)})
    return runner.invoke(app, ["eval", "--suite", str(path), *told, "--json"])


def agent(*arguments: str) -> list[str]:
    """Return the command of the agent."""
    return [sys.executable, "./agent.py", arguments[0], "{model}", *arguments[1:]]


def results(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the results that were kept, by task and model."""
    lines = map(json.loads, (folder / "agents.results.jsonl").read_text().splitlines())
    kept = [each for each in lines if each["type"] == "result"]
    return {(each["task"], each["model"]): each for each in kept}


def runs(node: TestNode) -> dict[str, dict[str, Any]]:
    """Return the runs as the books have them, by name."""
    told = ["runs", "list", "--json", "--config", str(node.config)]
    environment = {"HEADGATE_DATA_DIR": str(node.data_dir)}
    listed = CliRunner(env=environment).invoke(app, told)
    return {each["run"]: each for each in json.loads(listed.stdout)}


def test_an_agents_run_is_counted_capped_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each task cost is what its run cost; who hangs, spends too much or fails is not good.

    The check looks into the folder that the agent has left, and the exit status alone will do too.
    """
    left = ["python3", "-c", "assert open('result.txt').read() == 'given: done'"]
    tasks: list[dict[str, Any]] = [
        {"id": "works", "command": agent("2"), "prompt": "Work.", "check": {"command": left}},
        {"id": "said", "command": agent("1"), "check": {"exact": "done"}},
        {"id": "status", "command": agent("1")},
        {"id": "fails", "command": ["false"], "check": {"contains": ["x"]}},
        {"id": "hangs", "command": agent("1", "hangs"), "timeout_s": 5},
        {"id": "gone", "command": ["sh", "-c", GONE], "check": {"command": ["true"]}},
        {"id": "greedy", "command": agent("50"), "budget_usd": "0.0001"},
    ]
    tasks = [{"budget_usd": "0.20", **each} for each in tasks]
    (tmp_path / "made").mkdir()
    with running_node(tmp_path, budgets=[once("run:*", "5.00")]) as node:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "made"))
        done = evaluate(node, tmp_path, tasks, "2.50")
        found, booked = results(tmp_path), runs(node)
        node.await_nothing_held()
        bill = len(node.bill.read_text().splitlines())
        again = evaluate(node, tmp_path, tasks, "2.50")
        asked_again = len(node.bill.read_text().splitlines()) - bill

    assert done.exit_code == 0, done.output
    told = " ".join(json.loads(done.stdout)["answer"])
    assert "fails by mini ended with 1." in told
    assert "hangs by mini took too long" in told
    assert "greedy by mini ended with 1: openai." in told
    good = {task for (task, model), each in found.items() if each["success"] and model == "mini"}
    assert good == {"works", "said", "status"}
    assert len(found) == 2 * len(tasks), "what was paid for is kept, whatever a program leaves"
    for each in found.values():
        run = booked[each["run"]]
        assert (run["state"], run["parent"]) == ("done", next(iter(parents(booked))))
        assert each["cost_nanos"] == parse_usd(run["spend"])
        assert each["cost_nanos"] <= parse_usd(run["budget"])
    assert found["works", "mini"]["cost_nanos"] > found["said", "mini"]["cost_nanos"] > 0
    assert found["works", "mini"]["voted"]
    assert found["fails", "mini"]["cost_nanos"] == 0
    assert found["hangs", "mini"]["cost_nanos"] > 0
    assert again.exit_code == 0
    assert asked_again == 0
    assert "somebody-elses" not in booked


def test_a_suites_budget_bounds_its_commands(tmp_path: Path) -> None:
    """A task whose budget does not fit is not begun; what was not used comes back for the next."""
    tasks = [{"id": f"t{number}", "command": agent("1"), "budget_usd": "0.20"} for number in "abc"]
    with running_node(tmp_path, budgets=[once("run:*", "5.00")]) as node:
        small = evaluate(node, tmp_path, tasks, "0.10")
        whole = evaluate(node, tmp_path, tasks, "0.30")
        node.await_nothing_held()

    assert small.exit_code == 1
    assert "does not cover more: 6 answers are missing" in small.output
    assert whole.exit_code == 0, whole.output
    assert len(results(tmp_path)) == 6


def parents(booked: dict[str, dict[str, Any]]) -> set[str]:
    """Return the runs that no run has begun."""
    return {name for name, each in booked.items() if each["parent"] is None}
