"""Framing, row by row over raw sockets: what is refused, what is put up with, what changes nothing.

Every row that two parsers could read in two ways is a 400 behind which the connection closes; a
row that is answered leaves the connection in step, which the next request on it shows.
"""

import pytest

from headgate.gateway.settings import FRAMING_BYTES_MAX
from headgate.gateway.sweep import BODY_START_MS, sweep
from tests.gateway.calls import BOB, CHAT_PATH, chat, encode, head, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Reply, Wire

BODY = encode(chat())
LENGTH = b"content-length: %d\r\n\r\n" % len(BODY)
CHUNKED = head(headers=[("transfer-encoding", "chunked")]) + b"\r\n"
SIZE = b"%x" % len(BODY)
LAST = b"0\r\n\r\n"
GET = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n"
GET_HEALTH = GET + b"\r\n"
H2C = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAA\r\n"


def call(*headers: tuple[str, str], version: str = "1.1", path: str = CHAT_PATH) -> bytes:
    """Return a call with more headers."""
    return head(path, headers=headers, version=version) + LENGTH + BODY


def chunked(size: bytes = SIZE, *, data: bytes = BODY + b"\r\n", last: bytes = LAST) -> bytes:
    """Return a call whose body comes in one chunk."""
    return CHUNKED + size + b"\r\n" + data + last


def coded(coding: str, version: str = "1.1") -> bytes:
    """Return a call in one chunk that says how it is coded."""
    start = head(headers=[("transfer-encoding", coding)], version=version)
    return start + b"\r\n" + SIZE + b"\r\n" + BODY + b"\r\n" + LAST


def hosted(host: bytes) -> bytes:
    """Return a request for a host."""
    return GET.replace(b"gateway", host) + b"\r\n"


def answer_to(gateway: Gateway, raw: bytes) -> Reply:
    """Send bytes, return the one reply, and see that the gateway closes behind it."""
    with Wire(gateway.port) as wire:
        wire.send(raw)
        reply = wire.read()
        assert wire.is_closed()
    return reply


