"""Keys that end: at their moment, without a restart, and what becomes of what they began."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from headgate.cli.main import app
from headgate.identity.delegation import mint, public_root
from headgate.identity.grant import Asked
from headgate.identity.keys import digest, load_pepper
from headgate.node.commands import command
from headgate.node.messages import CreateKey, Done
from headgate.units.instants import NANOS_PER_SECOND, to_iso
from headgate.units.money import NANOS_PER_USD
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, MESSAGES, Reply, chat, message, post

LIFE_NS = 2 * NANOS_PER_SECOND
USD = NANOS_PER_USD
PEOPLE = {"alice": "research", "bob": "sales"}
KEYS = """
[keys.dated]
principal = "alice"
secret = { value = "hg_dated_0123456789abcdef0123456789abcdef" }
until = 2199-01-01

[keys.later]
principal = "alice"
until = 2199-01-01
"""
DATED = "hg_dated_0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node whose configuration has keys with an end that is far away."""
    budgets = [
        once("organisation", "10.00"),
        once("principal:alice", "1.00"),
        once("principal:bob", "1.00"),
    ]
    folder = tmp_path_factory.mktemp("ends-of-keys")
    with running_node(folder, budgets=budgets, principals=PEOPLE, extra=KEYS) as running:
        yield running
        running.await_nothing_held()


def made(node: TestNode, name: str, until_ns: int | None, who: str = "alice") -> str:
    """Make a key that ends; returns it when it opens."""
    secret = f"hg_{name}_0123456789abcdef0123456789abcdef"
    known, root = digest(load_pepper(node.data_dir), secret.encode()).hex(), public_root(secret)
    assert root is not None
    making = CreateKey(name, who, ("*",), known, root.hex(), until_ns)
    assert command(node.data_dir, making) == Done()
    until(lambda: models(node, secret).code != "key_invalid", "the key is known")
    return secret


def call(node: TestNode, key: str) -> Reply:
    return post(node.gateway_url, CHAT, key, chat("Hello"))


def models(node: TestNode, key: str) -> Reply:
    """Ask what spends nothing."""
    return post(node.gateway_url, "/v1/models", key, b"", method="GET")


def reload(node: TestNode, until_text: str) -> None:
    """Have the configured keys end at another moment."""
    text = node.config.read_text()
    lines = [f"until = {until_text}" if "until =" in line else line for line in text.splitlines()]
    node.config.write_text("\n".join(lines) + "\n")
    folders = ["--config", str(node.config), "--data-dir", str(node.data_dir)]
    assert CliRunner().invoke(app, ["reload", *folders]).exit_code == 0


def test_a_running_node_obeys_the_end_of_a_key(node: TestNode) -> None:
    """Until then it opens, and from then on every path says that it has ended, and when."""
    until_ns = time.time_ns() + LIFE_NS
    key = made(node, "brief", until_ns)
    assert call(node, key).status == 200

    until(lambda: models(node, key).status == 401, "the key has ended")
    refused = [
        call(node, key),
        post(node.gateway_url, MESSAGES, key, message("Hello")),
        models(node, key),
        post(node.gateway_url, "/v1/budgets", key, b"", method="GET"),
        post(node.gateway_url, "/v1/batches", key, b"", method="GET"),
    ]

    assert time.time_ns() >= until_ns
    assert [(each.status, each.code) for each in refused] == [(401, "key_expired")] * 5
    assert f"ended at {to_iso(until_ns)}" in refused[0].document["error"]["message"]
    assert refused[0].headers["www-authenticate"].startswith("Bearer")


def test_who_has_not_the_key_is_not_told_that_there_was_one(node: TestNode) -> None:
    """A guess at the secret of a key that has ended is nobody's key, as any other."""
    key = made(node, "guessed", time.time_ns())

    assert call(node, key).code == "key_expired"
    assert call(node, key[:-1] + "0").code == call(node, "hg_guessed_").code == "key_invalid"


def test_a_call_that_was_begun_before_the_end_is_finished(node: TestNode) -> None:
    """It is answered and settled as any; the next is refused."""
    key = made(node, "running", time.time_ns() + LIFE_NS)
    node.simulator.gate.close()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(call, node, key)
        until(lambda: node.simulator.gate.waiting == 1, "the call is at its provider")
        until(lambda: models(node, key).status == 401, "the key has ended")
        # News of keys make a worker look at the calls that run.
        made(node, "another", None)
        node.simulator.gate.release()
        served = running.result()

    assert served.status == 200 and served.headers["x-headgate-cost-usd"]
    assert call(node, key).code == "key_expired"


def test_an_end_outlives_the_processes_that_knew_it(node: TestNode) -> None:
    """A steward and a worker that come anew refuse it as before."""
    key = made(node, "outlived", time.time_ns())

    for victim in ("steward", "worker-0"):
        node.await_successor(victim, node.kill(victim))
        assert call(node, key).code == "key_expired"


def delegated(node: TestNode, name: str, who: str) -> str:
    """Return a delegation that has a half dollar, and outlives its key by its own words."""
    until_ns = time.time_ns() + LIFE_NS
    key = made(node, name, until_ns, who)
    beyond_ns = (until_ns // NANOS_PER_SECOND + 3_600) * NANOS_PER_SECOND
    return mint(key, name, Asked("child", money_nanos=USD // 2, until_ns=beyond_ns))


def test_a_delegation_ends_with_its_key(node: TestNode) -> None:
    """Whatever it says itself; what it has is free at once for another delegation that lacks it."""
    token = delegated(node, "parent", "alice")
    assert call(node, token).status == 200
    sibling = mint(node.key(), "alice", Asked("sibling", money_nanos=3 * USD // 4))
    assert call(node, sibling).code == "budget_exceeded"

    until(lambda: models(node, token).status == 401, "its key has ended")
    refused = call(node, token)

    assert refused.code == "delegation_expired"
    assert "The key of this delegation ended" in refused.document["error"]["message"]
    until(lambda: call(node, sibling).status == 200, "what was left of it is back")


@pytest.mark.slow
def test_what_an_ended_key_had_delegated_flows_back_by_itself(node: TestNode) -> None:
    """Within the quarter of a minute in which budgets are looked at, without anybody asking."""
    before = node.standing("organisation").carved_nanos
    token = delegated(node, "lender", "bob")
    assert call(node, token).status == 200
    assert node.standing("organisation").carved_nanos == before + USD // 2

    until(
        lambda: node.standing("organisation").carved_nanos < before + USD // 100,
        "what it did not use is back",
    )


def test_a_reload_moves_the_ends_of_configured_keys(node: TestNode) -> None:
    """Of those with a secret in the file, and of those made at run time: both ways at once."""
    later = made(node, "later", None)
    assert call(node, DATED).status == call(node, later).status == 200

    reload(node, "2020-01-01")
    ended = [call(node, DATED).code, call(node, later).code]
    reload(node, datetime.now(UTC).replace(year=2199).strftime("%Y-%m-%dT%H:%M:%SZ"))

    assert ended == ["key_expired", "key_expired"]
    assert call(node, DATED).status == call(node, later).status == 200
