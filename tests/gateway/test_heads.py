"""Heads met before: parsed once, and nothing else about a request changes."""

import socket

import pytest

from headgate.gateway.client.heads import HEADS_MAX, KEPT_BYTES_MAX, HeadMemory, Met
from headgate.gateway.client.request import Head
from tests.gateway.calls import ALICE, BOB, CHAT_PATH, chat, encode, head, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Reply, Wire

TOKENS = [10, 11, 12, 113, 1_014]
"""Each makes a body of another length, so the digits of the content-length differ."""


LENGTH = b"content-length: 2\r\n\r\n"


def sent(tokens: int, more: str = "") -> bytes:
    """Return a call that is answered with so many tokens."""
    return request(chat(f"[sim:tokens={tokens}]{more}", max_completion_tokens=2_000))


def tokens_of(reply: Reply) -> int:
    """Return how many tokens the reply has, which tells what was asked."""
    assert reply.status == 200, reply.payload
    return int(reply.json["usage"]["completion_tokens"])


def test_each_call_gets_its_own_body(gateway: Gateway) -> None:
    """Calls with the same head and bodies of any length are each answered as they asked."""
    with Wire(gateway.port) as wire:
        for tokens in TOKENS * 2:
            assert tokens_of(wire.send(sent(tokens)).read()) == tokens


@pytest.mark.parametrize("size", [1, 7, 64, 300])
def test_it_does_not_matter_how_the_bytes_are_cut(gateway: Gateway, size: int) -> None:
    """A head that was met before and its body may come in any pieces."""
    with Wire(gateway.port) as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert tokens_of(wire.send(sent(9)).read()) == 9
        raw = sent(21, "x" * 200)
        start = raw.index(b"\r\n\r\n") + 4
        # The head whole, so that it is recognised, the body in pieces.
        pieces = [raw[:start], *(raw[at : at + size] for at in range(start, len(raw), size))]
        for piece in pieces:
            wire.send(piece)
        assert tokens_of(wire.read()) == 21
        for at in range(0, len(raw), size):
            wire.send(raw[at : at + size])
        assert tokens_of(wire.read()) == 21


def test_requests_in_one_write_are_told_apart(gateway: Gateway) -> None:
    """Known heads, other methods and a broken request may follow each other in one write."""
    health = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n"
    with Wire(gateway.port) as wire:
        assert tokens_of(wire.send(sent(9)).read()) == 9
        wire.send(sent(10) + sent(11) + health + sent(12) + b"NONSENSE\r\n\r\n")
        assert [tokens_of(wire.read()) for _ in range(2)] == [10, 11]
        assert wire.read().payload == b'{"status":"ok"}'
        assert tokens_of(wire.read()) == 12
        assert wire.read().code == "request_malformed"
        assert wire.is_closed()


def test_whose_key_it_is_is_asked_every_time(gateway: Gateway) -> None:
    """Heads that differ in nothing but the key are different heads."""
    with Wire(gateway.port) as wire:
        assert wire.send(request(chat(), key=ALICE)).read().status == 200
        assert wire.send(request(chat(), key=BOB)).read().status == 200
        wrong = ALICE[:-1] + ("x" if ALICE[-1] != "x" else "y")
        assert wire.send(request(chat(), key=wrong)).read().code == "key_invalid"


NOT_KEPT = {
    "a wrong key": (head(key="wrong-key-0123456789") + LENGTH + b"{}", "key_invalid"),
    "no key": (head(key=None) + LENGTH + b"{}", "key_invalid"),
    "a repeat": (
        request(chat(), headers=[("idempotency-key", "b b")]),
        "idempotency_key_invalid",
    ),
    "another method": (head("/nowhere", method="GET") + LENGTH + b"{}", "path_unknown"),
}


@pytest.mark.parametrize(("raw", "code"), NOT_KEPT.values(), ids=NOT_KEPT.keys())
def test_a_head_is_never_taken_for_the_one_behind_it(
    gateway: Gateway, raw: bytes, code: str
) -> None:
    """What is not kept says when it comes again what it said at first, whatever was in its write:
    it is not served by the key of the next, nor as a call that it is not."""
    with Wire(gateway.port) as wire:
        wire.send(raw + request(chat()))
        assert wire.read().code == code
        assert wire.read().status == 200

    with Wire(gateway.port) as wire:
        assert wire.send(raw).read().code == code


def test_a_body_that_is_announced_too_large_is_refused(start: Start) -> None:
    """The limit holds for a head that was met before with a smaller body."""
    gateway = start(limits="body_bytes_max = 2000")
    with Wire(gateway.port) as wire:
        assert wire.send(request(chat())).read().status == 200
        wire.send(head() + b"content-length: 2001\r\n\r\n")
        assert wire.read().code == "body_too_large"
        assert wire.is_closed()


