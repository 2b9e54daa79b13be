"""Calls that are asked of a second provider while the first is silent: who answers, who pays."""

import socket

import pytest

from headgate.records.journal import SettleRecord, VoidRecord
from headgate.simulator import Fault, FaultKind, Simulator
from tests.gateway.calls import ask, call_of, chat, request
from tests.gateway.conftest import Start
from tests.gateway.hedges import (
    billed,
    body,
    ends,
    hedged,
    holds,
    settled,
    until,
)
from tests.gateway.test_cuts import freeze
from tests.gateway.test_failover import served
from tests.gateway.test_leaving import draining
from tests.gateway.wire import Wire


@pytest.mark.parametrize("stream", [False, True])
def test_the_second_answers_and_the_first_is_drained(
    start: Start, simulator: Simulator, slow: Simulator, stream: bool
) -> None:
    """Both are held at once; the client reads one answer, and each is posted at its bill."""
    gateway = start(more=hedged(slow.openai_url))

    reply = ask(gateway, body(stream=stream))

    assert served(reply) == "big"
    assert [each.attempt for each in holds(gateway)] == [f"{call_of(reply)}.{n}" for n in (1, 2)]
    until(gateway, "reply")
    slow.gate.release()
    won, lost = settled(gateway, "2"), settled(gateway, "1")
    assert list(ends(gateway)) == ["2", "1"]
    assert (won.state, won.reason, won.final) == ("measured", None, False)
    assert (lost.state, lost.reason, lost.final) == ("measured", "hedge_lost", True)
    assert billed(simulator, won)
    assert billed(slow, lost)
    assert lost.amount_nanos > 0


def test_streams_that_a_cascade_does_not_verify_are_hedged(
    start: Start, simulator: Simulator, slow: Simulator
) -> None:
    """They go to the best one alone, and to the next one when that is silent."""
    simulator.gate.close()
    steps = '[policies.steps]\nkind = "cascade"\nverifier = "schema"\nstreams = "alone"\n'
    tables = hedged(slow.openai_url, more=steps).replace('"ordered"', '"steps"')
    gateway = start(more=tables)
    with Wire(gateway.port) as wire:
        wire.send(request(body(stream=True)))
        until(gateway, "reply", "reply")
        simulator.gate.release()
        slow.gate.release()
        assert wire.read().status == 200


def test_where_the_provider_says_cancel_the_loser_is_closed(
    start: Start, simulator: Simulator, slow: Simulator
) -> None:
    """Its stream is closed at once, and posted at its bound: no bill can be higher."""
    gateway = start(more=hedged(slow.openai_url, provider='on_disconnect = "cancel"'))
    bill = slow.bill.count

    reply = ask(gateway, body(stream=True))

    assert served(reply) == "big"
    lost, won = settled(gateway, "1"), settled(gateway, "2")
    assert list(ends(gateway)) == ["1", "2"]
    assert (lost.state, lost.reason, lost.final) == ("estimated", "hedge_lost", False)
    assert lost.amount_nanos == holds(gateway)[0].amount_nanos
    assert (won.state, won.final) == ("measured", True)
    assert billed(simulator, won)
    slow.gate.release()
    entries = list(slow.bill.entries)[bill:]
    assert sum(each.amount for each in entries) * 10**9 <= lost.amount_nanos


@pytest.mark.parametrize("stream", [False, True])
def test_the_first_may_answer_all_the_same(
    start: Start, simulator: Simulator, slow: Simulator, stream: bool
) -> None:
    """Then the second one is the one that lost."""
    simulator.gate.close()
    gateway = start(more=hedged(slow.openai_url))
    with Wire(gateway.port) as wire:
        wire.send(request(body(stream=stream)))
        until(gateway, "reply", "reply")
        slow.gate.release()
        reply = wire.read()
        until(gateway, "reply")
        # The connection is as good as ever for the next call, while the loser is drained.
        simulator.gate.release()
        assert served(wire.send(request(chat())).read()) == "mini"

    assert served(reply) == "slow"
    gateway.until_idle()
    first, second = (
        each
        for number in ("1", "2")
        for each in gateway.ends(call_of(reply))
        if each.attempt.endswith(f".{number}")
    )
    assert isinstance(first, SettleRecord)
    assert isinstance(second, SettleRecord)
    assert (first.reason, second.reason) == (None, "hedge_lost")
    assert (first.final, second.final) == (False, True)
    assert billed(slow, first)
    assert gateway.run(lambda: gateway.pipeline._buffered_bytes) == 0


