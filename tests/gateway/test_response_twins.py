"""The response cache while calls run: those that ask the same at once, and what is never kept."""

import json
from collections.abc import Iterator

import pytest

from headgate.simulator import Simulator
from tests.gateway.asking_again import emptied, keeping, kept, send, told
from tests.gateway.calls import MESSAGES_PATH, message, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Wire


@pytest.fixture(scope="module")
def running(
    running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway with routes that keep replies."""
    yield from keeping(running_simulator, tmp_path_factory.mktemp("responses"))


@pytest.fixture
def gateway(running: Gateway, simulator: Simulator) -> Iterator[Gateway]:
    """The gateway, with nothing kept; afterwards everything is settled and everybody well."""
    yield from emptied(running)


def test_what_a_budget_has_shortened_is_not_kept(start: Start, simulator: Simulator) -> None:
    """The next call may have the money for all of its answer."""
    tight = '[budgets.alice]\nnode = "principal:alice"\nperiod = "once"\non_tight = "shorten"\n'
    route = '[routes.kept-haiku]\ndeployments = ["haiku"]\nresponse_cache = "always"\n'
    gateway = start(more=f'{route}{tight}limit_usd = "0.10"')
    body = message(model="kept-haiku", max_tokens=32_000)

    first = send(gateway, body, MESSAGES_PATH)

    assert json.loads(simulator.received.last().body)["max_tokens"] < 32_000
    assert [told(first), told(send(gateway, body, MESSAGES_PATH))] == ["miss", "miss"]


def test_nothing_is_kept_for_a_client_that_went_away(
    gateway: Gateway, simulator: Simulator
) -> None:
    """Its bytes are free again, and its call is drained as any other."""
    responses = gateway.pipeline.responses
    assert responses is not None
    simulator.gate.close()
    with Wire(gateway.port) as wire:
        wire.send(request(kept()))
        assert simulator.gate.wait(1, 5)
    gateway.until(lambda: all(one.client is None for one in gateway.pipeline.exchanges), "gone")
    simulator.gate.release()
    gateway.until_idle()

    assert responses._tapped_bytes == 0
    assert told(send(gateway, kept())) == "miss"
    assert told(send(gateway, kept())) == "hit"
    assert responses._tapped_bytes == 0


def at_once(gateway: Gateway, simulator: Simulator, count: int) -> list[Wire]:
    """Send a call of which so many clients want the reply while the provider holds it back."""
    wires = [Wire(gateway.port) for _ in range(count)]
    simulator.gate.close()
    for wire in wires:
        wire.send(request(kept()))
    assert simulator.gate.wait(1, 5)
    gateway.until(lambda: waiting(gateway) == count - 1, "all but one wait for it")
    return wires


def waiting(gateway: Gateway) -> int:
    """Return how many calls wait for one that asks the same."""
    return sum(each.phase == "twin" for each in gateway.pipeline.exchanges)


def test_what_comes_at_once_is_asked_once(gateway: Gateway, simulator: Simulator) -> None:
    """Whoever waits gets the first one's reply; who goes away meanwhile is nobody's trouble."""
    billed = simulator.bill.count
    wires = at_once(gateway, simulator, 6)
    wires.pop().close()
    gateway.until(lambda: waiting(gateway) == 4, "one has gone")
    simulator.gate.release()

    replies = [wire.read() for wire in wires]

    assert sorted(str(told(reply)) for reply in replies) == ["hit"] * 4 + ["miss"]
    assert len({reply.payload for reply in replies}) == 1
    assert simulator.bill.count == billed + 1
    for wire in wires:
        wire.close()


def test_whoever_waits_is_served_though_the_first_one_went_away(
    gateway: Gateway, simulator: Simulator
) -> None:
    """Then one of them is made, and the next waits no second time."""
    first, second, third = at_once(gateway, simulator, 3)
    first.close()
    gateway.until(lambda: waiting(gateway) == 0, "they are made")
    simulator.gate.release()

    assert [told(second.read()), told(third.read())] == ["miss", "miss"]
    second.close()
    third.close()


def test_nobody_waits_longer_than_allowed(start: Start, simulator: Simulator) -> None:
    """Here for a millisecond, which a sweep notices."""
    route = '[routes.kept]\ndeployments = ["mini"]\nresponse_cache = "always"\n'
    gateway = start(more=f"{route}[response_cache]\nwait_max_ms = 1\n")
    simulator.gate.close()
    with Wire(gateway.port) as first, Wire(gateway.port) as second:
        first.send(request(kept()))
        assert simulator.gate.wait(1, 5)
        second.send(request(kept()))
        assert simulator.gate.wait(2, 5)
        simulator.gate.release()

        assert [told(first.read()), told(second.read())] == ["miss", "miss"]


def test_what_runs_while_all_is_purged_is_not_kept(gateway: Gateway, simulator: Simulator) -> None:
    """It was asked before what made somebody purge."""
    responses = gateway.pipeline.responses
    assert responses is not None
    (wire,) = at_once(gateway, simulator, 1)
    gateway.run(lambda: responses.purge(99))
    simulator.gate.release()
    assert told(wire.read()) == "miss"
    wire.close()

    assert told(send(gateway, kept())) == "miss"
