"""Expected holds under a crowd: more calls at once, and the limit holds all the same."""

import asyncio
from pathlib import Path

import pytest

from headgate.ledger.settings import Expected
from headgate.units.money import NANOS_PER_USD, parse_usd
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import MESSAGES, Call, message, post, send_all
from tests.torture.checker import check, render
from tests.torture.crowd import outcome, pairs, stampede, streams

CODER = """
[deployments.coder]
provider = "anthropic"
model = "claude-sonnet-5"
hidden_reasoning = false
concurrency_max = 1000
"""
AGENTS = 50
LIMIT_USD = 25
COMMON = "What every agent was told, and what they have read so far. " * 1_700
"""100 kB that all agents begin with."""
OWN = "What one of them has read since. " * 600


def turn(agent: int, tokens: int, more: str = "", *, stream: bool = True) -> bytes:
    """Return an agent's call: 120 kB, of which others have sent the most, with a high limit."""
    text = f"{COMMON}{agent} {OWN}[sim:tokens={tokens}] [sim:chunk_tokens=10] {more}"
    return message(text, model="coder", tokens=64_000, stream=stream)


def learn(node: TestNode, *, calls: int, tokens: int) -> None:
    """Let the gateway see what calls take."""
    for _ in range(calls):
        assert post(node.gateway_url, MESSAGES, node.key(), turn(0, tokens)).status == 200


@pytest.mark.slow
def test_fifty_coding_agents_on_25_dollars(tmp_path: Path) -> None:
    """No call is refused while less than half is spent, and never is more posted than the limit.

    Their worst cases would be half as much again as the limit. A fifth of the replies is much
    longer than what was learned; all fifty run at once, as the providers' gate shows.
    """
    limit = LIMIT_USD * NANOS_PER_USD
    budgets = [once("organisation", str(LIMIT_USD), holds="expected")]
    with running_node(tmp_path, budgets=budgets, extra=CODER) as node:
        learn(node, calls=Expected().calls_min, tokens=150)
        strict = post(node.gateway_url, MESSAGES, node.key(), turn(0, 10, stream=False))
        assert AGENTS * parse_usd(strict.headers["x-headgate-hold-usd"]) > limit * 3 // 2
        seen: dict[str, str] = {}
        spent = refused = 0
        while not refused:
            lengths = [1_500 if agent % 5 == 0 else 150 for agent in range(AGENTS)]
            calls = [Call(MESSAGES, node.key(), turn(*each)) for each in enumerate(lengths)]
            if spent < limit // 2:
                replies = asyncio.run(stampede(node, calls, AGENTS))
            else:
                replies = asyncio.run(send_all(node.gateway_url, calls))
            _, refused = outcome(replies)
            seen |= pairs([each for each in replies if each.status == 200])
            (standing,) = node.await_nothing_held()
            spent = standing.posted_nanos
        assert spent > limit // 2
        assert node.stop() == 0
    report = check(node.data_dir, node.bill, {"organisation@once": limit}, pairs=seen)
    assert not report.problems, render(report)
    assert report.windows["organisation@once"].overage == 0
    assert report.kinds["extend"] > 0
    assert spent <= limit


def test_a_worker_killed_under_extended_holds(tmp_path: Path) -> None:
    """What was in flight is posted at what it held by then, extensions and all.

    In the class `power` no more of a stream is let through before its extension is on the disk.
    """
    slow = "[sim:delay_ms=10]"
    budgets = [once("organisation", str(LIMIT_USD), holds="expected")]
    extra = f'{CODER}[holds]\ncalls_min = 2\n[journal]\ndurability = "power"\n'
    with running_node(tmp_path, budgets=budgets, extra=extra) as node:
        learn(node, calls=2, tokens=5)
        calls = [Call(MESSAGES, node.key(), turn(agent, 3_000, slow)) for agent in range(8)]
        dead: list[int] = []
        asyncio.run(streams(node, calls, 8 * 120, lambda: dead.append(node.kill("worker-0"))))
        node.await_successor("worker-0", dead[0])
        until(lambda: node.simulator.generating == 0, "the upstream has billed what it sent")
        node.await_nothing_held()
        assert node.stop() == 0
    report = check(node.data_dir, node.bill, {"organisation@once": LIMIT_USD * NANOS_PER_USD})
    assert not report.problems, render(report)
    assert report.kinds["extend"] >= 8
    assert report.states["estimated"] == 8
