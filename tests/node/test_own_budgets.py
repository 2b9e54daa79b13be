"""`GET /v1/budgets` over a real node: what a caller is told of its budgets, and what it is not."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from headgate.identity.delegation import append, mint
from headgate.identity.grant import Asked
from headgate.node.messages import Done, Freeze
from headgate.units.money import NANOS_PER_USD, parse_usd
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, Reply, chat, post

BUDGETS = "/v1/budgets"
USD = NANOS_PER_USD
SUMS = ("posted", "held", "unaccounted", "carved")
PEOPLE = {"alice": "research", "bob": "sales", "cleo": "research"}
EXTRA = """
[keys.alice-tagged]
principal = "alice"
secret = { value = "hg_alice-tagged_0123456789abcdef0123456789abcdef" }
tags_allowed = ["job=*"]

[keys.alice-mini]
principal = "alice"
secret = { value = "hg_alice-mini_0123456789abcdef0123456789abcdef" }
models = ["mini"]

[budgets.each-agent]
node = "agent:alice/*"
period = "once"
limit_usd = "0.02"

[budgets.hours]
node = "key:*"
period = "rolling"
hours = 24
limit_usd = "7.00"

[budgets.monthly]
node = "principal:cleo"
period = "month"
limit_usd = "8.00"

[budgets.jobs]
node = "tag:job=*"
period = "once"
limit_usd = "9.00"
mode = "shadow"

[budgets.by-provider]
on = { team = "research", provider = "*" }
period = "once"
limit_usd = "30.00"
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node with three principals of two teams, and budgets on all that they are below."""
    budgets = [once("organisation", "100.00"), once("run:*", "1.00"), once("principal:*", "10.00")]
    budgets += [once("team:research", "50.00"), once("team:sales", "40.00")]
    folder = tmp_path_factory.mktemp("own-budgets")
    with running_node(folder, budgets=budgets, principals=PEOPLE, extra=EXTRA) as running:
        yield running


def ask(node: TestNode, key: str, **headers: str) -> Reply:
    return post(node.gateway_url, BUDGETS, key, b"", method="GET", headers=headers)


def told(node: TestNode, key: str, **headers: str) -> dict[str, dict[str, Any]]:
    """Return what a caller is told, by the ids of its windows, in the order of the answer."""
    reply = ask(node, key, **headers)
    assert reply.status == 200, reply
    return {each["id"]: each for each in reply.document["budgets"]}


def test_a_caller_sees_what_its_calls_are_held_on_and_no_others(node: TestNode) -> None:
    """From its key up to the organisation, then by provider; another tenant sees its own."""
    alice, bob = told(node, node.key("alice")), told(node, node.key("bob"))

    providers = [f"by-provider/{name}" for name in ("openai", "anthropic", "google")]
    assert list(alice)[:4] == ["hours/alice", "principal/alice", "team-research", "organisation"]
    assert sorted(list(alice)[4:]) == sorted(providers)
    assert list(bob) == ["hours/bob", "principal/bob", "team-sales", "organisation"]


def test_the_sums_of_a_window_of_ones_own_are_told_whole(node: TestNode) -> None:
    """What a call cost is posted on every window, and free is what the limit leaves."""
    before = told(node, node.key("bob"))["principal/bob"]
    served = post(node.gateway_url, CHAT, node.key("bob"), chat("Hello"))
    cost_nanos = parse_usd(served.headers["x-headgate-cost-usd"])

    own = told(node, node.key("bob"))["principal/bob"]

    assert own["node"] == "principal:*" and own["period"] == "once" and own["renews_at"] is None
    assert parse_usd(own["posted"]) - parse_usd(before["posted"]) == cost_nanos > 0
    assert own["limit"] == "10.000000000" and own["shared"] is False
    used_nanos = sum(parse_usd(own[name]) for name in SUMS)
    assert parse_usd(own["free"]) == parse_usd(own["limit"]) - used_nanos


def test_of_a_shared_window_what_is_left_is_told_and_not_who_used_it(node: TestNode) -> None:
    """A team's and the organisation's say what a refusal would say, and no more."""
    shared = {name: each for name, each in told(node, node.key("alice")).items() if each["shared"]}

    assert {"team-research", "organisation", "by-provider/openai"} == set(shared) - {
        "by-provider/anthropic",
        "by-provider/google",
    }
    for each in shared.values():
        assert [each[name] for name in SUMS] == [None] * 4
        assert parse_usd(each["free"]) <= parse_usd(each["limit"])


def test_a_run_is_seen_by_its_own_principal_alone(node: TestNode) -> None:
    """Another's run of the same name is another run: nothing is used of it."""
    headers = {"x-headgate-run": "nightly"}
    assert (
        post(node.gateway_url, CHAT, node.key("alice"), chat("Hi"), headers=headers).status == 200
    )

    alice = told(node, node.key("alice"), **headers)
    bob = told(node, node.key("bob"), **headers)

    assert next(iter(alice)) == "run/alice/nightly" and next(iter(bob)) == "run/bob/nightly"
    assert parse_usd(alice["run/alice/nightly"]["posted"]) > 0
    assert bob["run/bob/nightly"]["posted"] == "0.000000000"
    assert bob["run/bob/nightly"]["free"] == bob["run/bob/nightly"]["limit"] == "1.000000000"
    assert "run/alice/nightly" not in told(node, node.key("alice"))


