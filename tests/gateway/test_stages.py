"""What a turn of the loop brings is worked on stage by stage: whatever happens between two stages,
each call ends once, and its hold with it."""

from collections.abc import Callable

import pytest

from headgate.gateway.cuts import cut
from headgate.gateway.exchange import Exchange
from headgate.gateway.stages import TOGETHER_MAX
from headgate.gateway.sweep import sweep
from headgate.gateway.upstream.connection import UpstreamConnection
from headgate.identity.keys import digest
from headgate.records.journal import VoidRecord
from tests.gateway.calls import ALICE, ask, call_of, chat, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import Provider, completion, serve_always, whole
from tests.gateway.staging import (
    client_of,
    connected,
    exchange_of,
    holds,
    once,
    the_end,
    through,
)
from tests.gateway.wire import Reply

A_DAY_MS = 86_400_000


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


def test_so_many_calls_take_a_stage_together(start: Start) -> None:
    """The others have the next turn, and none is overtaken."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url)
        with connected(gateway, clients=TOGETHER_MAX + 3) as wires:

            def arrive() -> tuple[list[str], list[str]]:
                pipeline = gateway.pipeline
                for client in pipeline.connections:
                    client.data_received(request(chat()))
                came = sorted(each.call for each in pipeline.exchanges)
                through(gateway, "read_requests")
                return came, [each.call for each in pipeline.stages._arrived]

            came, left = gateway.run(arrive)
            statuses = {wire.read().status for wire in wires}
            held = holds(gateway)

    assert left == came[TOGETHER_MAX:]
    assert held[1:] == came
    assert statuses == {200}


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
