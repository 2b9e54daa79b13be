"""Calls that are asked of two deployments, over a real node: the books, keys, and what may die."""

import asyncio
import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from headgate.simulator import Fault, FaultKind
from tests.node.harness import TestNode, once, running_node, until
from tests.node.test_batches import headgate
from tests.node.wire import CHAT, Call, Reply, chat, post, send

ROUTE = """
[routes.hedged]
deployments = ["mini", "gpt-5-5"]
policy = "ordered"
hedge_after_ms = 250
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node with a route that hedges; who loses a race there is closed."""
    with running_node(
        tmp_path_factory.mktemp("hedging"),
        budgets=[once("organisation", "100.00")],
        provider='on_disconnect = "cancel"',
        extra=ROUTE,
    ) as node:
        yield node


@pytest.fixture
def node(running: TestNode) -> Iterator[TestNode]:
    """The node; afterwards nothing is held, and the books are equal."""
    yield running
    running.simulator.faults.clear()
    running.simulator.gate.release()
    running.await_nothing_held()
    found, code = headgate(running, "check-books")
    assert code == 0, found


def ask(node: TestNode, key: str, **fields: Any) -> Reply:
    """Make a call with an idempotency key."""
    body = chat("Hello", model="hedged", stream=True, **fields)
    return post(node.gateway_url, CHAT, node.key(), body, headers={"Idempotency-Key": key})


def test_a_hedged_call_is_explained_and_repeated(node: TestNode) -> None:
    """Both attempts are there, with what each cost; a repeat gets the answer of the second."""
    node.simulator.faults.add(Fault(FaultKind.STALL, times=1, model="gpt-5.4-mini"))

    reply = ask(node, "hedged")
    again = ask(node, "hedged")

    assert reply.status == 200
    assert reply.headers["x-headgate-deployment"] == "gpt-5-5"
    assert (again.body, again.headers["x-headgate-replayed"]) == (reply.body, "true")
    node.await_nothing_held()
    told, _ = headgate(node, "explain", reply.headers["x-headgate-call"])
    assert [(each["deployment"], each["reason"]) for each in told["attempts"]] == [
        ("mini", "hedge_lost"),
        ("gpt-5-5", None),
    ]
    first, second = told["holds"]
    assert (first["beside"], second["beside"]) == (None, first["attempt"])


def test_who_leaves_in_a_race_comes_back_for_its_answer(node: TestNode) -> None:
    """Both go on for it, and the first answer is kept under its key."""
    node.simulator.gate.close()
    body = chat("Hello", model="hedged", stream=True)
    headers = {"authorization": f"Bearer {node.key()}", "idempotency-key": "left"}
    connection = http.client.HTTPConnection(urlsplit(node.gateway_url).netloc)
    connection.request("POST", CHAT, body, headers | {"content-type": "application/json"})
    assert node.simulator.gate.wait(2, 10)
    connection.close()
    node.simulator.gate.release()

    until(lambda: ask(node, "left").status == 200, "the reply is there")

    reply = ask(node, "left")
    assert reply.body.endswith(b"data: [DONE]\n\n")
    node.await_nothing_held()
    told, _ = headgate(node, "explain", reply.headers["x-headgate-call"])
    reasons = sorted(str(each["reason"]) for each in told["attempts"])
    assert reasons == ["None", "hedge_lost"]


def test_a_worker_that_dies_in_a_race_leaves_both_at_their_holds(node: TestNode) -> None:
    """Each attempt is posted at what was held for it, once."""
    before = node.standing("organisation").posted_nanos
    node.simulator.gate.close()
    body = chat("Hello", model="hedged", stream=True)

    async def killed() -> int:
        sending = asyncio.create_task(send(node.gateway_url, Call(CHAT, node.key(), body)))
        assert await asyncio.to_thread(node.simulator.gate.wait, 2, 10)
        dead = node.kill("worker-0")
        await sending
        return dead

    node.await_successor("worker-0", asyncio.run(killed()))
    node.simulator.gate.release()
    node.await_nothing_held()

    calls, _ = headgate(node, "calls")
    first, second = (each for each in reversed(calls[:2]))
    assert (first["attempt"][-2:], second["attempt"][-2:]) == (".1", ".2")
    assert {first["reason"], second["reason"]} == {"worker_died"}
    posted = node.standing("organisation").posted_nanos - before
    holds = sum(int(each["hold"].replace(".", "")) for each in (first, second))
    assert posted == holds


def test_a_hedging_node_stops_when_it_is_told(tmp_path: Path) -> None:
    """What is drained is waited for as any call is, and the last journal is whole."""
    with running_node(
        tmp_path, extra=ROUTE, limits="drain_timeout_ms = 1000", budgets=[once("organisation", "9")]
    ) as node:
        node.simulator.faults.add(Fault(FaultKind.STALL, times=1, model="gpt-5.4-mini"))
        assert ask(node, "stops").headers["x-headgate-deployment"] == "gpt-5-5"

        assert node.stop() == 0

        found, code = headgate(node, "check-books")
        assert code == 0, found
        calls, _ = headgate(node, "calls")
        assert {each["state"] for each in calls} == {"measured", "estimated"}
