"""Runs over a real node: told of, paid from their own budget, stopped by guards and by people."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from headgate.store import audit
from headgate.store.database import open_store_readonly
from headgate.units.money import format_usd, parse_usd
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, Reply, chat, post

RUNS = "/v1/runs"
GUARDS = """
[runs]
calls_max = 5
depth_max = 2
repeats_max = 3
spend_usd_per_minute_max = "0.003"
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node with guards and a budget for every run."""
    budgets = [once("organisation", "100.00"), once("run:*", "1.00")]
    principals = {"alice": "research", "bob": "sales"}
    folder = tmp_path_factory.mktemp("runs")
    with running_node(folder, budgets=budgets, principals=principals, extra=GUARDS) as running:
        yield running


def tell(node: TestNode, *, who: str = "alice", **told: str) -> Reply:
    """Tell of a run."""
    return post(node.gateway_url, RUNS, node.key(who), json.dumps(told).encode())


def became(node: TestNode, run: str, state: str) -> Reply:
    """Tell what became of a run."""
    body = json.dumps({"state": state}).encode()
    return post(node.gateway_url, f"{RUNS}/{run}", node.key(), body)


def ask(node: TestNode, run: str, text: str = "Hello") -> Reply:
    """Make a call of a run."""
    headers = {"x-headgate-run": run}
    return post(node.gateway_url, CHAT, node.key(), chat(text), headers=headers)


def look(node: TestNode, run: str, who: str = "alice") -> Reply:
    """Ask after a run."""
    return post(node.gateway_url, f"{RUNS}/{run}", node.key(who), b"", method="GET")


def headgate(node: TestNode, *arguments: str) -> str:
    """Run a command against the node; returns what it prints."""
    command = [sys.executable, "-m", "headgate.cli.main", *arguments]
    command += ["--config", str(node.config), "--data-dir", str(node.data_dir)]
    done = subprocess.run(
        command, env=node.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def events(node: TestNode) -> list[tuple[str, str]]:
    """Return the audit chain: what was done to what."""
    engine = open_store_readonly(node.data_dir)
    with engine.connect() as connection:
        found = [(each.action, each.subject) for each in audit.entries(connection)]
    engine.dispose()
    return found


def test_a_run_spends_its_own_budget_and_no_more(node: TestNode) -> None:
    """Its limit is that of its window, below what the configuration gives every run."""
    budget = format_usd(node.hold_nanos(chat("Hello"), CHAT))
    told = tell(node, run="own", agent="writer", budget_usd=budget)
    assert (told.status, told.document["budget"]) == (200, budget)

    first, second = ask(node, "own"), ask(node, "own")

    assert (first.status, second.code) == (200, "budget_exceeded")
    node.await_nothing_held()
    seen = look(node, "own").document["run"]
    assert (seen["spend"], seen["calls"]) == (first.headers["x-headgate-cost-usd"], 1)


def test_what_workers_have_of_a_run_is_called_back(node: TestNode) -> None:
    """Neither the idle money of the run above nor that of one that ended is in anybody's way."""
    tell(node, run="above", budget_usd="0.50")
    assert ask(node, "above").status == 200
    assert tell(node, run="below-1", parent="above", budget_usd="0.4995").status == 200
    assert ask(node, "below-1").status == 200
    node.await_nothing_held()

    assert became(node, "below-1", "done").status == 200

    assert tell(node, run="below-2", parent="above", budget_usd="0.4995").status == 200


def test_told_again_it_is_the_same_run(node: TestNode) -> None:
    """As a workflow does that is taken up again; in other words it is a conflict."""
    assert tell(node, run="again", budget_usd="0.10").status == 200
    assert tell(node, run="again", budget_usd="0.10").status == 200
    assert tell(node, run="again", budget_usd="0.20").code == "run_conflict"


def test_what_a_child_gets_is_carved_from_its_parent_and_flows_back(node: TestNode) -> None:
    """A budget above what the parent has left is refused; what a child leaves, others can get."""
    tell(node, run="parent", budget_usd="0.50")
    assert tell(node, run="child-1", parent="parent", budget_usd="0.30").status == 200
    refused = tell(node, run="child-2", parent="parent", budget_usd="0.30")
    assert refused.code == "budget_exceeded"
    assert tell(node, run="child-3", parent="parent").code == "budget_exceeded"

    assert became(node, "child-1", "done").status == 200

    assert tell(node, run="child-2", parent="parent", budget_usd="0.30").status == 200
    below = [each["run"] for each in look(node, "parent").document["below"]]
    assert below == ["child-1", "child-2"]
    assert ask(node, "child-1").code == "budget_exceeded"


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({}, "body_invalid"),
        ({"run": "no name"}, "body_invalid"),
        ({"run": "x", "unknown": "1"}, "body_invalid"),
        ({"run": "x", "budget_usd": "much"}, "body_invalid"),
        ({"run": "x", "parent": "nobody"}, "run_unknown"),
        ({"run": "x", "budget_usd": "1.01"}, "budget_exceeded"),
    ],
)
def test_bad_input_is_refused_by_its_code(node: TestNode, told: dict[str, str], code: str) -> None:
    """And no run is kept of it."""
    assert tell(node, **told).code == code
    assert look(node, "x").code == "run_unknown"