def test_one_that_was_not_sent_yet_is_void(start: Start, slow: Simulator) -> None:
    """No byte of the second had gone out. (Its provider never answers the TLS handshake.)"""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        url = f"https://127.0.0.1:{deaf.getsockname()[1]}/v1"
        gateway = start(openai_url=url, more=hedged(slow.openai_url))
        with Wire(gateway.port) as wire:
            wire.send(request(body()))
            until(gateway, "reply", "connect")
            slow.gate.release()
            assert served(wire.read()) == "slow"

    second = ends(gateway)["2"]
    assert isinstance(second, VoidRecord)
    assert (second.reason, second.final) == ("hedge_lost", True)


@pytest.mark.parametrize("fails", ["slow", "big"])
def test_one_that_fails_leaves_the_other_alone(
    start: Start, simulator: Simulator, slow: Simulator, fails: str
) -> None:
    """Nobody reads of the failure; the one that is left answers."""
    bad, good = (slow, simulator) if fails == "slow" else (simulator, slow)
    bad.faults.add(Fault(FaultKind.OVERLOADED, times=1))
    simulator.gate.close()
    gateway = start(more=hedged(slow.openai_url))
    with Wire(gateway.port) as wire:
        wire.send(request(body()))
        until(gateway, "reply", "reply")
        bad.gate.release()
        until(gateway, "reply")
        good.gate.release()
        reply = wire.read()

    assert served(reply) != fails
    failed, answered = ends(gateway).values()
    assert isinstance(failed, SettleRecord)
    assert (failed.reason, failed.amount_nanos) == ("upstream_overloaded", 0)
    assert (failed.final, answered.final) == (False, True)


def test_when_both_fail_the_call_goes_on_to_a_third(
    start: Start, simulator: Simulator, slow: Simulator
) -> None:
    """Whoever is left after a failure is a call like any other, with what attempts it has left."""
    slow.faults.add(Fault(FaultKind.OVERLOADED, times=1))
    simulator.faults.add(Fault(FaultKind.OVERLOADED, times=1, model="gpt-5.4"))
    gateway = start(more=hedged(slow.openai_url, then="big,mini"))
    simulator.gate.close()
    with Wire(gateway.port) as wire:
        wire.send(request(body()))
        until(gateway, "reply", "reply")
        slow.gate.release()
        until(gateway, "reply")
        simulator.gate.release()
        reply = wire.read()

    assert served(reply) == "mini"
    assert [each.final for each in ends(gateway).values()] == [False, False, True]


def test_when_both_fail_and_nobody_is_left_the_last_failure_is_told(
    start: Start, simulator: Simulator, slow: Simulator
) -> None:
    """The client reads one refusal, of the attempt that ended last."""
    slow.faults.add(Fault(FaultKind.SERVER_ERROR, times=1))
    simulator.faults.add(Fault(FaultKind.OVERLOADED, times=1))
    gateway = start(more=hedged(slow.openai_url))
    simulator.gate.close()
    with Wire(gateway.port) as wire:
        wire.send(request(body()))
        until(gateway, "reply", "reply")
        slow.gate.release()
        until(gateway, "reply")
        simulator.gate.release()
        reply = wire.read()
        assert served(wire.send(request(chat())).read()) == "mini"

    assert (reply.status, reply.code) == (503, "upstream_overloaded")
    assert [each.final for each in gateway.ends(call_of(reply))] == [False, True]


