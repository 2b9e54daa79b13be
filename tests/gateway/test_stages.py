"""What a turn of the loop brings is worked on stage by stage: whatever happens between two stages,
each call ends once, and its hold with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from headgate.gateway.answers import Answer
from headgate.gateway.client.edge import ClientConnection
from headgate.gateway.cuts import cut
from headgate.gateway.exchange import Exchange
from headgate.gateway.sweep import sweep
from headgate.gateway.upstream.connection import UpstreamConnection
from headgate.identity.keys import digest
from headgate.records.journal import HoldRecord, SettleRecord, VoidRecord
from tests.gateway.calls import ALICE, ask, call_of, chat, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import (
    STREAM_HEAD,
    Line,
    Provider,
    chunk,
    completion,
    event,
    serve_always,
    whole,
)
from tests.gateway.wire import Reply, Wire

A_DAY_MS = 86_400_000


async def once(line: Line) -> None:
    """Answer the first request of a connection, and leave all others to the test."""
    await line.request()
    await line.send(whole(completion()))
    await line.closed()


def client_of(gateway: Gateway) -> ClientConnection:
    """Return the one connection of a client."""
    (client,) = gateway.pipeline.connections
    return client


def exchange_of(gateway: Gateway) -> Exchange:
    """Return the one call."""
    (exchange,) = gateway.pipeline.exchanges
    return exchange


def holds(gateway: Gateway) -> list[str]:
    """Return the calls that were held, in order."""
    return [each.call for each in gateway.records() if isinstance(each, HoldRecord)]


@contextmanager
def connected(gateway: Gateway, clients: int = 1) -> Iterator[list[Wire]]:
    """Have clients connected, before whom a call has left a kept connection to the provider."""
    assert ask(gateway, chat()).status == 200
    gateway.until(lambda: not gateway.pipeline.connections, "the one before has left")
    wires = [Wire(gateway.port) for _ in range(clients)]
    try:
        gateway.until(lambda: len(gateway.pipeline.connections) == clients, "all are connected")
        yield wires
    finally:
        for wire in wires:
            wire.close()


def through(gateway: Gateway, *stages: str) -> None:
    """Take the calls of this turn through some stages."""
    for stage in stages:
        getattr(gateway.pipeline.stages, f"_{stage}")()


def test_calls_of_one_turn_take_each_stage_together(start: Start) -> None:
    """All are read before any is held, all are held before any is sent; each is answered."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url)
        with connected(gateway, clients=3) as wires:

            def arrive() -> list[list[str]]:
                pipeline, seen = gateway.pipeline, []
                for client in pipeline.connections:
                    client.data_received(request(chat()))
                for stages in (("read_requests", "begin"), ("hold",)):
                    seen.append([each.phase for each in pipeline.exchanges])
                    through(gateway, *stages)
                return [*seen, [each.phase for each in pipeline.exchanges]]

            phases = gateway.run(arrive)
            replies = [wire.read() for wire in wires]

    assert phases == [["arrive"] * 3, ["place"] * 3, ["send"] * 3]
    assert [each.status for each in replies] == [200] * 3
    assert len({call_of(each) for each in replies}) == 3


def test_first_come_is_first_held(start: Start) -> None:
    """Stages keep the order in which calls came: the last one meets the budget that is used up."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url)
        with connected(gateway, clients=4) as _:

            def arrive() -> list[str]:
                pipeline = gateway.pipeline
                for client in pipeline.connections:
                    client.data_received(request(chat()))
                came = sorted(each.call for each in pipeline.exchanges)
                through(gateway, "read_requests", "begin", "hold", "send")
                return came

            came = gateway.run(arrive)
            held = holds(gateway)

    assert held[-4:] == came


@pytest.mark.parametrize(
    "stages",
    [(), ("read_requests",), ("read_requests", "begin")],
    ids=["arrived", "read", "placed"],
)
def test_a_client_that_leaves_before_its_call_is_held(
    start: Start, stages: tuple[str, ...]
) -> None:
    """Nothing is held, nothing is sent, and its place is free again."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url, deployment="concurrency_max = 1")
        with connected(gateway):
            before = holds(gateway)

            def leave() -> None:
                client = client_of(gateway)
                client.data_received(request(chat()))
                through(gateway, *stages)
                client.connection_lost(None)
                gateway.pipeline.stages.run()

            gateway.run(leave)
            gateway.until_idle()
        assert holds(gateway) == before
        assert ask(gateway, chat()).status == 200


