"""Providers that die, stall, throttle or talk nonsense: calls go on, and the books are exact."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from headgate.records.journal import DecisionRecord, SettleRecord
from headgate.simulator import Fault, FaultKind, Simulator
from tests.gateway.calls import ask, call_of, chat
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import (
    STREAM_HEAD,
    Line,
    Provider,
    chunk,
    completion,
    serve_always,
    whole,
)
from tests.gateway.wire import Reply

EITHER = '[routes.either]\ndeployments = ["mini", "big"]\npolicy = "ordered"'
SHORT = "first_byte_timeout_ms = 100\nidle_timeout_ms = 100"
QUICK = "breaker_failures = 3\nbreaker_open_ms = 100"
CALLS = 12


def either(*, stream: bool = False) -> dict[str, Any]:
    return chat(model="either", stream=stream)


def served(reply: Reply) -> str:
    """Return who served a call, which must have been served."""
    assert reply.status == 200, reply
    name = reply.header("x-headgate-deployment")
    assert name is not None
    return name


def rules(gateway: Gateway, number: int) -> dict[str, str | None]:
    """Return what a decision says of each candidate."""
    (record,) = [
        each
        for each in gateway.records()
        if isinstance(each, DecisionRecord) and each.number == number
    ]
    return {each.deployment: each.excluded for each in record.candidates}


def other(name: str, url: str, more: str = "") -> str:
    """Return the tables of a provider of the test's own, with a deployment of the same name."""
    return (
        f'[providers.{name}]\nkind = "openai_compatible"\nbase_url = "{url}"\nseller = "openai"\n'
        f'output_limit_field = "max_completion_tokens"\n'
        f'credential = {{ value = "sk-own" }}\n{more}\n'
        f'[deployments.{name}]\nprovider = "{name}"\nmodel = "gpt-5.4-mini"\n'
    )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.OVERLOADED,
        FaultKind.SERVER_ERROR,
        FaultKind.BAD_GATEWAY,
        FaultKind.UNAUTHORIZED,
        FaultKind.QUOTA,
        FaultKind.RESET,
        FaultKind.STALL,
    ],
)
def test_an_outage_costs_no_client_an_error(
    start: Start, simulator: Simulator, kind: FaultKind, stream: bool
) -> None:
    """In the midst of calls a deployment fails: all are served, and soon it is not asked any more.

    When it is well again it gets its calls back, and every attempt was settled or voided once.
    """
    gateway = start(more=EITHER, limits=QUICK, openai=SHORT)
    assert served(ask(gateway, either(stream=stream))) == "mini"
    simulator.faults.add(Fault(kind, model="gpt-5.4-mini"))

    replies = [ask(gateway, either(stream=stream)) for _ in range(CALLS)]

    assert {served(reply) for reply in replies} == {"big"}
    gateway.until_idle()
    ends = [gateway.ends(call_of(reply)) for reply in replies]
    assert all(len(each) > 1 for each in ends[:3])
    assert any(len(each) == 1 for each in ends[3:])
    # On a machine that is busy the breaker's pause may be over at any one of them.
    decisions = [int(reply.header("x-headgate-decision") or 0) for reply in replies[3:]]
    passed_over = [rules(gateway, decision) for decision in decisions]
    assert {"big": None, "mini": "breaker_open"} in passed_over
    simulator.faults.clear()
    gateway.until(lambda: _is_well(gateway, "mini"), "the breaker's pause is over")
    assert served(ask(gateway, either(stream=stream))) == "mini"
    assert served(ask(gateway, either(stream=stream))) == "mini"


def _is_well(gateway: Gateway, name: str) -> bool:
    world = gateway.pipeline.world
    return world.targets[name].health.rule(world.now_ns()) is None


def test_a_throttled_deployment_is_left_alone_as_long_as_it_said(
    start: Start, simulator: Simulator
) -> None:
    """The first 429 sends the call elsewhere; the calls after it do not even try."""
    gateway = start(more=EITHER)
    simulator.faults.add(Fault(FaultKind.RATE_LIMIT, retry_after_s=60, model="gpt-5.4-mini"))
    replies = [ask(gateway, either()) for _ in range(3)]

    assert [served(reply) for reply in replies] == ["big"] * 3
    gateway.until_idle()
    assert [len(gateway.ends(call_of(reply))) for reply in replies] == [2, 1, 1]
    assert rules(gateway, int(replies[1].header("x-headgate-decision") or 0)) == {
        "big": None,
        "mini": "throttled",
    }


def test_when_all_are_throttled_the_client_is_told_when(start: Start, simulator: Simulator) -> None:
    """Nobody is asked before its time, and the earliest of the times is told."""
    gateway = start(more=EITHER)
    simulator.faults.add(Fault(FaultKind.RATE_LIMIT, retry_after_s=90, model="gpt-5.4-mini"))
    simulator.faults.add(Fault(FaultKind.RATE_LIMIT, retry_after_s=30, model="gpt-5.4"))
    first = ask(gateway, either())
    asked = simulator.received.all()
    second = ask(gateway, either())

    assert (first.status, first.code) == (429, "upstream_rate_limited")
    assert (second.status, second.code) == (429, "upstream_rate_limited")
    assert 25 <= int(second.header("retry-after") or 0) <= 30
    assert simulator.received.all() == asked
    (refusal,) = gateway.refusals()
    assert refusal.code == "upstream_rate_limited"
    ready = ask(gateway, path="/readyz", method="GET")
    assert ready.status == 200
    counted = {"well": 2, "breaker_open": 0, "throttled": 2, "credential_unavailable": 0}
    assert ready.json["deployments"] == counted


