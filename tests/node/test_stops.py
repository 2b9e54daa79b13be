"""How a node stops: drained, told by a signal or by the death of its supervisor."""

import asyncio
import os
import signal
import threading
from pathlib import Path

import pytest

from headgate.gateway.settings import SWEEP_MS
from headgate.node.stopping import HURRY
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, Call, Reply, chat, post
from tests.torture.checker import check, render
from tests.torture.crowd import streams

STREAM = chat("Go on. [sim:tokens=80] [sim:delay_ms=5]", tokens=100, stream=True)
LIMIT_NANOS = 10**9


def gone(pid: int) -> bool:
    """Tell whether a process has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # Without a parent that waits for it, it is a zombie until init does.
    return ") Z " in Path(f"/proc/{pid}/stat").read_text()


def readiness(node: TestNode) -> int:
    """Return the status of `/readyz` on a new connection."""
    return post(node.gateway_url, "/readyz", None, b"", method="GET").status


def run_streams(node: TestNode, number: signal.Signals) -> list[Reply]:
    """Signal the supervisor in the middle of 16 streams; returns what came of them."""
    calls = [Call(CHAT, node.key(), STREAM) for _ in range(16)]
    return asyncio.run(streams(node, calls, 40, lambda: node.process.send_signal(number)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_streams_finish(tmp_path: Path, number: signal.Signals) -> None:
    """SIGTERM and Ctrl-C end a node when its streams are through: sealed, exit 0, nothing held."""
    with running_node(tmp_path, budgets=[once("organisation", "1")]) as node:
        replies = run_streams(node, number)
        assert all(reply.status == 200 and reply.whole for reply in replies)
        assert node.stop() == 0
        (standing,) = node.standings()
        assert standing.held_nanos == 0
        assert standing.lent_nanos == 0
    report = check(node.data_dir, node.bill, {"organisation@once": LIMIT_NANOS})
    assert not report.problems, render(report)
    assert report.states == {"measured": 16}
    assert standing.posted_nanos == report.windows["organisation@once"].posted


def test_the_death_of_the_supervisor_drains_the_node(tmp_path: Path) -> None:
    """A supervisor killed with -9 leaves nobody behind: the others finish what runs and end."""
    with running_node(tmp_path, budgets=[once("organisation", "1")]) as node:
        others = [node.pid("steward"), node.pid("worker-0")]
        replies = run_streams(node, signal.SIGKILL)
        assert all(reply.status == 200 and reply.whole for reply in replies)
        until(lambda: all(gone(pid) for pid in others), "steward and worker end")
        (standing,) = node.standings()
        assert standing.held_nanos == 0
        node.process.wait()
        node.start()
        assert post(node.gateway_url, CHAT, node.key(), chat("Again")).status == 200
        node.await_nothing_held()
    report = check(node.data_dir, node.bill, {"organisation@once": LIMIT_NANOS})
    assert not report.problems, render(report)


def test_a_node_started_before_the_last_one_has_ended(tmp_path: Path) -> None:
    """A supervisor killed and started again at once: the old steward sees its streams out first.

    Two stewards at once would fold the same records twice.
    """
    with running_node(tmp_path, budgets=[once("organisation", "1")]) as node:
        old = node.pid("steward")
        slow = chat("Slow. [sim:tokens=80] [sim:delay_ms=20]", tokens=100, stream=True)
        calls = [Call(CHAT, node.key(), slow) for _ in range(16)]

        def restart() -> None:
            node.process.kill()
            node.process.wait()
            starting.start()

        starting = threading.Thread(target=node.start)
        replies = asyncio.run(streams(node, calls, 40, restart))
        assert all(reply.status == 200 and reply.whole for reply in replies)
        starting.join()
        assert gone(old)
        assert post(node.gateway_url, CHAT, node.key(), chat("Again")).status == 200
        node.await_nothing_held()
        assert node.stop() == 0
        (standing,) = node.standings()
    report = check(node.data_dir, node.bill, {"organisation@once": LIMIT_NANOS})
    assert not report.problems, render(report)
    assert standing.posted_nanos == report.windows["organisation@once"].posted


def test_whoever_sends_traffic_can_look_away_first(tmp_path: Path) -> None:
    """Not ready any more, a node takes connections and calls for a while, unless it is hurried."""
    limits = "drain_delay_ms = 600000"
    with running_node(tmp_path, budgets=[once("organisation", "1")], limits=limits) as node:
        node.process.terminate()
        until(lambda: readiness(node) == 503, "it is not ready any more")

        served = post(node.gateway_url, CHAT, node.key(), chat("Hello"))

        assert served.status == 200
        assert node.process.poll() is None
        os.kill(node.pid("worker-0"), HURRY)
        assert node.stop() == 0


def test_a_call_that_outlasts_the_drain_is_posted_at_its_bound(tmp_path: Path) -> None:
    """When the time to drain is over, what still runs is cut and posted, and the node ends."""
    limits = "drain_timeout_ms = 300"
    with running_node(tmp_path, budgets=[once("organisation", "1")], limits=limits) as node:
        slow = chat("Slow. [sim:tokens=80] [sim:delay_ms=500]", tokens=100, stream=True)
        calls = [Call(CHAT, node.key(), slow) for _ in range(4)]
        replies = asyncio.run(streams(node, calls, 4, node.process.terminate))
        assert all(b"upstream_timeout" in reply.body for reply in replies)
        assert node.stop() == 0
        (standing,) = node.standings()
        assert standing.held_nanos == 0
        until(lambda: node.simulator.generating == 0, "the upstream has billed what it sent")
    report = check(node.data_dir, node.bill, {"organisation@once": LIMIT_NANOS})
    assert not report.problems, render(report)
    assert report.states == {"estimated": 4}


BROKEN = """
import asyncio, pathlib, sys

