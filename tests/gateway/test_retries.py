"""Another attempt at another deployment: when it is made, and what each attempt is posted at."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from headgate.records.journal import SettleRecord, VoidRecord
from headgate.simulator import Fault, FaultKind, Simulator
from tests.gateway.calls import ask, call_of, chat
from tests.gateway.conftest import Start
from tests.gateway.provider import Line, Provider
from tests.gateway.test_failover import other, rules, served

ALIAS = '[routes.either]\ndeployments = ["mini", "big"]\npolicy = "cheapest"'


@pytest.mark.parametrize(
    "kind", [FaultKind.OVERLOADED, FaultKind.RATE_LIMIT, FaultKind.UNAUTHORIZED]
)
@pytest.mark.parametrize("stream", [False, True])
def test_another_deployment_is_tried_with_its_own_hold(
    start: Start, simulator: Simulator, kind: FaultKind, stream: bool
) -> None:
    """The first attempt ends at 0, the second is held at its own prices and measured."""
    gateway = start(more=ALIAS)
    simulator.faults.add(Fault(kind, times=1, model="gpt-5.4-mini"))
    reply = ask(gateway, chat(model="either", stream=stream))

    gateway.until_idle()
    assert reply.status == 200
    assert reply.header("x-headgate-deployment") == "big"
    first, second = gateway.ends(call_of(reply))
    cheap, dear = gateway.holds(call_of(reply))
    assert isinstance(first, SettleRecord)
    assert isinstance(second, SettleRecord)
    assert (first.amount_nanos, first.final, second.final) == (0, False, True)
    assert second.state == "measured"
    assert [each.deployment for each in gateway.routes(call_of(reply))] == ["mini", "big"]
    assert dear.amount_nanos > cheap.amount_nanos


def test_a_deployment_that_is_down_is_passed_over(start: Start, simulator: Simulator) -> None:
    """No connection to the first: its hold is void, the second serves."""
    down = '[providers.down]\nkind = "openai_compatible"\nbase_url = "http://127.0.0.1:9/v1"\n'
    down += 'seller = "openai"\ncredential = { value = "x" }\n'
    down += '[deployments.down]\nprovider = "down"\nmodel = "gpt-5.4-mini"\n'
    route = '[routes.either]\ndeployments = ["down", "big"]\npolicy = "cheapest"'
    gateway = start(more=down + route)
    reply = ask(gateway, chat(model="either"))

    assert reply.status == 200
    first, second = gateway.ends(call_of(reply))
    assert isinstance(first, VoidRecord)
    assert isinstance(second, SettleRecord)
    assert (first.final, second.final, second.state) == (False, True, "measured")


def test_when_all_fail_the_last_failure_is_told(start: Start, simulator: Simulator) -> None:
    """Each attempt has its end; only the last one is final."""
    gateway = start(more=ALIAS)
    simulator.faults.add(Fault(FaultKind.OVERLOADED, times=2))
    reply = ask(gateway, chat(model="either"))

    assert (reply.status, reply.code) == (503, "upstream_overloaded")
    assert [each.final for each in gateway.ends(call_of(reply))] == [False, True]


def test_nothing_is_tried_again_once_the_stream_has_begun(
    start: Start, simulator: Simulator
) -> None:
    """After the first forwarded byte a failure is the client's to see."""
    gateway = start(more=ALIAS)
    simulator.faults.add(Fault(FaultKind.CUT, times=1))
    reply = ask(gateway, chat(model="either", stream=True))

    assert reply.status == 200
    assert b"upstream_broken" in reply.payload
    assert len(gateway.ends(call_of(reply))) == 1


def test_what_the_client_did_wrong_is_not_tried_elsewhere(
    start: Start, simulator: Simulator
) -> None:
    """A 400 is a 400 everywhere."""
    gateway = start(more=ALIAS)
    reply = ask(gateway, chat("[sim:nonsense=1]", model="either"))

    assert reply.status == 400
    assert len(gateway.ends(call_of(reply))) == 1


def test_a_breaker_that_opens_meanwhile_leaves_a_last_resort(
    start: Start, simulator: Simulator
) -> None:
    """Whom a call could go on to has failed another one by then, and is asked all the same."""

    async def talk(line: Line) -> None:
        await line.request()
        await died.wait()
        line.reset()

    with Provider(talk) as provider, ThreadPoolExecutor(1) as pool:
        died = provider.event()
        route = '[routes.either]\ndeployments = ["dying", "big"]\npolicy = "ordered"'
        gateway = start(more=other("dying", provider.url) + route, limits="breaker_failures = 1")
        waiting = pool.submit(ask, gateway, chat(model="either"))
        gateway.until(
            lambda: any(each.phase == "reply" for each in gateway.pipeline.exchanges),
            "the call has been sent",
        )
        simulator.faults.add(Fault(FaultKind.SERVER_ERROR, times=1))
        assert ask(gateway, chat(model="big")).code == "upstream_error"
        died.set()
        reply = waiting.result()

    assert served(reply) == "big"
    gateway.until_idle()
    first, second = gateway.holds(call_of(reply))
    assert rules(gateway, first.decision) == {"dying": None, "big": None}
    assert rules(gateway, second.decision)["big"] == "breaker_open"


def test_a_provider_that_stays_dead_adds_a_tenth_to_the_traffic(
    start: Start, simulator: Simulator
) -> None:
    """Once what was saved up is spent, nine of ten failures are told, if nobody sets it otherwise.

    A breaker that would pass the dead one over is kept from it, as for many that die in turn.
    """
    gateway = start(more=ALIAS, limits="retries_burst = 1\nbreaker_failures = 1000")
    simulator.faults.add(Fault(FaultKind.OVERLOADED, model="gpt-5.4-mini", times=15))
    statuses = [ask(gateway, chat(model="either")).status for _ in range(15)]

    assert statuses == [200, *[503] * 9, 200, *[503] * 4]