def test_others_see_nothing_of_a_run(node: TestNode) -> None:
    """Names are each principal's own."""
    tell(node, run="private")
    assert look(node, "private", "bob").code == "run_unknown"
    assert became(node, "nobody-told", "done").code == "run_unknown"
    assert tell(node, who="bob", run="private", agent="other").status == 200


def test_a_run_that_makes_too_many_calls_is_frozen_until_a_person_thaws_it(node: TestNode) -> None:
    """It is named by its guard, stands in the audit chain, and begins anew when thawed."""
    tell(node, run="loop")
    for number in range(5):
        assert ask(node, "loop", f"Step {number}").status == 200

    refused = ask(node, "loop", "One more")

    assert refused.code == "run_runaway"
    assert "calls_max is 5" in refused.document["error"]["message"]
    until(lambda: look(node, "loop").document["run"]["frozen"], "the run is frozen")
    assert ("run.frozen", "run:alice/loop") in events(node)
    assert tell(node, run="loop-2", parent="loop").code == "frozen"
    headgate(node, "runs", "thaw", "alice/loop")
    until(lambda: ask(node, "loop", "Once more").status == 200, "the run goes on")


def test_a_call_with_an_idempotency_key_counts_once(node: TestNode) -> None:
    """Its key is claimed before it goes on, and no guard sees two calls in that."""
    for number in range(5):
        body = chat(f"Step {number}")
        headers = {"x-headgate-run": "keyed", "idempotency-key": f"keyed/{number}"}
        reply = post(node.gateway_url, CHAT, node.key(), body, headers=headers)
        assert reply.status == 200, reply


def test_a_run_that_repeats_itself_is_stopped(node: TestNode) -> None:
    """The same body again and again is a loop; one that differs is none."""
    for _ in range(3):
        assert ask(node, "parrot").status == 200
    assert ask(node, "parrot").code == "run_runaway"


def test_a_run_that_spends_too_fast_is_stopped(node: TestNode) -> None:
    """Whoever spent more within a minute than it may makes no further call."""
    replies: list[Reply] = []
    while len(replies) < 5 and (not replies or replies[-1].status == 200):
        body = chat(f"Tell me more {len(replies)}", model="gpt-5-5", tokens=2_000)
        headers = {"x-headgate-run": "fast"}
        replies.append(post(node.gateway_url, CHAT, node.key(), body, headers=headers))

    spent = sum(parse_usd(each.headers["x-headgate-cost-usd"]) for each in replies[:-1])
    assert (replies[-1].code, spent > parse_usd("0.003")) == ("run_runaway", True), spent
    assert "spend_usd_per_minute_max" in replies[-1].document["error"]["message"]


def test_a_run_that_is_too_deep_stops_the_one_that_started_it(node: TestNode) -> None:
    """It is not started, and its parent may not go on."""
    tell(node, run="deep-1")
    tell(node, run="deep-2", parent="deep-1")
    assert tell(node, run="deep-3", parent="deep-2").code == "run_runaway"
    assert look(node, "deep-2").document["run"]["frozen"]
    assert ask(node, "deep-2").code == "frozen"


def test_a_person_sees_and_cancels_a_run(node: TestNode) -> None:
    """What is below it is cancelled too, and neither spends any more."""
    tell(node, run="top", agent="lead")
    tell(node, run="leaf", parent="top")
    assert "alice/top" in headgate(node, "runs", "list")

    headgate(node, "runs", "cancel", "alice/top", "--reason", "wrong way")

    shown = json.loads(headgate(node, "runs", "show", "alice/top", "--json"))
    assert [(each["run"], each["state"]) for each in shown] == [
        ("top", "cancelled"),
        ("leaf", "cancelled"),
    ]
    assert ask(node, "leaf").code == "frozen"
    assert became(node, "leaf", "running").code == "run_conflict"
    assert ("run.cancelled", "run:alice/top") in events(node)


def test_the_books_agree(node: TestNode) -> None:
    """Budgets of runs are windows like any other."""
    node.await_nothing_held()
    headgate(node, "check-books")
