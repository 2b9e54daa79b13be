"""Streams of a cascade while they are held back: what clients see, pay and leave meanwhile."""

import json
from collections.abc import Iterator

import pytest

from headgate.gateway.client.edge import ClientConnection
from headgate.gateway.kept.recorder import Recorder
from headgate.records.journal import SettleRecord
from headgate.records.repeats import Claim
from tests.gateway.calls import config, encode, request
from tests.gateway.cascades import BIG, MORE, says
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import STREAM_HEAD, Event, Line, Provider, chunk, event
from tests.gateway.test_cascade_streams import LIMITS, chosen, events, streamed, streams
from tests.gateway.test_cuts import freeze
from tests.gateway.wire import Wire


class Stepping:
    """The cheap model's streams wait in the middle until they are told to go on.

    Attributes:
        first: Events that come at once.
        rest: Those that wait.
        last: What the dear model replies, when `then` is set; `early` before that.
    """

    def __init__(self) -> None:
        self.first, self.rest = events('{"answer": 1}')[:20], events('{"answer": 1}')[20:]
        self.early = self.last = b""
        self.go: Event
        self.then: Event
        self.server = Provider(self._talk)

    async def _talk(self, line: Line) -> None:
        while True:
            body = json.loads((await line.request()).partition(b"\r\n\r\n")[2])
            if body["model"] == BIG:
                await line.send(self.early)
                await self.then.wait()
                await line.send(self.last)
                continue
            await line.send(STREAM_HEAD + chunk(event(choices=[])) + chunk(self.first))
            await self.go.wait()
            await line.send(chunk(self.rest) + b"0\r\n\r\n")


@pytest.fixture(scope="module")
def paced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Stepping]]:
    """A gateway whose cheap model pauses."""
    stepping = Stepping()
    with stepping.server as server:
        text = config(server.url, server.url, more=MORE, limits=LIMITS)
        with Gateway(tmp_path_factory.mktemp("paced"), text) as gateway:
            yield gateway, stepping


@pytest.fixture
def stepped(paced: tuple[Gateway, Stepping]) -> Iterator[tuple[Gateway, Stepping]]:
    """The two, with a new script; afterwards nothing is held."""
    gateway, stepping = paced
    stepping.go = stepping.server.event()
    stepping.early, stepping.last = b"", streams("two", model=BIG)
    stepping.then = stepping.server.event()
    stepping.then.set()
    yield gateway, stepping
    stepping.go.set()
    stepping.then.set()
    gateway.assert_settled()
    assert gateway.run(lambda: gateway.pipeline._buffered_bytes) == 0
    gateway.heal()


def holding(gateway: Gateway) -> None:
    """Wait until the only call's stream has begun, and is held back."""
    gateway.until(
        lambda: [each.begun for each in gateway.pipeline.exchanges] == [True], "it is held back"
    )


def test_while_it_is_held_back_the_client_hears_pings(stepped: tuple[Gateway, Stepping]) -> None:
    """Its head, which says nothing of the step, and empty lines; then the whole stream at once."""
    gateway, stepping = stepped
    with Wire(gateway.port) as wire:
        wire.send(request(streamed()))
        holding(gateway)
        assert b"200 OK" in wire.read_head()
        assert [wire.read_chunk() for _ in range(2)] == [b"\n"] * 2
        stepping.go.set()
        pieces = iter(wire.read_chunk, b"")

        told = b"".join(pieces).lstrip(b"\n")
    assert b'"content": "{"' in told
    assert told.endswith(b"data: [DONE]\n\n")


def test_an_error_behind_pings_is_not_kept_for_a_key(stepped: tuple[Gateway, Stepping]) -> None:
    """The last step answers without a stream: who comes back with the key may ask anew."""
    gateway, stepping = stepped
    stepping.rest, stepping.last = events("no"), says("two", model=BIG)
    repeats = gateway.pipeline.repeats

    def key() -> Recorder:
        (exchange,) = gateway.pipeline.exchanges
        assert isinstance(exchange.client, ClientConnection)
        claim = Claim("alice", "k", "", exchange.call, "j")
        exchange.client = recorder = Recorder(repeats, exchange, exchange.client, claim)
        return recorder

    with Wire(gateway.port) as wire:
        wire.send(request(streamed()))
        holding(gateway)
        recorder = gateway.run(key)
        wire.read_head()
        stepping.go.set()
        told = b"".join(iter(wire.read_chunk, b""))

    assert b"without a stream" in told
    assert not recorder.whole