@pytest.mark.parametrize(
    "stages",
    [(), ("read_requests",), ("read_requests", "begin")],
    ids=["arrived", "read", "placed"],
)
def test_a_key_that_is_revoked_before_its_call_is_held(
    start: Start, stages: tuple[str, ...]
) -> None:
    """It was valid when the call came, and the call is refused: nothing is held or sent."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url, deployment="concurrency_max = 1")
        with connected(gateway) as (wire,):
            before = holds(gateway)

            def revoke() -> int:
                pipeline = gateway.pipeline
                client_of(gateway).data_received(request(chat()))
                through(gateway, *stages)
                pipeline.world.directory.remove_digest(digest(b"pepper", ALICE.encode()))
                count = cut(pipeline)
                pipeline.stages.run()
                return count

            assert gateway.run(revoke) == 1
            reply = wire.read()
            gateway.until_idle()
        assert (reply.status, reply.code) == (401, "key_invalid")
        assert holds(gateway) == before


@pytest.mark.parametrize("stages", [(), ("read_requests", "begin")], ids=["arrived", "placed"])
def test_who_is_frozen_before_a_call_is_held(start: Start, stages: tuple[str, ...]) -> None:
    """The call is refused, whether it knew by then what it would be held on or not."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url)
        with connected(gateway) as (wire,):
            before = holds(gateway)

            def freeze() -> None:
                pipeline = gateway.pipeline
                client_of(gateway).data_received(request(chat()))
                through(gateway, *stages)
                pipeline.frozen = frozenset({"team:research"})
                cut(pipeline)
                pipeline.stages.run()

            gateway.run(freeze)
            reply = wire.read()
            gateway.until_idle()
        assert (reply.status, reply.code) == (403, "frozen")
        assert holds(gateway) == before


