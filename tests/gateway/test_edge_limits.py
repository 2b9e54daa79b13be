"""The edge's limits: sizes, times and numbers, each with its refusal."""

import pytest

from headgate.gateway.client.edge import ClientConnection
from tests.gateway.calls import chat, encode, head, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Reply, Wire

BODY = encode(chat())
LENGTH = b"content-length: %d\r\n\r\n" % len(BODY)
HOOK = """
[outcome_hooks.code]
kind = "generic"
secret = { value = "known-to-the-tracker" }
team = "research"
"""
GET_HEALTH = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n"


def answer_to(gateway: Gateway, raw: bytes) -> Reply:
    """Send bytes, return the one reply, and see that the gateway closes behind it."""
    with Wire(gateway.port) as wire:
        wire.send(raw)
        reply = wire.read()
        assert wire.is_closed()
    return reply


def buffered(gateway: Gateway) -> int:
    """Return the bytes of bodies the gateway believes it has in memory."""
    return gateway.run(lambda: gateway.pipeline._buffered_bytes)


def test_a_body_that_is_announced_too_large_is_refused_unread(start: Start) -> None:
    """413 comes from the announcement; the client that sends on regardless still reads it."""
    gateway = start(limits="body_bytes_max = 100000")
    with Wire(gateway.port) as wire:
        wire.send(head() + b"content-length: 20000000\r\n\r\n")
        wire.send(bytes(4_000_000))
        reply = wire.read()

    assert (reply.status, reply.code) == (413, "body_too_large")
    assert "100000" in reply.message


def test_a_body_that_grows_too_large_is_refused(start: Start) -> None:
    """Chunks announce nothing, so they are counted."""
    gateway = start(limits="body_bytes_max = 100000")
    with Wire(gateway.port) as wire:
        wire.send(head(headers=[("transfer-encoding", "chunked")]) + b"\r\n")
        wire.send((b"10000\r\n" + b"a" * 65_536 + b"\r\n") * 8)
        reply = wire.read()

    assert (reply.status, reply.code) == (413, "body_too_large")
    gateway.until(lambda: not gateway.pipeline.connections, "the connection is gone")
    assert buffered(gateway) == 0


def test_all_bodies_together_are_bounded(start: Start) -> None:
    """When too many bytes are in memory a body is refused with 503, and room comes back."""
    gateway = start(limits="buffered_bytes_max = 100000")
    large = request(chat("a" * 60_000))
    for _ in range(3):
        with Wire(gateway.port) as first, Wire(gateway.port) as second:
            first.send(large[:55_000])
            gateway.until(lambda: gateway.pipeline._buffered_bytes > 50_000, "the first is there")
            second.send(large)
            refused = second.read()
            assert (refused.status, refused.code) == (503, "overloaded")
            assert refused.header("retry-after") == "1"
            assert first.send(large[55_000:]).read().status == 200
    gateway.until(lambda: not gateway.pipeline.connections, "the connections are gone")
    assert buffered(gateway) == 0


def test_strangers_messages_leave_clients_their_memory(start: Start) -> None:
    """Bodies for hooks come without a key, so all of them have a small part; it comes back."""
    gateway = start(limits="buffered_bytes_max = 2000000", more=HOOK)
    message = request(bytes(999_000), "/v1/outcomes/hooks/code", key=None)
    for _ in range(3):
        with Wire(gateway.port) as first, Wire(gateway.port) as second, Wire(gateway.port) as ours:
            first.send(message[:990_000])
            gateway.until(lambda: gateway.pipeline._buffered_bytes > 900_000, "the first is there")
            refused = second.send(message[:990_000]).read()
            assert (refused.status, refused.code) == (503, "overloaded")
            assert ours.send(request(chat("a" * 60_000))).read().status == 200
            assert first.send(message[990_000:]).read().code == "signature_invalid"
        with Wire(gateway.port) as broken:
            broken.send(message[:990_000])
            gateway.until(lambda: gateway.pipeline._buffered_bytes > 900_000, "it is there")
    gateway.until(lambda: not gateway.pipeline.connections, "the connections are gone")
    assert buffered(gateway) == 0


def test_a_stranger_fills_no_memory(start: Start) -> None:
    """Who has no valid key may send a body, but it is not kept."""
    gateway = start(limits="buffered_bytes_max = 100000")
    with Wire(gateway.port) as wire:
        wire.send(request(chat("a" * 300_000), key="hg_nobody"))
        assert wire.read().code == "key_invalid"
    assert buffered(gateway) == 0


def test_too_many_connections_are_turned_away(start: Start) -> None:
    """One connection too many is told so and closed; the others are served."""
    gateway = start(limits="connections_max = 1")
    with Wire(gateway.port) as first:
        assert first.send(GET_HEALTH).read().status == 200
        with Wire(gateway.port) as second:
            reply = second.read()
            assert (reply.status, reply.code) == (503, "overloaded")
        assert first.send(GET_HEALTH).read().status == 200


SLOW = {
    "head": ("head_timeout_ms = 50", head()[:40], "head"),
    "body": ("body_timeout_ms = 50", head() + LENGTH + BODY[:10], "body"),
}


@pytest.mark.parametrize(("limits", "raw", "what"), SLOW.values(), ids=SLOW.keys())
def test_a_slow_request_is_cut_off(start: Start, limits: str, raw: bytes, what: str) -> None:
    """A head or a body that does not arrive in its time is a 408."""
    reply = answer_to(start(limits=limits), raw)

    assert (reply.status, reply.code) == (408, "request_timeout")
    assert what in reply.message


def test_a_head_that_drips_is_cut_off_all_the_same(start: Start) -> None:
    """The time of a head counts from its first byte, not from its last."""
    gateway = start(limits="head_timeout_ms = 100")
    with Wire(gateway.port) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\n")
        dripped = 0
        while dripped < 1_000 and gateway.run(lambda: bool(gateway.pipeline.connections)):
            try:
                wire.send(b"x-drip: 1\r\n")
            except (BrokenPipeError, ConnectionResetError):
                break
            gateway.ticks(2)
            dripped += 1
            if gateway.run(lambda: any(each.phase == "over" for each in connections(gateway))):
                break
        reply = wire.read()

    assert (reply.status, reply.code) == (408, "request_timeout")
    assert dripped > 2


def connections(gateway: Gateway) -> set[ClientConnection]:
    """Return the connections that are open."""
    return gateway.pipeline.connections


def test_a_connection_that_says_nothing_is_closed(start: Start) -> None:
    """Between requests a connection is kept for its time, then closed without a word."""
    gateway = start(limits="idle_timeout_ms = 50")
    with Wire(gateway.port) as wire:
        assert wire.is_closed()
    with Wire(gateway.port) as wire:
        assert wire.send(GET_HEALTH).read().status == 200
        assert wire.is_closed()
