"""Limits of a minute on a real node: over its workers, a reload, and a worker that dies."""

import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from typer.testing import CliRunner

from headgate.cli.main import app
from tests.node.harness import TestNode, running_node, secret_of, until
from tests.node.wire import CHAT, chat, post

TIMEOUT_S = 60
CONNECTIONS_MAX = 64
NUMBER_CHARS = 8
TOKENS = 700
ALICE, DORA, EVE = map(secret_of, ("alice", "dora", "eve"))
HELLO = chat("Hello", tokens=10)
LONG = json.dumps(
    {"model": "mini", "messages": [{"role": "user", "content": "[sim:tokens=3000] hello"}]}
).encode()
"""A call that is expected to be short, and takes four times what Dora may take a minute."""


def people(tokens: int = TOKENS, requests: int = 2) -> str:
    """Return two principals with keys: Dora's tokens are limited, and Eve's requests."""
    limits = {"dora": f"tokens_per_minute = {tokens}", "eve": f"requests_per_minute = {requests}"}
    return "\n".join(
        f'[principals.{name}]\n{limit}\n[keys.{name}]\nprincipal = "{name}"\n'
        f'secret = {{ value = "{secret_of(name)}" }}\n'
        for name, limit in limits.items()
    )


class Caller:
    """A connection, which stays with the worker that took it.

    Attributes:
        worker: Which one that is: what the ids of all its calls begin with.
    """

    def __init__(self, node: TestNode) -> None:
        place = urlsplit(node.gateway_url).netloc
        self._connection = http.client.HTTPConnection(place, timeout=TIMEOUT_S)
        self.worker = ""
        self.ask(ALICE)

    def ask(self, key: str, body: bytes = HELLO) -> int:
        """Make a call and return its status."""
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._connection.request("POST", CHAT, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        self.worker = answer.headers["x-headgate-call"][:-NUMBER_CHARS]
        return answer.status

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@contextmanager
def one_at_each_worker(node: TestNode) -> Iterator[tuple[Caller, Caller]]:
    """Have connections to two workers."""
    with ExitStack() as stack:
        callers: dict[str, Caller] = {}
        for _ in range(CONNECTIONS_MAX):
            caller = Caller(node)
            stack.callback(caller.close)
            callers.setdefault(caller.worker, caller)
            if len(callers) == 2:
                break
        here, there = callers.values()
        yield here, there


def run(node: TestNode, *arguments: str) -> str:
    """Run a command as a person does, and return what it prints."""
    where = ("--config", str(node.config), "--data-dir", str(node.data_dir))
    done = CliRunner().invoke(app, [*arguments, *where])
    assert done.exit_code == 0, done.output
    return done.stdout


def is_refused(node: TestNode, tokens: int = TOKENS) -> bool:
    """Tell whether a call of Dora's is refused by her limit, and for long."""
    reply = post(node.gateway_url, CHAT, DORA, HELLO)
    if reply.code != "rate_limit_reached":
        return False
    assert f"principal:dora may take {tokens} tokens" in reply.document["error"]["message"]
    return int(reply.headers["retry-after"]) > 60


def test_workers_know_what_the_others_let_through(tmp_path: Path) -> None:
    """What was taken at one of them is lacking at the other, in calls and in tokens."""
    with (
        running_node(tmp_path, workers=2, extra=people(requests=40)) as node,
        one_at_each_worker(node) as (here, there),
    ):
        until(lambda: here.ask(EVE) == 429, "all of hers is used up")
        served = 0
        while there.ask(EVE) == 200:
            served += 1
        # None, if the other was told in time; never a minute's worth.
        assert served < 40

        assert here.ask(DORA, LONG) == 200
        until(lambda: there.ask(DORA) == 429, "the other knows of it")


def test_a_reload_forgets_nothing(tmp_path: Path) -> None:
    """New workers know what the old ones let through, and count it on the new limit."""
    with running_node(tmp_path, extra=people()) as node:
        assert post(node.gateway_url, CHAT, DORA, LONG).status == 200
        text, changed = node.config.read_text(), TOKENS + 100
        node.config.write_text(text.replace(f"minute = {TOKENS}", f"minute = {changed}"))
        run(node, "reload")

        until(lambda: is_refused(node, changed), "the new worker knows of it")


def test_who_comes_after_a_worker_or_a_steward_that_died_knows_what_was_taken(
    tmp_path: Path,
) -> None:
    """Of a worker's, as far as it was told: that is all but the last moment's."""
    with running_node(tmp_path, extra=people()) as node:
        assert post(node.gateway_url, CHAT, DORA, LONG).status == 200
        node.await_successor("steward", node.kill("steward"))
        until(lambda: is_refused(node), "the worker goes on")
        node.await_successor("worker-0", node.kill("worker-0"))

        until(lambda: is_refused(node), "its successor knows of it")


def test_a_key_that_is_made_later_has_its_principal_s_limits(tmp_path: Path) -> None:
    """And those of its own that are configured under its name."""
    later = '[keys.later]\nprincipal = "eve"\nrequests_per_minute = 2\n'
    with running_node(tmp_path, extra=people(requests=3) + later) as node:
        key = json.loads(run(node, "keys", "create", "later", "--json"))["key"]
        until(lambda: post(node.gateway_url, CHAT, key, HELLO).status == 200, "it is known")

        replies = [post(node.gateway_url, CHAT, key, HELLO) for _ in range(2)]
        others = [post(node.gateway_url, CHAT, EVE, HELLO) for _ in range(2)]

    assert [each.code for each in replies] == [None, "rate_limit_reached"]
    assert [each.code for each in others] == [None, "rate_limit_reached"]
    assert "key:later" in replies[1].document["error"]["message"]
    assert "principal:eve" in others[1].document["error"]["message"]