def test_an_empty_body_is_a_whole_request(gateway: Gateway) -> None:
    """Length 0 behind a known head is a request without a body, refused as such."""
    with Wire(gateway.port) as wire:
        assert wire.send(request(chat())).read().status == 200
        assert wire.send(request(b"")).read().code == "body_malformed"
        assert wire.send(request(chat())).read().status == 200


def test_a_client_that_leaves_in_the_middle_of_a_body_leaves_nothing(gateway: Gateway) -> None:
    """What came of a body is forgotten with the connection."""
    with Wire(gateway.port) as wire:
        assert wire.send(request(chat())).read().status == 200
        wire.send(request(chat())[:-10])
    gateway.until(lambda: not gateway.pipeline.connections, "the connection is gone")
    assert gateway.pipeline._buffered_bytes == 0


PLAIN = head() + b"content-length: 2\r\n\r\n"
UNKNOWN = {
    "not whole": PLAIN[:-1],
    "no length": head() + b"\r\n",
    "a length with a sign": head() + b"content-length: +2\r\n\r\n",
    "a length of ten digits": head() + b"content-length: 1234567890\r\n\r\n",
    "a length in another form": head() + b"content-length:\t2\r\n\r\n",
    "long": head(headers=[("x-note", "a" * KEPT_BYTES_MAX)]) + b"content-length: 2\r\n\r\n",
}


@pytest.mark.parametrize("raw", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_is_no_plain_head_goes_to_the_parser(raw: bytes) -> None:
    """Only a whole head with its length in plain digits has a shape, whatever came before it."""
    assert HeadMemory().meet(raw, None) is None
    assert not known(HeadMemory()).again(raw)


def known(memory: HeadMemory) -> Met:
    """Return a head that the memory keeps, as a connection remembers it."""
    found = memory.meet(PLAIN, None)
    assert found is not None
    memory.keep(found, accepted())
    return found


def test_a_shape_leaves_out_the_length_and_nothing_else() -> None:
    """Two heads have the same shape when they differ in the digits of the length only."""
    memory = HeadMemory()
    met = known(memory)
    longer = PLAIN.replace(b"length: 2", b"length: 4711")
    for last in (met, None):
        assert memory.meet(PLAIN + b"{}", last) is met
        assert (met.end, met.length) == (len(PLAIN), 2)
        assert memory.meet(longer, last) is met
        assert (met.end, met.length) == (len(PLAIN) + 3, 4_711)
    for at in range(len(PLAIN) - 4):
        changed = PLAIN[:at] + bytes([PLAIN[at] ^ 1]) + PLAIN[at + 1 :]
        assert memory.meet(changed, None) is not met or met.length != 2
        assert not met.again(changed) or met.length != 2


def test_a_head_that_is_forgotten_is_forgotten_by_connections_too() -> None:
    """What a connection remembers of its last request is not used after `clear`."""
    memory = HeadMemory()
    met = known(memory)

    memory.clear()

    assert not met.again(PLAIN)
    found = memory.meet(PLAIN, met)
    assert found is not None
    assert found.head is None


def accepted(**fields: object) -> Head:
    """Return a head as the parser fills it."""
    made = Head()
    made.method, made.path = b"POST", CHAT_PATH.encode()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    "fields", [{"http10": True}, {"expects_continue": True}, {"method": b"GET"}]
)
def test_heads_that_want_something_else_are_not_kept(fields: dict[str, object]) -> None:
    """HTTP/1.0, an Expect and other methods take the parser's way."""
    met = Met((b"a", b"b"))
    HeadMemory().keep(met, accepted(**fields))
    assert met.head is None


def test_a_head_with_a_transfer_encoding_is_not_kept() -> None:
    """Whatever length it names, its body may be framed otherwise."""
    met = Met((b"a\r\nTransfer-Encoding: chunked\r\n", b"b"))
    HeadMemory().keep(met, accepted())
    assert met.head is None


def test_the_memory_is_bounded() -> None:
    """It starts over rather than grow without end."""
    memory = HeadMemory()
    raws = [PLAIN.replace(b"POST", b"POST%d" % number) for number in range(HEADS_MAX + 1)]
    for raw in raws:
        found = memory.meet(raw, None)
        assert found is not None
        memory.keep(found, accepted())
    again = [memory.meet(raw, None) for raw in (raws[0], raws[-1])]
    assert [found is not None and found.head is not None for found in again] == [False, True]


def test_encoded_bodies_are_what_these_tests_think() -> None:
    """The lengths differ, or the tests above would show nothing."""
    lengths = {len(encode(chat(f"[sim:tokens={tokens}]"))) for tokens in TOKENS}
    assert len(lengths) == 3
