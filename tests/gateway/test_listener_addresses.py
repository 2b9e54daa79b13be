"""Who is really there: what proxies say of their clients, believed of trusted ones alone."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.gateway.listener.addresses import (
    FORWARDED,
    X_FORWARDED_FOR,
    address,
    client_of,
    network,
)
from headgate.gateway.listener.proxy_protocol import (
    BODY_BYTES_MAX,
    LINE_BYTES_MAX,
    Greeting,
    GreetingError,
    parse,
)

TRUSTED = (network("10.0.0.0/8"), network("2001:db8:1::/48"))
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
V4 = ipaddress.IPv4Address("203.0.113.7").packed + ipaddress.IPv4Address("10.0.0.1").packed
PORTS = b"\x30\x39\x01\xbb"

FORWARDED_FOR = {
    "nothing": (None, "10.0.0.1"),
    "one": (b"203.0.113.7", "203.0.113.7"),
    "made up in front": (b"1.1.1.1, 203.0.113.7", "203.0.113.7"),
    "proxies behind": (b"1.1.1.1, 203.0.113.7, 10.9.9.9", "203.0.113.7"),
    "proxies alone": (b"10.2.0.1, 10.9.9.9", "10.2.0.1"),
    "with a port": (b"203.0.113.7:4711", "203.0.113.7"),
    "IPv6": (b"2001:db8:2::1", "2001:db8:2::1"),
    "IPv6 with a port": (b"[2001:db8:2::1]:4711, 2001:db8:1::5", "2001:db8:2::1"),
    "IPv4 in IPv6": (b"::ffff:203.0.113.7", "203.0.113.7"),
    "not known": (b"203.0.113.7, unknown", "10.0.0.1"),
    "not known behind a proxy": (b"203.0.113.7, unknown, 10.9.9.9", "10.9.9.9"),
    "nonsense": (b"\xff\xfe'; drop", "10.0.0.1"),
    "empty": (b"", "10.0.0.1"),
    "many": (b"203.0.113.7, " * 5_000 + b"198.51.100.9", "198.51.100.9"),
}


@pytest.mark.parametrize(("value", "client"), FORWARDED_FOR.values(), ids=FORWARDED_FOR.keys())
def test_the_right_most_address_that_is_no_proxy_s_is_the_client_s(
    value: bytes | None, client: str
) -> None:
    """Whatever is left of it may be made up; what cannot be read ends the search."""
    assert client_of("10.0.0.1", value, X_FORWARDED_FOR, TRUSTED) == client


RFC_7239 = {
    "one": (b"for=203.0.113.7", "203.0.113.7"),
    "more beside": (b'by=10.0.0.1;For="203.0.113.7:80";proto=https', "203.0.113.7"),
    "IPv6": (b'for="[2001:db8:2::1]:80", for=10.1.1.1', "2001:db8:2::1"),
    "hidden": (b"for=_secret, for=10.1.1.1", "10.1.1.1"),
    "no for": (b"for=203.0.113.7, proto=https", "10.0.0.1"),
    "a comma in a host": (b'for=203.0.113.7;host="a,for=6.6.6.6"', "203.0.113.7"),
    "a quotation left open": (b'for="1.1.1.1, for=203.0.113.7', "10.0.0.1"),
    "one that swallows the proxy's": (
        b'for=", for=203.0.113.7;host=",for=6.6.6.6"',
        "10.0.0.1",
    ),
    "one with an escape": (b'for=", for=203.0.113.7;host=",for=6.6.6.6;a=\\"b"', "10.0.0.1"),
}


@pytest.mark.parametrize(("value", "client"), RFC_7239.values(), ids=RFC_7239.keys())
def test_forwarded_is_read_by_its_grammar_or_not_at_all(value: bytes, client: str) -> None:
    """A client that plays with quotations is seen as the proxy next to us, never as another."""
    assert client_of("10.0.0.1", value, FORWARDED, TRUSTED) == client


@given(
    st.text(st.sampled_from('for=",;\\ 6.[]:host'), max_size=60),
    st.sampled_from([X_FORWARDED_FOR, FORWARDED]),
)
def test_nobody_can_pass_for_another(made_up: str, header: bytes) -> None:
    """Whatever a client writes in front, and as its host, what its proxy writes behind counts; the
    worst is that the proxy itself is seen.
    """
    host = made_up.replace("\\", "\\\\").replace('"', '\\"')
    ours = "203.0.113.7" if header == X_FORWARDED_FOR else f'for=203.0.113.7;host="{host}"'
    value = f"{made_up}, {ours}".encode()

    assert client_of("10.0.0.1", value, header, TRUSTED) in ("203.0.113.7", "10.0.0.1")


@given(st.binary(max_size=60), st.sampled_from([X_FORWARDED_FOR, FORWARDED]))
def test_a_stranger_is_not_asked(value: bytes, header: bytes) -> None:
    """Who is connected and no trusted proxy is the client, whatever it writes."""
    assert client_of("198.51.100.9", value, header, TRUSTED) == "198.51.100.9"


def test_zones_are_no_addresses() -> None:
    """An interface of another machine means nothing here."""
    assert address("fe80::1%eth0") is None


def binary(body: bytes, *, command: int = 0x21, family: int = 0x11) -> bytes:
    """Return a greeting of version 2."""
    return SIGNATURE + bytes([command, family]) + len(body).to_bytes(2, "big") + body


V6 = ipaddress.IPv6Address("2001:db8:2::1").packed * 2
GREETINGS = {
    "IPv4": (b"PROXY TCP4 203.0.113.7 10.0.0.1 12345 443\r\n", "203.0.113.7"),
    "IPv6": (b"PROXY TCP6 2001:db8:2::1 2001:db8:1::1 0 65535\r\n", "2001:db8:2::1"),
    "unknown": (b"PROXY UNKNOWN\r\n", None),
    "unknown with more": (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None),
    "binary IPv4": (binary(V4 + PORTS), "203.0.113.7"),
    "binary IPv6": (binary(V6 + PORTS, family=0x21), "2001:db8:2::1"),
    "datagrams": (binary(V4 + PORTS, family=0x12), "203.0.113.7"),
    "a path": (binary(bytes(216), family=0x31), None),
    "no family": (binary(b"", family=0x00), None),
    "a check of the proxy's own": (binary(b"", command=0x20, family=0x00), None),
    "a check with addresses": (binary(V4 + PORTS, command=0x20), None),
    "values": (binary(V4 + PORTS + b"\x02\x00\x03abc\x04\x00\x00"), "203.0.113.7"),
    "the longest": (binary(V4 + PORTS + b"\x04" + (4_081).to_bytes(2, "big") + bytes(4_081)),
                    "203.0.113.7"),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "client"), GREETINGS.values(), ids=GREETINGS.keys())
def test_greetings_are_read_and_nothing_behind_them(raw: bytes, client: str | None) -> None:
    """Both versions; however they come in pieces, each piece is known to belong to them."""
    assert parse(raw + b"GET / HTTP/1.1\r\n") == Greeting(client, len(raw))
    for end in range(len(raw)):
        assert parse(raw[:end]) is None


NO_GREETINGS = {
    "a request": b"GET / HTTP/1.1\r\n",
    "TLS": b"\x16\x03\x01",
    "small letters": b"proxy TCP4",
    "two blanks": b"PROXY  TCP4 203.0.113.7 10.0.0.1 12345 443\r\n",
    "a bare line feed": b"PROXY TCP4 203.0.113.7 10.0.0.1 12345 443\n",
    "an address of the other kind": b"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
    "zeros in front of an address": b"PROXY TCP4 203.000.113.7 10.0.0.1 1 2\r\n",
    "zeros in front of a port": b"PROXY TCP4 203.0.113.7 10.0.0.1 01 2\r\n",
    "a port too far": b"PROXY TCP4 203.0.113.7 10.0.0.1 65536 2\r\n",
    "no ports": b"PROXY TCP4 203.0.113.7 10.0.0.1\r\n",
    "another kind": b"PROXY UDP4 203.0.113.7 10.0.0.1 1 2\r\n",
    "a line that does not end": b"PROXY UNKNOWN " + b"a" * LINE_BYTES_MAX,
    "another version": binary(V4 + PORTS, command=0x31),
    "another command": binary(V4 + PORTS, command=0x22),
    "another family": binary(V4 + PORTS, family=0x41),
    "another transport": binary(V4 + PORTS, family=0x13),
    "too short": binary(V4),
    "a value without a length": binary(V4 + PORTS + b"\x04\x00"),
    "a value too long": binary(V4 + PORTS + b"\x04\x00\x05abc"),
    "too long": SIGNATURE + b"\x21\x11" + (BODY_BYTES_MAX + 1).to_bytes(2, "big"),
}


@pytest.mark.parametrize("raw", NO_GREETINGS.values(), ids=NO_GREETINGS.keys())
def test_what_is_no_greeting_is_refused(raw: bytes) -> None:
    """Nothing is guessed."""
    with pytest.raises(GreetingError):
        parse(raw)


@given(st.binary(max_size=300), st.sampled_from([b"", b"PROXY ", SIGNATURE, SIGNATURE + b"\x21"]))
def test_any_bytes_are_a_greeting_or_none_or_not_yet(data: bytes, start: bytes) -> None:
    """The reader never fails otherwise, never waits for more than its bound, and takes no byte
    that is not there.
    """
    raw = start + data
    try:
        found = parse(raw)
    except GreetingError:
        return
    assert found is None or 0 < found.size <= len(raw)
