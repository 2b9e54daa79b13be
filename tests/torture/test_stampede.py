"""Stampedes: hundreds of calls at once, of which a budget admits exactly what it can pay for."""

import asyncio
from pathlib import Path

import pytest

from headgate.units.money import parse_usd
from tests.node.harness import once, once_nanos, running_node
from tests.node.wire import CHAT, Call, chat
from tests.torture.checker import check, render
from tests.torture.crowd import outcome, stampede

CALLS = 500
ADMITTED = 10

LIMIT_TOKENS = 1_000
USED_TOKENS = 387
"""Posts about 40 % of the hold, whose input bound is above its few tokens."""

BODY = chat(f"Count. [sim:tokens={USED_TOKENS}]", tokens=LIMIT_TOKENS)


@pytest.fixture(scope="module")
def hold(tmp_path_factory: pytest.TempPathFactory) -> int:
    """What one call with `BODY` is held at, in nano-dollars."""
    ample = [once("organisation", "1000")]
    with running_node(tmp_path_factory.mktemp("probe"), budgets=ample) as node:
        return node.hold_nanos(BODY, CHAT)


LEVELS = {
    "organisation": ("organisation", {}),
    "team": ("team:research", {}),
    "principal": ("principal:alice", {}),
    "run": ("run:*", {"x-headgate-run": "r42"}),
}


@pytest.mark.parametrize("level", LEVELS)
def test_a_budget_of_ten_holds_admits_ten_of_five_hundred(
    tmp_path: Path, level: str, hold: int
) -> None:
    """Ten of 500 parallel calls are admitted and 490 refused, by name; later ones exactly fit.

    The upstream answers nobody before all 500 are decided. Released at 40 % of their holds, the
    budget then admits exactly floor(free / hold) of the next.
    """
    limited, headers = LEVELS[level]
    limit = ADMITTED * hold
    ample = [once(each, "1000") for each, _ in LEVELS.values() if each != limited]
    budgets = [once_nanos(limited, limit), *ample]
    with running_node(tmp_path, budgets=budgets) as node:
        calls = [Call(CHAT, node.key(), BODY, dict(headers)) for _ in range(CALLS)]
        replies = asyncio.run(stampede(node, calls, ADMITTED))
        assert outcome(replies) == (ADMITTED, CALLS - ADMITTED)
        for reply in replies:
            if reply.status == 402:
                assert f"Budget '{budgets[0].id}'" in reply.document["error"]["message"]
        posted = sum(
            parse_usd(reply.headers["x-headgate-cost-usd"])
            for reply in replies
            if reply.status == 200
        )
        assert 0.3 < posted / limit < 0.5
        fits = (limit - posted) // hold
        calls = [Call(CHAT, node.key(), BODY, dict(headers)) for _ in range(fits + 20)]
        assert outcome(asyncio.run(stampede(node, calls, fits))) == (fits, 20)
        assert node.stop() == 0
    window = f"{budgets[0].id}/alice/r42@once" if level == "run" else f"{budgets[0].id}@once"
    report = check(node.data_dir, node.bill, {window: limit})
    assert not report.problems, render(report)