def test_a_client_that_leaves_before_its_call_is_sent(start: Start) -> None:
    """The hold is void, once, and nothing is sent."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url)
        with connected(gateway):

            def leave() -> str:
                client = client_of(gateway)
                client.data_received(request(chat()))
                through(gateway, "read_requests", "begin", "hold")
                call = exchange_of(gateway).call
                client.connection_lost(None)
                gateway.pipeline.stages.run()
                return call

            call = gateway.run(leave)
            (end,) = gateway.ends(call)

    assert isinstance(end, VoidRecord)
    assert end.reason == "client_gone"


def on_reply(
    start: Start, act: Callable[[Gateway, Exchange, UpstreamConnection], None], **more: str
) -> tuple[Gateway, Reply | None, str]:
    """Have something happen when a reply is whole and not yet read; return what became of it."""
    with Provider(once) as provider:
        gateway = start(openai_url=provider.url, **more)
        with connected(gateway) as (wire,):

            def reply() -> str:
                gateway.bring(client_of(gateway), request(chat()))
                exchange = exchange_of(gateway)
                upstream = exchange.upstream
                assert upstream is not None
                upstream.data_received(whole(completion()))
                assert exchange.phase == "whole"
                act(gateway, exchange, upstream)
                gateway.pipeline.stages.run()
                return exchange.call

            call = gateway.run(reply)
            gateway.until_idle()
            left = gateway.run(lambda: not gateway.pipeline.connections)
            return gateway, None if left else wire.read(), call


def the_end(gateway: Gateway, call: str) -> SettleRecord:
    """Return how the only attempt of a call ended."""
    (end,) = gateway.ends(call)
    assert isinstance(end, SettleRecord)
    return end


def test_a_connection_that_ends_behind_its_reply(start: Start) -> None:
    """The reply is whole: it is measured, and answers the call."""

    def end(_gateway: Gateway, _exchange: Exchange, upstream: UpstreamConnection) -> None:
        transport = upstream.transport
        assert transport is not None
        upstream.connection_lost(None)
        transport.abort()

    gateway, reply, call = on_reply(start, end)

    assert reply is not None
    assert reply.status == 200
    assert the_end(gateway, call).state == "measured"


def test_bytes_behind_a_reply_that_is_still_to_be_read(start: Start) -> None:
    """They change nothing of it; the connection is out of step and serves nobody any more."""

    closing = []

    def more(gateway: Gateway, _exchange: Exchange, upstream: UpstreamConnection) -> None:
        transport = upstream.transport
        assert transport is not None
        upstream.data_received(whole(completion()))
        gateway.pipeline.stages.run()
        closing.append(transport.is_closing())

    gateway, reply, call = on_reply(start, more)

    assert reply is not None
    assert reply.status == 200
    assert the_end(gateway, call).state == "measured"
    assert closing == [True]


def test_a_time_that_is_over_when_the_reply_is_here(start: Start) -> None:
    """The reply has come, so the call is not late: what it says is posted, and no bound."""

    def late(gateway: Gateway, _exchange: Exchange, _upstream: UpstreamConnection) -> None:
        sweep(gateway.pipeline, gateway.pipeline.coarse_ms + A_DAY_MS)

    gateway, reply, call = on_reply(start, late, openai="total_timeout_ms = 60000")

    assert the_end(gateway, call).state == "measured"
    assert reply is not None
    assert reply.status == 200


def test_a_client_that_leaves_when_the_reply_is_here(start: Start) -> None:
    """It is paid for as it was measured."""

    def leave(gateway: Gateway, _exchange: Exchange, _upstream: UpstreamConnection) -> None:
        client = client_of(gateway)
        transport = client.transport
        assert transport is not None
        client.connection_lost(None)
        transport.abort()

    gateway, _, call = on_reply(start, leave)

    end = the_end(gateway, call)
    assert (end.state, end.reason) == ("measured", None)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    "stages",
    [(), ("read_replies",), ("read_replies", "meter"), ("read_replies", "meter", "settle")],
    ids=["come", "read", "metered", "settled"],
)
def test_a_call_that_is_cut_when_its_reply_is_here(
    start: Start, stages: tuple[str, ...], *, stream: bool
) -> None:
    """Whatever it asked for, and however far its reply is: it is posted once, and refused."""
    with Provider(once) as provider:
        gateway = start(openai_url=provider.url)
        with connected(gateway) as (wire,):

            def reply() -> str:
                gateway.bring(client_of(gateway), request(chat(stream=stream)))
                exchange = exchange_of(gateway)
                assert exchange.upstream is not None
                exchange.upstream.data_received(whole(completion()))
                through(gateway, *stages)
                gateway.pipeline.frozen = frozenset({"team:research"})
                cut(gateway.pipeline)
                gateway.pipeline.stages.run()
                return exchange.call

            call = gateway.run(reply)
            told = wire.read()
            gateway.until_idle()

    assert (told.status, told.code) == (403, "frozen")
    assert the_end(gateway, call).call == call


@pytest.mark.parametrize("stage", ["read", "hold", "send", "settle"])
def test_a_bug_stops_one_call_and_no_other(
    start: Start, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Those behind it in its turn are answered; it is answered too, by the sweep, and not held:
    not sent, it has cost nothing, and answered by its provider all that was held."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url)
        with connected(gateway, clients=2) as wires:

            def arrive() -> None:
                pipeline = gateway.pipeline
                first, second = pipeline.connections
                for client in (first, second):
                    client.data_received(request(chat()))
                assert first.exchange is not None
                faulty = first.exchange
                break_down(monkeypatch, gateway, faulty, stage)
                if stage == "settle":
                    return
                with pytest.raises((ZeroDivisionError, TypeError)):
                    pipeline.stages.run()

            gateway.run(arrive)
            replies = [wire.read() for wire in wires]
            gateway.until_idle()

    assert sorted(each.status for each in replies) == [200, 500]
    stopped, served = sorted(replies, key=lambda each: -each.status)
    ends = gateway.ends(call_of(stopped))
    of_stage = {"send": [VoidRecord], "settle": [SettleRecord]}
    assert [type(each) for each in ends] == of_stage.get(stage, [])
    if stage == "settle":
        (hold,) = gateway.holds(call_of(stopped))
        end = the_end(gateway, call_of(stopped))
        assert (end.state, end.amount_nanos) == ("estimated", hold.amount_nanos)
        gateway.problems.clear()
    assert the_end(gateway, call_of(served)).state == "measured"


def break_down(
    monkeypatch: pytest.MonkeyPatch, gateway: Gateway, faulty: Exchange, stage: str
) -> None:
    """Have a stage fail at one call."""
    pipeline = gateway.pipeline
    if stage == "read":
        faulty.request.parts = [0, 0]  # type: ignore[list-item]
        return
    if stage == "settle":
        post = pipeline.endings.post

        def act_on(answer: Answer) -> None:
            if answer.exchange is faulty:
                raise ZeroDivisionError(stage)
            post(answer)

        monkeypatch.setattr(pipeline.endings, "post", act_on)
        return
    name = {"hold": "hold", "send": "dispatch"}[stage]
    usual = getattr(pipeline, name)

    def act(exchange: Exchange) -> None:
        if exchange is faulty:
            raise ZeroDivisionError(stage)
        usual(exchange)

    monkeypatch.setattr(pipeline, name, act)


@pytest.mark.parametrize("stage", ["read", "meter"])
def test_a_bug_at_a_reply_ends_its_call_and_its_connection(
    start: Start, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Not only when a time is over: at the next sweep, at its bound, and the provider is no cause.
    Nobody else gets the connection, so it is closed."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url)
        with connected(gateway) as (wire,):

            def reply() -> UpstreamConnection:
                gateway.bring(client_of(gateway), request(chat()))
                exchange = exchange_of(gateway)
                upstream = exchange.upstream
                assert upstream is not None
                if stage == "read":
                    exchange.spoken = None  # type: ignore[assignment]
                else:
                    monkeypatch.setattr(gateway.pipeline.endings, "served", None)
                upstream.data_received(whole(completion()))
                with pytest.raises((AttributeError, TypeError)):
                    gateway.pipeline.stages.run()
                return upstream

            upstream = gateway.run(reply)
            call, reply_told = gateway.last_call(), wire.read()
            gateway.until(lambda: upstream.transport is None, "the connection is closed")

    assert (reply_told.status, reply_told.code) == (500, "internal_error")
    end = the_end(gateway, call)
    assert (end.state, end.reason) == ("estimated", "internal_error")


def test_a_bug_of_who_learns_of_settlements_ends_one_call(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is met: the sweep does not tell them again, and goes on."""

    def fail(*_arguments: object) -> None:
        raise ZeroDivisionError

    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url)
        with monkeypatch.context() as patch:
            patch.setattr(gateway.pipeline.world.caching, "settle", fail)
            stopped = ask(gateway, chat())
        served = ask(gateway, chat())
        gateway.problems.clear()

    (hold,) = gateway.holds(call_of(stopped))
    end = the_end(gateway, call_of(stopped))
    assert (stopped.status, stopped.code, served.status) == (500, "internal_error", 200)
    assert (end.state, end.amount_nanos) == ("estimated", hold.amount_nanos)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_bug_behind_a_reply_ends_its_call(
    start: Start, monkeypatch: pytest.MonkeyPatch, *, stream: bool
) -> None:
    """Settled or not by then, it is posted once, and its client is told: in a stream that has begun
    by an error of its dialect."""

    async def serve(line: Line) -> None:
        await line.request()
        said = STREAM_HEAD + chunk(event()) + b"0\r\n\r\n" if stream else whole(completion())
        await line.send(said)
        await line.closed()

    def fail(*_arguments: object, **_more: object) -> None:
        raise ZeroDivisionError

    with Provider(serve) as provider:
        gateway = start(openai_url=provider.url)
        monkeypatch.setattr(gateway.pipeline.endings.verdicts, "well_at", fail)
        with Wire(gateway.port) as wire:
            reply = wire.send(request(chat(stream=stream))).read()
        gateway.until_idle()
        gateway.problems.clear()

    end = the_end(gateway, gateway.last_call())
    if stream:
        assert (reply.status, end.state, end.reason) == (200, "estimated", "internal_error")
        assert b'"code":"internal_error"' in reply.chunks[-1]
    else:
        assert (reply.status, reply.code) == (500, "internal_error")
        assert end.state == "measured"
