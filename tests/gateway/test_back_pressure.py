"""Slow readers: the provider is read no faster than the client, and memory stays bounded."""

import socket

from headgate.gateway.settings import WRITE_HIGH_WATER_BYTES
from headgate.records.journal import SettleRecord
from tests.gateway.calls import ask, chat, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import (
    STREAM_HEAD,
    Event,
    Line,
    Provider,
    chunk,
    event,
    last_events,
)
from tests.gateway.wire import Wire


def the_end(gateway: Gateway, call: str) -> SettleRecord:
    """Return the only end of a call, which is a settlement."""
    gateway.until_idle()
    (end,) = gateway.ends(call)
    assert isinstance(end, SettleRecord)
    return end


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

    assert (end.state, end.quantities) == ("measured", {"input_uncached": 10, "output_text": 5})


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