def test_a_limit_that_is_used_up_is_learnt_from_a_good_reply(start: Start) -> None:
    """The reply that uses the last call up is delivered; the next call goes elsewhere."""
    told = "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 1m0s\r\n"

    async def talk(line: Line) -> None:
        while True:
            await line.request()
            await line.send(whole(completion(), headers=told))

    with Provider(talk) as provider:
        route = '[routes.either]\ndeployments = ["own", "big"]\npolicy = "ordered"'
        gateway = start(more=other("own", provider.url) + route)

        assert [served(ask(gateway, either())) for _ in range(2)] == ["own", "big"]


async def _garbage(line: Line) -> None:
    await line.request()
    await line.send(b"\x00\x01 this is no HTTP\r\n\r\n")


async def _page(line: Line) -> None:
    await line.request()
    await line.send(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>"
    )


async def _error_inside(line: Line) -> None:
    await line.request()
    await line.send(whole(b'{"error":{"message":"no","code":502}}'))


async def _half(line: Line) -> None:
    await line.request()
    await line.send(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{"
    )
    line.reset()


async def _no_events(line: Line) -> None:
    await line.request()
    await line.send(STREAM_HEAD + b"0\r\n\r\n")


async def _error_first(line: Line) -> None:
    await line.request()
    await line.send(STREAM_HEAD + chunk(b'data: {"error":{"message":"no"}}\n\n') + b"0\r\n\r\n")


async def _error_in_pieces(line: Line) -> None:
    await line.request()
    await line.send(STREAM_HEAD + chunk(b": working on it\n\n"))
    await line.send(chunk(b'data: {"error":'))
    await line.send(chunk(b'{"message":"no"}}\n\n') + b"0\r\n\r\n")


async def _comments_then_cut(line: Line) -> None:
    await line.request()
    await line.send(STREAM_HEAD + chunk(b": working on it\n\n"))
    line.reset()


async def _silence(line: Line) -> None:
    await line.request()
    await line.send(STREAM_HEAD)
    await line.closed()


@pytest.mark.parametrize(
    ("talk", "stream"),
    [
        (_garbage, False),
        (_garbage, True),
        (_page, False),
        (_page, True),
        (_error_inside, False),
        (_half, False),
        (_no_events, True),
        (_error_first, True),
        (_error_in_pieces, True),
        (_comments_then_cut, True),
        (_silence, True),
    ],
)
def test_nonsense_before_the_first_byte_goes_on_elsewhere(
    start: Start, talk: Callable[[Line], Any], stream: bool
) -> None:
    """What is no reply is posted at its bound and not shown to the client, who is served."""
    with Provider(talk) as provider:
        route = '[routes.either]\ndeployments = ["own", "big"]\npolicy = "ordered"'
        gateway = start(more=other("own", provider.url, SHORT) + route)
        reply = ask(gateway, either(stream=stream))

    assert served(reply) == "big"
    gateway.until_idle()
    first, second = gateway.ends(call_of(reply))
    assert isinstance(first, SettleRecord)
    assert isinstance(second, SettleRecord)
    assert (first.final, second.final, second.state) == (False, True, "measured")


def test_the_death_of_a_provider_under_many_calls_is_survived(start: Start) -> None:
    """Forty calls wait for a provider when it dies: each goes on, each hold ends once."""

    async def talk(line: Line) -> None:
        await line.request()
        await died.wait()
        line.reset()

    with Provider(talk) as provider, Provider(serve_always) as healthy:
        died = provider.event()
        route = '[routes.either]\ndeployments = ["dying", "healthy"]\npolicy = "ordered"'
        more = other("dying", provider.url) + other("healthy", healthy.url) + route
        gateway = start(more=more)
        with ThreadPoolExecutor(40) as pool:
            futures = [pool.submit(ask, gateway, either()) for _ in range(40)]
            gateway.until(
                lambda: sum(each.phase == "reply" for each in gateway.pipeline.exchanges) == 40,
                "all forty have been sent",
            )
            died.set()
            replies = [future.result() for future in futures]

    assert [served(reply) for reply in replies] == ["healthy"] * 40
    gateway.until_idle()
    states = [[getattr(end, "state", "") for end in gateway.ends(call_of(r))] for r in replies]
    assert states == [["estimated", "measured"]] * 40


def test_without_a_retry_budget_the_first_failure_is_told(
    start: Start, simulator: Simulator
) -> None:
    """Further attempts are paid by calls: when none is left, a failure is the client's."""
    gateway = start(more=EITHER, limits="retries_percent = 50\nretries_burst = 1")
    simulator.faults.add(Fault(FaultKind.OVERLOADED, model="gpt-5.4-mini", times=4))
    statuses = [ask(gateway, either()).status for _ in range(4)]

    assert statuses == [200, 503, 200, 503]
    assert gateway.run(lambda: gateway.pipeline.world.retries.denied) == 2


def test_a_call_does_not_leave_its_region(start: Start, simulator: Simulator) -> None:
    """A failure in Europe is told rather than served in America, unless the route allows it."""
    regions = other("eu", simulator.openai_url, 'region = "eu"')
    regions += other("us", simulator.openai_url, 'region = "us"')
    stays = '[routes.stays]\ndeployments = ["eu", "us"]\npolicy = "ordered"\n'
    moves = stays.replace("stays", "moves") + 'regions = ["eu", "us"]'
    gateway = start(more=regions + stays + moves)

    simulator.faults.add(Fault(FaultKind.OVERLOADED, times=1))
    kept = ask(gateway, chat(model="stays"))
    simulator.faults.add(Fault(FaultKind.OVERLOADED, times=1))
    moved = ask(gateway, chat(model="moves"))

    assert (kept.status, kept.code) == (503, "upstream_overloaded")
    assert served(moved) == "us"
    gateway.until_idle()
    (held,) = gateway.holds(call_of(kept))
    assert rules(gateway, held.decision) == {"eu": None, "us": "region"}


def test_weights_spread_the_calls(start: Start) -> None:
    """Three of four calls go to the one, the fourth to the other; whoever fails is covered."""
    route = '[routes.either]\ndeployments = ["mini", "big"]\npolicy = "weighted"\n'
    gateway = start(more=route + "weights = { mini = 3, big = 1 }")

    names = [served(ask(gateway, either())) for _ in range(20)]

    assert names.count("big") in (4, 5, 6)


def test_a_breaker_that_opens_meanwhile_is_in_the_next_attempts_decision(
    start: Start, simulator: Simulator
) -> None:
    """Whom a later attempt passed over stands in the decision it refers to."""
    route = '[routes.three]\ndeployments = ["first", "mini", "big"]\npolicy = "ordered"'

    async def talk(line: Line) -> None:
        await line.request()
        await go.wait()
        line.reset()

    with Provider(talk) as provider:
        go = provider.event()
        limits = "breaker_failures = 1\nbreaker_open_ms = 60000"
        gateway = start(more=other("first", provider.url) + route, limits=limits)
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(ask, gateway, chat(model="three"))
            gateway.until(
                lambda: any(each.phase == "reply" for each in gateway.pipeline.exchanges),
                "the call waits for its first reply",
            )
            simulator.faults.add(Fault(FaultKind.SERVER_ERROR, model="gpt-5.4-mini", times=1))
            assert ask(gateway, chat(model="mini")).status == 502
            go.set()
            reply = future.result()

    assert served(reply) == "big"
    gateway.until_idle()
    one, two = gateway.holds(call_of(reply))
    assert rules(gateway, one.decision) == {"first": None, "mini": None, "big": None}
    assert rules(gateway, two.decision) == {
        "first": None,
        "big": None,
        "mini": "breaker_open",
    }


@pytest.mark.parametrize("node", ["deployment:mini", "provider:own"])
def test_what_is_frozen_is_passed_over_for_what_is_not(start: Start, node: str) -> None:
    """A freeze of a deployment or a provider refuses only the calls nobody else may serve."""
    with Provider(serve_always) as provider:
        more = other("own", provider.url)
        more += '[routes.three]\ndeployments = ["own", "mini", "big"]\npolicy = "ordered"'
        gateway = start(more=more)
        gateway.run(lambda: setattr(gateway.pipeline, "frozen", frozenset({node})))
        through = ask(gateway, chat(model="three"))
        name = node.partition(":")[2]
        pinned = ask(gateway, chat(model=name))

    gateway.until_idle()
    assert served(through) == ("mini" if name == "own" else "own")
    assert (pinned.status, pinned.code) == (403, "frozen")
    assert node in pinned.message
    if name == "own":
        (held,) = gateway.holds(call_of(through))
        assert rules(gateway, held.decision) == {"mini": None, "big": None, "own": "frozen"}


def test_a_full_deployment_overflows_to_the_next(start: Start, simulator: Simulator) -> None:
    """A call that would be turned away for want of a place goes to a deployment that has one."""
    route = '[routes.either]\ndeployments = ["mini", "big"]\npolicy = "ordered"'
    gateway = start(deployment="concurrency_max = 1\nqueue_max = 0", more=route)
    simulator.gate.close()
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(ask, gateway, either()) for _ in range(2)]
        assert simulator.gate.wait(2, 10)
        third = ask(gateway, either())
        simulator.gate.release()
        replies = [future.result() for future in futures]

    assert sorted(served(reply) for reply in replies) == ["big", "mini"]
    assert (third.status, third.code) == (429, "capacity_exhausted")
    gateway.until_idle()
    (spilled,) = [reply for reply in replies if served(reply) == "big"]
    (held,) = gateway.holds(call_of(spilled))
    assert held.attempt.endswith(".1")
    assert rules(gateway, held.decision) == {"big": None, "mini": "full"}