def test_a_run_with_a_budget_of_its_own_has_that_limit(node: TestNode) -> None:
    """What a run was told of with counts, not what the configuration gives any."""
    body = b'{"run": "small", "budget_usd": "0.25"}'
    assert post(node.gateway_url, "/v1/runs", node.key("bob"), body).status == 200

    found = told(node, node.key("bob"), **{"x-headgate-run": "small"})["run/bob/small"]

    assert (found["limit"], found["free"]) == ("0.250000000", "0.250000000")


def test_tags_and_models_of_a_key_decide_what_is_told(node: TestNode) -> None:
    """A tag's window is seen with the tag; a provider's by who may ask for its models."""
    tagged = node.key("alice").replace("alice", "alice-tagged")
    few = node.key("alice").replace("alice", "alice-mini")

    with_tag = told(node, tagged, **{"x-headgate-tag": "job=index"})
    without = told(node, tagged)

    assert with_tag["jobs/index"]["mode"] == "shadow" and with_tag["jobs/index"]["shared"]
    assert not any(name.startswith("jobs") for name in without)
    routed = [name for name in told(node, few) if name.startswith("by-provider")]
    assert routed == ["by-provider/openai"]


def test_when_a_window_renews_is_told(node: TestNode) -> None:
    """A month ends where the next begins; a rolling window never renews as a whole."""
    found = told(node, node.key("cleo"))

    renews = datetime.fromisoformat(found["monthly"]["renews_at"])
    assert renews > datetime.now(UTC) and renews.day == 1
    assert (found["hours/cleo"]["period"], found["hours/cleo"]["renews_at"]) == ("24h", None)


