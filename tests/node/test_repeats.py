"""Calls with an idempotency key, over a real node: executed once, whatever happens in between."""

import asyncio
import http.client
import json
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import openai
import pytest
from sqlalchemy import select

from headgate.identity.delegation import mint
from headgate.identity.grant import Asked
from headgate.ledger.tables import refusal
from headgate.node.messages import Done, Freeze
from headgate.simulator import Fault, FaultKind
from headgate.store.database import open_store_readonly
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, MESSAGES, Call, Reply, chat, message, post, send, send_all
from tests.stores import on_a_file

CROWD = 200
PEOPLE = {"alice": "research", "bob": "sales", "poor": "sales"}
BUDGETS = [once("team:research", "100.00"), once("principal:poor", "0.000001")]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node that keeps short replies."""
    extra = "[idempotency]\nreply_bytes_max = 20000\n"
    extra += '[approvals.dear]\nover_usd = "2.00"\napprovers = ["bob"]'
    with running_node(
        tmp_path_factory.mktemp("repeats"),
        budgets=BUDGETS,
        principals=PEOPLE,
        provider='on_disconnect = "cancel"',
        extra=extra,
    ) as node:
        yield node


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node whose processes are killed; the next of its tests finds others in their place."""
    budgets = [once("organisation", "10.00")]
    with running_node(tmp_path_factory.mktemp("mortal"), budgets=budgets) as node:
        yield node


@pytest.fixture
def node(running: TestNode) -> Iterator[TestNode]:
    """The node; afterwards it has no faults and nothing is held."""
    yield running
    running.simulator.faults.clear()
    running.simulator.gate.release()
    running.await_nothing_held()


def ask(
    node: TestNode, key: str, body: bytes, *, path: str = CHAT, who: str = "alice", **more: str
) -> Reply:
    """Make a call with a key."""
    headers = {"Idempotency-Key": key, **more}
    return post(node.gateway_url, path, node.key(who), body, headers=headers)


def billed(node: TestNode) -> int:
    """Return how many calls the providers have billed."""
    return node.simulator.bill.count


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("path", "body"), [(CHAT, chat), (MESSAGES, message)])
def test_a_repeat_gets_the_same_bytes_for_nothing(
    node: TestNode, path: str, body: Callable[..., bytes], stream: bool
) -> None:
    """Status, call, and body are those of the first; the provider hears of one call."""
    before = billed(node)
    sent = body("Hello", stream=stream)
    first = ask(node, f"same-{path}-{stream}", sent, path=path)
    again = ask(node, f"same-{path}-{stream}", sent, path=path)

    assert (first.status, again.status) == (200, 200)
    assert again.body == first.body
    assert again.headers["x-headgate-call"] == first.headers["x-headgate-call"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["x-headgate-replayed"] == "true"
    assert "x-headgate-replayed" not in first.headers
    assert billed(node) == before + 1


def test_another_body_or_path_is_a_mismatch(node: TestNode) -> None:
    """What the key belongs to is not given to who asks for something else; 422, not repeated."""
    ask(node, "mismatch", chat("One"))

    other = ask(node, "mismatch", chat("Two"))

    assert (other.status, other.code) == (422, "idempotency_mismatch")
    assert other.headers["x-should-retry"] == "false"


def test_keys_of_principals_are_their_own(node: TestNode) -> None:
    """The same key of somebody else is another key."""
    first = ask(node, "own", chat("Hello"))
    other = ask(node, "own", chat("Hello"), who="bob")

    assert other.status == 200
    assert other.headers["x-headgate-call"] != first.headers["x-headgate-call"]


def test_both_names_of_the_header_mean_the_same(node: TestNode) -> None:
    """`x-idempotency-key` is the same key; two different ones are none."""
    first = ask(node, "alike", chat("Hello"))
    named = {"x-idempotency-key": "alike"}
    again = post(node.gateway_url, CHAT, node.key(), chat("Hello"), headers=named)
    both = ask(node, "alike", chat("Hello"), **{"x-idempotency-key": "other"})

    assert again.headers["x-headgate-call"] == first.headers["x-headgate-call"]
    assert (both.status, both.code) == (400, "idempotency_key_invalid")


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "caf\u00e9"])
def test_a_key_that_is_none_is_refused(node: TestNode, key: str) -> None:
    """And nothing is executed."""
    before = billed(node)

    assert ask(node, key, chat("Hello")).code == "idempotency_key_invalid"
    assert billed(node) == before


