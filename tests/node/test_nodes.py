"""Two nodes on one PostgreSQL store: one budget, one set of keys, one answer to a repeat."""

import asyncio
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headgate.identity.keys import digest, load_pepper, make_key
from headgate.node.commands import command
from headgate.node.messages import CreateKey, Done, Freeze
from headgate.store.place import node_id
from headgate.units.money import parse_usd
from tests import stores
from tests.node.harness import TestNode, once, once_nanos, running_node, until
from tests.node.pairs import await_equal, pair, put_back
from tests.node.wire import CHAT, Call, Reply, chat, post, send_all

BODY = chat("Count. [sim:tokens=40]", tokens=100)
ADMITTED = 10
HOLD_NANOS = 1_305_009
"""What a call with `BODY` is held at; the test of the budget sees whether it still is."""
WITHIN_S = 1.0


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestNode, TestNode]]:
    """Two nodes with a budget that is ample, and one of bob's that pays for ten calls."""
    url = stores.cluster().create_migrated()
    budgets = [
        once("organisation", "1000"),
        once_nanos("principal:bob", ADMITTED * HOLD_NANOS),
        once_nanos("principal:carol", 3 * HOLD_NANOS),
    ]
    names = {"alice": "research", "bob": "builders", "carol": "builders"}
    folder = tmp_path_factory.mktemp("pair")
    with pair(folder, url, budgets, names) as both:
        yield both


def call(node: TestNode, key: str | None = None, **headers: str) -> Reply:
    """Make one call at a node."""
    return post(node.gateway_url, CHAT, key or node.key(), BODY, headers=headers)


def test_a_key_made_at_one_node_opens_the_other(nodes: tuple[TestNode, TestNode]) -> None:
    """Within a second; and a node that is frozen at one is refused at the other as soon."""
    first, second = nodes
    key = make_key("later")
    known = digest(load_pepper(first.data_dir), key.encode()).hex()
    assert load_pepper(first.data_dir) == load_pepper(second.data_dir)

    assert command(first.data_dir, CreateKey("later", "alice", ("mini",), known)) == Done()
    until(lambda: call(second, key).status == 200, "the key is known", WITHIN_S)
    assert command(second.data_dir, Freeze("team:research", True, "enough")) == Done()
    until(lambda: call(first).code == "frozen", "it is frozen there", WITHIN_S)
    assert command(first.data_dir, Freeze("team:research", False, "")) == Done()
    until(lambda: call(second).status == 200, "it is thawed there", WITHIN_S)
    await_equal(first, second)


def test_the_same_idempotency_key_at_two_nodes_is_one_charge(
    nodes: tuple[TestNode, TestNode],
) -> None:
    """The second node gives the reply of the first, at the latest when that has said it is over."""
    first, second = nodes
    await_equal(first, second)
    posted = first.standing("organisation").posted_nanos

    reply = call(first, **{"idempotency-key": "pay-once"})
    until(lambda: again(second).status == 200, "the first says that it is over")

    assert again(second).body == again(first).body == reply.body
    cost = parse_usd(reply.headers["x-headgate-cost-usd"])
    first.await_posted("organisation", posted + cost)


def again(node: TestNode) -> Reply:
    """Repeat the call that has an idempotency key."""
    return call(node, **{"idempotency-key": "pay-once"})


def test_two_nodes_admit_exactly_what_a_budget_pays_for(nodes: tuple[TestNode, TestNode]) -> None:
    """Sixty calls at each, the provider answers nobody before all are decided: ten are served."""
    first, second = nodes
    assert first.hold_nanos(BODY, CHAT) == HOLD_NANOS
    first.simulator.gate.close()

    replies = asyncio.run(_crowd(first, second))

    served = [reply for reply in replies if reply.status == 200]
    assert len(served) == ADMITTED
    # What the other node holds, and what lies idle there, is told apart once it is folded.
    codes = {reply.code for reply in replies if reply.status != 200}
    assert codes <= {"budget_exceeded", "budget_contended"}
    await_equal(first, second)
    standing = first.standing("principal:bob")
    assert 0 < standing.posted_nanos <= standing.limit_nanos


