"""A client that goes away, in each phase of its call: what it costs is what the policy says."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from headgate.records.journal import HoldRecord, SettleRecord, VoidRecord
from headgate.simulator import Fault, FaultKind, Pace, Simulator
from tests.gateway.calls import CHAT_PATH, MESSAGES_PATH, ask, chat, message, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import STREAM_HEAD, Line, Provider, chunk, event, last_events
from tests.gateway.wire import Wire


def phases(gateway: Gateway) -> list[str]:
    """Return where the calls are that are in flight."""
    return [each.phase for each in gateway.pipeline.exchanges]


def leave_in(gateway: Gateway, wire: Wire, phase: str) -> None:
    """Wait until the only call is in a phase, then go away; see that the gateway noticed."""
    gateway.until(lambda: phases(gateway) == [phase], f"the call is in {phase}")
    wire.close()
    gateway.until(lambda: not gateway.pipeline.connections, "the connection is gone")


def ends(gateway: Gateway) -> list[SettleRecord | VoidRecord]:
    """Return how all attempts ended, once none is in flight."""
    gateway.until_idle()
    return [each for each in gateway.records() if isinstance(each, SettleRecord | VoidRecord)]


def holds(gateway: Gateway) -> list[HoldRecord]:
    """Return all holds."""
    return [each for each in gateway.records() if isinstance(each, HoldRecord)]


def test_in_the_queue_it_costs_nothing(start: Start, simulator: Simulator) -> None:
    """Nothing was held yet, and the place in the queue is free for others."""
    gateway = start(deployment="concurrency_max = 1")
    simulator.gate.close()
    with Wire(gateway.port) as first:
        first.send(request(chat()))
        assert simulator.gate.wait(1, 5)
        with Wire(gateway.port) as second:
            second.send(request(chat()))
            gateway.until(lambda: sorted(phases(gateway)) == ["queue", "reply"], "one waits")
        gateway.until(lambda: phases(gateway) == ["reply"], "nobody waits")
        assert not gateway.run(lambda: gateway.pipeline.world.targets["mini"].places.waiting)
        simulator.gate.release()
        assert first.read().status == 200

    assert len(holds(gateway)) == 1


def test_while_money_is_asked_for_it_costs_nothing(start: Start) -> None:
    """Nothing was held yet; what the steward lends is there for the next call."""
    gateway = start()
    gateway.steward.silent = True
    with Wire(gateway.port) as wire:
        wire.send(request(chat()))
        leave_in(gateway, wire, "money")
    gateway.until_idle()

    assert not holds(gateway)
    assert gateway.run(lambda: not gateway.pipeline.world.purse._blocked)


def test_while_a_connection_is_opened_it_costs_nothing(start: Start) -> None:
    """No byte was sent, so the hold is void. (The provider never answers the TLS handshake.)"""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        gateway = start(openai_url=f"https://127.0.0.1:{silent.getsockname()[1]}/v1")
        with Wire(gateway.port) as wire:
            wire.send(request(chat()))
            leave_in(gateway, wire, "connect")
        (end,) = ends(gateway)

    assert isinstance(end, VoidRecord)
    assert end.reason == "client_gone"


@pytest.mark.parametrize("policy", ["drain", "cancel"])
@pytest.mark.parametrize("stream", [False, True])
def test_before_the_first_byte_the_reply_is_waited_for(
    start: Start, simulator: Simulator, policy: str, stream: bool
) -> None:
    """The provider has the request: its usage is worth more than the bound, whatever the policy."""
    gateway = start(openai=f'on_disconnect = "{policy}"')
    simulator.gate.close()
    with Wire(gateway.port) as wire:
        wire.send(request(chat(stream=stream)))
        assert simulator.gate.wait(1, 5)
        leave_in(gateway, wire, "reply")
    simulator.gate.release()

    (end,) = ends(gateway)
    assert isinstance(end, SettleRecord)
    assert end.state in ("measured", "estimated")
    if policy == "drain" or not stream:
        assert end.state == "measured"
        assert_billed(simulator, end)


def assert_billed(simulator: Simulator, end: SettleRecord) -> None:
    """See that a call is posted at what the provider bills, to half a nano per line."""
    billed = simulator.bill.entries[-1].amount * 10**9
    assert abs(end.amount_nanos - billed) <= len(end.lines)


@pytest.mark.parametrize(("path", "body"), [(CHAT_PATH, chat), (MESSAGES_PATH, message)])
def test_in_a_stream_drain_reads_it_to_its_end(
    start: Start, simulator: Simulator, path: str, body: Callable[..., dict[str, Any]]
) -> None:
    """The policy `drain`: posted at the exact usage, as if the client had stayed."""
    gateway = start()
    simulator.pace = Pace(ttft_ms=0, delay_ms=5, jitter_share=0)
    with Wire(gateway.port) as wire:
        wire.send(request(body(stream=True), path))
        wire.read_head()
        leave_in(gateway, wire, "body")

    (end,) = ends(gateway)
    assert isinstance(end, SettleRecord)
    assert (end.state, end.reason) == ("measured", None)
    assert simulator.bill.entries[-1].completed
    assert_billed(simulator, end)


@pytest.mark.parametrize(("path", "body"), [(CHAT_PATH, chat), (MESSAGES_PATH, message)])
def test_in_a_stream_cancel_closes_it_and_posts_the_bound(
    start: Start, simulator: Simulator, path: str, body: Callable[..., dict[str, Any]]
) -> None:
    """The policy `cancel`: the provider may stop; what it bills is less than what is posted."""
    cancel = 'on_disconnect = "cancel"'
    gateway = start(openai=cancel, anthropic=cancel)
    simulator.pace = Pace(ttft_ms=0, delay_ms=20, jitter_share=0)
    billed = simulator.bill.count
    with Wire(gateway.port) as wire:
        wire.send(request(body(stream=True), path))
        wire.read_head()
        leave_in(gateway, wire, "body")

    (end,) = ends(gateway)
    (held,) = holds(gateway)
    assert isinstance(end, SettleRecord)
    assert (end.state, end.reason) == ("estimated", "client_gone")
    gateway.until(lambda: simulator.bill.count > billed, "the provider has noticed")
    assert not simulator.bill.entries[-1].completed
    assert simulator.bill.entries[-1].amount * 10**9 <= end.amount_nanos <= held.amount_nanos


def test_a_stream_without_end_is_not_drained_for_ever(start: Start, simulator: Simulator) -> None:
    """After `client_drain_ms` it is given up and the bound is posted."""
    gateway = start(limits="client_drain_ms = 50")
    simulator.pace = Pace(ttft_ms=0, delay_ms=10_000, jitter_share=0)
    with Wire(gateway.port) as wire:
        wire.send(request(chat(stream=True)))
        wire.read_head()
        leave_in(gateway, wire, "body")

    (end,) = ends(gateway)
    assert isinstance(end, SettleRecord)
    assert (end.state, end.reason) == ("estimated", "client_gone")
    assert end.amount_nanos == holds(gateway)[0].amount_nanos


def test_a_client_that_paused_and_left_does_not_stop_the_drain(start: Start) -> None:
    """A paused provider is read on when the client that caused the pause is gone."""
    filler = event(choices=[{"index": 0, "delta": {"content": "x" * 15_000}}])

    async def much(line: Line) -> None:
        await line.request()
        await line.send(STREAM_HEAD + chunk(event()))
        for _ in range(1_500):
            await line.send(chunk(filler))
        await line.send(chunk(last_events()) + b"0\r\n\r\n")

    with Provider(much) as provider:
        gateway = start(openai_url=provider.url)
        with Wire(gateway.port, receive_buffer_bytes=4_096) as wire:
            wire.send(request(chat(stream=True)))
            gateway.until(
                lambda: any(each.paused for each in gateway.pipeline.connections), "it is full"
            )
        (end,) = ends(gateway)

    assert isinstance(end, SettleRecord)
    assert (end.state, end.quantities) == ("measured", {"input_uncached": 10, "output_text": 5})


@pytest.mark.parametrize("stream", [False, True])
def test_after_the_last_byte_nothing_changes(
    start: Start, simulator: Simulator, stream: bool
) -> None:
    """The call is settled before the client could leave."""
    gateway = start(openai='on_disconnect = "cancel"')
    ask(gateway, chat(stream=stream))

    (end,) = ends(gateway)
    assert isinstance(end, SettleRecord)
    assert end.state == "measured"
    assert_billed(simulator, end)


def test_pipelined_calls_behind_it_are_never_begun(start: Start, simulator: Simulator) -> None:
    """Who leaves takes along what was not begun yet."""
    gateway = start()
    simulator.gate.close()
    with Wire(gateway.port) as wire:
        wire.send(request(chat()) * 3)
        assert simulator.gate.wait(1, 5)
        leave_in(gateway, wire, "reply")
    simulator.gate.release()

    assert len(ends(gateway)) == 1
    assert gateway.run(lambda: gateway.pipeline._buffered_bytes) == 0


def test_nobody_retries_for_a_client_that_left(start: Start, simulator: Simulator) -> None:
    """A failure after the client has gone ends the call."""
    alias = '[routes.either]\ndeployments = ["mini", "big"]\npolicy = "cheapest"'
    gateway = start(more=alias)
    simulator.gate.close()
    simulator.faults.add(Fault(FaultKind.OVERLOADED, times=1))
    with Wire(gateway.port) as wire:
        wire.send(request(chat(model="either")))
        assert simulator.gate.wait(1, 5)
        leave_in(gateway, wire, "reply")
    simulator.gate.release()

    (end,) = ends(gateway)
    assert isinstance(end, SettleRecord)
    assert (end.amount_nanos, end.final) == (0, True)
