"""What workers learn, over processes: told to each other, kept over a restart, or set aside."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from headgate.node.remembering import experience_path
from headgate.units.money import parse_usd
from tests.gateway.sessions_agent import Agent
from tests.node.harness import TestNode, once, running_node
from tests.node.wire import CHAT, MESSAGES, Reply, chat

LEARNED = 20
CALLS_MAX = 30
MORE = f"""
[holds]
calls_min = {LEARNED}
[runs]
calls_max = {CALLS_MAX}
[deployments.plain]
provider = "openai"
model = "gpt-5.4-mini"
hidden_reasoning = false
[policies.agent]
kind = "session"
success = {{ haiku = "0.7", opus = "0.95" }}
stake_usd = "0.05"
margin = "0.03"
[routes.agent]
deployments = ["haiku", "opus"]
policy = "agent"
"""
SLOW = "[sim:delay_ms=20]"
CONNECTIONS_MAX = 64
WORKERS = 2


class Line:
    """A connection that stays, and so stays with one worker."""

    def __init__(self, node: TestNode) -> None:
        self._key = node.key()
        self._line = http.client.HTTPConnection(urlsplit(node.gateway_url).netloc, timeout=30)

    def ask(self, body: bytes, path: str = CHAT, run: str = "") -> Reply:
        """Make a call and read the whole answer."""
        headers = {"content-type": "application/json", "authorization": f"Bearer {self._key}"}
        if run:
            headers["x-headgate-run"] = run
        self._line.request("POST", path, body, headers)
        answer = self._line.getresponse()
        content = answer.read()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, content)

    def close(self) -> None:
        """Hang up."""
        self._line.close()


@contextmanager
def lines_of(node: TestNode) -> Iterator[list[Line]]:
    """Yield a connection to each worker."""
    opened: dict[str, Line] = {}
    others = []
    while len(opened) < WORKERS:
        line = Line(node)
        call = line.ask(chat("Who is there?")).headers["x-headgate-call"]
        tag = call.removeprefix("call_")[:-8]
        if tag in opened:
            others.append(line)
            assert len(others) < CONNECTIONS_MAX, "one worker gets all connections"
        else:
            opened[tag] = line
    try:
        yield list(opened.values())
    finally:
        for line in (*opened.values(), *others):
            line.close()


def held_nanos(line: Line, pace: str = "") -> int:
    """Return what a stream is held at that may be long."""
    body = chat(f"[sim:tokens=20] {pace}", model="plain", tokens=8_000, stream=True)
    reply = line.ask(body)
    assert reply.status == 200, reply
    return parse_usd(reply.headers["x-headgate-hold-usd"])


def by(reply: Reply) -> str:
    """Return who served a call."""
    assert reply.status == 200, reply
    return reply.headers["x-headgate-deployment"]


def agent_body(agent: Agent) -> bytes:
    """Return an agent's next call."""
    body: dict[str, Any] = agent.body()
    return json.dumps(body).encode()


def runs_until_refused(lines: list[Line], run: str) -> int:
    """Make a run's calls at the workers by turns until it is stopped; returns how many passed."""
    for number in range(WORKERS * CALLS_MAX + 1):
        reply = lines[number % WORKERS].ask(chat(f"Step {number}"), run=run)
        if reply.status != 200:
            assert reply.code in {"run_runaway", "frozen"}, reply
            return number
    pytest.fail("nobody stopped the run")


@pytest.mark.slow
def test_workers_learn_from_each_other_and_over_a_restart(tmp_path: Path) -> None:
    """Holds, a session's model and a run's calls, at the other worker and after a restart.

    A file that is damaged is set aside, and the next start is a cold one.
    """
    budgets = [once("organisation", "100.00", holds="expected")]
    agent = Agent("far", "agent").ask("Fix it.")
    with running_node(tmp_path, budgets=budgets, workers=WORKERS, extra=MORE) as node:
        with lines_of(node) as (one, other):
            by(one.ask(agent_body(agent), MESSAGES))
            assert by(one.ask(agent_body(agent.work(6, failing=True)), MESSAGES)) == "opus"
            strict = held_nanos(one)
            for _ in range(LEARNED):
                held_nanos(one)
            tries = 0
            while held_nanos(other, SLOW) > strict // 2:
                tries += 1
                # It would have learned it by itself.
                assert tries < LEARNED
            assert by(other.ask(agent_body(agent.work(1)), MESSAGES)) == "opus"
            passed = runs_until_refused([one, other], "wandering")
            assert CALLS_MAX <= passed < WORKERS * CALLS_MAX, passed
            for number in range(CALLS_MAX - 1):
                assert one.ask(chat(f"Step {number}"), run="kept").status == 200
        node.stop()

        node.start(WORKERS)
        with lines_of(node) as lines:
            assert all(held_nanos(line) < strict // 2 for line in lines)
            assert by(lines[0].ask(agent_body(agent.work(1)), MESSAGES)) == "opus"
            assert lines[1].ask(chat("The last"), run="kept").status == 200
            assert lines[1].ask(chat("One more"), run="kept").code == "run_runaway"
        node.stop()

        path = experience_path(node.data_dir)
        path.write_text(path.read_text().replace("held", "hold"))
        node.start(WORKERS)
        with lines_of(node) as lines:
            assert held_nanos(lines[0]) == strict
        assert len(list(node.data_dir.glob("experience.*.aside"))) == 1
        node.await_nothing_held()
