"""`headgate demo --sessions`: what is promised of sessions holds, and how it is said."""

import json
import subprocess
import sys
from collections import Counter

import msgspec
import pytest

from headgate.cli.demonstration.sessions.messages import Place, PlacesReady
from headgate.cli.demonstration.sessions.organisation import configuration
from headgate.cli.demonstration.sessions.result import Promise, SessionsResult, Switch, summary
from headgate.cli.demonstration.sessions.tasks import FAILURES_MAX, PARTS, Workspace, tasks_of
from headgate.config.load import load

DEMO = [sys.executable, "-m", "headgate.cli.main", "demo"]
TIMEOUT_S = 300
ZERO = "0.000000000"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_everything_that_is_promised_of_sessions_holds(
    seed: int, environment: dict[str, str]
) -> None:
    """Cost, outage, drop, cache, throttling, the EU, explanations and books, whatever the seed."""
    done = subprocess.run(
        [*DEMO, "--sessions", "--json", "--seed", str(seed)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert all(each["holds"] for each in result["promises"]), result["promises"]
    assert len(result["promises"]) == 9
    assert result["spend_usd"] == result["upstream_billed_usd"]
    assert result["held_usd_after"] == ZERO
    moved = Counter(each["reason"] for each in result["switches"])
    assert moved["up"] >= 2
    gains = [each["gain_usd"] for each in result["switches"] if each["reason"] in ("up", "down")]
    assert all(float(gain) > 0 for gain in gains)


def test_options_of_the_other_course_are_refused(environment: dict[str, str]) -> None:
    """Nothing is started, and the message says what to leave out."""
    done = subprocess.run(
        [*DEMO, "--sessions", "--for", "20s"], env=environment, capture_output=True, text=True
    )

    assert done.returncode == 2
    assert "Leave those options out" in done.stderr


def test_a_promise_that_does_not_hold_is_plain_to_see() -> None:
    """The figures stand below it, and each switch says who, why and for what."""
    promise = Promise(promise="It is cheap.", holds=False, figures={"usd": "1.0"})
    up = Switch(
        session="s", turn=3, origin="a", target="b", reason="up", failed=[], gain_usd="0.5",
        repeats=True,
    )  # fmt: skip
    forced = msgspec.structs.replace(up, reason="stays", failed=["a"], gain_usd=None)
    result = SessionsResult(
        seconds=1.0,
        holds=False,
        promises=[promise],
        switches=[up, forced],
        calls=2,
        spend_usd="1.000000000",
        upstream_billed_usd="1.000000000",
        held_usd_after=ZERO,
        journal_replayed_equal=True,
    )

    told = summary(result)

    assert "DOES NOT HOLD: It is cheap.\n    usd 1.0" in told
    assert "up, expected to save $0.5" in told
    assert "stays, as a failed" in told
    assert json.loads(msgspec.json.encode(up))["from"] == "a"


def test_tasks_are_of_all_degrees_whatever_the_seed() -> None:
    """One of five is beyond a skill of 80, in an order that is the seed's."""
    orders = {seed: [task.hard for task in tasks_of(seed, 5)] for seed in range(5)}

    assert {tuple(sorted(hard)) for hard in orders.values()} == {(10, 30, 50, 70, 90)}
    assert len({tuple(hard) for hard in orders.values()}) > 1
    assert orders[3] == [task.hard for task in tasks_of(3, 5)]


def test_a_workspace_is_done_when_its_parts_are_made_in_order() -> None:
    """Any other command fails, and counts."""
    task = tasks_of(1, 5)[0]
    workspace = Workspace(task)

    wrong = [workspace.run(task.command(1)[:-1]) for _ in range(FAILURES_MAX)]
    right = [workspace.run(task.command(part)) for part in range(PARTS)]

    assert [failed for _, failed in (*wrong, *right)] == [True] * FAILURES_MAX + [False] * PARTS
    assert workspace.done
    assert workspace.failures == FAILURES_MAX


def test_its_configuration_can_be_used(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever a node is started with here, `headgate serve` would take."""
    place = Place("http://127.0.0.1:1", "http://127.0.0.1:2")
    upstream = PlacesReady(dict.fromkeys(("first", "second", "eu"), place))
    path = tmp_path_factory.mktemp("sessions") / "headgate.toml"
    path.write_text(configuration(upstream, "hg_agent_" + "x" * 43), "utf-8")

    snapshot = load(path, {})

    assert snapshot.routes.keys() == {"agent", "cheap", "dear", "accounts", "assistant"}