def test_two_hundred_at_once_are_one_charge(node: TestNode) -> None:
    """One is executed; the others are told to wait, or get its reply."""
    before = billed(node)
    call = Call(CHAT, node.key(), chat("Crowd"), {"Idempotency-Key": "crowd"})

    replies = asyncio.run(send_all(node.gateway_url, [call] * CROWD))

    assert {reply.status for reply in replies} <= {200, 409}
    served = {reply.body for reply in replies if reply.status == 200}
    assert len(served) == 1
    waiting = [reply for reply in replies if reply.status == 409]
    assert {reply.code for reply in waiting} <= {"idempotency_running"}
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in waiting)
    assert billed(node) == before + 1
    assert ask(node, "crowd", call.body).body in served


def test_a_refusal_before_anything_was_sent_leaves_the_key_free(node: TestNode) -> None:
    """A budget that refuses burns no key: the same key may come back with a cheaper call."""
    refused = ask(node, "poor", chat("Hello", tokens=1_000), who="poor")
    again = ask(node, "poor", chat("Hello", tokens=2_000), who="poor")

    assert (refused.code, again.code) == ("budget_exceeded", "budget_exceeded")


def test_an_error_that_cost_nothing_leaves_the_key_free(node: TestNode) -> None:
    """Clients repeat a 503 with the same key: they get a new attempt and not the old error."""
    node.simulator.faults.add(Fault(FaultKind.OVERLOADED, times=1))
    failed = ask(node, "overloaded", chat("Hello"))
    again = ask(node, "overloaded", chat("Hello"))

    assert failed.status == 503
    assert again.status == 200
    assert "x-headgate-replayed" not in again.headers


def test_a_client_that_left_comes_back_for_its_reply(node: TestNode) -> None:
    """The call goes on without it, though nobody listens, and the reply is kept."""
    before = billed(node)
    node.simulator.gate.close()
    body = chat("Later", stream=True)
    connection = http.client.HTTPConnection(urlsplit(node.gateway_url).netloc)
    headers = {"authorization": f"Bearer {node.key()}", "idempotency-key": "left"}
    connection.request("POST", CHAT, body, headers | {"content-type": "application/json"})
    assert node.simulator.gate.wait(1, 5)
    meanwhile = ask(node, "left", body)
    connection.close()
    node.simulator.gate.release()
    until(lambda: ask(node, "left", body).status == 200, "the reply is there")

    assert (meanwhile.status, meanwhile.code) == (409, "idempotency_running")
    assert ask(node, "left", body).body.endswith(b"data: [DONE]\n\n")
    assert billed(node) == before + 1


def test_a_client_that_leaves_in_a_stream_does_not_cancel_it(node: TestNode) -> None:
    """Its provider says `on_disconnect = "cancel"`, but somebody will ask for all of it."""
    body = chat("Slow [sim:tokens=40] [sim:delay_ms=5] [sim:chunk_tokens=2]", stream=True)
    connection = http.client.HTTPConnection(urlsplit(node.gateway_url).netloc)
    headers = {"authorization": f"Bearer {node.key()}", "idempotency-key": "cancelled"}
    connection.request("POST", CHAT, body, headers | {"content-type": "application/json"})
    assert connection.getresponse().status == 200
    connection.close()
    until(lambda: ask(node, "cancelled", body).status == 200, "the reply is there")

    assert ask(node, "cancelled", body).body.endswith(b"data: [DONE]\n\n")
    assert node.simulator.bill.entries[-1].completed


