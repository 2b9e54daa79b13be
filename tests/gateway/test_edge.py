"""The edge: what is no proper HTTP/1.1 is refused, what is comes in order, and nothing leaks."""

import json

import pytest

from tests.gateway.calls import ALICE, CHAT_PATH, ask, call_of, chat, encode, head, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import ClosedError, Reply, Wire

BODY = encode(chat())
LENGTH = b"content-length: %d\r\n\r\n" % len(BODY)
GET_HEALTH = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n"


def answer_to(gateway: Gateway, raw: bytes) -> Reply:
    """Send bytes, return the one reply, and see that the gateway closes behind it."""
    with Wire(gateway.port) as wire:
        wire.send(raw)
        reply = wire.read()
        assert wire.is_closed()
    return reply


def test_a_head_is_also_bounded_while_a_call_runs(gateway: Gateway) -> None:
    """An endless head behind a running call is cut off, and the call is answered before."""
    with Wire(gateway.port) as wire:
        wire.send(request(chat("[sim:ttft_ms=100]")))
        gateway.until(lambda: bool(gateway.pipeline.exchanges), "the call runs")
        wire.send(b"GET / HTTP/1.1\r\nx-note: " + b"a" * 200_000)
        wire.send(b"a" * 200_000)

        assert wire.read().status == 200
        assert wire.read().code == "head_too_large"
        assert wire.is_closed()


def test_100_headers_are_fine(gateway: Gateway) -> None:
    """The limits themselves are allowed."""
    raw = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n" + b"x: y\r\n" * 99 + b"\r\n"
    with Wire(gateway.port) as wire:
        assert wire.send(raw).read().status == 200


@pytest.mark.parametrize("count", [2, 20])
def test_pipelined_calls_are_answered_in_order_and_metered_once(
    gateway: Gateway, count: int
) -> None:
    """Requests in one write are answered one after the other; each is held and settled once."""
    texts = [f"[sim:tokens={10 + number}]" for number in range(count)]
    before = len(gateway.records())
    with Wire(gateway.port) as wire:
        wire.send(b"".join(request(chat(text)) for text in texts))
        replies = [wire.read() for _ in texts]

    tokens = [reply.json["usage"]["completion_tokens"] for reply in replies]
    assert tokens == [10 + number for number in range(count)]
    for reply in replies:
        (end,) = gateway.ends(call_of(reply))
        assert end.final
    gateway.until_idle()
    assert len(gateway.records()) >= before + 2 * count


def test_thousands_of_requests_in_one_write_are_answered_in_order(gateway: Gateway) -> None:
    """However many requests wait behind a call, the stack does not grow with them."""
    with Wire(gateway.port) as wire:
        wire.send(request(chat("[sim:ttft_ms=50]")) + GET_HEALTH * 3_000)

        assert wire.read().json["object"] == "chat.completion"
        for _ in range(3_000):
            assert wire.read().payload == b'{"status":"ok"}'


def test_a_request_that_waits_for_a_lookup_keeps_its_turn(gateway: Gateway) -> None:
    """What comes behind a look-up in the store is answered after it."""
    gateway.steward.slow_control = True
    try:
        with Wire(gateway.port) as wire:
            wire.send(request(path="/v1/calls/call_1", method="GET") + request(chat()))
            gateway.until(lambda: bool(gateway.steward.control), "the look-up waits")
            assert not gateway.run(lambda: gateway.pipeline.exchanges)
            gateway.run(gateway.steward.answer_control)

            assert wire.read().code == "call_unknown"
            assert wire.read().status == 200
    finally:
        gateway.steward.slow_control = False


def test_a_broken_request_behind_a_good_one_is_answered_second(gateway: Gateway) -> None:
    """The call that runs gets its answer; then comes the refusal, and the connection closes."""
    with Wire(gateway.port) as wire:
        wire.send(request(chat("[sim:ttft_ms=50]")) + GET_HEALTH + b"\0\0\0\r\n\r\n")

        assert wire.read().status == 200
        assert wire.read().status == 200
        assert wire.read().code == "request_malformed"
        assert wire.is_closed()


def test_bodies_in_memory_are_counted_once(gateway: Gateway) -> None:
    """Whatever becomes of requests, their bytes are given back exactly once."""
    large = encode(chat("a" * 100_000))
    with Wire(gateway.port) as wire:
        wire.send(request(chat("[sim:ttft_ms=50]")) + request(large) + request(large) + b"\0")
        while True:
            try:
                wire.read()
            except ClosedError:
                break
    with Wire(gateway.port) as wire:
        wire.send(request(large)[:50_000])
    gateway.until(lambda: not gateway.pipeline.connections, "the connections are gone")

    assert buffered(gateway) == 0


def buffered(gateway: Gateway) -> int:
    """Return the bytes of bodies the gateway believes it has in memory."""
    return gateway.run(lambda: gateway.pipeline._buffered_bytes)


