"""Two nodes on one PostgreSQL store, with crowds at both: as exact as one node."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import stores
from tests.node.harness import TestNode, once, once_nanos, until
from tests.node.pairs import await_equal, check_together, pair
from tests.node.wire import CHAT, Call, Reply, chat, send_all
from tests.torture.checker import render

BODY = chat("Count. [sim:tokens=20]", tokens=100)
HOLD = 1_305_009
"""What `BODY` is held at; the test sees that it is so."""
FITS = 137
LIMIT = FITS * HOLD + HOLD - 1
PEOPLE = {"anna": "anna", "emil": "emil"}
REFUSED = ("budget_exceeded", "budget_contended")


@pytest.mark.slow
def test_two_nodes_of_two_workers_admit_exactly_137_of_2000(tmp_path: Path) -> None:
    """A thousand at each, of one run, over four levels; the provider waits for all decisions.

    On a machine at its limits what lies idle at the other node may come back too late, and a call
    is told to come again (`budget_contended`): some do, until the budget is full.
    """
    tight = once_nanos("team:anna", LIMIT)
    ample = [once(f"principal:{name}", "1000") for name in PEOPLE]
    budgets = [tight, *ample, once("organisation", "1000"), once("run:*", "1000")]
    url = stores.cluster().create_migrated()
    with pair(tmp_path, url, budgets, PEOPLE, workers=2) as (first, second):
        assert first.hold_nanos(BODY, CHAT, "emil") == HOLD
        first.simulator.gate.close()

        replies = asyncio.run(fill(first, second))

        told = Counter("served" if each.status == 200 else each.code for each in replies)
        assert told["served"] == FITS
        assert set(told) <= {"served", *REFUSED}
        await_equal(first, second)
        assert (first.stop(), second.stop()) == (0, 0)
        report = check_together((first, second), tmp_path / "both", {"team-anna@once": LIMIT})
        assert not report.problems, render(report)
        assert sum(attempt.posted > 0 for attempt in report.attempts.values()) == FITS + 1


async def fill(first: TestNode, second: TestNode) -> list[Reply]:
    """Send the crowds, then single calls while fewer than fit were admitted, and open the gate."""
    gate = first.simulator.gate
    refused: list[bytes] = []
    sent = []
    for node in (first, second):
        calls = crowd(node, 1_000)
        for each in calls:
            each.on_payload = refused.append
        sent.append(asyncio.create_task(send_all(node.gateway_url, calls)))
    await wait(lambda: len(refused) + gate.waiting >= 2_000, "all are decided")
    while (admitted := gate.waiting) < FITS:
        more = asyncio.create_task(send_all(first.gateway_url, crowd(first, 1)))
        sent.append(more)
        await wait(lambda task=more, count=admitted: task.done() or gate.waiting > count, "decided")
    (beyond,) = await send_all(second.gateway_url, crowd(second, 1))
    assert beyond.code in REFUSED
    assert gate.waiting == FITS
    gate.release()
    return [reply for batch in await asyncio.gather(*sent) for reply in batch]


async def wait(met: Callable[..., bool], what: str) -> None:
    """Wait until it is so, while calls go on."""
    await asyncio.to_thread(until, met, what, 60)


def crowd(node: TestNode, count: int) -> list[Call]:
    """Return so many calls of one run."""
    return [Call(CHAT, node.key("anna"), BODY, {"x-headgate-run": "r"}) for _ in range(count)]
