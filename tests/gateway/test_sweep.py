"""The sweep: no time is over before it is, though nobody looks at the clock but the sweep."""

import pytest

from headgate.gateway.client.edge import ClientConnection
from headgate.gateway.settings import SWEEP_MS
from headgate.gateway.sweep import sweep
from tests.gateway.calls import chat, head, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import (
    STREAM_HEAD,
    Line,
    Provider,
    chunk,
    completion,
    event,
    whole,
)
from tests.gateway.wire import Wire

TIME_MS = 700
LIMITS = ["first_byte_timeout_ms", "idle_timeout_ms", "total_timeout_ms"]


async def once(line: Line) -> None:
    """Answer the first request of a connection, and no other."""
    await line.request()
    await line.send(whole(completion()))
    await line.closed()


def client_of(gateway: Gateway) -> ClientConnection:
    """Return the one connection of a client."""
    (client,) = gateway.pipeline.connections
    return client


@pytest.mark.parametrize("limit", LIMITS)
def test_a_provider_has_all_of_its_time(start: Start, limit: str) -> None:
    """A request is sent just before a sweep: its time is over when it is, counted from there."""

    def run() -> tuple[bool, bool]:
        pipeline, sent_ms = gateway.pipeline, gateway.pipeline.coarse_ms
        client_of(gateway).data_received(request(chat(stream=True)))
        (exchange,) = pipeline.exchanges
        if limit == "idle_timeout_ms":
            assert exchange.upstream is not None
            exchange.upstream.data_received(STREAM_HEAD + chunk(event()))
        sweep(pipeline, sent_ms + SWEEP_MS)
        sweep(pipeline, sent_ms + SWEEP_MS + TIME_MS - 1)
        in_time = exchange.phase in ("reply", "body")
        sweep(pipeline, sent_ms + SWEEP_MS + TIME_MS)
        return in_time, exchange.phase == "done"

    with Provider(once) as provider:
        gateway = start(openai_url=provider.url, openai=f"{limit} = {TIME_MS}")
        with Wire(gateway.port) as wire:
            assert wire.send(request(chat())).read().status == 200
            assert gateway.run(run) == (True, True)


def test_a_client_has_all_of_its_time(start: Start) -> None:
    """A body that begins just before a sweep may take as long as is said, counted from there."""

    def run() -> tuple[bool, bool]:
        pipeline, begun_ms = gateway.pipeline, gateway.pipeline.coarse_ms
        client = client_of(gateway)
        client.data_received(head() + b"content-length: 100\r\n\r\n")
        sweep(pipeline, begun_ms + SWEEP_MS)
        sweep(pipeline, begun_ms + SWEEP_MS + TIME_MS - 1)
        in_time = client.phase == "body"
        sweep(pipeline, begun_ms + SWEEP_MS + TIME_MS)
        return in_time, client.phase == "over"

    gateway = start(limits=f"body_timeout_ms = {TIME_MS}")
    with Wire(gateway.port) as wire:
        assert wire.send(request(chat())).read().status == 200
        assert gateway.run(run) == (True, True)
        assert wire.read().code == "request_timeout"
