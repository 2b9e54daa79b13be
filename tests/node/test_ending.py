"""A node that is told to stop while a stream runs, and told again."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, Call, Reply, chat, send
from tests.torture.checker import check, render

LIMIT_NANOS = 10**10
SLOW = chat("Go on. [sim:tokens=400] [sim:delay_ms=100]", tokens=500, stream=True)


@pytest.mark.slow
def test_a_node_told_twice_ends_its_streams_and_itself(tmp_path: Path) -> None:
    """The first time it waits for the stream; the second time the stream ends as the dialect has
    it, is posted at its bound, and the node exits as after any stop.
    """
    with running_node(tmp_path, budgets=[once("organisation", "10")]) as node:
        reply = asyncio.run(streaming_while_told(node))
        assert node.process.wait(60) == 0
    report = check(node.data_dir, node.bill, {"organisation@once": LIMIT_NANOS})

    assert reply.whole
    assert b"shutdown_timeout" in reply.body
    assert not report.problems, render(report)


async def streaming_while_told(node: TestNode) -> Reply:
    """Have a stream begin, and tell the node to stop until the stream has ended."""
    began = asyncio.Event()
    call = Call(CHAT, node.key(), SLOW, on_payload=lambda _: began.set())
    stream = asyncio.create_task(send(node.gateway_url, call))
    await began.wait()

    def told_on() -> bool:
        node.process.send_signal(signal.SIGTERM)
        return stream.done()

    await asyncio.to_thread(until, told_on, "the stream is ended")
    return await stream
