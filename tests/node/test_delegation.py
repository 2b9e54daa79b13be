"""Delegated calls over real HTTP: what a child may do, what it costs whom, and how it ends."""

import json
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from sqlalchemy import select

from headgate.budgets.standing import Standing
from headgate.identity.delegation import append, mint, public_root, read
from headgate.identity.grant import Asked
from headgate.identity.keys import digest, load_pepper
from headgate.insights.search import Wanted, list_calls
from headgate.ledger.tables import attempts
from headgate.node.commands import command
from headgate.node.messages import CreateKey, Done, Freeze, RevokeDelegation, RevokeKey
from headgate.simulator import INSTANT, Pace
from headgate.store.database import open_store_readonly
from headgate.units.instants import NANOS_PER_SECOND
from headgate.units.money import NANOS_PER_USD
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, COUNT, Reply, chat, message, post
from tests.torture.checker import check_journals

EFFECT_S = 1.0
PEOPLE = dict.fromkeys(("alice", "bea", "cleo", "dan", "eve", "fay"), "research")
SLOW = Pace(ttft_ms=0, delay_ms=60_000, jitter_share=0)
USD = NANOS_PER_USD


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node where everybody has a dollar of their own."""
    budgets = [once(f"principal:{name}", "1.00") for name in PEOPLE]
    budgets += [once("organisation", "100.00"), once("run:*", "0.01")]
    folder = tmp_path_factory.mktemp("node")
    with running_node(folder, budgets=budgets, principals=PEOPLE) as node:
        yield node
        limits = {f"principal-{name}@once": USD for name in PEOPLE}
        report = check_journals(node.data_dir, limits, running=False, several=False)
        assert [each for each in report.problems if "not sealed" not in each] == []


@pytest.fixture
def node(running: TestNode) -> Iterator[TestNode]:
    """The node; afterwards nothing is held, and the books are as the journals have them."""
    yield running
    running.simulator.pace = INSTANT
    running.await_nothing_held()


def call(node: TestNode, token: str, **more: Any) -> Reply:
    return post(node.gateway_url, CHAT, token, chat("Hello", **more))


def standing(node: TestNode, name: str) -> Standing:
    """Return how a window of the tree stands."""
    (found,) = [each for each in node.standings() if each.node == name]
    return found


def calls_of(node: TestNode, principal: str) -> tuple[list[str], set[tuple[str, ...]]]:
    """Return somebody's calls, and the chains of names they were made through."""
    engine = open_store_readonly(node.data_dir)
    with engine.connect() as connection:
        rows = list_calls(connection, Wanted(principal=principal), 100)
    engine.dispose()
    chains = {tuple(link.partition("~")[0] for link in row.chain) for row in rows}
    return [row.call for row in rows], chains


def child(node: TestNode, principal: str, agent: str = "child", **asked: Any) -> str:
    return mint(node.key(principal), principal, Asked(agent, **asked))


