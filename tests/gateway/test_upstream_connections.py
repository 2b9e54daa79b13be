"""Connections to providers: reused, replaced, paused with the client, and never trusted blindly."""

import socket

import pytest

from headgate.records.journal import SettleRecord, VoidRecord
from tests.gateway.calls import ask, call_of, chat, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import (
    STREAM_HEAD,
    Event,
    Line,
    Provider,
    chunk,
    completion,
    event,
    serve_always,
    whole,
)
from tests.gateway.wire import Wire


def the_end(gateway: Gateway, call: str) -> SettleRecord:
    """Return the only end of a call, which is a settlement."""
    gateway.until_idle()
    (end,) = gateway.ends(call)
    assert isinstance(end, SettleRecord)
    return end


def test_a_connection_is_kept_for_the_next_call(start: Start) -> None:
    """Call after call goes over one connection."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url)
        for _ in range(3):
            assert ask(gateway, chat()).status == 200

        assert provider.opened == 1


def test_a_connection_that_idles_too_long_is_closed(start: Start) -> None:
    """After `keep_alive_ms` the pool closes what nobody used; the next call opens another."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url, openai="keep_alive_ms = 30")
        assert ask(gateway, chat()).status == 200
        (pool, _) = gateway.pipeline.world.pools
        gateway.until(lambda: not pool._idle, "the pool is empty")
        assert ask(gateway, chat()).status == 200

        assert provider.opened == 2


def test_a_provider_that_closes_is_connected_to_again(start: Start) -> None:
    """`Connection: close` and the end of an idle connection cost no call."""

    async def once(line: Line) -> None:
        await line.request()
        await line.send(whole(completion(), headers="connection: close\r\n"))

    with Provider(once) as provider:
        gateway = start(openai_url=provider.url)
        for _ in range(2):
            assert ask(gateway, chat()).status == 200

        assert provider.opened == 2


def test_a_stale_connection_is_replaced_and_the_call_made_again(start: Start) -> None:
    """A kept connection that breaks before its reply gets the call another attempt.

    Nobody knows what the provider did with the first one, so that is posted at its hold.
    """

    async def break_the_second(line: Line) -> None:
        await line.request()
        await line.send(whole(completion()))
        await line.request()
        if line.number > 1:
            await line.send(whole(completion()))
        line.reset()

    with Provider(break_the_second) as provider:
        gateway = start(openai_url=provider.url)
        assert ask(gateway, chat()).status == 200
        reply = ask(gateway, chat())

    assert reply.status == 200
    first, second = gateway.ends(call_of(reply))
    assert isinstance(first, SettleRecord)
    assert isinstance(second, SettleRecord)
    held, _ = gateway.holds(call_of(reply))
    assert (first.state, first.reason, first.final) == ("estimated", "closed_before_reply", False)
    assert first.amount_nanos == held.amount_nanos
    assert (second.state, second.final) == ("measured", True)


def test_a_provider_that_is_down_costs_nothing(start: Start) -> None:
    """No connection, no byte sent: the hold is void and the client told 502."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gateway = start(openai_url=f"http://127.0.0.1:{closed.getsockname()[1]}/v1")
        reply = ask(gateway, chat())

    assert (reply.status, reply.code) == (502, "upstream_unreachable")
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, VoidRecord)
    assert end.reason.startswith("connect")


def test_a_name_that_leads_into_the_own_network_costs_nothing(start: Start) -> None:
    """Where only public addresses are permitted nothing is connected to, and the reason says it."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url, openai='addresses = "public"')
        reply = ask(gateway, chat())

        assert provider.opened == 0
    assert (reply.status, reply.code) == (502, "upstream_unreachable")
    assert "not permitted" in reply.message
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, VoidRecord)


def test_a_provider_without_a_proper_name_costs_nothing(start: Start) -> None:
    """A host that no resolver can even look up is unreachable as well."""
    gateway = start(openai_url=f"https://{'a' * 64}.invalid/v1")
    reply = ask(gateway, chat())

    assert (reply.status, reply.code) == (502, "upstream_unreachable")
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, VoidRecord)