def test_a_stream_that_broke_off_is_an_unknown_outcome(node: TestNode) -> None:
    """Its bound was posted and the provider may bill it, so it is not repeated unasked."""
    node.simulator.faults.add(Fault(FaultKind.CUT, times=1))
    body = chat("Broken [sim:tokens=40]", stream=True)
    first = ask(node, "broken", body)
    unknown = ask(node, "broken", body)
    other = ask(node, "broken", chat("Else"), **{"x-headgate-retry-unknown": "true"})
    again = ask(node, "broken", body, **{"x-headgate-retry-unknown": "true"})

    assert b"[DONE]" not in first.body
    assert unknown.code == "idempotency_unknown"
    assert first.headers["x-headgate-call"] in unknown.document["error"]["message"]
    assert other.code == "idempotency_mismatch"
    assert again.body.endswith(b"data: [DONE]\n\n")


def test_what_is_frozen_while_it_runs_is_paid_for_once(node: TestNode) -> None:
    """Its client is refused, its reply is read for the books, and a repeat is told what it cost."""
    node.simulator.gate.close()
    before = billed(node)
    with ThreadPoolExecutor(1) as clients:
        asking = clients.submit(ask, node, "frozen", chat("Hello"), who="bob")
        assert node.simulator.gate.wait(1, 5)
        assert isinstance(node.ask(Freeze("principal:bob", frozen=True)), Done)
        cut = asking.result()
    while_frozen = ask(node, "frozen", chat("Hello"), who="bob")
    node.simulator.gate.release()
    assert isinstance(node.ask(Freeze("principal:bob", frozen=False)), Done)
    until(lambda: ask(node, "frozen", chat("Hello"), who="bob").code != "frozen", "it is thawed")
    node.await_nothing_held()
    done = ask(node, "frozen", chat("Hello"), who="bob")

    assert (cut.code, while_frozen.code) == ("frozen", "frozen")
    assert done.code == "idempotency_done"
    assert billed(node) == before + 1


def test_an_official_client_waits_for_the_call_that_runs(node: TestNode) -> None:
    """It repeats a 409 by itself, as the header tells it, and gets the reply of the first."""
    body = {"model": "mini", "messages": [{"role": "user", "content": "Wait"}]}
    client = openai.OpenAI(base_url=f"{node.gateway_url}/v1", api_key=node.key(), max_retries=5)
    node.simulator.gate.close()

    def create() -> str:
        headers = {"Idempotency-Key": "official"}
        reply = client.post(
            "/chat/completions", body=body, cast_to=object, options={"headers": headers}
        )
        return str(reply)

    with client, ThreadPoolExecutor(2) as clients:
        first = clients.submit(create)
        assert node.simulator.gate.wait(1, 5)
        second = clients.submit(create)
        until(lambda: "idempotency_running" in refusals(node), "the second was refused")
        node.simulator.gate.release()

        assert second.result() == first.result()


def refusals(node: TestNode) -> set[str]:
    """Return the codes of the calls that were refused, by the store."""
    engine = open_store_readonly(node.data_dir)
    with engine.connect() as connection:
        codes = set(
            connection.scalars(select(refusal.c.code).where(refusal.c.principal == "alice"))
        )
    engine.dispose()
    return codes


def test_agents_have_keys_of_their_own(node: TestNode) -> None:
    """By their names: an agent that is started anew, with a new token, finds what it did."""
    tokens = [mint(node.key(), "alice", Asked(name)) for name in ("bot", "bot", "other")]
    headers = {"Idempotency-Key": "agents"}
    replies = [
        post(node.gateway_url, CHAT, token, chat("Hello"), headers=headers) for token in tokens
    ]
    calls = [reply.headers["x-headgate-call"] for reply in replies]

    assert [reply.status for reply in replies] == [200, 200, 200]
    assert calls[0] == calls[1] != calls[2]


def test_a_call_that_waits_for_a_person_leaves_its_key_to_who_comes_back(node: TestNode) -> None:
    """With a ticket it is over, and nothing was held: the same key serves for the next call."""
    body = message("Dear", model="opus", tokens=100_000)
    tickets = [ask(node, "dear", body, path=MESSAGES, prefer="respond-async") for _ in range(2)]

    assert [ticket.status for ticket in tickets] == [202, 202]
    assert tickets[0].headers["x-headgate-call"] != tickets[1].headers["x-headgate-call"]


