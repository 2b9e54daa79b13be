"""Streams that wait for a place: begun early where that is asked for, and what that costs."""

import json

import pytest

from headgate.gateway.exchange import Exchange
from headgate.simulator import Simulator
from tests.gateway.calls import MESSAGES_PATH, chat, message, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Wire

PINGED = "queue_ping_ms = 20"
ONE_PLACE = "concurrency_max = 1"
CALLS = {
    "Chat Completions": request(chat(stream=True)),
    "Messages": request(message(stream=True), MESSAGES_PATH),
}
FIRST = {
    "Chat Completions": request(chat()),
    "Messages": request(message(), MESSAGES_PATH),
}


def busy(gateway: Gateway, count: int) -> None:
    """Wait until so many calls are in flight."""
    gateway.until(lambda: len(gateway.pipeline.exchanges) == count, f"{count} calls")


def queued(gateway: Gateway) -> list[Exchange]:
    """Return the calls that wait for a place."""
    return [each for each in gateway.pipeline.exchanges if each.phase == "queue"]


@pytest.mark.parametrize("dialect", CALLS)
def test_a_stream_that_waits_is_begun_and_pinged(
    start: Start, simulator: Simulator, dialect: str
) -> None:
    """By empty lines; then it is a stream like any other. One that is whole hears nothing."""
    gateway = start(limits=PINGED, deployment=ONE_PLACE)
    simulator.gate.close()
    with Wire(gateway.port) as first, Wire(gateway.port) as waits, Wire(gateway.port) as whole:
        first.send(FIRST[dialect])
        busy(gateway, 1)
        waits.send(CALLS[dialect])
        busy(gateway, 2)
        whole.send(FIRST[dialect])
        assert b"200 OK" in waits.read_head()
        assert [waits.read_chunk() for _ in range(3)] == [b"\n"] * 3
        simulator.gate.release()

        pieces = []
        while piece := waits.read_chunk():
            pieces.append(piece)
        events = b"".join(pieces).lstrip(b"\n")
        assert events.startswith((b"data: {", b"event: message_start"))
        assert events.endswith((b"[DONE]\n\n", b'{"type":"message_stop"}\n\n'))
        assert first.read().status == 200
        assert whole.read().header("content-type") == "application/json"


@pytest.mark.parametrize("dialect", CALLS)
def test_a_refusal_after_a_ping_is_an_error_event(
    start: Start, simulator: Simulator, dialect: str
) -> None:
    """The status is 200 by then: the stream ends with the error, in the client's dialect."""
    gateway = start(limits=PINGED, deployment=ONE_PLACE)
    simulator.gate.close()
    with Wire(gateway.port) as first, Wire(gateway.port) as waits:
        first.send(FIRST[dialect])
        busy(gateway, 1)
        waits.send(CALLS[dialect])
        gateway.until(lambda: any(each.headed for each in queued(gateway)), "it was pinged")
        # The longest wait is over, in the time of the sweep.
        gateway.late_ms = 61_000
        gateway.until(lambda: not queued(gateway), "it waits no more")
        gateway.late_ms = 0
        reply = waits.read()
        simulator.gate.release()
        assert first.read().status == 200

    assert reply.status == 200
    data = reply.payload.strip().rpartition(b"data: ")[2]
    assert "capacity_exhausted" in json.dumps(json.loads(data))
    assert b"[DONE]" not in reply.payload


def test_without_the_setting_the_status_stays_open(start: Start, simulator: Simulator) -> None:
    """A stream that waits in vain is a 429."""
    gateway = start(limits="queue_wait_max_ms = 100", deployment=ONE_PLACE)
    simulator.gate.close()
    with Wire(gateway.port) as first, Wire(gateway.port) as waits:
        first.send(FIRST["Messages"])
        busy(gateway, 1)
        assert waits.send(CALLS["Messages"]).read().code == "capacity_exhausted"
        simulator.gate.release()
        assert first.read().status == 200