def test_a_provider_that_does_not_accept_in_time_costs_nothing(start: Start) -> None:
    """The connection, with its TLS handshake, has its own time limit."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/v1"
        gateway = start(openai_url=url, openai="connect_timeout_ms = 50")
        reply = ask(gateway, chat())

    assert (reply.status, reply.code) == (502, "upstream_unreachable")
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, VoidRecord)
    assert end.reason == "connect_timeout"


def phases(gateway: Gateway) -> list[str]:
    """Return where the calls are that are in flight."""
    return [each.phase for each in gateway.pipeline.exchanges]


ODD_REPLIES = {
    "two replies at once": whole(completion()) + whole(completion(id="chatcmpl-other")),
    "a head of its own behind it": whole(completion()) + b"HTTP/1.1 200 OK\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH_9.9\r\n",
    "another protocol": b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhello",
    "an interim reply first": b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + whole(completion()),
    "a length and chunks": b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n"
    b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
}
SERVED = {"two replies at once", "a head of its own behind it", "an interim reply first"}


@pytest.mark.parametrize("what", ODD_REPLIES)
def test_an_odd_reply_spoils_no_other_call(start: Start, what: str) -> None:
    """What is one reply is passed on, what is none is a 502; the connection is not used again."""

    async def odd(line: Line) -> None:
        await line.request()
        await line.send(ODD_REPLIES[what] if line.number == 1 else whole(completion(id="good")))
        await line.request()
        await line.send(whole(completion(id="good")))

    with Provider(odd) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, chat())
        second = ask(gateway, chat())

    if what in SERVED:
        assert (reply.status, reply.json["id"]) == (200, "chatcmpl-1")
        assert the_end(gateway, call_of(reply)).state == "measured"
    else:
        assert (reply.status, reply.code) == (502, "upstream_broken")
        assert the_end(gateway, call_of(reply)).state == "estimated"
    assert second.json["id"] == "good"
    assert provider.opened == (1 if what == "an interim reply first" else 2)


def test_the_end_of_a_connection_ends_a_reply_only_when_it_is_orderly(start: Start) -> None:
    """Without a length the end of the connection is the end of the reply; a reset is none."""
    body = completion()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"
    ready: list[Event] = []

    async def by_end(line: Line) -> None:
        await line.request()
        if line.number == 1:
            await line.send(head + body)
        else:
            await line.send(head + body[:40])
            await ready[0].wait()
            line.break_off()

    with Provider(by_end) as provider:
        gateway = start(openai_url=provider.url)
        good = ask(gateway, chat())
        ready.append(provider.event())
        with Wire(gateway.port) as wire:
            wire.send(request(chat()))
            gateway.until(lambda: phases(gateway) == ["body"], "the reply has begun")
            ready[0].set()
            cut = wire.read()

    assert (good.status, good.payload) == (200, body)
    assert the_end(gateway, call_of(good)).state == "measured"
    assert (cut.status, cut.code) == (502, "upstream_broken")
    assert the_end(gateway, call_of(cut)).state == "estimated"


@pytest.mark.parametrize("streamed", [False, True])
def test_no_reply_may_take_for_ever(start: Start, streamed: bool) -> None:
    """After `total_timeout_ms` it is over, however lively it was: at its bound, with an error."""

    async def begin(line: Line) -> None:
        await line.request()
        if streamed:
            await line.send(STREAM_HEAD + chunk(event()))
        await line.closed()

    with Provider(begin) as provider:
        gateway = start(openai_url=provider.url, openai="total_timeout_ms = 60")
        reply = ask(gateway, chat(stream=streamed))

    assert reply.status == (200 if streamed else 504)
    assert b"upstream_timeout" in reply.payload
    end = the_end(gateway, call_of(reply))
    assert (end.state, end.reason) == ("estimated", "total_timeout")


def test_a_request_still_in_our_hands_costs_nothing(start: Start) -> None:
    """When a kept connection ends before the turn in which a request was given to it, certainly
    nothing was sent: the hold is void, and the call goes to the same provider again."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url)
        assert ask(gateway, chat()).status == 200
        with Wire(gateway.port) as wire:
            gateway.until(lambda: bool(gateway.pipeline.connections), "the client is connected")

            def lose() -> None:
                (client,) = gateway.pipeline.connections
                kept = gateway.pipeline.world.pools[0]._idle[-1]
                transport = kept.transport
                assert transport is not None
                client.data_received(request(chat()))
                stages = gateway.pipeline.stages
                for stage in (stages._read_requests, stages._begin, stages._hold, stages._send):
                    stage()
                kept.connection_lost(None)
                transport.abort()

            gateway.run(lose)
            reply = wire.read()

    assert reply.status == 200
    first, second = gateway.ends(call_of(reply))
    assert isinstance(first, VoidRecord)
    assert (first.reason, first.final) == ("closed_before_sent", False)
    assert isinstance(second, SettleRecord)
    assert provider.opened == 2
