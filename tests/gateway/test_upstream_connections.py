"""Connections to providers: reused, replaced, paused with the client, and never trusted blindly."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from headgate.gateway.edge import WRITE_HIGH_WATER_BYTES
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
    last_events,
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


def tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return a server's context with a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


def test_a_certificate_of_a_trusted_authority_is_accepted(start: Start, tmp_path: Path) -> None:
    """`ca_file` names the authority; the connection is kept and reused as any other."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with Provider(serve_always, tls(authority.issue_cert("localhost"))) as provider:
        gateway = start(openai_url=provider.url, openai=f'ca_file = "{tmp_path}/ca.pem"')
        assert ask(gateway, chat()).status == 200
        assert ask(gateway, chat()).status == 200

        assert provider.opened == 1


def days_ago(days: int) -> datetime:
    """Return a day of the past."""
    return datetime.now(UTC) - timedelta(days=days)


@pytest.mark.parametrize("fault", ["expired", "another host", "another authority", "self-signed"])
def test_a_certificate_that_proves_nothing_is_never_accepted(
    start: Start, tmp_path: Path, fault: str
) -> None:
    """No byte of the request leaves, so the hold is void; there is no way to switch this off."""
    authority = trustme.CA()
    stranger = trustme.CA()
    certificates = {
        "expired": lambda: authority.issue_cert(
            "localhost", not_before=days_ago(9), not_after=days_ago(1)
        ),
        "another host": lambda: authority.issue_cert("provider.example"),
        "another authority": lambda: stranger.issue_cert("localhost"),
        "self-signed": lambda: stranger.issue_cert("localhost"),
    }
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trust = "" if fault == "self-signed" else f'ca_file = "{tmp_path}/ca.pem"'
    with Provider(serve_always, tls(certificates[fault]())) as provider:
        gateway = start(openai_url=provider.url, openai=trust)
        reply = ask(gateway, chat())

    assert (reply.status, reply.code) == (502, "upstream_unreachable")
    assert "tls" in reply.message
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, VoidRecord)