def test_official_clients_speak_with_a_token(node: TestNode) -> None:
    """A grandchild minted offline calls through both official clients, on its own allotment."""
    token = append(child(node, "alice", money_nanos=USD // 2), Asked("helper", tools=frozenset()))
    with openai.OpenAI(base_url=f"{node.gateway_url}/v1", api_key=token, max_retries=0) as client:
        reply = client.chat.completions.create(
            model="mini", messages=[{"role": "user", "content": "Hi"}]
        )
        assert reply.choices[0].message.content
    with (
        anthropic.Anthropic(base_url=node.gateway_url, api_key=token, max_retries=0) as other,
        other.messages.stream(
            model="haiku", max_tokens=50, messages=[{"role": "user", "content": "Hi"}]
        ) as stream,
    ):
        assert stream.get_final_text()
    node.await_nothing_held()

    own, above = standing(node, "agent:alice/child"), standing(node, "principal:alice")

    assert own.posted_nanos > 0 and own.limit_nanos == USD // 2
    assert (above.posted_nanos, above.carved_nanos) == (0, USD // 2)
    assert above.delegated_nanos == own.posted_nanos
    counted = check_journals(node.data_dir, {}, running=True, several=False).counted
    assert counted["principal-alice@once"].posted == own.posted_nanos
    (call_id, *_), chains = calls_of(node, "alice")
    assert chains == {("child", "helper")}
    told = post(node.gateway_url, f"/v1/calls/{call_id}", token, b"", method="GET").document
    assert [each.partition("~")[0] for each in told["attempts"][0]["chain"]] == ["child", "helper"]
    assert standing(node, "organisation").carved_nanos >= USD // 2


def test_a_child_may_not_do_what_it_was_not_granted(node: TestNode) -> None:
    """Models and tools outside the grant are refused by name, and nothing is held."""
    token = child(node, "bea", models=frozenset({"mini"}), tools=frozenset({"search"}))
    offered = [{"type": "function", "function": {"name": name}} for name in ("search", "shell")]

    assert call(node, token, model="gpt-5-5").code == "not_permitted"
    refused = call(node, token, tools=offered)
    assert (refused.status, refused.code) == (403, "not_permitted")
    assert "'shell'" in refused.document["error"]["message"]
    assert call(node, token, tools=offered[:1]).status == 200
    listed = post(node.gateway_url, "/v1/models", token, b"", method="GET").document
    assert [each["id"] for each in listed["data"]] == ["mini"]
    count = post(node.gateway_url, COUNT, token, message("Hi", model="haiku"))
    assert count.code == "not_permitted"


def test_a_delegation_is_a_node_that_can_be_frozen(node: TestNode) -> None:
    """Freezing a generation refuses it and those below it, not those beside it."""
    above, beside = child(node, "bea", "cold"), child(node, "bea", "warm")
    below = append(above, Asked("kid"))

    assert command(node.data_dir, Freeze("agent:bea/cold", frozen=True)) == Done()

    until(lambda: call(node, below).code == "frozen", "it is frozen", EFFECT_S)
    assert call(node, above).code == "frozen" and call(node, beside).status == 200
    assert command(node.data_dir, Freeze("agent:bea/cold", frozen=False)) == Done()
    until(lambda: call(node, below).status == 200, "it is thawed", EFFECT_S)


BAD = {
    "delegation_foreign": lambda key: mint(key[:-1] + "0", "bea", Asked("a")),
    "delegation_invalid": lambda key: mint(key, "bea", Asked("a"))[:-9],
    "delegation_widened": lambda key: append(
        mint(key, "bea", Asked("a", money_nanos=1)), Asked("b", money_nanos=2)
    ),
    "delegation_too_deep": lambda key: append(mint(key, "bea", Asked("a", depth=0)), Asked("b")),
    "delegation_too_large": lambda key: mint(key, "bea", Asked("a")) + "A" * 9_000,
    "delegation_expired": lambda key: mint(key, "bea", Asked("a", until_ns=NANOS_PER_SECOND)),
}


@pytest.mark.parametrize("code", BAD)
def test_bad_tokens_are_refused_and_nothing_is_held(node: TestNode, code: str) -> None:
    """Each kind of bad token has its own code, for calls and for what is no call."""
    before = standing(node, "principal:bea")
    token = BAD[code](node.key("bea"))

    assert call(node, token).code == code
    assert post(node.gateway_url, "/v1/models", token, b"", method="GET").code == code
    assert standing(node, "principal:bea") == before


def test_an_allotment_is_carved_once_and_never_beyond_what_is_above(node: TestNode) -> None:
    """Children share their parent's money: what does not fit names the parent's budget."""
    first = child(node, "cleo", "first", money_nanos=600_000_000)
    assert call(node, node.key("cleo")).status == 200
    assert call(node, first).status == call(node, first).status == 200
    assert call(node, append(first, Asked("kid", money_nanos=500_000_000))).status == 200

    too_much = call(node, append(first, Asked("late", money_nanos=100_000_001)))
    beside = call(node, child(node, "cleo", "second", money_nanos=400_000_001))

    assert (too_much.status, too_much.code) == (402, "budget_exceeded")
    assert "agent:cleo/first~" in too_much.document["error"]["message"]
    assert beside.code == "budget_exceeded"
    assert "Budget 'principal-cleo'" in beside.document["error"]["message"]
    node.await_nothing_held()
    above = standing(node, "principal:cleo")
    assert above.carved_nanos == 600_000_000
    assert above.free_nanos == USD - 600_000_000 - above.posted_nanos > 0
    small = child(node, "cleo", "small", money_nanos=1)
    assert "agent:cleo/small~" in call(node, small).document["error"]["message"]


def test_what_is_left_flows_back_and_descendants_are_refused(node: TestNode) -> None:
    """Revoking a parent refuses its child within a second; only what they spent stays carved.

    A steward that dies in between changes nothing.
    """
    parent = child(node, "dan", "parent", money_nanos=900_000_000)
    kid = append(parent, Asked("kid", money_nanos=800_000_000))
    assert call(node, parent).status == call(node, kid).status == 200
    node.await_successor("steward", node.kill("steward"))
    assert call(node, kid).status == 200
    assert call(node, child(node, "dan", "more", money_nanos=USD // 2)).code == "budget_exceeded"
    known = read(parent)
    assert known is not None

    assert node.ask(RevokeDelegation(known.ids[0])) == Done()

    until(lambda: call(node, kid).code == "delegation_revoked", "it is refused", EFFECT_S)
    node.await_nothing_held()
    spent = standing(node, "principal:dan").delegated_nanos
    assert spent > 0
    until(lambda: standing(node, "principal:dan").carved_nanos == spent, "the rest is back")
    assert call(node, child(node, "dan", "next", money_nanos=USD // 2)).status == 200


def test_what_an_ended_delegation_left_flows_back(node: TestNode) -> None:
    """When its time is over a token is refused, and the rest is its parent's and its siblings'."""
    until_ns = (time.time_ns() // NANOS_PER_SECOND + 2) * NANOS_PER_SECOND
    token = child(node, "eve", "brief", money_nanos=USD, until_ns=until_ns)
    assert call(node, token).status == 200
    sibling = child(node, "eve", "sibling", money_nanos=USD // 2)
    assert call(node, sibling).code == call(node, node.key("eve")).code == "budget_exceeded"

    until(lambda: call(node, token).code == "delegation_expired", "it has ended")
    until(lambda: call(node, sibling).status == 200, "the rest is back")
    assert call(node, node.key("eve")).status == 200


@pytest.mark.parametrize("change", ["delegation", "key"])
def test_running_streams_of_descendants_are_cut_within_a_second(
    node: TestNode, change: str
) -> None:
    """Revoking a parent cuts its grandchild's stream with an error event, and the books hold."""
    key = f"hg_later-{change}_0123456789abcdef0123456789abcdef"
    root, known = public_root(key), digest(load_pepper(node.data_dir), key.encode()).hex()
    assert root is not None
    made = CreateKey(f"later-{change}", "fay", ("*",), known, root.hex())
    assert command(node.data_dir, made) == Done()
    parent = mint(key, f"later-{change}", Asked("parent", money_nanos=USD // 10))
    token = append(parent, Asked("kid"))
    until(lambda: call(node, token).status == 200, "the key delegates", EFFECT_S)
    node.simulator.pace = SLOW
    found = read(parent)
    assert found is not None
    revoking = RevokeKey(f"later-{change}") if change == "key" else RevokeDelegation(found.ids[0])
    with openai.OpenAI(base_url=f"{node.gateway_url}/v1", api_key=token, max_retries=0) as client:
        stream = client.chat.completions.create(
            model="mini", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        next(iter(stream))
        began_s = time.monotonic()
        assert command(node.data_dir, revoking) == Done()
        with pytest.raises(openai.APIError, match="revoked"):
            for _ in stream:
                pass
        assert time.monotonic() - began_s < EFFECT_S
    node.await_nothing_held()
    assert standing(node, "principal:fay").delegated_nanos > 0


def test_a_runs_budget_holds_for_delegates_too(node: TestNode) -> None:
    """A delegate's call in a run is held on the run's budget and on its allotment."""
    token = child(node, "bea", "runner", money_nanos=USD // 10)
    headers = {"x-headgate-run": "r1"}

    served = post(node.gateway_url, CHAT, token, chat("Hi", tokens=50), headers=headers)
    refused = post(node.gateway_url, CHAT, token, chat("Hi", tokens=60_000), headers=headers)

    assert served.status == 200
    assert "Budget 'run'" in refused.document["error"]["message"]
    node.await_nothing_held()
    of_run = select(attempts.c.windows).where(attempts.c.run == "r1")
    engine = open_store_readonly(node.data_dir)
    with engine.connect() as connection:
        windows = json.loads(connection.scalar(of_run) or "[]")
    engine.dispose()
    assert [window.partition("~")[0] for window in windows] == [
        "run/bea/r1@once",
        "agent:bea/runner",
    ]
