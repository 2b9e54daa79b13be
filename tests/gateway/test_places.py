"""Places at a deployment: so many at once, then a queue in order, then a refusal."""

from contextlib import ExitStack
from functools import partial

import pytest

from headgate.simulator import Simulator
from tests.gateway.calls import ask, call_of, chat, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Reply, Wire


def waiting(gateway: Gateway) -> int:
    """Return how many calls wait for a place."""
    return gateway.pipeline.world.targets["mini"].places.waiting


def crowded(gateway: Gateway, calls: int, queued: int) -> bool:
    """Tell whether so many calls are in flight, and so many of them wait."""
    return (len(gateway.pipeline.exchanges), waiting(gateway)) == (calls, queued)


def crowd(gateway: Gateway, stack: ExitStack, count: int, running: int = 1) -> list[Wire]:
    """Send calls one after the other, each when the one before has its place or waits for it."""
    wires = []
    for number in range(count):
        wire = stack.enter_context(Wire(gateway.port))
        wire.send(request(chat(f"[sim:tokens={10 + number}]")))
        gateway.until(
            partial(crowded, gateway, number + 1, max(0, number + 1 - running)),
            f"call {number} has its place or waits",
        )
        wires.append(wire)
    return wires


@pytest.mark.parametrize("places", [1, 3])
def test_the_provider_never_sees_more_calls_than_places(
    start: Start, simulator: Simulator, places: int
) -> None:
    """The others wait in the queue, where nothing is held for them."""
    gateway = start(deployment=f"concurrency_max = {places}")
    simulator.gate.close()
    with ExitStack() as stack:
        wires = crowd(gateway, stack, 5, places)
        assert simulator.gate.wait(places, 5)
        assert simulator.gate.waiting == places
        assert gateway.run(lambda: gateway.pipeline.world.journal.holds_open) == places
        simulator.gate.release()
        assert [wire.read().status for wire in wires] == [200] * 5


def test_the_queue_is_served_in_order(start: Start, simulator: Simulator) -> None:
    """First come, first served, by the order in which they were held."""
    gateway = start(deployment="concurrency_max = 1")
    simulator.gate.close()
    with ExitStack() as stack:
        wires = crowd(gateway, stack, 5)
        simulator.gate.release()
        calls = [call_of(wire.read()) for wire in wires]
    gateway.until_idle()

    assert [gateway.holds(call)[0].call for call in calls] == calls
    held = [gateway.holds(call)[0].at_ns for call in calls]
    assert held == sorted(held)


def assert_shed(reply: Reply) -> None:
    """See that a call was turned away with a time to come back."""
    assert (reply.status, reply.code) == (429, "capacity_exhausted")
    seconds = reply.header("retry-after")
    assert seconds is not None
    assert 1 <= int(seconds) <= 60
    assert f"{seconds} s" in reply.message
    assert reply.header("x-should-retry") == "true"


def test_a_full_queue_turns_calls_away(start: Start, simulator: Simulator) -> None:
    """With 429 and the time at which a place may be free; nothing is held."""
    gateway = start(deployment="concurrency_max = 1\nqueue_max = 1")
    simulator.gate.close()
    with ExitStack() as stack:
        wires = crowd(gateway, stack, 2)
        shed = ask(gateway, chat())
        assert_shed(shed)
        assert not gateway.holds(call_of(shed))
        simulator.gate.release()
        assert [wire.read().status for wire in wires] == [200, 200]


def test_a_wait_that_would_be_too_long_is_not_begun(start: Start, simulator: Simulator) -> None:
    """When the estimate exceeds `queue_wait_max_ms` the call is turned away at once."""
    gateway = start(deployment="concurrency_max = 1", limits="queue_wait_max_ms = 1500")
    simulator.gate.close()
    with ExitStack() as stack:
        (wire,) = crowd(gateway, stack, 1)
        assert_shed(ask(gateway, chat()))
        simulator.gate.release()
        assert wire.read().status == 200


def test_a_wait_that_grows_too_long_ends(start: Start, simulator: Simulator) -> None:
    """The estimate was wrong: after `queue_wait_max_ms` the call is turned away."""
    gateway = start(deployment="concurrency_max = 1", limits="queue_wait_max_ms = 100")
    places = gateway.pipeline.world.targets["mini"].places
    gateway.run(lambda: setattr(places, "service_us", 50_000))
    simulator.gate.close()
    with ExitStack() as stack:
        first, second = crowd(gateway, stack, 2)
        assert_shed(second.read())
        simulator.gate.release()
        assert first.read().status == 200


def test_a_long_queue_that_is_frozen_is_refused_to_the_last(
    start: Start, simulator: Simulator
) -> None:
    """However many wait, refusing one and giving its place to the next needs no deeper stack."""
    gateway = start(deployment="concurrency_max = 1", limits="queue_wait_max_ms = 86400000")
    simulator.gate.close()
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(gateway.port)) for _ in range(300)]
        for wire in wires:
            wire.send(request(chat()))
        gateway.until(lambda: waiting(gateway) == 299, "all but one wait")
        gateway.run(lambda: setattr(gateway.pipeline, "frozen", frozenset({"deployment:mini"})))
        simulator.gate.release()
        replies = [wire.read() for wire in wires]

    assert sorted(reply.status for reply in replies) == [200] + [403] * 299


@pytest.mark.parametrize("node", ["principal:alice", "organisation"])
def test_a_freeze_reaches_calls_that_wait_for_a_place(
    start: Start, simulator: Simulator, node: str
) -> None:
    """What is frozen while a call waits in the queue is not sent when its turn comes."""
    gateway = start(deployment="concurrency_max = 1")
    simulator.gate.close()
    with ExitStack() as stack:
        first, second = crowd(gateway, stack, 2)
        gateway.run(lambda: setattr(gateway.pipeline, "frozen", frozenset({node})))
        simulator.gate.release()
        assert first.read().status == 200
        refused = second.read()
    gateway.until_idle()

    assert (refused.status, refused.code) == (403, "frozen")
    assert node in refused.message
    assert not gateway.holds(call_of(refused))
