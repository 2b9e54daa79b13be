"""Two nodes on one PostgreSQL store, with crowds at both: as exact as one node."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests import stores
from tests.node.harness import TestNode, once, once_nanos
from tests.node.pairs import await_equal, check_together, pair
from tests.node.wire import CHAT, Call, chat
from tests.torture.checker import render
from tests.torture.crowd import stampede_at

BODY = chat("Count. [sim:tokens=20]", tokens=100)
HOLD = 1_305_009
"""What `BODY` is held at; the test sees that it is so."""
FITS = 137
LIMIT = FITS * HOLD + HOLD - 1
PEOPLE = {"anna": "anna", "emil": "emil"}
REFUSED = ("budget_exceeded", "budget_contended")


@pytest.mark.slow
def test_two_nodes_of_two_workers_admit_exactly_137_of_2000(tmp_path: Path) -> None:
    """A thousand at each, of one run, over four levels; the provider waits for all decisions."""
    tight = once_nanos("team:anna", LIMIT)
    ample = [once(f"principal:{name}", "1000") for name in PEOPLE]
    budgets = [tight, *ample, once("organisation", "1000"), once("run:*", "1000")]
    url = stores.cluster().create_migrated()
    with pair(tmp_path, url, budgets, PEOPLE, workers=2) as (first, second):
        assert first.hold_nanos(BODY, CHAT, "emil") == HOLD
        crowds = [(node, crowd(node, 1_000)) for node in (first, second)]

        replies = asyncio.run(stampede_at(crowds, FITS))

        told = Counter("served" if each.status == 200 else each.code for each in replies)
        assert told["served"] == FITS
        assert set(told) <= {"served", *REFUSED}
        await_equal(first, second)
        assert (first.stop(), second.stop()) == (0, 0)
        report = check_together((first, second), tmp_path / "both", {"team-anna@once": LIMIT})
        assert not report.problems, render(report)
        assert sum(attempt.posted > 0 for attempt in report.attempts.values()) == FITS + 1


def crowd(node: TestNode, count: int) -> list[Call]:
    """Return so many calls of one run."""
    return [Call(CHAT, node.key("anna"), BODY, {"x-headgate-run": "r"}) for _ in range(count)]