flag, sleep = pathlib.Path({flag!r}), asyncio.sleep


def broken(seconds):
    if seconds == {seconds} and flag.exists():
        flag.unlink()
        raise OSError("the clock is broken")
    return sleep(seconds)


if "headgate.node.worker" in sys.orig_argv:
    asyncio.sleep = broken
"""


@pytest.mark.slow
def test_a_worker_whose_sweep_fails_ends_and_is_started_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its streams end as they should have, its journal is sealed, and the error is logged."""
    flag = tmp_path / "flag"
    text = BROKEN.format(flag=str(flag), seconds=SWEEP_MS / 1000)
    (tmp_path / "sitecustomize.py").write_text(text)
    with running_node(tmp_path / "node", budgets=[once("organisation", "1")], start=False) as node:
        node.environment["PYTHONPATH"] = f"{tmp_path}:{node.environment['PYTHONPATH']}"
        node.start()
        failed = node.pid("worker-0")
        calls = [Call(CHAT, node.key(), STREAM) for _ in range(4)]
        replies = asyncio.run(streams(node, calls, 10, flag.touch))
        node.await_successor("worker-0", failed)
        assert post(node.gateway_url, CHAT, node.key(), chat("Hello")).status == 200
    report = check(node.data_dir, node.bill, {"organisation@once": LIMIT_NANOS})

    assert all(reply.whole for reply in replies)
    assert not report.problems, render(report)
    assert "the clock is broken" in capfd.readouterr().err


def test_a_second_node_on_the_same_data_is_turned_away(tmp_path: Path) -> None:
    """Two nodes never share a data directory; the first one goes on."""
    with running_node(tmp_path, budgets=[once("organisation", "1")]) as node:
        first = node.process
        with pytest.raises(AssertionError, match="did not become ready"):
            node.start()
        node._process = first
        assert post(node.gateway_url, CHAT, node.key(), chat("Hello")).status == 200
