"""A provider that ignores the output limit bills beyond the hold: all of it is posted."""

import asyncio
from pathlib import Path

import pytest

from headgate.simulator import Fault, FaultKind
from headgate.units.money import parse_usd
from tests.node.harness import TestNode, once, once_nanos, running_node
from tests.node.wire import CHAT, Call, chat, post
from tests.torture.checker import check, render
from tests.torture.crowd import outcome, stampede

BODY = chat("Count. [sim:tokens=10]", tokens=1_000)


@pytest.fixture(scope="module")
def hold(tmp_path_factory: pytest.TempPathFactory) -> int:
    """What one call with `BODY` is held at, in nano-dollars."""
    ample = [once("organisation", "1")]
    with running_node(tmp_path_factory.mktemp("probe"), budgets=ample) as node:
        return node.hold_nanos(BODY, CHAT)


def overdraw(node: TestNode) -> int:
    """Make one call whose provider ignores the limit; returns what it cost."""
    node.simulator.faults.add(Fault(FaultKind.IGNORE_LIMIT, times=1))
    reply = post(node.gateway_url, CHAT, node.key(), BODY)
    assert reply.status == 200
    return parse_usd(reply.headers["x-headgate-cost-usd"])


def admits(node: TestNode, fits: int) -> None:
    """Check that of so many calls and five more exactly so many are admitted; they are dear too."""
    calls = [Call(CHAT, node.key(), BODY) for _ in range(fits + 5)]
    assert outcome(asyncio.run(stampede(node, calls, fits))) == (fits, 5)


def test_an_overdrawn_budget_refuses_until_it_is_raised(tmp_path: Path, hold: int) -> None:
    """Overage drives a budget below zero; it refuses at once, after each restart, for good."""
    limit = hold + hold // 2
    with running_node(tmp_path, budgets=[once_nanos("team:research", limit)]) as node:
        cost = overdraw(node)
        assert cost > limit
        assert post(node.gateway_url, CHAT, node.key(), BODY).code == "budget_exceeded"
        assert node.await_posted("team:research", cost).free_nanos == limit - cost < 0
        for victim in ("steward", "worker-0"):
            node.await_successor(victim, node.kill(victim))
            assert post(node.gateway_url, CHAT, node.key(), BODY).code == "budget_exceeded"
        assert node.stop() == 0
        node.start()
        assert post(node.gateway_url, CHAT, node.key(), BODY).code == "budget_exceeded"
        assert node.standing("team:research").free_nanos == limit - cost
    report = check(node.data_dir, node.bill, {"team-research@once": limit})
    assert not report.problems, render(report)
    assert report.windows["team-research@once"].overage == cost - hold


def test_after_overage_a_budget_still_admits_exactly_what_is_free(
    tmp_path: Path, hold: int
) -> None:
    """What was posted beyond a hold is not lent again, whoever died in between."""
    limit = 9 * hold + hold // 3
    with running_node(tmp_path, budgets=[once_nanos("team:research", limit)]) as node:
        posted = overdraw(node)
        assert hold < posted < 3 * hold
        admits(node, (limit - posted) // hold)
        (standing,) = node.await_nothing_held()
        node.await_successor("worker-0", node.kill("worker-0"))
        admits(node, standing.free_nanos // hold)
        (standing,) = node.await_nothing_held()
        overdraw(node)
        node.await_successor("steward", node.kill("steward"))
        (standing,) = node.await_nothing_held()
        admits(node, standing.free_nanos // hold)
        assert node.stop() == 0
    report = check(node.data_dir, node.bill, {"team-research@once": limit})
    assert not report.problems, render(report)
