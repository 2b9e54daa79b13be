"""Providers fail in every way under clients of every dialect, whose calls go on in translation.

What policy allowed to avoid costs no client an error; what nobody can avoid, a stream that breaks
off after its first words, ends as the client's own dialect says; and the books agree with the
providers' bills.
"""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.simulator import Fault, FaultKind
from headgate.simulator.models import ProviderName
from headgate.units.money import parse_usd
from tests.node.harness import TestNode, once, running_node
from tests.node.wire import (
    CHAT,
    GEMINI,
    GEMINI_STREAM,
    MESSAGES,
    RESPONSES,
    Call,
    Reply,
    chat,
    content,
    message,
    response,
    send_all,
)
from tests.torture.checker import check, render

LIMIT = "500"
TWO_PROVIDERS = """
[routes.any]
deployments = ["mini", "haiku"]
policy = "ordered"
[routes.google]
deployments = ["flash", "pro"]
policy = "ordered"
[routes.dying]
deployments = ["dead", "haiku"]
policy = "ordered"
[deployments.dead]
provider = "dead"
model = "gpt-5.4-mini"
[providers.dead]
kind = "openai"
seller = "openai"
"""
QUICK = "breaker_failures = 5\nbreaker_open_ms = 50\nretries_burst = 100000"
SHORT = "first_byte_timeout_ms = 1000\nidle_timeout_ms = 1000"
BEFORE_A_WORD = [
    FaultKind.RESET,
    FaultKind.STALL,
    FaultKind.SERVER_ERROR,
    FaultKind.BAD_GATEWAY,
    FaultKind.NONSENSE,
    FaultKind.CUT,
]
MIDSTREAM = [FaultKind.CUT, FaultKind.STALL_STREAM, FaultKind.ERROR_EVENT]
PROVIDERS = [ProviderName.OPENAI, ProviderName.ANTHROPIC]
ENDS = {
    CHAT: b"data: [DONE]",
    MESSAGES: b"event: message_stop",
    RESPONSES: b"event: response.completed",
    GEMINI_STREAM: b'"finishReason"',
}
ERRORS = {
    CHAT: b'data: {"error"',
    MESSAGES: b"event: error",
    RESPONSES: b"event: error",
    GEMINI_STREAM: b'data: {"error"',
}
FOREIGN = {CHAT: "haiku", RESPONSES: "haiku", MESSAGES: "mini"}
"""Who serves a call in translation."""

STRUCK = 9
"""How many calls a fault strikes: enough to open a breaker, and to probe."""


def crowd(key: str, number: int, *, stream: bool, model: str = "any") -> list[tuple[str, Call]]:
    """Return calls of every dialect in turn, each with the path's pattern."""
    found = []
    for count in range(number):
        text = f"Call {count}. [sim:tokens=20]"
        gemini = GEMINI_STREAM if stream else GEMINI
        path, body = [
            (CHAT, chat(text, model=model, stream=stream)),
            (MESSAGES, message(text, model=model, stream=stream)),
            (RESPONSES, response(text, model=model, stream=stream)),
            (gemini, content(text)),
        ][count % 4]
        found.append((path, Call(path.replace("{model}", "google"), key, body)))
    return found


class Waves:
    """Sends crowds to a node, and sees that their replies are whole.

    Attributes:
        translated: Replies that a deployment of another dialect gave.
    """

    def __init__(self, node: TestNode, number: int) -> None:
        self.node = node
        self.number = number
        self.translated: list[Reply] = []

    def send(self, *, stream: bool, model: str = "any") -> list[Reply]:
        """Send a crowd; each reply must be whole, a stream with its dialect's end or error.

        Returns:
            Those whose stream ended in an error.
        """
        calls = crowd(self.node.key(), self.number, stream=stream, model=model)
        replies = asyncio.run(send_all(self.node.gateway_url, [call for _, call in calls]))
        failed = [reply for reply in replies if reply.status != 200 or not reply.whole]
        assert not failed, failed[0].body
        struck = []
        for (path, _), reply in zip(calls, replies, strict=True):
            if reply.headers["x-headgate-deployment"] == FOREIGN.get(path):
                self.translated.append(reply)
            if not stream or (ENDS[path] in reply.body and ERRORS[path] not in reply.body):
                continue
            assert ERRORS[path] in reply.body, (path, reply.body[-300:])
            struck.append(reply)
        return struck


def strike(node: TestNode, kind: FaultKind, number: int, after: int = 0) -> None:
    """Let one of the two providers fail, and Google's first choice."""
    provider = PROVIDERS[number % 2]
    for which, model in ((provider, None), (ProviderName.GOOGLE, "gemini-3.5-flash")):
        node.simulator.faults.add(
            Fault(kind, STRUCK, after_chunks=after, retry_after_s=1, provider=which, model=model)
        )


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port at which nobody listens, as of a provider that was killed."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize("calls", [24, pytest.param(400, marks=pytest.mark.slow)])
def test_no_client_of_any_dialect_sees_an_error_that_policy_could_avoid(
    tmp_path: Path, closed_port: int, calls: int
) -> None:
    """Killed, stalled, broken, talking nonsense, cut, throttled: in turn, whole and streamed."""
    dead = f'base_url = "http://127.0.0.1:{closed_port}/v1"\n'
    with running_node(
        tmp_path,
        budgets=[once("organisation", LIMIT)],
        limits=QUICK,
        provider=SHORT,
        extra=TWO_PROVIDERS + dead,
    ) as node:
        waves = Waves(node, calls)
        for number, kind in enumerate(BEFORE_A_WORD):
            for stream in (False, True):
                strike(node, kind, number + stream)
                assert not waves.send(stream=stream), kind
                node.simulator.faults.clear()
        assert not waves.send(stream=True, model="dying")
        for number, kind in enumerate(MIDSTREAM):
            strike(node, kind, number, after=3)
            assert 0 < len(waves.send(stream=True)) <= 2 * STRUCK, kind
            node.simulator.faults.clear()
        for stream in (False, True):  # The last, as the time a provider names is obeyed.
            strike(node, FaultKind.RATE_LIMIT, 0)
            assert not waves.send(stream=stream)
        assert node.stop() == 0
        report = check(node.data_dir, node.bill, {"organisation@once": parse_usd(LIMIT)})
        assert not report.problems, render(report)
        assert len(waves.translated) > len(BEFORE_A_WORD)
