"""Midnight comes while calls run: a hold stays in the period in which it was made."""

import asyncio
import time
from pathlib import Path

import pytest

from headgate.budgets.settings import Budget
from headgate.insights.books import check_books
from headgate.node.paths import journal_root
from headgate.store.database import open_store_readonly
from tests.node.harness import running_node
from tests.node.wire import CHAT, Call, chat, send_all
from tests.torture.checker import check, render
from tests.torture.clock import CLOCK, jump
from tests.torture.crowd import pairs, streams
from tests.torture.rounds import CRASHING

DAY_S = 86_400
CALLS = 12
LIMIT_NANOS = 10**10
LINES = chat(
    "Go on. [sim:tokens=60] [sim:delay_ms=10] [sim:chunk_tokens=2]", tokens=100, stream=True
)


@pytest.mark.slow
def test_streams_over_midnight_belong_to_the_day_they_began_in(tmp_path: Path) -> None:
    """What they cost is posted there when they end a day later; what begins then, is not."""
    clock = tmp_path / "clock"
    to_noon_s = DAY_S // 2 - int(time.time()) % DAY_S
    jump(clock, to_noon_s)
    with running_node(
        tmp_path / "node",
        budgets=[Budget("daily", "organisation", "day", LIMIT_NANOS)],
        environment={"PYTHONPATH": CRASHING, CLOCK: str(clock)},
    ) as node:
        crowd = [Call(CHAT, node.key(), LINES) for _ in range(CALLS)]

        over = asyncio.run(streams(node, crowd, 5 * CALLS, lambda: jump(clock, to_noon_s + DAY_S)))
        after = asyncio.run(send_all(node.gateway_url, crowd))

        assert [reply.whole for reply in over + after] == [True] * 2 * CALLS
        assert node.stop() == 0
    first, second = days = sorted(check(node.data_dir).windows)
    seen = pairs(over + after)
    report = check(node.data_dir, node.bill, dict.fromkeys(days, LIMIT_NANOS), pairs=seen)
    assert not report.problems, render(report)
    by_call = {name.rpartition(".")[0]: each for name, each in report.attempts.items()}
    for replies, day in ((over, first), (after, second)):
        found = [by_call[reply.headers["x-headgate-call"]].windows for reply in replies]
        assert found == [[day]] * CALLS
    engine = open_store_readonly(node.data_dir)
    assert not check_books(engine, journal_root(node.data_dir)).problems
    engine.dispose()
