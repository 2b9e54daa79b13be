"""How a worker that ends leaves its clients: no call that is on its way is lost."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from headgate.node.leaving import LINGER_MS, drain
from headgate.records.journal import SettleRecord
from tests.gateway.calls import CHAT_PATH, chat, head, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import Provider, completion, whole
from tests.gateway.staging import client_of, connected, exchange_of, once, the_end
from tests.gateway.test_listener_tls import secured, trusting
from tests.gateway.wire import Wire

SLOW = chat("Go on. [sim:tokens=80] [sim:delay_ms=100]", stream=True)


@pytest.fixture
def gateway(start: Start) -> Gateway:
    """A gateway of the test's own, for it takes no calls afterwards."""
    return start()


@contextmanager
def draining(gateway: Gateway) -> Iterator[asyncio.Event]:
    """Have the gateway drain; gives what hurries it, and waits for the end afterwards."""
    hurry = gateway.run(asyncio.Event)
    gateway.run(gateway.door.close)
    done = gateway.run(lambda: asyncio.ensure_future(drain(gateway.pipeline, gateway.door, hurry)))
    yield hurry
    gateway.until(done.done, "it has drained")


def test_a_call_on_its_way_is_served_and_told_to_connect_anew(gateway: Gateway) -> None:
    """On a connection just used one more call is answered, and readiness is off meanwhile."""
    with Wire(gateway.port) as wire, Wire(gateway.port) as balancer:
        assert wire.send(request(chat())).read().header("connection") is None
        balancer.send(request(path="/healthz", method="GET")).read()
        with draining(gateway):
            ready = balancer.send(request(path="/readyz", method="GET")).read()
            reply = wire.send(request(chat())).read()
            assert wire.is_closed()

    assert (ready.status, ready.header("connection")) == (503, "close")
    assert (reply.status, reply.header("connection")) == (200, "close")


def test_a_connection_that_brings_nothing_is_closed_at_once(gateway: Gateway) -> None:
    """Who was silent for longer than the grace is not waited for."""
    with Wire(gateway.port) as silent, Wire(gateway.port) as busy:
        silent.send(request(chat())).read()
        gateway.late_ms = LINGER_MS
        gateway.ticks(3)
        gateway.late_ms = 0
        busy.send(request(chat())).read()
        with draining(gateway):
            assert silent.is_closed()
            assert busy.send(request(chat())).read().status == 200


def test_what_is_still_being_sent_after_the_grace_is_refused_by_name(gateway: Gateway) -> None:
    """A body that does not come to its end in time costs nothing, and its client reads why."""
    with Wire(gateway.port) as wire, draining(gateway):
        wire.send(head(CHAT_PATH) + b"content-length: 1000\r\n\r\n{")
        gateway.until(lambda: gateway.pipeline.stopping, "the grace is over")
        reply = wire.read()

    assert (reply.status, reply.code) == (503, "shutting_down")


def test_who_is_told_again_ends_running_calls_now(gateway: Gateway) -> None:
    """A stream ends with an error of its dialect, and is in the books at its bound."""
    with Wire(gateway.port) as wire:
        wire.send(request(SLOW))
        wire.read_to(b"data: ")
        with draining(gateway) as hurry:
            gateway.run(hurry.set)
            rest = wire.read_to_end()

    assert b"shutdown_timeout" in rest
    (end,) = gateway.ends(gateway.last_call())
    assert isinstance(end, SettleRecord)
    assert (end.state, end.reason) == ("estimated", "shutdown_timeout")


def test_a_reply_that_has_come_when_calls_are_ended_is_told(start: Start) -> None:
    """Its client gets it, and it is posted as measured, though nobody had read it yet."""
    with Provider(once) as provider:
        gateway = start(openai_url=provider.url)
        with connected(gateway) as (wire,):

            async def end() -> str:
                gateway.bring(client_of(gateway), request(chat()))
                exchange = exchange_of(gateway)
                assert exchange.upstream is not None
                exchange.upstream.data_received(whole(completion()))
                hurry = asyncio.Event()
                hurry.set()
                await drain(gateway.pipeline, gateway.door, hurry)
                return exchange.call

            call = gateway.await_in(end())
            reply = wire.read()

    assert (reply.status, reply.json) == (200, json.loads(completion()))
    assert the_end(gateway, call).state == "measured"


def test_who_is_at_a_handshake_is_served_too(start: Start, tmp_path: Path) -> None:
    """A client that had come in, and is no client yet when the worker is told to end, gets its
    answer.
    """
    authority = trustme.CA()
    gateway = secured(start, authority, tmp_path)
    with Wire(gateway.port) as wire:
        gateway.until(lambda: gateway.door.meeting, "it has come in")
        with draining(gateway):
            line = trusting(authority).wrap_socket(wire.socket, server_hostname="localhost")
            wire.socket = line
            reply = wire.send(request(chat())).read()

    assert (reply.status, reply.header("connection")) == (200, "close")
