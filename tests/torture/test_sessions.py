"""A long coding session on a dear model: its holds do not refuse it before its money is spent."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.units.money import parse_usd
from tests.node.harness import once, running_node
from tests.node.wire import CHAT, MESSAGES, post
from tests.torture.checker import check, render

CALLS = 50
FIRST_BYTES = 120_000
STEP_BYTES = 4_000
OUTPUT_TOKENS_MAX = 64_000
HALF_USD = parse_usd("12.50")

Messages = list[dict[str, Any]]


def openai_body(messages: Messages) -> bytes:
    """Return what a coding agent on Chat Completions sends."""
    return json.dumps(
        {"model": "gpt-5-5", "max_completion_tokens": OUTPUT_TOKENS_MAX, "messages": messages}
    ).encode()


def anthropic_body(messages: Messages) -> bytes:
    """Return what a coding agent on Messages sends, its prefix marked for the cache."""
    system = [{"type": "text", "text": "Be terse.", "cache_control": {"type": "ephemeral"}}]
    return json.dumps(
        {
            "model": "opus",
            "max_tokens": OUTPUT_TOKENS_MAX,
            "system": system,
            "messages": messages,
        }
    ).encode()


@pytest.mark.parametrize(
    ("path", "body_of"), [(CHAT, openai_body), (MESSAGES, anthropic_body)], ids=["gpt", "opus"]
)
def test_fifty_sequential_agent_calls_on_25_dollars(
    tmp_path: Path, path: str, body_of: Callable[[Messages], bytes]
) -> None:
    """Fifty growing calls of 120 kB and more, each allowed 64,000 tokens of output, on $25.

    None is refused while less than half the budget is posted, though each is held at dollars.
    """
    messages: Messages = [{"role": "user", "content": "code " * (FIRST_BYTES // 5)}]
    posted = served = 0
    with running_node(tmp_path, budgets=[once("principal:alice", "25")]) as node:
        for number in range(CALLS):
            asked = f"Step {number}. [sim:tokens=800] " + "diff " * (STEP_BYTES // 5)
            messages.append({"role": "user", "content": asked})
            reply = post(node.gateway_url, path, node.key(), body_of(messages))
            if reply.status != 200:
                assert reply.code == "budget_exceeded", reply
                break
            served += 1
            posted += parse_usd(reply.headers["x-headgate-cost-usd"])
            messages.append({"role": "assistant", "content": "done " * 100})
        assert served == CALLS or posted >= HALF_USD
        assert node.stop() == 0
    report = check(node.data_dir, node.bill, {"principal-alice@once": parse_usd("25")})
    assert not report.problems, render(report)
    assert report.states == {"measured": served}