def test_another_dialect_may_answer(start: Start, simulator: Simulator, slow: Simulator) -> None:
    """The second attempt is translated as any attempt is."""
    gateway = start(more=hedged(slow.openai_url, then="haiku"))

    reply = ask(gateway, body(stream=True))

    assert served(reply) == "haiku"
    assert b"chat.completion.chunk" in reply.payload
    first, second = gateway.routes(call_of(reply))
    assert (first.via, second.via) == (None, "anthropic_messages")
    slow.gate.release()
    assert settled(gateway, "1").reason == "hedge_lost"


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_leaves_both(
    start: Start, simulator: Simulator, slow: Simulator, stream: bool
) -> None:
    """Both are drained as one alone would be, and posted at their bills."""
    simulator.gate.close()
    gateway = start(more=hedged(slow.openai_url))
    with Wire(gateway.port) as wire:
        wire.send(request(body(stream=stream)))
        until(gateway, "reply", "reply")
    gateway.until(lambda: not gateway.pipeline.connections, "it has left")
    slow.gate.release()
    until(gateway, "reply")
    simulator.gate.release()

    first, second = settled(gateway, "1"), settled(gateway, "2")
    assert (first.reason, second.reason) == (None, None)
    assert (first.final, second.final) == (False, True)
    assert billed(slow, first)
    assert billed(simulator, second)


@pytest.mark.parametrize("stream", [False, True])
def test_one_whose_deployment_is_frozen_is_cut_alone(
    start: Start, simulator: Simulator, slow: Simulator, stream: bool
) -> None:
    """The other one goes on, and answers."""
    simulator.gate.close()
    gateway = start(more=hedged(slow.openai_url))
    with Wire(gateway.port) as wire:
        wire.send(request(body(stream=stream)))
        until(gateway, "reply", "reply")
        assert freeze(gateway, "deployment:big") == 1
        slow.gate.release()
        reply = wire.read()
    simulator.gate.release()

    assert served(reply) == "slow"
    assert settled(gateway, "1").state == "measured"


@pytest.mark.parametrize("stream", [False, True])
def test_both_are_cut_when_their_caller_is_frozen(
    start: Start, simulator: Simulator, slow: Simulator, stream: bool
) -> None:
    """The client is told once."""
    simulator.gate.close()
    gateway = start(more=hedged(slow.openai_url))
    with Wire(gateway.port) as wire:
        wire.send(request(body(stream=stream)))
        until(gateway, "reply", "reply")
        assert freeze(gateway, "principal:alice") == 2
        reply = wire.read()
    simulator.gate.release()
    slow.gate.release()

    assert reply.code == "frozen"
    assert sorted(each.final for each in ends(gateway).values()) == [False, True]


def test_both_end_when_the_gateway_does(
    start: Start, simulator: Simulator, slow: Simulator
) -> None:
    """Their bounds are posted, and the client is told once."""
    simulator.gate.close()
    gateway = start(more=hedged(slow.openai_url))
    with Wire(gateway.port) as wire:
        wire.send(request(body()))
        until(gateway, "reply", "reply")
        with draining(gateway) as hurry:
            gateway.run(hurry.set)
        reply = wire.read()
        assert wire.is_closed()

    assert reply.status == 504
    assert {each.reason for each in ends(gateway).values()} == {"shutdown_timeout"}
    assert sorted(each.final for each in ends(gateway).values()) == [False, True]


def test_what_answers_is_kept_whoever_it_is(
    start: Start, simulator: Simulator, slow: Simulator
) -> None:
    """The response cache gives it again as the second deployment's, and nothing is sent."""
    text = hedged(slow.openai_url).replace("hedge_after", 'response_cache = "always"\nhedge_after')
    gateway = start(more=text)

    first = ask(gateway, body())
    slow.gate.release()
    gateway.until_idle()
    again = ask(gateway, body())

    assert (served(first), first.header("x-headgate-cache")) == ("big", "miss")
    assert (served(again), again.header("x-headgate-cache")) == ("big", "hit")
    assert again.payload == first.payload
    assert len(gateway.holds(call_of(again))) == 1