def test_no_client_reaches_the_keys_themselves(node: TestNode) -> None:
    """What workers ask the steward is no path."""
    for method in ("GET", "PUT", "DELETE"):
        reply = post(node.gateway_url, "/v1/repeats", node.key(), b"{}", method=method)

        assert reply.code == "path_unknown"


def test_a_long_reply_is_not_kept_and_the_repeat_says_so(node: TestNode) -> None:
    """The first client gets it whole; a repeat is told what it cost."""
    body = chat("Long [sim:tokens=9000]", tokens=9_000)
    first = ask(node, "long", body)
    again = ask(node, "long", body)

    assert first.status == 200
    assert len(first.body) > 20_000
    assert (again.status, again.code) == (409, "idempotency_done")
    message = json.loads(again.body)["error"]["message"]
    assert first.headers["x-headgate-call"] in message
    assert f"${first.headers['x-headgate-cost-usd'].rstrip('0')}" in message


def test_the_file_is_its_owners_alone(node: TestNode) -> None:
    """Replies may be confidential."""
    ask(node, "private", chat("Hello"))

    for path in node.data_dir.glob("repeats.db*"):
        assert path.stat().st_mode & 0o077 == 0, path


@on_a_file
def test_nothing_is_kept_where_nothing_may_be(tmp_path: Path) -> None:
    """With `keep = false` a repeat is still not executed, and no reply is written down."""
    with running_node(tmp_path, extra="[idempotency]\nkeep = false\nkeys_max = 2") as node:
        ask(node, "one", chat("Hello"))
        again = ask(node, "one", chat("Hello"))
        ask(node, "two", chat("Hello"))
        third = ask(node, "three", chat("Hello"))

        assert again.code == "idempotency_done"
        assert (third.status, third.code) == (429, "idempotency_full")
        with sqlite3.connect(node.data_dir / "repeats.db") as kept:
            assert kept.execute("SELECT count(body) FROM repeat").fetchone() == (0,)


def test_the_death_of_a_worker_leaves_an_unknown_outcome(mortal: TestNode) -> None:
    """The repeat is not executed unless its client says that it may be paid for twice."""
    node = mortal
    node.simulator.gate.close()
    call = Call(CHAT, node.key(), chat("Hello"), {"Idempotency-Key": "killed"})

    async def killed() -> int:
        sending = asyncio.create_task(send(node.gateway_url, call))
        await asyncio.to_thread(node.simulator.gate.wait, 1, 5)
        dead = node.kill("worker-0")
        await sending
        return dead

    dead = asyncio.run(killed())
    node.simulator.gate.release()
    node.await_successor("worker-0", dead)
    until(lambda: ask(node, "killed", call.body).code != "idempotency_running", "it is known")
    unknown = ask(node, "killed", call.body)
    again = ask(node, "killed", call.body, **{"x-headgate-retry-unknown": "true"})
    repeat = ask(node, "killed", call.body)

    assert (unknown.status, unknown.code) == (409, "idempotency_unknown")
    assert unknown.headers["x-should-retry"] == "false"
    assert again.status == 200
    assert repeat.body == again.body
    node.await_nothing_held()


def test_a_steward_that_died_takes_a_reply_down_when_it_is_back(mortal: TestNode) -> None:
    """The call that ran meanwhile is told to the new one; its key is not lost."""
    node = mortal
    before = billed(node)
    node.simulator.gate.close()
    call = Call(CHAT, node.key(), chat("Hello"), {"Idempotency-Key": "steward"})

    async def served() -> Reply:
        sending = asyncio.create_task(send(node.gateway_url, call))
        await asyncio.to_thread(node.simulator.gate.wait, 1, 5)
        dead = node.kill("steward")
        node.simulator.gate.release()
        reply = await sending
        await asyncio.to_thread(node.await_successor, "steward", dead)
        return reply

    first = asyncio.run(served())
    until(lambda: ask(node, "steward", call.body).status == 200, "it was told")
    again = ask(node, "steward", call.body)

    assert first.status == 200
    assert again.body == first.body
    assert again.headers["x-headgate-replayed"] == "true"
    assert billed(node) == before + 1