def test_what_is_longer_than_may_be_held_back_did_not_pass(
    stepped: tuple[Gateway, Stepping],
) -> None:
    """It is ended and posted at its bound, and the next is asked."""
    gateway, stepping = stepped
    stepping.rest = event(choices=[chosen({"content": "x" * 5_000})])
    with Wire(gateway.port) as wire:
        wire.send(request(streamed()))
        holding(gateway)
        stepping.go.set()
        payload = wire.read().payload

    assert b'"wo"' in payload
    assert payload.endswith(b"data: [DONE]\n\n")
    first, last = gateway.ends(gateway.last_call())
    assert isinstance(first, SettleRecord)
    assert (first.state, first.reason, first.final) == ("estimated", "withheld_too_long", False)
    assert isinstance(last, SettleRecord)
    assert (last.state, last.final) == ("measured", True)


def test_what_is_kept_counts_as_bodies_do(stepped: tuple[Gateway, Stepping]) -> None:
    """While the next step is asked; and its head names the step once, however it begins."""
    gateway, stepping = stepped
    usage = {"prompt_tokens": 10, "completion_tokens": 0, "total_tokens": 10}
    # Its client has not asked for that, so nothing is sent on yet.
    stepping.early = STREAM_HEAD + chunk(event(model=BIG, choices=[], usage=usage))
    stepping.then, stepping.rest = stepping.server.event(), events("no")
    stepping.last = chunk(events("two", model=BIG)) + b"0\r\n\r\n"
    with Wire(gateway.port) as wire:
        wire.send(request(streamed()))
        holding(gateway)
        stepping.go.set()
        gateway.until(
            lambda: (
                [(each.target.deployment.id, each.phase) for each in gateway.pipeline.exchanges]
                == [("big", "body")]
            ),
            "the last step begins",
        )
        buffered = gateway.run(lambda: gateway.pipeline._buffered_bytes)
        stepping.then.set()
        reply = wire.read()

    assert buffered > len(encode(streamed())) + len(events("no")) // 2
    assert b'"wo"' in reply.payload
    assert [name for name, _ in reply.headers].count("x-headgate-cascade") <= 1


def test_who_leaves_meanwhile_pays_what_was_begun(stepped: tuple[Gateway, Stepping]) -> None:
    """It is read to its end, as any stream whose client went away, and nobody else is asked."""
    gateway, stepping = stepped
    stepping.rest = events("no")
    with Wire(gateway.port) as wire:
        wire.send(request(streamed()))
        holding(gateway)
    gateway.until(
        lambda: all(each.client is None for each in gateway.pipeline.exchanges), "it has left"
    )
    stepping.go.set()
    gateway.until_idle()

    (end,) = gateway.ends(gateway.last_call())
    assert isinstance(end, SettleRecord)
    assert (end.state, end.final) == ("measured", True)


def test_who_is_frozen_meanwhile_gets_nothing_of_it(stepped: tuple[Gateway, Stepping]) -> None:
    """The client has seen no byte, or pings alone: it is told why, and nothing was served."""
    gateway, _ = stepped
    with Wire(gateway.port) as wire:
        wire.send(request(streamed()))
        holding(gateway)
        assert freeze(gateway, "principal:alice") == 1
        reply = wire.read()
    gateway.run(lambda: setattr(gateway.pipeline, "frozen", frozenset()))

    assert b"frozen" in reply.payload
    assert b"answer" not in reply.payload
    (end,) = gateway.ends(gateway.last_call())
    assert isinstance(end, SettleRecord)
    assert (end.state, end.reason) == ("estimated", "frozen")
