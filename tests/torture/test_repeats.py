"""Clients that repeat their calls until they know, while processes are killed with -9."""

import http.client
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, Reply, chat, post
from tests.torture.checker import check, render

LIMIT_NANOS = 50 * 10**9
TEXT = "[sim:tokens=40] [sim:delay_ms=5] [sim:chunk_tokens=2]"
FINAL = {"idempotency_done", "idempotency_unknown"}


def persist(node: TestNode, number: int) -> Reply:
    """Send one call under one key until it is known what it came to."""
    body = chat(f"Call {number} {TEXT}", stream=True)
    known: list[Reply] = []

    def told() -> bool:
        headers = {"Idempotency-Key": f"work/{number}"}
        try:
            reply = post(node.gateway_url, CHAT, node.key(), body, headers=headers)
        except (OSError, http.client.HTTPException):
            # Cut off: the client is where it was.
            return False
        whole = reply.status == 200 and reply.body.endswith(b"[DONE]\n\n")
        if whole or reply.code in FINAL:
            known.append(reply)
        return bool(known)

    until(told, f"call {number} is known")
    return known[0]


def torture(tmp_path: Path, victims: list[str], keys: int) -> list[Reply]:
    """Kill processes among such clients; then nothing was executed twice, and the books balance."""
    with running_node(tmp_path, budgets=[once("organisation", "50.00")]) as node:
        bill = node.simulator.bill
        with ThreadPoolExecutor(16) as clients:
            asking = [clients.submit(persist, node, number) for number in range(keys)]
            for turn, victim in enumerate(victims, 1):
                due = turn * keys // (2 * len(victims))
                until(lambda due=due: bill.count >= due, "some are served")  # type: ignore[misc]
                node.await_successor(victim, node.kill(victim))
            replies = [each.result() for each in asking]
        again = [persist(node, number) for number in range(keys)]
        until(lambda: node.simulator.generating == 0, "the upstream has billed what it sent")
        node.await_nothing_held()
        assert bill.count <= keys, "a call was executed twice"
        for first, second in zip(replies, again, strict=True):
            if first.status == 200 and second.status == 200:
                assert first.body == second.body
            else:
                # A reply that was given, but not taken down yet, is lost with its worker.
                assert second.code == (first.code or "idempotency_done")
        assert node.stop() == 0
    report = check(node.data_dir, node.bill, {"organisation@once": LIMIT_NANOS})
    assert not report.problems, render(report)
    return replies


def test_kills_execute_nothing_twice(tmp_path: Path) -> None:
    """Whoever dies, each key is at most one charge, and each client learns what became of it."""
    replies = torture(tmp_path, ["steward", "worker-0"], 32)

    assert any(reply.status == 200 for reply in replies)


@pytest.mark.slow
def test_many_kills_execute_nothing_twice(tmp_path: Path) -> None:
    """The same with ten deaths."""
    torture(tmp_path, ["worker-0", "steward"] * 5, 400)
