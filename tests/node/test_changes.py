"""What a person changes while a node runs: freezes, thaws, keys made and revoked."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import openai
import pytest

from headgate.console.throttle import WRONG_MAX
from headgate.identity.keys import digest, load_pepper
from headgate.insights.webhooks import webhook
from headgate.node.commands import command
from headgate.node.messages import CreateKey, Done, Failed, Freeze, RevokeKey
from headgate.simulator import Options, Pace
from headgate.store.database import open_store_readonly
from tests.insights.listener import Listener
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, Reply, chat, post

EFFECT_S = 1.0
TOKEN = "a-token-of-the-console"
NODES = ["organisation", "team:research", "principal:alice", "provider:openai", "deployment:mini"]


def call(node: TestNode, key: str | None = None) -> Reply:
    """Make a small call."""
    return post(node.gateway_url, CHAT, key or node.key(), chat("Hello"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node for tests that leave nothing frozen."""
    budgets = [once("organisation", "1"), once("run:*", "1")]
    extra = f'[console]\ntoken = {{ value = "{TOKEN}" }}'
    folder = tmp_path_factory.mktemp("changes")
    with running_node(folder, budgets=budgets, extra=extra) as node:
        yield node


def test_a_freeze_stops_new_calls_within_a_second_and_a_thaw_lets_them_go(shared: TestNode) -> None:
    """Freezing any node above a call refuses it with `frozen`; thawing serves it again."""
    for name in NODES:
        assert command(shared.data_dir, Freeze(name, frozen=True, reason="test")) == Done()
        until(lambda: call(shared).code == "frozen", f"{name} is frozen", EFFECT_S)
        assert call(shared).status == 403
        assert command(shared.data_dir, Freeze(name, frozen=False)) == Done()
        until(lambda: call(shared).status == 200, f"{name} is thawed", EFFECT_S)
    shared.await_nothing_held()


@pytest.mark.parametrize("change", [Freeze("team:research", frozen=True), RevokeKey("later")])
def test_running_streams_are_cut_within_a_second(
    tmp_path: Path, change: Freeze | RevokeKey
) -> None:
    """A freeze, or a key that is revoked, ends streams with an error event; the books hold."""
    secret = "hg_later_0123456789abcdef0123456789abcdef"
    pace = Options(pace=Pace(ttft_ms=0, delay_ms=60_000, jitter_share=0))
    with running_node(tmp_path, budgets=[once("organisation", "1")], options=pace) as node:
        known = digest(load_pepper(node.data_dir), secret.encode()).hex()
        assert command(node.data_dir, CreateKey("later", "alice", ("mini",), known)) == Done()
        client = openai.OpenAI(base_url=f"{node.gateway_url}/v1", api_key=secret, max_retries=0)
        with client:
            until(lambda: knows(client), "the key opens", EFFECT_S)
            stream = client.chat.completions.create(
                model="mini", messages=[{"role": "user", "content": "Hi"}], stream=True
            )
            next(iter(stream))
            began_s = time.monotonic()
            assert command(node.data_dir, change) == Done()
            with pytest.raises(openai.APIError, match=r"frozen|revoked"):
                for _ in stream:
                    pass
            assert time.monotonic() - began_s < EFFECT_S
        (standing,) = node.await_nothing_held()
        assert standing.posted_nanos > 0


def knows(client: openai.OpenAI) -> bool:
    """Tell whether a client's key is valid by now."""
    try:
        return bool(client.models.list().data)
    except openai.AuthenticationError:
        return False


def test_a_run_can_be_frozen_by_itself(shared: TestNode) -> None:
    """Freezing one run of a principal stops that run only."""
    assert command(shared.data_dir, Freeze("run:alice/r1", frozen=True)) == Done()

    def frozen(run: str) -> bool:
        headers = {"x-headgate-run": run}
        reply = post(shared.gateway_url, CHAT, shared.key(), chat("Hi"), headers=headers)
        return reply.status == 403

    until(lambda: frozen("r1"), "the run is frozen", EFFECT_S)
    assert not frozen("r2")
    assert call(shared).status == 200


def test_a_freeze_outlives_every_process(tmp_path: Path) -> None:
    """What is frozen stays frozen when steward and worker die, and when the node restarts."""
    with running_node(tmp_path, budgets=[once("organisation", "1")]) as node:
        assert command(node.data_dir, Freeze("team:research", frozen=True)) == Done()
        until(lambda: call(node).code == "frozen", "the team is frozen", EFFECT_S)
        for victim in ("steward", "worker-0"):
            node.await_successor(victim, node.kill(victim))
            assert call(node).code == "frozen"
        node.stop()
        assert command(node.data_dir, Freeze("team:research", frozen=False)) == Done()
        node.start()
        assert call(node).status == 200


