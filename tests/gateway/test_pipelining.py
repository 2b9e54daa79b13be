"""Requests that come behind a call that runs: each has its turn, and what it may wait for."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from headgate.records.journal import HoldRecord
from tests.gateway.calls import chat, encode, head, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import Event, Line, Provider, completion, whole
from tests.gateway.wire import Wire

BODY = encode(chat())
ASKS = head(headers=[("expect", "100-continue")])
LENGTH = b"content-length: %d\r\n\r\n" % len(BODY)
HEALTH = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n"


@contextmanager
def running(start: Start) -> Iterator[tuple[Gateway, Wire, Event]]:
    """Yield a connection whose first call runs, until the event lets it end."""

    async def talk(line: Line) -> None:
        while True:
            await line.request()
            await go.wait()
            await line.send(whole(completion()))

    with Provider(talk) as provider:
        go = provider.event()
        gateway = start(openai_url=provider.url)
        with Wire(gateway.port) as wire:
            wire.send(request(chat()))
            gateway.until(lambda: bool(gateway.pipeline.exchanges), "the call runs")
            yield gateway, wire, go


def is_awaited(gateway: Gateway, phase: str = "body") -> bool:
    """Tell whether the one client is in a phase of what it sends."""
    return [each.phase for each in gateway.pipeline.connections] == [phase]


@pytest.mark.parametrize("between", [b"", HEALTH, HEALTH + request(chat()) + HEALTH])
def test_who_asks_first_is_told_to_go_on_when_its_turn_comes(start: Start, between: bytes) -> None:
    """A client may wait for that for as long as it likes, also behind what was answered at once."""
    with running(start) as (gateway, wire, go):
        wire.send(between + ASKS + LENGTH)
        gateway.until(lambda: is_awaited(gateway), "the head is there")
        go.set()

        for _ in range(1 + between.count(b"HTTP/1.1")):
            assert wire.read().status == 200
        assert wire.read().status == 100
        assert wire.send(BODY).read().status == 200
        assert wire.send(HEALTH).read().status == 200


def test_who_asks_first_and_does_not_wait_is_not_told(start: Start) -> None:
    """A body that has begun to come needs no leave."""
    with running(start) as (gateway, wire, go):
        wire.send(ASKS + LENGTH + BODY[:1])
        gateway.until(
            lambda: any(each.request.body_bytes for each in gateway.pipeline.connections),
            "the body has begun",
        )
        go.set()

        assert wire.read().status == 200
        assert wire.send(BODY[1:]).read().status == 200


@pytest.mark.parametrize("count", [15, 16, 17, 40, 400])
def test_nothing_begins_that_a_client_left_behind(start: Start, count: int) -> None:
    """However many calls wait, none of them is made for a client that is gone; that it reads
    nothing any more is known at the latest when their turn comes."""
    with running(start) as (gateway, wire, go):
        wire.send(request(chat()) * count)
        gateway.until(lambda: waiting(gateway) >= min(count, 16), "as many wait as may")
        wire.close()
        gateway.ticks(3)
        go.set()
        gateway.until(lambda: not gateway.pipeline.connections, "the gateway has noticed")
        gateway.until_idle()

        assert len([each for each in gateway.records() if isinstance(each, HoldRecord)]) == 1
        assert gateway.run(lambda: gateway.pipeline._buffered_bytes) == 0


def waiting(gateway: Gateway) -> int:
    """Return how many calls wait on the one connection."""
    (client,) = gateway.pipeline.connections
    return len(client._queue)
