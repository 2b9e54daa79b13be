"""Crowds of calls: all at a closed gate, or all streaming while something is killed."""

import asyncio
from collections.abc import Callable

from tests.node.harness import TestNode
from tests.node.wire import Call, Reply, send_all

WAIT_S = 30.0


async def stampede(node: TestNode, calls: list[Call], admitted: int) -> list[Reply]:
    """Send calls at a closed gate, open it when all are decided, and return the replies."""
    gate = node.simulator.gate
    gate.close()
    refused = asyncio.Event()
    left = len(calls) - admitted

    def told(payload: bytes) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            refused.set()

    for call in calls:
        call.on_payload = told
    answers = asyncio.create_task(send_all(node.gateway_url, calls))
    async with asyncio.timeout(WAIT_S):
        assert await asyncio.to_thread(gate.wait, admitted, WAIT_S)
        if left:
            await refused.wait()
    assert gate.waiting == admitted
    gate.release()
    return await answers


def outcome(replies: list[Reply]) -> tuple[int, int]:
    """Return how many calls were served and how many a budget refused."""
    served = sum(reply.status == 200 for reply in replies)
    refused = sum(reply.status == 402 and reply.code == "budget_exceeded" for reply in replies)
    assert served + refused == len(replies), [r for r in replies if r.status not in (200, 402)][:3]
    return served, refused


async def streams(
    node: TestNode, calls: list[Call], pieces: int, act: Callable[[], None]
) -> list[Reply]:
    """Stream many calls at once; `act` when together they got so many pieces of their replies.

    Or, when they are over with fewer, then.
    """
    enough = asyncio.Event()
    left = pieces

    def told(payload: bytes) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            enough.set()

    for call in calls:
        call.on_payload = told
    answers = asyncio.create_task(send_all(node.gateway_url, calls))
    waiting = asyncio.create_task(enough.wait())
    async with asyncio.timeout(WAIT_S):
        # Pieces that are relayed late come together: there may be fewer of them than were sent.
        await asyncio.wait((answers, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    act()
    return await answers


def pairs(replies: list[Reply]) -> dict[str, str]:
    """Return call ids by the provider's request id, of replies whose head came."""
    found = {}
    for reply in replies:
        request = reply.headers.get("x-request-id") or reply.headers.get("request-id")
        if request is not None:
            found[request] = reply.headers["x-headgate-call"]
    return found
