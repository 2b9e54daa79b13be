"""A node as its operator sees it: it starts, serves, keeps its books, drains and stops."""

from pathlib import Path

from headgate.units.money import parse_usd
from tests.node.harness import once, running_node
from tests.node.wire import CHAT, MESSAGES, chat, message, post


def test_a_call_is_served_and_posted_as_billed(tmp_path: Path) -> None:
    """One call per dialect goes through a real node; the store has what the simulators billed."""
    with running_node(tmp_path, budgets=[once("organisation", "1")]) as node:
        replies = [
            post(node.gateway_url, CHAT, node.key(), chat("Hello")),
            post(node.gateway_url, MESSAGES, node.key(), message("Hello")),
        ]
        assert [reply.status for reply in replies] == [200, 200], replies[0].body
        costs = [parse_usd(reply.headers["x-headgate-cost-usd"]) for reply in replies]
        node.await_posted("organisation", sum(costs))
        assert abs(node.simulator.bill.total * 10**9 - sum(costs)) <= 2
        assert node.stop() == 0