def test_trailers_change_nothing(gateway: Gateway) -> None:
    """A header behind the body is neither a credential, nor a length, nor forwarded."""
    chunked = head(key=None, headers=[("transfer-encoding", "chunked")]) + b"\r\n"
    trailer = b"authorization: Bearer %b\r\ncontent-type: text/plain\r\n" % ALICE.encode()
    with Wire(gateway.port) as wire:
        wire.send(chunked + b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(BODY), BODY, trailer))
        assert wire.read().code == "key_invalid"

    with Wire(gateway.port) as wire:
        chunked = head(headers=[("transfer-encoding", "chunked")]) + b"\r\n"
        trailer = b"x-headgate-run: two words\r\ncontent-type: text/plain\r\nx-padding: 123456\r\n"
        wire.send(chunked + b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(BODY), BODY, trailer))
        assert wire.read().status == 200
    assert buffered(gateway) == 0


def test_a_body_in_chunks_is_one_body(gateway: Gateway) -> None:
    """The chunks a client cuts its body into, and their extensions, are nobody's business."""
    pieces = b"".join(b"1;name=value\r\n%c\r\n" % byte for byte in BODY)
    with Wire(gateway.port) as wire:
        wire.send(head(headers=[("transfer-encoding", "chunked")]) + b"\r\n" + pieces)
        reply = wire.send(b"0\r\n\r\n").read()

    assert reply.status == 200


def test_http_1_0_gets_a_whole_answer_and_the_end(gateway: Gateway) -> None:
    """A client of HTTP/1.0 gets no chunks: the end of the connection ends its stream."""
    for stream in (False, True):
        with Wire(gateway.port) as wire:
            wire.send(request(chat(stream=stream), version="1.0"))
            reply = wire.read()
            assert wire.is_closed()
        assert reply.status == 200
        assert reply.header("transfer-encoding") is None
        assert reply.header("connection") == "close"
        assert reply.payload.endswith(b"data: [DONE]\n\n") == stream


def test_http_1_0_needs_no_host(gateway: Gateway) -> None:
    """Hosts came with HTTP/1.1."""
    reply = answer_to(gateway, b"GET /healthz HTTP/1.0\r\n\r\n")

    assert reply.status == 200


def test_a_client_that_asks_first_is_told_to_go_on(gateway: Gateway) -> None:
    """`Expect: 100-continue` is answered before the body is sent."""
    with Wire(gateway.port) as wire:
        wire.send(head(headers=[("expect", "100-continue")]) + LENGTH)
        assert wire.read().status == 100
        assert wire.send(BODY).read().status == 200


def test_a_client_that_asks_first_is_told_no(start: Start) -> None:
    """A body that is too large is refused before it is sent."""
    gateway = start(limits="body_bytes_max = 10")

    reply = answer_to(gateway, head(headers=[("expect", "100-continue")]) + LENGTH)

    assert (reply.status, reply.code) == (413, "body_too_large")


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz"])
def test_head_is_get_without_the_body(gateway: Gateway, path: str) -> None:
    """`HEAD /` is how Claude Code looks whether anybody is there; it needs no key."""
    shown = ask(gateway, path=path, method="GET", key=None)
    reply = ask(gateway, path=path, method="HEAD", key=None)

    assert shown.status == reply.status == 200
    assert reply.header("content-length") == str(len(shown.payload))


def test_a_connection_closes_when_it_was_asked_to(gateway: Gateway) -> None:
    """`Connection: close` ends it behind the answer, which says so."""
    with Wire(gateway.port) as wire:
        reply = wire.send(request(chat(), headers=[("connection", "close")])).read()
        assert reply.header("connection") == "close"
        assert wire.is_closed()


def test_the_path_is_what_counts(gateway: Gateway) -> None:
    """A query is allowed (`?beta=true`) and changes nothing; another path is a 404 that helps."""
    assert ask(gateway, chat(), CHAT_PATH + "?beta=true").status == 200

    reply = ask(gateway, chat(), "/v1/chat")
    assert (reply.status, reply.code) == (404, "path_unknown")
    assert CHAT_PATH in reply.message


@pytest.mark.parametrize("version", ["v1beta", "v1"])
@pytest.mark.parametrize("named", ["mini:foo", "mini:", ":generateContent", "a/b:c:foo"])
def test_what_no_model_does_is_no_path(gateway: Gateway, version: str, named: str) -> None:
    """A method that stands behind a model's name and that nobody has is a 404, not a 405."""
    reply = ask(gateway, chat(), f"/{version}/models/{named}")

    assert (reply.status, reply.header("x-headgate-code")) == (404, "path_unknown")
    assert b"/v1beta/models/{model}:generateContent" in reply.payload


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", CHAT_PATH), ("DELETE", "/v1/messages"), ("POST", "/v1/models"), ("PUT", "/healthz")],
)
def test_a_wrong_method_is_told_the_right_one(gateway: Gateway, method: str, path: str) -> None:
    """405, with the method to use."""
    reply = ask(gateway, path=path, method=method)

    assert (reply.status, reply.code) == (405, "method_not_allowed")
    assert ("POST" if method in ("GET", "DELETE") else "GET") in reply.message


def test_refusals_are_proper_json(gateway: Gateway) -> None:
    """Whatever a client writes into a path, the refusal can be read."""
    reply = ask(gateway, path='/v1/calls/%22\\"%00', method="GET")

    assert json.loads(reply.payload)["error"]["code"] == "call_unknown"