def test_keys_made_and_revoked_at_run_time(tmp_path: Path) -> None:
    """A new key opens within a second, a revoked one is refused within a second, for good."""
    secret = "hg_later_0123456789abcdef0123456789abcdef"
    with running_node(tmp_path, budgets=[once("organisation", "1")]) as node:
        known = digest(load_pepper(node.data_dir), secret.encode()).hex()
        made = CreateKey("later", "alice", ("mini",), known)
        assert command(node.data_dir, made) == Done()
        until(lambda: call(node, secret).status == 200, "the key opens", EFFECT_S)
        assert isinstance(command(node.data_dir, made), Failed)
        assert command(node.data_dir, RevokeKey("later")) == Done()
        until(lambda: call(node, secret).code == "key_invalid", "it is revoked", EFFECT_S)
        for victim in ("steward", "worker-0"):
            node.await_successor(victim, node.kill(victim))
            assert call(node, secret).status == 401
        assert isinstance(command(node.data_dir, RevokeKey("later")), Failed)


@pytest.mark.parametrize("name", ["team:nowhere", "nonsense"])
def test_thawing_what_was_not_frozen_says_so(tmp_path: Path, name: str) -> None:
    """A thaw without a freeze is answered, not ignored; no running node is needed for it."""
    assert isinstance(command(tmp_path / "data", Freeze(name, frozen=False)), Failed)


def test_processes_that_start_at_once_hash_keys_alike(tmp_path: Path) -> None:
    """The first workers of a data directory read one pepper, whoever makes it, and it is secret."""
    together = Barrier(8)

    def load(_number: int) -> bytes:
        together.wait()
        return load_pepper(tmp_path)

    with ThreadPoolExecutor(8) as threads:
        (pepper,) = set(threads.map(load, range(8)))
    assert len(pepper) == 32
    assert (tmp_path / "pepper").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["pepper"]


def test_the_console_of_a_node_asks_for_its_token(shared: TestNode) -> None:
    """The steward knows the token that is configured: that one opens, no token does not."""

    def status(path: str) -> int:
        return post(shared.console_url, path, None, b"", method="GET").status

    assert status("/") == 401
    assert status("/?token=") == 401
    assert status("/?token=wrong") == 401
    assert status(f"/?token={TOKEN}") == 303


def test_a_proxy_beside_the_console_says_who_guesses_its_token(shared: TestNode) -> None:
    """Who comes by the same proxy from elsewhere is let in at once, and who guesses is not."""

    def status(client: str, token: str) -> int:
        headers = {"x-forwarded-for": client}
        path = f"/?token={token}"
        return post(shared.console_url, path, None, b"", method="GET", headers=headers).status

    assert {status("192.0.2.7", f"wrong-{number}") for number in range(WRONG_MAX)} == {401}
    assert status("192.0.2.7", TOKEN) == 429
    assert status("192.0.2.8", TOKEN) == 303


def test_a_webhook_is_told_of_a_change_and_misses_none_over_a_restart(tmp_path: Path) -> None:
    """Each change once and in order, also what happened while the node was down."""
    listener = Listener()
    extra = f"""
[webhooks.ops]
url = "{listener.url}"
secret = {{ value = "a secret" }}
actions = ["node."]
"""

    def told() -> list[str]:
        return [json.loads(body)["data"]["subject"] for _, body in listener.taken]

    try:
        with running_node(tmp_path, extra=extra) as node:
            until(lambda: known_webhooks(node) == 1, "the webhook is known")
            assert command(node.data_dir, Freeze("team:a", frozen=True)) == Done()
            until(lambda: told() == ["team:a"], "the freeze is told")
            node.stop()
            assert command(node.data_dir, Freeze("team:b", frozen=True)) == Done()
            node.start()
            assert command(node.data_dir, Freeze("team:c", frozen=True)) == Done()
            until(lambda: len(told()) == 3, "the others are told")
    finally:
        listener.close()
    assert told() == ["team:a", "team:b", "team:c"]


def known_webhooks(node: TestNode) -> int:
    """Return how many webhooks the store follows."""
    engine = open_store_readonly(node.data_dir)
    with engine.connect() as connection:
        count = connection.execute(webhook.select()).all()
    engine.dispose()
    return len(count)
