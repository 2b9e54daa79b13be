"""Many questions about one document, each in one text with it: held by what the first was."""

import asyncio
from pathlib import Path

from headgate.units.money import NANOS_PER_USD, parse_usd
from tests.node.harness import TestNode, once, running_node
from tests.node.wire import CHAT, Call, Reply, chat, post
from tests.torture.checker import check, render
from tests.torture.crowd import outcome, pairs, stampede

QUESTIONS = 50
LIMIT_USD = "1.50"
DOCUMENT = "What is written in it, line by line, and nothing else beside that. " * 1_500
"""100 kB."""


def asked(number: int) -> bytes:
    """Return a question about the document, behind it in one message."""
    return chat(f"{DOCUMENT}Question {number}: what is in line {number}? [sim:tokens=20]")


def first(node: TestNode) -> Reply:
    """Ask the first question; when it is answered, nothing is held any more."""
    reply = post(node.gateway_url, CHAT, node.key(), asked(0))
    assert reply.status == 200
    node.await_nothing_held()
    return reply


def test_fifty_questions_about_one_document(tmp_path: Path) -> None:
    """All run at once on what would hold for twenty by their bytes, and the books are the bill.

    The provider reads the document from its cache, so that they cost a fraction of what they hold.
    """
    limit = parse_usd(LIMIT_USD)
    with running_node(tmp_path, budgets=[once("organisation", LIMIT_USD)]) as node:
        begun = first(node)
        calls = [Call(CHAT, node.key(), asked(number)) for number in range(1, QUESTIONS + 1)]
        replies = asyncio.run(stampede(node, calls, QUESTIONS))
        (standing,) = node.await_nothing_held()
        assert node.stop() == 0
    report = check(node.data_dir, node.bill, {"organisation@once": limit}, pairs=pairs(replies))

    assert outcome(replies) == (QUESTIONS, 0)
    assert QUESTIONS * parse_usd(begun.headers["x-headgate-hold-usd"]) > 2 * limit
    assert not report.problems, render(report)
    assert report.windows["organisation@once"].overage == 0
    assert standing.posted_nanos < QUESTIONS * NANOS_PER_USD // 100
