"""Tight budgets that shorten: a call is given what is left, in a crowd as well as alone."""

import asyncio
from pathlib import Path

from headgate.units.money import parse_usd
from tests.node.harness import once, once_nanos, running_node
from tests.node.wire import CHAT, Call, chat, post
from tests.torture.checker import check, render
from tests.torture.crowd import outcome, stampede

BODY = chat("Count. [sim:tokens=10]", tokens=10_000)


def test_the_last_call_of_a_crowd_is_shortened_to_what_is_left(tmp_path: Path) -> None:
    """Of calls that wait together two are held whole, one is shortened, and the rest is refused."""
    with running_node(tmp_path / "probe", budgets=[once("organisation", "1")]) as node:
        hold = node.hold_nanos(BODY, CHAT)
    limit = 2 * hold + hold // 2
    budgets = [once_nanos("team:research", limit, on_tight="shorten")]
    with running_node(tmp_path, budgets=budgets) as node:
        calls = [Call(CHAT, node.key(), BODY) for _ in range(20)]
        replies = asyncio.run(stampede(node, calls, 3))
        assert outcome(replies) == (3, 17)
        held = sorted(
            parse_usd(reply.headers["x-headgate-hold-usd"])
            for reply in replies
            if reply.status == 200
        )
        assert held[1:] == [hold, hold]
        assert hold // 2 - 10_000 < held[0] <= hold // 2
        node.await_nothing_held()
        assert post(node.gateway_url, CHAT, node.key(), BODY).status == 200
        assert node.stop() == 0
    report = check(node.data_dir, node.bill, {"team-research@once": limit})
    assert not report.problems, render(report)
