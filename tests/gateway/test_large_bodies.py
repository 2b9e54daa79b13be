"""Large bodies: read in many turns of the loop, and told and settled like any other."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from headgate.dialects.opened import LARGE_BYTES
from headgate.gateway.client.edge import ClientConnection
from headgate.gateway.cuts import cut
from headgate.gateway.exchange import Exchange
from headgate.gateway.readings import READING
from headgate.records.journal import HoldRecord, RefusalRecord, VoidRecord
from headgate.simulator import Simulator
from tests.gateway.calls import CHAT_PATH, MESSAGES_PATH, ask, chat, message, request
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import ClosedError

WORDS = "word " * (LARGE_BYTES // 5 + 1)
MANY = 400
SIZES = {"one": [WORDS], "many": [WORDS[: len(WORDS) // MANY + 1]] * MANY}


class Sink(asyncio.Transport):
    """A client's transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take what is sent."""
        self.written += bytes(data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing waits here."""

    def is_closing(self) -> bool:
        """It stays open."""
        return False

    def abort(self) -> None:
        """Nothing is open."""

    close = abort


def conversation(texts: list[str]) -> list[dict[str, Any]]:
    """Return messages with these texts, the last one a small user's."""
    said = [{"role": "user", "content": [{"type": "text", "text": text}]} for text in texts]
    return [*said, {"role": "assistant", "content": "ok"}, {"role": "user", "content": "and now?"}]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        (CHAT_PATH, chat, "mini"),
        (CHAT_PATH, chat, "sonnet"),
        (MESSAGES_PATH, message, "sonnet"),
        (MESSAGES_PATH, message, "mini"),
    ],
)
def test_a_large_body_says_what_it_says(
    gateway: Gateway, simulator: Simulator, path: str, body: Any, model: str, size: str
) -> None:
    """To a provider of its dialect as it came but for the name; to another in the same words."""
    said = json.dumps(body(model=model, messages=conversation(SIZES[size]))).encode()

    reply = ask(gateway, said, path)

    assert reply.status == 200, reply.payload
    got = simulator.received.last().body
    native = (path == CHAT_PATH) == (model == "mini")
    if native:
        name = json.loads(got)["model"]
        assert got == said.replace(f'"model": "{model}"'.encode(), f'"model": "{name}"'.encode())
    else:
        texts = [part["text"] for part in parts(json.loads(got)["messages"])]
        assert texts == [*SIZES[size], "ok", "and now?"]


def parts(messages: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the parts of messages, a text alone as one."""
    for each in messages:
        content = each["content"]
        yield from [{"text": content}] if isinstance(content, str) else content


@pytest.mark.parametrize("model", ["mini", "sonnet"])
def test_a_body_that_cannot_be_read_is_refused(gateway: Gateway, model: str) -> None:
    """Whatever its size: what is wrong is told, and nothing is held."""
    held = len([each for each in gateway.records() if isinstance(each, HoldRecord)])
    cases = {
        "body_malformed": json.dumps(chat(model=model, messages=conversation([WORDS])))[:-1],
        "body_invalid": json.dumps(chat(model=model, messages=[{"content": True, "x": WORDS}])),
        "model_unknown": json.dumps(chat(WORDS, model="nobody")),
    }

    codes = [ask(gateway, text.encode()).code for text in cases.values()]

    assert codes == list(cases)
    assert len([each for each in gateway.records() if isinstance(each, HoldRecord)]) == held


def begin(gateway: Gateway, body: dict[str, Any]) -> tuple[ClientConnection, Sink, Exchange]:
    """Give a connection a large body, in the gateway's loop; it is being read afterwards."""
    client, sink = ClientConnection(gateway.pipeline), Sink()
    client.connection_made(sink)
    client.data_received(request(body))
    assert client.exchange is not None
    assert client.exchange.phase == READING
    return client, sink, client.exchange


def test_others_have_their_turn_while_a_body_is_read(
    gateway: Gateway, simulator: Simulator
) -> None:
    """A small call that comes with a large one is sent before it."""

    def both() -> None:
        begin(gateway, chat(WORDS, model="sonnet"))
        begin_small(gateway)

    gateway.run(both)
    gateway.until_idle()

    bodies = [each.body for each in simulator.received.all()[-2:]]
    assert [len(body) > LARGE_BYTES for body in bodies] == [False, True]


def begin_small(gateway: Gateway) -> None:
    """Give a connection of its own a small call."""
    client = ClientConnection(gateway.pipeline)
    client.connection_made(Sink())
    client.data_received(request(chat(model="mini")))


def test_whoever_leaves_while_a_body_is_read_costs_nothing(gateway: Gateway) -> None:
    """The call is forgotten with what it had in memory, and nothing is held or sent."""
    held = len(gateway.records())

    def leave() -> Exchange:
        client, _, exchange = begin(gateway, chat(WORDS, model="sonnet"))
        client.connection_lost(None)
        return exchange

    exchange = gateway.run(leave)
    gateway.until_idle()
    gateway.ticks(2)

    assert exchange.phase == "done"
    assert len(gateway.records()) == held
    assert gateway.problems == []


def test_who_is_frozen_while_a_body_is_read_is_refused(gateway: Gateway) -> None:
    """What changes meanwhile counts, as for any call that has to wait."""

    def freeze() -> Sink:
        _, sink, _ = begin(gateway, chat(WORDS, model="sonnet"))
        gateway.pipeline.frozen = frozenset({"principal:alice"})
        assert cut(gateway.pipeline) == 0
        return sink

    sink = gateway.run(freeze)
    gateway.until_idle()
    gateway.run(lambda: setattr(gateway.pipeline, "frozen", frozenset()))

    refusals = [each for each in gateway.records() if isinstance(each, RefusalRecord)]
    assert refusals[-1].code == "frozen"
    assert b"frozen" in sink.written


@pytest.fixture(params=["kept", "fresh"])
def with_a_bug(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """A gateway that fails where it sends to a deployment: after the money is held.

    On a connection that is there already, or on one that has to be waited for.
    """
    mini = gateway.pipeline.world.targets["mini"]
    kept = dict(mini.envelopes)
    assert ask(gateway, chat("Hello", model="mini")).status == 200
    if request.param == "fresh":
        gateway.run(mini.pool.close)
    gateway.run(mini.envelopes.clear)
    yield gateway
    gateway.run(lambda: mini.envelopes.update(kept))
    gateway.problems.clear()


def test_a_bug_ends_a_large_call_that_is_held(with_a_bug: Gateway) -> None:
    """Nothing was sent: the hold is void, the place is free, and the client is told."""
    _, sink, exchange = with_a_bug.run(lambda: begin(with_a_bug, chat(WORDS, model="mini")))
    with_a_bug.until_idle()

    assert exchange.phase == "done"
    assert b"internal" in sink.written
    (end,) = with_a_bug.ends(exchange.call)
    assert isinstance(end, VoidRecord)


def test_a_bug_ends_a_small_call_that_is_held(with_a_bug: Gateway) -> None:
    """Its client is told, or finds the connection closed: by the loop, which was told nothing."""
    with suppress(ClosedError):
        assert ask(with_a_bug, chat("Hello", model="mini")).code == "internal_error"
    with_a_bug.until_idle()

    (end,) = with_a_bug.ends(with_a_bug.last_call())
    assert isinstance(end, VoidRecord)