def test_a_delegation_sees_its_own_allotment_and_nothing_above(node: TestNode) -> None:
    """Whole before the first call, then with what was used; its own child sees what is left."""
    token = mint(node.key("alice"), "alice", Asked("reader", money_nanos=USD // 4))
    grandchild = append(token, Asked("helper"))

    (unused,) = [each for name, each in told(node, token).items() if name.startswith("agent:")]
    assert post(node.gateway_url, CHAT, grandchild, chat("Hi")).status == 200
    found = told(node, token)
    below = told(node, grandchild)

    assert unused["free"] == unused["limit"] == "0.250000000"
    assert not {"principal/alice", "team-research", "organisation"} & set(found)
    (own,) = [each for name, each in found.items() if name.startswith("agent:")]
    assert own["id"] == unused["id"] and own["node"] == "agent:alice/reader"
    assert parse_usd(own["posted"]) > 0 and own["shared"] is False
    assert below[own["id"]]["shared"] is True and below[own["id"]]["posted"] is None
    assert below[own["id"]]["free"] == own["free"]


def test_a_delegation_without_money_of_its_own_is_told_no_sums_of_its_parents(
    node: TestNode,
) -> None:
    """It spends its principal's budgets, which are somebody else's, too."""
    found = told(node, mint(node.key("alice"), "alice", Asked("guest")))

    assert {"principal/alice", "team-research", "organisation"} <= set(found)
    assert all(each["shared"] and each["posted"] is None for each in found.values())


def test_each_agent_of_a_principal_has_a_limit_of_its_own(node: TestNode) -> None:
    """What one has used, with all below it, is its own; the next has the whole limit."""
    one = mint(node.key("alice"), "alice", Asked("one"))
    below = append(one, Asked("kid", money_nanos=USD // 10))
    other = mint(node.key("alice"), "alice", Asked("other", money_nanos=USD // 10))

    for token in (one, below):
        assert post(node.gateway_url, CHAT, token, chat("Hi")).status == 200
    refused = post(node.gateway_url, CHAT, one, chat("Hi", tokens=5_000))
    found = told(node, one)["each-agent/one"]

    assert refused.code == "budget_exceeded"
    assert "Budget 'each-agent' refuses" in refused.document["error"]["message"]
    assert found["limit"] == "0.020000000" and parse_usd(found["free"]) < USD // 50
    assert told(node, below)["each-agent/one"]["free"] == found["free"]
    assert told(node, other)["each-agent/other"]["free"] == "0.020000000"
    assert post(node.gateway_url, CHAT, other, chat("Hi")).status == 200
    assert not any(name.startswith("each-agent") for name in told(node, node.key("alice")))


def test_an_agent_that_is_frozen_has_a_frozen_window_and_others_have_not(node: TestNode) -> None:
    """What a window is of is looked at, not only what its budget is on."""
    cold, warm = (mint(node.key("alice"), "alice", Asked(name)) for name in ("cold", "warm"))
    assert node.ask(Freeze("agent:alice/cold", frozen=True)) == Done()
    try:
        assert told(node, cold)["each-agent/cold"]["frozen"] is True
        assert told(node, warm)["each-agent/warm"]["frozen"] is False
    finally:
        assert node.ask(Freeze("agent:alice/cold", frozen=False)) == Done()


def test_what_is_frozen_is_told(node: TestNode) -> None:
    """A window below a frozen node says so, another's does not."""
    assert node.ask(Freeze("team:sales", frozen=True)) == Done()
    try:
        assert told(node, node.key("bob"))["principal/bob"]["frozen"] is True
        assert told(node, node.key("alice"))["principal/alice"]["frozen"] is False
    finally:
        assert node.ask(Freeze("team:sales", frozen=False)) == Done()


def test_what_a_call_would_be_refused_for_is_refused(node: TestNode) -> None:
    """A wrong key, run or tag, another method and a name behind the path have their codes."""
    refused = [
        ask(node, "hg_nobody_0123"),
        ask(node, node.key("alice"), **{"x-headgate-run": "no run"}),
        ask(node, node.key("alice"), **{"x-headgate-tag": "job=index"}),
        post(node.gateway_url, f"{BUDGETS}/principal", node.key("alice"), b"", method="GET"),
        post(node.gateway_url, BUDGETS, node.key("alice"), b"{}"),
    ]

    assert [each.code for each in refused] == [
        "key_invalid",
        "run_invalid",
        "tag_not_permitted",
        "path_unknown",
        "method_not_allowed",
    ]
    assert refused[-1].headers["allow"] == "GET, HEAD"


def test_what_a_running_call_holds_is_told(node: TestNode) -> None:
    """It is held until the call ends, then what the call cost is posted."""
    node.simulator.gate.close()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(post, node.gateway_url, CHAT, node.key("cleo"), chat("Hi"))
        until(lambda: node.simulator.gate.waiting == 1, "the call is at its provider")
        during = told(node, node.key("cleo"))["principal/cleo"]
        node.simulator.gate.release()
        served = running.result()
    after = told(node, node.key("cleo"))["principal/cleo"]

    assert parse_usd(during["held"]) == parse_usd(served.headers["x-headgate-hold-usd"])
    assert (after["held"], after["posted"]) == (
        "0.000000000",
        served.headers["x-headgate-cost-usd"],
    )
