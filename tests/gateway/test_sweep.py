"""The sweep: no time is over before it is, though nobody looks at the clock but the sweep."""

import pytest

from headgate.gateway.exchange import Exchange
from headgate.gateway.settings import SWEEP_MS
from headgate.gateway.sweep import sweep
from headgate.ledger.purse import LEASE_WAIT_MS
from headgate.records.approval import Told
from headgate.simulator import Simulator
from tests.gateway.calls import chat, head, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import (
    STREAM_HEAD,
    Provider,
    chunk,
    event,
)
from tests.gateway.staging import client_of, once
from tests.gateway.wire import Wire

TIME_MS = 700
LIMITS = ["first_byte_timeout_ms", "idle_timeout_ms", "total_timeout_ms"]


def connected(gateway: Gateway) -> None:
    """Wait until its one client is connected."""
    gateway.until(lambda: len(gateway.pipeline.connections) == 1, "the client is connected")


def over_after(
    gateway: Gateway, exchange: Exchange, begun_ms: int, time_ms: int
) -> tuple[bool, bool]:
    """Sweep until a call's time is over; tell whether it had all of it, and then no more."""
    pipeline, phase = gateway.pipeline, exchange.phase
    sweep(pipeline, begun_ms + SWEEP_MS)
    sweep(pipeline, begun_ms + SWEEP_MS + time_ms - 1)
    in_time = exchange.phase == phase
    sweep(pipeline, begun_ms + SWEEP_MS + time_ms)
    return in_time, exchange.phase == "done"


@pytest.mark.parametrize("limit", LIMITS)
def test_a_provider_has_all_of_its_time(start: Start, limit: str) -> None:
    """A request is sent just before a sweep: its time is over when it is, counted from there."""

    def run() -> tuple[bool, bool]:
        pipeline, sent_ms = gateway.pipeline, gateway.pipeline.coarse_ms
        gateway.bring(client_of(gateway), request(chat(stream=True)))
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


def test_a_call_waits_for_a_place_for_as_long_as_is_said(
    start: Start, simulator: Simulator
) -> None:
    """It comes just before a sweep, and its wait is counted from there."""

    def run() -> tuple[bool, bool]:
        pipeline, begun_ms = gateway.pipeline, gateway.pipeline.coarse_ms
        (client,) = pipeline.connections - before
        gateway.bring(client, request(chat()))
        assert client.exchange is not None
        return over_after(gateway, client.exchange, begun_ms, TIME_MS)

    limits = f"queue_wait_max_ms = {TIME_MS}"
    gateway = start(deployment="concurrency_max = 1", limits=limits)
    places = gateway.pipeline.world.targets["mini"].places
    gateway.run(lambda: setattr(places, "service_us", 50_000))
    simulator.gate.close()
    with Wire(gateway.port) as running, Wire(gateway.port) as waiting:
        running.send(request(chat()))
        gateway.until(lambda: bool(gateway.pipeline.exchanges), "the first call runs")
        before = {each for each in gateway.pipeline.connections if each.busy}
        gateway.until(lambda: len(gateway.pipeline.connections) == 2, "both are connected")
        assert gateway.run(run) == (True, True)
        assert waiting.read().code == "capacity_exhausted"
        simulator.gate.release()
        assert running.read().status == 200


def test_a_call_waits_for_money_for_as_long_as_is_said(start: Start) -> None:
    """Nobody lends; the call comes just before a sweep, and its wait is counted from there."""

    def run() -> tuple[bool, bool]:
        begun_ms = gateway.pipeline.coarse_ms
        gateway.bring(client_of(gateway), request(chat()))
        (exchange,) = gateway.pipeline.exchanges
        assert exchange.phase == "money"
        return over_after(gateway, exchange, begun_ms, LEASE_WAIT_MS)

    gateway = start()
    gateway.steward.silent = True
    with Wire(gateway.port) as wire:
        connected(gateway)
        assert gateway.run(run) == (True, True)
        assert wire.read().code == "ledger_unavailable"
    gateway.steward.silent = False


def test_a_call_waits_for_a_person_for_as_long_as_is_said(start: Start) -> None:
    """The steward has taken the request, and nobody decides."""

    def run() -> tuple[bool, bool]:
        pipeline, begun_ms = gateway.pipeline, gateway.pipeline.coarse_ms
        gateway.bring(client_of(gateway), request(chat()))
        (exchange,) = pipeline.exchanges
        assert pipeline.approvals is not None
        assert exchange.permission is not None
        pipeline.approvals.told(Told(exchange.permission.approval, exchange.call, "pending"))
        return over_after(gateway, exchange, begun_ms, TIME_MS)

    rule = '[approvals.all]\nover_usd = "0"\napprovers = ["bob"]\n'
    gateway = start(limits=f"approval_wait_max_ms = {TIME_MS}", more=rule)
    with Wire(gateway.port) as wire:
        connected(gateway)
        assert gateway.run(run) == (True, True)
        assert wire.read().code == "approval_pending"


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
