"""A node is parted from its database: it spends what it was lent while it may, and then nothing.

What it was lent is counted until it is back; what it did meanwhile is in its journals.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headgate.store.place import node_id
from tests import stores
from tests.database_proxy import DatabaseProxy
from tests.node.harness import TestNode, once, running_node, until
from tests.node.pairs import await_equal, check_together, put_back
from tests.node.wire import CHAT, Reply, chat, post
from tests.torture.checker import render

BODY = chat("Count. [sim:tokens=20]", tokens=100)
MUCH = chat("Count. [sim:tokens=2000]", tokens=2_000)
LIMIT_USD, LIMIT = "1", 10**9

pytestmark = pytest.mark.slow


@contextmanager
def parted(tmp_path: Path) -> Iterator[tuple[TestNode, TestNode, DatabaseProxy, str]]:
    """Run two nodes, the first of which has a network to the database; and tell the address."""
    cluster = stores.cluster()
    url = cluster.create_migrated()
    database = url.partition("?")[0].rpartition("/")[2]
    budgets = [once("organisation", LIMIT_USD)]
    with DatabaseProxy(cluster.folder).running() as network:
        far = f"postgresql://headgate@127.0.0.1:{network.port}/{database}"
        with (
            running_node(tmp_path / "first", budgets=budgets, store_url=far) as first,
            running_node(
                tmp_path / "second",
                budgets=budgets,
                store_url=url,
                openai_url=first.simulator.openai_url,
            ) as second,
        ):
            try:
                yield first, second, network, url
            finally:
                network.heal()


@pytest.mark.parametrize("how", ["cut", "stall"])
def test_a_parted_node_stops_spending_and_comes_back(tmp_path: Path, how: str) -> None:
    """Its own deadline stops it; the other spends what is left, and never what it was lent."""
    with parted(tmp_path) as (first, second, network, url):
        # A node that is used is lent more than its calls need.
        assert {call(first).status for _ in range(10)} == {200}
        first.await_nothing_held()

        getattr(network, how)()
        assert call(first).status == 200, "it spends what it was lent before"
        until(answers(first, "ledger_unavailable"), "it spends nothing more", 20)
        put_back(url, node_id(first.data_dir))
        until(lambda: second.standing("organisation").unaccounted_nanos > 0, "it is given up")
        until(answers(second, "budget_exceeded", MUCH), "the other has spent what is left")
        told = second.standing("organisation")
        assert told.posted_nanos + told.held_nanos + told.unaccounted_nanos <= LIMIT

        network.heal()
        until(lambda: second.standing("organisation").unaccounted_nanos == 0, "it is back")
        until(lambda: call(first).status == 200, "it serves again")
        for node in (first, second):
            until(answers(node, "budget_exceeded", MUCH), "all is spent")
        end(tmp_path, first, second)


@pytest.mark.parametrize("how", ["reset", "forget"])
def test_connections_that_are_lost_are_made_anew(tmp_path: Path, how: str) -> None:
    """At once when they are reset; when nothing comes any more, once that was long enough."""
    with parted(tmp_path) as (first, second, network, _):
        assert call(first).status == 200
        steward = first.pid("steward")

        getattr(network, how)()
        until(lambda: first.pid("steward") != steward, "its steward begins anew", 60)
        until(lambda: call(first).status == 200, "it serves")
        assert call(second).status == 200
        end(tmp_path, first, second)


def end(tmp_path: Path, *nodes: TestNode) -> None:
    """Stop the nodes, and check all they did."""
    await_equal(*nodes)
    assert [node.stop() for node in nodes] == [0, 0]
    report = check_together(nodes, tmp_path / "both", {"organisation@once": LIMIT})
    assert not report.problems, render(report)


def answers(node: TestNode, code: str, body: bytes = BODY) -> Callable[[], bool]:
    """Return what tells whether a call is refused with a code."""
    return lambda: call(node, body).code == code


def call(node: TestNode, body: bytes = BODY) -> Reply:
    """Make one call at a node."""
    return post(node.gateway_url, CHAT, node.key(), body)