BROKEN = {
    # how long a body is
    "length and chunks": call(("transfer-encoding", "chunked")),
    "length and identity": call(("transfer-encoding", "identity")),
    "length and an empty coding": call(("transfer-encoding", "")),
    "two lengths": call(("content-length", "3")),
    "two equal lengths": call(("content-length", str(len(BODY)))),
    "a list of lengths": head() + b"content-length: 2, 2\r\n\r\n{}",
    "a length with a sign": head() + b"content-length: +3\r\n\r\nabc",
    "a negative length": head() + b"content-length: -1\r\n\r\n",
    "an empty length": head() + b"content-length: \r\n\r\n",
    "a length in C": head() + b"content-length: 0x5\r\n\r\nabcde",
    "a length in Python": head() + b"content-length: 1_0\r\n\r\n0123456789",
    "a length with a blank": head() + b"content-length: 1 0\r\n\r\n0123456789",
    "a length beyond 64 bits": head() + b"content-length: 99999999999999999999999\r\n\r\n",
    "a length of 5,000 digits": head() + b"content-length: %b5\r\n\r\n" % (b"0" * 5_000),
    "chunks that are not last": coded("chunked, identity"),
    "chunks twice": coded("chunked, chunked"),
    "another coding below chunks": coded("gzip, chunked"),
    "an unknown coding": coded("xchunked"),
    "a coding behind a vertical tab": coded("\x0bchunked"),
    "chunks in HTTP/1.0": coded("chunked", version="1.0"),
    # lines and headers
    "bare line feeds": head().replace(b"\r\n", b"\n") + b"content-length: 0\n\n",
    "a bare line feed in a value": head() + b"x-note: a\nx-other: b\r\n" + LENGTH + BODY,
    "a bare line feed at the end": head() + b"content-length: 0\r\n\n",
    "a bare carriage return": head() + b"x-note: a\rb\r\n" + LENGTH + BODY,
    "a folded header": head() + b"x-note: one\r\n two\r\n" + LENGTH + BODY,
    "a folded first header": b"GET /healthz HTTP/1.1\r\n host: gateway\r\n\r\n",
    "a blank before a colon": head() + b"x-note : one\r\n" + LENGTH + BODY,
    "a blank in a name": GET + b"x note: one\r\n\r\n",
    "no colon": GET + b"x-note\r\n\r\n",
    "no name": GET + b": one\r\n\r\n",
    "a name beyond ASCII": GET + "x-nöte: one\r\n\r\n".encode(),
    "a NUL in a header": head() + b"x-note: a\0b\r\n" + LENGTH + BODY,
    "a NUL in a name": head() + b"x-no\0te: ab\r\n" + LENGTH + BODY,
    "a control sign in a header": GET + b"x-note: a\x01b\r\n\r\n",
    # hosts
    "no host": GET_HEALTH.replace(b"host: gateway\r\n", b""),
    "two hosts": GET + b"host: other\r\n\r\n",
    "two hosts in HTTP/1.0": b"GET /healthz HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n",
    "a list of hosts": hosted(b"gateway, other"),
    "a host with a blank": hosted(b"gate way"),
    "a host with a path": hosted(b"gateway/v1"),
    "a host with a user": hosted(b"alice@gateway"),
    # the first line
    "an unknown method": b"FROB / HTTP/1.1\r\nhost: gateway\r\n\r\n",
    "a method in small letters": GET_HEALTH.replace(b"GET", b"get"),
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "HTTP/0.9 with a version": GET_HEALTH.replace(b"/1.1", b"/0.9"),
    "HTTP/2.0": GET_HEALTH.replace(b"/1.1", b"/2.0"),
    "a call in HTTP/2.0": call(version="2.0"),
    "an unknown version": b"GET / HTTP/3.7\r\nhost: gateway\r\n\r\n",
    "a version of two digits": b"GET / HTTP/01.1\r\nhost: gateway\r\n\r\n",
    "a blank behind the version": b"GET / HTTP/1.1 \r\nhost: gateway\r\n\r\n",
    "tabs for blanks": b"GET\t/\tHTTP/1.1\r\nhost: gateway\r\n\r\n",
    "a target beyond ASCII": "GET /healthzä HTTP/1.1\r\nhost: gateway\r\n\r\n".encode(),
    "a target without a slash": b"GET healthz HTTP/1.1\r\nhost: gateway\r\n\r\n",
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an upgrade without a host": b"GET / HTTP/1.1\r\nupgrade: a\r\nconnection: upgrade\r\n\r\n",
    "a tunnel": b"CONNECT gateway:443 HTTP/1.1\r\nhost: gateway\r\n\r\n",
    # chunks
    "a chunk size of no digits": chunked(b"zz"),
    "a chunk without a size": chunked(b""),
    "a chunk size in C": chunked(b"0x3", data=b"abc\r\n"),
    "a chunk size in Python": chunked(b"1_0", data=b"0123456789abcdef\r\n"),
    "a chunk size with a sign": chunked(b"+3", data=b"abc\r\n"),
    "a negative chunk size": chunked(b"-3", data=b"abc\r\n"),
    "a chunk size with a blank": chunked(b"3 ", data=b"abc\r\n"),
    "a chunk size beyond 64 bits": chunked(b"fffffffffffffffff", data=b"abc\r\n"),
    "a chunk longer than it says": chunked(b"3", data=b"abcd\r\n"),
    "a chunk without an end": chunked(data=BODY),
    "a chunk after a bare line feed": CHUNKED + b"3\nabc\n0\n\n",
    "a bare line feed in an extension": chunked(SIZE + b";a\nb"),
    "a bare carriage return in an extension": chunked(SIZE + b";a\rb"),
    "a NUL in an extension": chunked(SIZE + b";a\0b"),
    "an extension of 64 kB": chunked(SIZE + b";a=" + b"a" * 65_536),
    "a size of 64 kB of zeros": chunked(b"0" * 65_536 + SIZE),
    # trailers
    "a length as a trailer": chunked(last=b"0\r\ncontent-length: 3\r\n\r\n"),
    "chunks as a trailer": chunked(last=b"0\r\ntransfer-encoding: chunked\r\n\r\n"),
    "a folded trailer": chunked(last=b"0\r\nx-note: one\r\n two\r\n\r\n"),
    "a trailer that is no header": chunked(last=b"0\r\nx note: one\r\n\r\n"),
    "a bare line feed in a trailer": chunked(last=b"0\r\nx-note: one\n\n"),
    "a trailer of 64 kB": chunked(last=b"0\r\nx-note: " + b"a" * 65_536 + b"\r\n\r\n"),
    "5,000 trailers": chunked(last=b"0\r\n" + b"x-note: 123456\r\n" * 5_000 + b"\r\n"),
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_proper_http_is_refused(gateway: Gateway, raw: bytes) -> None:
    """Whatever two parsers could read in two ways is a 400, and the connection closes."""
    reply = answer_to(gateway, raw)

    assert (reply.status, reply.code) == (400, "request_malformed")
    assert reply.header("connection") == "close"


UPGRADES = {
    "a WebSocket": GET + b"upgrade: websocket\r\nconnection: Upgrade\r\n\r\n",
    "one among others": GET + b"upgrade: h2c, WebSocket\r\nconnection: close, upgrade\r\n\r\n",
    "with a body": call(("upgrade", "websocket"), ("connection", "upgrade")),
}


@pytest.mark.parametrize("raw", UPGRADES.values(), ids=UPGRADES.keys())
def test_no_connection_becomes_a_websocket(gateway: Gateway, raw: bytes) -> None:
    """It is a 501 that says where to read more, and the connection closes."""
    reply = answer_to(gateway, raw)

    assert (reply.status, reply.code) == (501, "realtime_unsupported")
    assert "http.md#realtime" in reply.message


@pytest.mark.parametrize("path", ["/v1/realtime", "/v1/realtime/client_secrets?model=x"])
def test_there_is_no_realtime(gateway: Gateway, path: str) -> None:
    """Its paths are a 501 as well, in whatever way they are asked; the connection goes on."""
    with Wire(gateway.port) as wire:
        assert wire.send(head(path) + LENGTH + BODY).read().code == "realtime_unsupported"
        assert wire.send(head(path, method="GET", key=None) + b"\r\n").read().status == 501


OVERSIZED = {
    "one header": head(headers=[("x-note", "a" * 70_000)]) + LENGTH,
    "many headers": head(headers=[(f"x-note-{n}", "a" * 1_000) for n in range(90)]) + LENGTH,
    "a target": head("/" + "a" * 70_000) + LENGTH,
    "101 headers": b"GET / HTTP/1.1\r\nhost: gateway\r\n" + b"x: y\r\n" * 100 + b"\r\n",
    "a head without end": b"GET / HTTP/1.1\r\nx-note: " + b"a" * 300_000,
}


@pytest.mark.parametrize("raw", OVERSIZED.values(), ids=OVERSIZED.keys())
def test_a_head_that_is_too_large_is_refused(gateway: Gateway, raw: bytes) -> None:
    """More than 64 kB or 100 headers are a 431, in one piece or in many."""
    reply = answer_to(gateway, raw)

    assert (reply.status, reply.code) == (431, "head_too_large")


FINE = {
    "chunks in capitals": coded("Chunked"),
    "an extension": chunked(SIZE + b";name=value"),
    "a size with zeros": chunked(b"0" * 100 + SIZE),
    "a trailer": chunked(last=b"0\r\nx-note: one\r\n\r\n"),
    "a trailer that names another key": chunked(
        last=b"0\r\nauthorization: Bearer %b\r\n\r\n" % BOB.encode()
    ),
    "an empty line before": b"\r\n" + call(),
    "a value beyond ASCII": head() + "x-note: ä\r\n".encode() + LENGTH + BODY,
    "an empty host": hosted(b""),
    "an address as host": hosted(b"[::1]:8080"),
    "the whole address": call(path="http://gateway" + CHAT_PATH),
    "the whole address of another host": call(
        path="HTTPS://other:444" + CHAT_PATH + "?a=http://b/"
    ),
    "connection names the key": call(("connection", "authorization, keep-alive")),
    "connection names the length": call(("connection", "host, content-length")),
    "another expectation": call(("expect", "200-ok")),
    "an upgrade that nobody asks for": GET + b"upgrade: h2c\r\n\r\n",
    # What clients written in Java ask for by themselves, and do without (RFC 9110, 7.8).
    "HTTP/2 with a GET": GET + H2C + b"\r\n",
    "TLS with a GET": GET + b"upgrade: TLS/1.2\r\nconnection: Upgrade\r\n\r\n",
    "several protocols": GET + b"upgrade: h2c, foo/2\r\nconnection: upgrade\r\n\r\n",
    "HTTP/2 with a call": head() + H2C + LENGTH + BODY,
    "HTTP/2 with a call in chunks": head()
    + H2C
    + b"transfer-encoding: chunked\r\n\r\n"
    + SIZE
    + b"\r\n"
    + BODY
    + b"\r\n"
    + LAST,
    "HTTP/2 with a body where none belongs": GET + H2C + b"content-length: 3\r\n\r\nabc",
    "a body where none belongs": GET + b"content-length: 3\r\n\r\nabc",
    "chunks where none belong": GET + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n" + LAST,
}


@pytest.mark.parametrize("raw", FINE.values(), ids=FINE.keys())
def test_what_is_proper_is_answered_and_leaves_the_connection_in_step(
    gateway: Gateway, raw: bytes
) -> None:
    """It is a 200, in one write with the next request, which is answered as well."""
    with Wire(gateway.port) as wire:
        wire.send(raw + GET_HEALTH)

        assert wire.read().status == 200
        assert wire.read().payload == b'{"status":"ok"}'


def test_an_upgrade_is_passed_over_as_often_as_it_is_asked_for(gateway: Gateway) -> None:
    """Such a call is served on the same connection again, whether its head is known by then."""
    with Wire(gateway.port) as wire:
        for _ in range(3):
            assert wire.send(FINE["HTTP/2 with a call"]).read().status == 200
            assert wire.send(FINE["HTTP/2 with a call in chunks"]).read().status == 200


@pytest.mark.parametrize("row", [name for name in FINE if name.startswith("HTTP/2 with")])
def test_an_upgrade_is_passed_over_wherever_a_read_ends(gateway: Gateway, row: str) -> None:
    """A head and a body that come byte by byte are read as well, and so is what is behind them."""
    with Wire(gateway.port) as wire:
        for byte in FINE[row] + GET_HEALTH:
            wire.send(bytes((byte,)))

        assert wire.read().status == 200
        assert wire.read().payload == b'{"status":"ok"}'


LAST_ONES = {
    "close": call(("connection", "close")),
    "close among others": call(("connection", "close, keep-alive")),
    "HTTP/1.0": call(version="1.0"),
    "HTTP/1.0 that would stay": call(("connection", "keep-alive"), version="1.0"),
    "HTTP/1.0 that asks first": call(("expect", "100-continue"), version="1.0"),
    "HTTP/1.0 without a host": b"GET /healthz HTTP/1.0\r\n\r\n",
}


@pytest.mark.parametrize("raw", LAST_ONES.values(), ids=LAST_ONES.keys())
def test_what_ends_a_connection_is_answered_and_ends_it(gateway: Gateway, raw: bytes) -> None:
    """It is a 200 that says `close`; what was sent behind it is not looked at."""
    reply = answer_to(gateway, raw + GET_HEALTH)

    assert (reply.status, reply.header("connection")) == (200, "close")


NOWHERE = {
    "another path": b"GET /v1/../healthz HTTP/1.1\r\nhost: gateway\r\n\r\n",
    "two slashes": b"GET //healthz HTTP/1.1\r\nhost: gateway\r\n\r\n",
    "a fragment": b"GET /healthz#top HTTP/1.1\r\nhost: gateway\r\n\r\n",
    "no path": b"OPTIONS * HTTP/1.1\r\nhost: gateway\r\n\r\n",
    "a whole address with a user": call(path="http://alice@gateway" + CHAT_PATH),
    "a whole address of another kind": call(path="ftp://gateway" + CHAT_PATH),
}


@pytest.mark.parametrize("raw", NOWHERE.values(), ids=NOWHERE.keys())
def test_paths_are_compared_as_they_are_written(gateway: Gateway, raw: bytes) -> None:
    """Nothing is resolved, unescaped or cut off: what is no path of ours is a 404."""
    with Wire(gateway.port) as wire:
        assert wire.send(raw).read().code == "path_unknown"
        assert wire.send(GET_HEALTH).read().status == 200


def test_an_extension_that_drips_is_cut_off(gateway: Gateway) -> None:
    """What comes between two pieces of a body is bounded over all reads together."""
    with Wire(gateway.port) as wire:
        wire.send(CHUNKED + b"1;a=")
        for _ in range(12):
            wire.send(b"a" * (FRAMING_BYTES_MAX // 4))

        assert wire.read().code == "request_malformed"
        assert wire.is_closed()


def test_a_body_that_drips_is_cut_off(start: Start) -> None:
    """After ten seconds a body must have come at `body_rate_min` bytes a second on average."""
    gateway = start(limits="body_rate_min = 1000")
    large = request(chat("a" * 9_000))
    with Wire(gateway.port) as slow, Wire(gateway.port) as quick:
        slow.send(large[:1_000])
        quick.send(large[:-1])
        gateway.until(lambda: gateway.pipeline._buffered_bytes > 9_000, "both have begun")

        gateway.ticks(2)
        gateway.run(lambda: sweep(gateway.pipeline, gateway.pipeline.coarse_ms + later_ms(2)))

        reply = slow.read()
        assert (reply.status, reply.code) == (408, "request_timeout")
        assert quick.send(large[-1:]).read().status == 200


def later_ms(seconds: int) -> int:
    """Return the time at which so many seconds of a body's rate have been counted."""
    return BODY_START_MS + seconds * 1_000