def test_an_address_is_checked_as_an_address(start: Start, tmp_path: Path) -> None:
    """A provider named by its IP address needs a certificate for that address."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trust = f'ca_file = "{tmp_path}/ca.pem"'
    with Provider(serve_always, tls(authority.issue_cert("localhost"))) as provider:
        url = f"https://127.0.0.1:{provider.port}/v1"
        assert ask(start(openai_url=url, openai=trust), chat()).code == "upstream_unreachable"
    with Provider(serve_always, tls(authority.issue_cert("127.0.0.1"))) as provider:
        url = f"https://127.0.0.1:{provider.port}/v1"
        assert ask(start(openai_url=url, openai=trust), chat()).status == 200


def test_a_reply_is_read_on_when_the_client_has_caught_up(start: Start) -> None:
    """A slow reader pauses the provider; then all arrives, and the connection can be used again.

    The last bytes of the reply come while the client is behind: the connection that goes back
    to the pool must not stay paused.
    """
    filler = event(choices=[{"index": 0, "delta": {"content": "x" * 15_000}}])
    count = WRITE_HIGH_WATER_BYTES // len(filler)
    ready: list[Event] = []

    async def much(line: Line) -> None:
        while True:
            await line.request()
            await line.send(STREAM_HEAD + chunk(event()))
            for _ in range(count):
                await line.send(chunk(filler))
            await ready[0].wait()
            await line.send(chunk(filler) * 3 + chunk(last_events()) + b"0\r\n\r\n")

    with Provider(much) as provider:
        gateway = start(openai_url=provider.url)
        ready.append(provider.event())
        with Wire(gateway.port, receive_buffer_bytes=4_096) as wire:
            gateway.until(lambda: bool(gateway.pipeline.connections), "the client is there")
            gateway.run(lambda: shrink(gateway))
            wire.send(request(chat(stream=True)))
            gateway.until(lambda: waiting_bytes(gateway) > 200_000, "the client is behind")
            ready[0].set()
            gateway.until_idle()
            assert gateway.run(lambda: any(each.paused for each in gateway.pipeline.connections))
            reply = wire.read()
        assert reply.payload.count(b"x" * 15_000) == count + 3
        again = ask(gateway, chat(stream=True))

        assert again.payload.count(b"x" * 15_000) == count + 3
        assert provider.opened == 1


def shrink(gateway: Gateway) -> None:
    """Let the kernel keep few bytes on the way to the client, so that the gateway has to."""
    for connection in gateway.pipeline.connections:
        assert connection.transport is not None
        connection.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096
        )


def waiting_bytes(gateway: Gateway) -> int:
    """Return how many bytes wait in the gateway for the slowest client."""
    transports = [each.transport for each in gateway.pipeline.connections]
    return max(each.get_write_buffer_size() for each in transports if each is not None)


def test_a_slow_reader_costs_bounded_memory(start: Start) -> None:
    """While a client does not read, its provider is not read either; then it gets every byte."""
    filler = event(choices=[{"index": 0, "delta": {"content": "x" * 15_000}}])

    async def endless(line: Line) -> None:
        await line.request()
        await line.send(STREAM_HEAD + chunk(event()))
        for _ in range(600):
            await line.send(chunk(filler))
        await line.send(chunk(last_events()) + b"0\r\n\r\n")

    with Provider(endless) as provider:
        gateway = start(openai_url=provider.url)
        with Wire(gateway.port, receive_buffer_bytes=4_096) as wire:
            gateway.until(lambda: bool(gateway.pipeline.connections), "the client is there")
            gateway.run(lambda: shrink(gateway))
            wire.send(request(chat(stream=True)))
            gateway.until(lambda: waiting_bytes(gateway) > WRITE_HIGH_WATER_BYTES, "it is full")
            gateway.ticks(20)
            assert waiting_bytes(gateway) < 4 * WRITE_HIGH_WATER_BYTES
            reply = wire.read()

    assert reply.payload.count(b"x" * 15_000) == 600
    assert reply.payload.endswith(b"data: [DONE]\n\n")


def test_a_client_that_does_not_read_at_all_is_cut_off(start: Start) -> None:
    """After `write_timeout_ms` its connection is aborted; the reply is read on for its usage."""
    filler = event(choices=[{"index": 0, "delta": {"content": "x" * 15_000}}])

    async def much(line: Line) -> None:
        await line.request()
        await line.send(STREAM_HEAD + chunk(event()))
        for _ in range(100):
            await line.send(chunk(filler))
        await line.send(chunk(last_events()) + b"0\r\n\r\n")

    with Provider(much) as provider:
        gateway = start(openai_url=provider.url, limits="write_timeout_ms = 50")
        with Wire(gateway.port, receive_buffer_bytes=4_096) as wire:
            gateway.until(lambda: bool(gateway.pipeline.connections), "the client is there")
            gateway.run(lambda: shrink(gateway))
            wire.send(request(chat(stream=True)))
            gateway.until(lambda: held(gateway), "the call is held")
            gateway.until(lambda: not gateway.pipeline.connections, "the client is cut off")
            end = the_end(gateway, gateway.last_call())

    assert (end.state, end.usage) == ("measured", {"input_uncached": 10, "output_text": 5})


def phases(gateway: Gateway) -> list[str]:
    """Return where the calls are that are in flight."""
    return [each.phase for each in gateway.pipeline.exchanges]


def held(gateway: Gateway) -> bool:
    """Tell whether a call is in flight that has been held."""
    return any(each.held for each in gateway.pipeline.exchanges)


def test_a_pause_does_not_count_as_silence_of_the_provider(start: Start) -> None:
    """The idle timeout starts anew when the client has caught up."""
    filler = event(choices=[{"index": 0, "delta": {"content": "x" * 15_000}}])
    ready: list[Event] = []

    async def much(line: Line) -> None:
        await line.request()
        await line.send(STREAM_HEAD + chunk(event()))
        for _ in range(WRITE_HIGH_WATER_BYTES // 10_000):
            await line.send(chunk(filler))
        await ready[0].wait()
        await line.send(chunk(last_events()) + b"0\r\n\r\n")

    with Provider(much) as provider:
        gateway = start(openai_url=provider.url, openai="idle_timeout_ms = 150")
        ready.append(provider.event())
        with Wire(gateway.port, receive_buffer_bytes=4_096) as wire:
            gateway.until(lambda: bool(gateway.pipeline.connections), "the client is there")
            gateway.run(lambda: shrink(gateway))
            wire.send(request(chat(stream=True)))
            gateway.until(
                lambda: any(each.paused for each in gateway.pipeline.connections), "it is full"
            )
            gateway.ticks(30)
            rest = b""
            while gateway.run(lambda: any(each.paused for each in gateway.pipeline.connections)):
                rest += wire.read_some()
            gateway.ticks(3)
            ready[0].set()
            rest += wire.read_to(b"0\r\n\r\n")

    assert b"data: [DONE]" in rest


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