def test_money_that_lies_idle_at_one_node_serves_the_other(
    nodes: tuple[TestNode, TestNode],
) -> None:
    """A budget of three calls serves three, wherever each of them comes; the fourth is refused."""
    first, second = nodes

    replies = [call(node, node.key("carol")) for node in (first, second, first, second, first)]

    cost = parse_usd(replies[0].headers["x-headgate-cost-usd"])
    fits = 1 + (3 * HOLD_NANOS - HOLD_NANOS) // cost
    assert [reply.status for reply in replies] == [200] * min(5, fits) + [402] * (5 - min(5, fits))
    await_equal(first, second)


async def _crowd(first: TestNode, second: TestNode) -> list[Reply]:
    """Send sixty calls to each; the gate opens when all that are not admitted are refused."""
    decided = asyncio.Event()
    left = 120 - ADMITTED

    def told(_payload: bytes) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            decided.set()

    batches = []
    for node in (first, second):
        calls = [Call(CHAT, node.key("bob"), BODY) for _ in range(60)]
        for each in calls:
            each.on_payload = told
        batches.append(asyncio.create_task(send_all(node.gateway_url, calls)))
    async with asyncio.timeout(30):
        await decided.wait()
    first.simulator.gate.release()
    return [reply for batch in await asyncio.gather(*batches) for reply in batch]


@pytest.mark.slow
def test_a_node_that_stands_still_is_given_up_and_comes_back(tmp_path: Path) -> None:
    """What it was lent stays counted, as unaccounted; when it wakes the books are right.

    The node's last sign of life is put back by an hour, so that nobody has to wait for that.
    """
    url = stores.cluster().create_migrated()
    budgets = [once("organisation", "1")]
    with pair(tmp_path, url, budgets) as (first, second):
        assert call(first).status == 200
        first.await_nothing_held()
        names = ("supervisor", "steward", "worker-0")
        for name in names:
            first.send_signal(name, signal.SIGSTOP)
        put_back(url, node_id(first.data_dir))
        until(lambda: second.standing("organisation").unaccounted_nanos > 0, "it is given up")
        lost = second.standing("organisation").unaccounted_nanos
        while call(second).status == 200:
            pass
        standing = second.standing("organisation")
        assert standing.posted_nanos + lost <= standing.limit_nanos
        for name in reversed(names):
            first.send_signal(name, signal.SIGCONT)
        until(lambda: second.standing("organisation").unaccounted_nanos == 0, "it is back")
        until(lambda: call(first).status == 200, "it serves again")
        while call(first).status == 200:
            pass
        await_equal(first, second)
        standing = second.standing("organisation")
        assert standing.posted_nanos <= standing.limit_nanos


@pytest.mark.slow
def test_a_server_that_is_restarted_costs_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without the server a node spends what it has for ten seconds, then nothing; then it goes on.

    The server is stopped as by a crash, while a call is open. Each steward that ends for it says so
    in a line.
    """
    cluster = stores.new_cluster(settings=())
    url = cluster.create_migrated()
    with running_node(tmp_path, budgets=[once("organisation", "10")], store_url=url) as node:
        cost = parse_usd(call(node).headers["x-headgate-cost-usd"])
        node.simulator.gate.close()
        with ThreadPoolExecutor(1) as client:
            running = client.submit(call, node)
            assert node.simulator.gate.wait(1, 5)
            cluster.stop()
            stopped_s = time.monotonic()
            node.simulator.gate.release()
            assert running.result().status == 200
        assert call(node).status == 200
        until(lambda: time.monotonic() > stopped_s + 12, "its time is over")
        assert call(node).code == "ledger_unavailable"
        cluster.start()
        until(lambda: call(node).status == 200, "it serves again")
        node.await_nothing_held()
        assert node.standing("organisation").posted_nanos % cost == 0
        await_equal(node)
    said = capfd.readouterr().err
    # By what it was at when the server went away: reading, or folding.
    first = next(line for line in said.splitlines() if line.startswith("headgate steward: "))
    assert "The store is lost: " in first or "The store cannot be used: " in first
    assert "Traceback" not in said
