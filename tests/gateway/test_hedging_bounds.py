"""Which calls are asked of a second provider, and how many: what a hedge may never cost."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from headgate.gateway.hedging import HEDGES_BURST
from headgate.records.journal import HoldRecord
from headgate.simulator import Fault, FaultKind, Simulator
from tests.gateway.calls import ask, call_of, chat, config, request
from tests.gateway.conftest import Start
from tests.gateway.hedges import (
    NEVER_MS,
    body,
    ends,
    hedge,
    hedge_soon,
    hedged,
    holds,
    running,
    until,
)
from tests.gateway.inprocess import Gateway
from tests.gateway.test_failover import served
from tests.gateway.wire import Wire


def test_a_budget_with_room_for_one_is_not_hedged_on(
    start: Start, simulator: Simulator, slow: Simulator
) -> None:
    """Both worst cases are held, or the call is left as it is, and may still fail over."""
    wide = start(more=hedged(slow.openai_url, after_ms=NEVER_MS))
    with Wire(wide.port) as wire:
        wire.send(request(body()))
        until(wide, "reply")
        hedge_soon(wide)
        assert served(wire.read()) == "big"
    slow.gate.release()
    wide.until_idle()
    one, two = (each.amount_nanos for each in holds(wide))
    usd = f"{(one + two - 1) // 10**9}.{(one + two - 1) % 10**9:09}"
    budget = f'[budgets.alice]\nnode = "principal:alice"\nperiod = "month"\nlimit_usd = "{usd}"\n'
    slow.gate.close()
    slow.faults.add(Fault(FaultKind.OVERLOADED, times=1))

    gateway = start(more=hedged(slow.openai_url, after_ms=NEVER_MS, more=budget))
    with Wire(gateway.port) as wire:
        wire.send(request(body()))
        until(gateway, "reply")
        assert not hedge(gateway)
        assert [each.attempt[-2:] for each in holds(gateway)] == [".1"]
        slow.gate.release()
        reply = wire.read()

    assert served(reply) == "big"
    assert [each.reason for each in ends(gateway).values()] == ["upstream_overloaded", None]


def test_a_full_deployment_is_not_hedged_to(
    start: Start, simulator: Simulator, slow: Simulator
) -> None:
    """A hedge queues nowhere, and is in the way of nobody who does."""
    simulator.gate.close()
    more = hedged(slow.openai_url, after_ms=NEVER_MS)
    gateway = start(more=more, deployment="concurrency_max = 1")
    with Wire(gateway.port) as other, Wire(gateway.port) as wire:
        other.send(request(chat(model="big")))
        assert simulator.gate.wait(1, 5)
        wire.send(request(body()))
        gateway.until(lambda: len(gateway.pipeline.exchanges) == 2, "both run")

        def hedge_it() -> bool:
            hedging = gateway.pipeline.hedging
            assert hedging is not None
            silent = (each for each in running(gateway) if each.asked == "hedged")
            return hedging.hedge(next(silent))

        gateway.until(lambda: slow.gate.waiting == 1, "it was sent")
        assert not gateway.run(hedge_it)
        simulator.gate.release()
        slow.gate.release()
        assert served(other.read()) == "big"
        assert served(wire.read()) == "slow"


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"type": "function", "function": {"name": "pay", "parameters": {}}}]},
        {"n": 2},
        {"store": True},
    ],
    ids=["tools", "choices", "store"],
)
def test_what_leaves_something_behind_is_not_hedged(
    start: Start, slow: Simulator, fields: dict[str, Any]
) -> None:
    """Somebody would act on two answers, or they would be kept."""
    gateway = start(more=hedged(slow.openai_url, after_ms=NEVER_MS))
    with Wire(gateway.port) as wire:
        wire.send(request(body(**fields)))
        until(gateway, "reply")
        assert not hedge(gateway)
        slow.gate.release()
        assert served(wire.read()) == "slow"

    assert len(ends(gateway)) == 1


@pytest.mark.parametrize(("store", "hedges"), [({}, False), ({"store": False}, True)])
def test_a_response_is_hedged_when_nobody_keeps_it(
    start: Start, slow: Simulator, store: dict[str, bool], hedges: bool
) -> None:
    """OpenAI keeps Responses unless they say otherwise."""
    gateway = start(more=hedged(slow.openai_url, after_ms=NEVER_MS))
    asked = {"model": "hedged", "input": "hello", "max_output_tokens": 100, **store}
    with Wire(gateway.port) as wire:
        wire.send(request(asked, "/v1/responses"))
        until(gateway, "reply")
        if hedges:
            hedge_soon(gateway)
        else:
            assert not hedge(gateway)
        slow.gate.release()
        assert wire.read().status == 200


def test_other_names_are_not_hedged(start: Start, simulator: Simulator, slow: Simulator) -> None:
    """A deployment by its own name, and a route without the setting, are waited for."""
    plain = '[routes.plain]\ndeployments = ["slow", "big"]\npolicy = "ordered"\n'
    gateway = start(more=hedged(slow.openai_url, more=plain))
    with Wire(gateway.port) as one, Wire(gateway.port) as two, Wire(gateway.port) as three:
        one.send(request(chat(model="slow")))
        two.send(request(chat(model="plain")))
        assert slow.gate.wait(2, 5)
        # Sent after them, and hedged before them if any were.
        assert served(three.send(request(body())).read()) == "big"
        assert len([each for each in gateway.records() if isinstance(each, HoldRecord)]) == 4
        slow.gate.release()
        assert [served(one.read()), served(two.read())] == ["slow", "slow"]


def test_hedges_are_a_share_of_the_calls(
    start: Start, simulator: Simulator, slow: Simulator
) -> None:
    """What is saved up is spent when all calls are silent at once; then one in twenty is hedged."""
    simulator.gate.close()
    gateway = start(more=hedged(slow.openai_url))
    calls = HEDGES_BURST + 5

    with ThreadPoolExecutor(calls) as pool:
        waiting = [pool.submit(ask, gateway, body()) for _ in range(calls)]
        assert slow.gate.wait(calls, 10)
        assert simulator.gate.wait(HEDGES_BURST, 10)
        gateway.until(
            lambda: all(
                gateway.pipeline.now_ns() - each.sent_ns > 500_000_000 for each in running(gateway)
            ),
            "all have been looked at",
        )
        assert simulator.gate.waiting == HEDGES_BURST
        slow.gate.release()
        assert {served(each.result()) for each in waiting} == {"slow"}
    simulator.gate.release()

    assert len(holds(gateway)) == calls + HEDGES_BURST


def test_a_call_is_hedged_once(start: Start, simulator: Simulator, slow: Simulator) -> None:
    """Where the second fails, the first is waited for, however long it is silent."""
    simulator.faults.add(Fault(FaultKind.OVERLOADED, times=1))
    simulator.gate.close()
    gateway = start(more=hedged(slow.openai_url, then="big,mini"))
    with Wire(gateway.port) as wire:
        wire.send(request(body()))
        until(gateway, "reply", "reply")
        simulator.gate.release()
        until(gateway, "reply")
        (first,) = running(gateway)
        again_ns = first.sent_ns + 3 * 250_000_000
        gateway.until(lambda: gateway.pipeline.now_ns() > again_ns, "it was looked at again")
        assert len(holds(gateway)) == 2
        slow.gate.release()
        assert served(wire.read()) == "slow"


def test_what_is_expected_holds_for_the_first_alone(
    simulator: Simulator, slow: Simulator, tmp_path: Path
) -> None:
    """The second is held for all that it could take: nobody extends what runs beside another."""
    more = "[holds]\ncalls_min = 3\n" + hedged(slow.openai_url, after_ms=NEVER_MS)
    more = more.replace("[deployments.slow]", "[deployments.slow]\nhidden_reasoning = false")
    text = config(simulator.openai_url, simulator.anthropic_url, more=more)
    text = text.replace('limit_usd = "1000.00"', 'limit_usd = "1000.00"\nholds = "expected"')
    asked = body(stream=True, max_completion_tokens=4_000)
    with Gateway(tmp_path / "gateway", text) as gateway:
        slow.gate.release()
        for _ in range(3):
            assert served(ask(gateway, asked)) == "slow"
        slow.gate.close()
        with Wire(gateway.port) as wire:
            wire.send(request(asked))
            until(gateway, "reply")
            hedge_soon(gateway)
            reply = wire.read()
        slow.gate.release()
        gateway.assert_settled()
        first, second = gateway.holds(call_of(reply))

    assert served(reply) == "big"
    assert first.sizing is not None
    assert second.sizing is None
    assert second.amount_nanos > first.amount_nanos
