"""The database's primary dies under load, and its standby takes over: nothing is forgotten."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headgate.identity.keys import digest, load_pepper, make_key
from headgate.node.commands import command
from headgate.node.messages import CreateKey, Done
from headgate.units.errors import StewardUnavailableError, StoreError
from tests.node.harness import TestNode, once, once_nanos, until
from tests.node.pairs import await_equal, check_together, pair
from tests.node.wire import CHAT, Call, Reply, chat, post
from tests.replicas import Replicated, replicated
from tests.torture.checker import render
from tests.torture.crowd import streams

BODY = chat("Count. [sim:tokens=100]", tokens=100)
LINES = chat(
    "Go on. [sim:tokens=60] [sim:delay_ms=3] [sim:chunk_tokens=2]", tokens=100, stream=True
)
HOLD, STREAM_HOLD = 1_305_759, 1_345_509
"""What `BODY` and `LINES` are held at; a test sees that it is so."""
STREAMS = 20
PEOPLE = {"alice": "research", "bob": "builders"}
LIMIT = 2 * STREAMS * STREAM_HOLD


@pytest.mark.slow
def test_a_standby_takes_over_and_has_all_of_it(tmp_path: Path) -> None:
    """The streams that run come whole, each key that was confirmed is there, the books are exact.

    The budget of both nodes is then spent to its last hold.
    """
    servers = replicated()
    budgets = [once_nanos("team:research", LIMIT), once("organisation", "1000")]
    with pair(tmp_path, servers.url(), budgets, PEOPLE) as (first, second):
        assert first.hold_nanos(BODY, CHAT) == HOLD
        with keys_being_made(first) as made:
            until(lambda: len(made) > 3, "keys are made")
            calls = [Call(CHAT, first.key(), LINES) for _ in range(STREAMS)]
            replies = asyncio.run(streams(first, calls, 100, lambda: fail_over(servers)))
        assert [reply.whole for reply in replies] == [True] * STREAMS
        for node in (first, second):
            until(serves(node), "it serves again")
            assert {call(node, key).status for key in made} == {200}
        for node in (first, second, first):
            until(refuses(node), "all is spent")
        await_equal(first, second)
        assert LIMIT - HOLD < first.standing("team:research").posted_nanos <= LIMIT
        assert (first.stop(), second.stop()) == (0, 0)
        limits = {"team-research@once": LIMIT}
        report = check_together((first, second), tmp_path / "both", limits)
        assert not report.problems, render(report)


def fail_over(servers: Replicated) -> None:
    """Kill the primary, and let the standby take its place."""
    servers.kill_primary()
    servers.promote()


def serves(node: TestNode) -> Callable[[], bool]:
    """Return what tells whether a call is served."""
    return lambda: call(node).status == 200


def refuses(node: TestNode) -> Callable[[], bool]:
    """Return what tells whether a call is refused for want of money, for good."""
    return lambda: call(node).code == "budget_exceeded"


def call(node: TestNode, key: str | None = None) -> Reply:
    """Make one call at a node."""
    return post(node.gateway_url, CHAT, key or node.key(), BODY)


@contextmanager
def keys_being_made(node: TestNode) -> Iterator[list[str]]:
    """Make keys one after the other meanwhile; yields those that the node has confirmed."""
    made: list[str] = []
    over = threading.Event()

    def make() -> None:
        for number in itertools.takewhile(lambda _: not over.is_set(), itertools.count()):
            key = make_key(f"key-{number}")
            known = digest(load_pepper(node.data_dir), key.encode()).hex()
            try:
                answer = command(node.data_dir, CreateKey(f"key-{number}", "bob", ("mini",), known))
            except (StoreError, StewardUnavailableError):
                # Made or not: nobody was told.
                continue
            if answer == Done():
                made.append(key)

    thread = threading.Thread(target=make)
    thread.start()
    try:
        yield made
    finally:
        over.set()
        thread.join()
