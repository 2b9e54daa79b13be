"""What providers do wrong: what the client is told, and what is posted."""

from typing import Any

import pytest

from headgate.records.journal import SettleRecord
from headgate.simulator import Fault, FaultKind, Pace, Simulator
from tests.gateway.calls import (
    CHAT_PATH,
    MESSAGES_PATH,
    ask,
    call_of,
    chat,
    message,
    request,
)
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import STREAM_HEAD, Line, Provider, chunk, event, whole
from tests.gateway.wire import Reply, Wire

DIALECTS = [(CHAT_PATH, chat), (MESSAGES_PATH, message)]
SHORT = "first_byte_timeout_ms = 100\nidle_timeout_ms = 100"


def settled(gateway: Gateway, reply: Reply) -> SettleRecord:
    """Return the one settlement of a call."""
    gateway.until_idle()
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, SettleRecord)
    assert end.final
    return end


def close_idle(gateway: Gateway) -> None:
    """Close the connections to providers that are kept."""
    for pool in gateway.pipeline.world.pools:
        pool.close()


def assert_bound(gateway: Gateway, reply: Reply, reason: str) -> SettleRecord:
    """See that a call was posted at no more than its hold, as an estimate, and why."""
    end = settled(gateway, reply)
    (held,) = gateway.holds(call_of(reply))
    assert (end.state, end.reason) == ("estimated", reason)
    assert 0 < end.amount_nanos <= held.amount_nanos
    return end


ERRORS = [
    (FaultKind.UNAUTHORIZED, 502, "upstream_credential"),
    (FaultKind.QUOTA, 502, "upstream_credential"),
    (FaultKind.RATE_LIMIT, 429, "upstream_rate_limited"),
    (FaultKind.OVERLOADED, 503, "upstream_overloaded"),
    (FaultKind.SERVER_ERROR, 502, "upstream_error"),
    (FaultKind.BAD_GATEWAY, 502, "upstream_error"),
]


@pytest.mark.parametrize(("path", "body"), DIALECTS)
@pytest.mark.parametrize(("kind", "status", "code"), ERRORS)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_of_the_provider_are_mapped_and_cost_nothing(
    gateway: Gateway,
    simulator: Simulator,
    path: str,
    body: Any,
    kind: FaultKind,
    status: int,
    code: str,
    stream: bool,
) -> None:
    """What concerns us is told in our words; providers bill no refusals, so nothing is posted."""
    billed = simulator.bill.count
    simulator.faults.add(Fault(kind))
    reply = ask(gateway, body(stream=stream), path)

    assert (reply.status, reply.code) == (status, code)
    end = settled(gateway, reply)
    assert (end.amount_nanos, end.state, end.reason) == (0, "measured", code)
    assert end.status >= 400
    assert simulator.bill.count == billed
    assert "sk-" not in reply.payload.decode()


@pytest.mark.parametrize(("path", "body"), DIALECTS)
def test_a_rate_limit_says_when_to_come_back(
    gateway: Gateway, simulator: Simulator, path: str, body: Any
) -> None:
    """The provider's `retry-after` reaches the client."""
    simulator.faults.add(Fault(FaultKind.RATE_LIMIT, retry_after_s=7))
    reply = ask(gateway, body(), path)

    assert reply.header("retry-after") == "7"
    assert reply.header("x-should-retry") == "true"


@pytest.mark.parametrize(
    "value",
    ["soon", "-1", "9" * 5_000, "1e9", "Sun, 06 Nov 1994 08:49:37 GMT", "Sat, 01 Jan 9999 0:0:0"],
)
def test_an_odd_time_to_come_back_does_no_harm(start: Start, value: str) -> None:
    """What is no sensible number of seconds is replaced by one second."""

    async def limit(line: Line) -> None:
        await line.request()
        body = b'{"error":{"message":"slow down","type":"rate_limit_error"}}'
        await line.send(whole(body, status=429, headers=f"retry-after: {value}\r\n"))

    with Provider(limit) as provider:
        reply = ask(start(openai_url=provider.url), chat())

    assert (reply.status, reply.code) == (429, "upstream_rate_limited")
    assert reply.header("retry-after") == "1"


def test_errors_about_the_request_pass_through(gateway: Gateway, simulator: Simulator) -> None:
    """What the provider objects to in the request is told in its own words, beside our code."""
    reply = ask(gateway, message(thinking={"type": "enabled", "budget_tokens": 5}), MESSAGES_PATH)

    assert reply.status == 400
    assert reply.header("x-headgate-code") == "body_invalid"
    assert "budget_tokens" in reply.message
    assert "details" not in reply.json["error"]
    assert settled(gateway, reply).amount_nanos == 0


def test_a_model_the_provider_does_not_know_is_404(gateway: Gateway, simulator: Simulator) -> None:
    """A deployment of a model that is gone tells so."""
    simulator.faults.add(Fault(FaultKind.NOT_FOUND))
    reply = ask(gateway, chat())

    assert reply.status == 404
    assert reply.header("x-headgate-code") == "model_unknown"
    assert settled(gateway, reply).amount_nanos == 0


@pytest.mark.parametrize(("path", "body"), DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_never_answers_is_504(
    start: Start, simulator: Simulator, path: str, body: Any, stream: bool
) -> None:
    """After `first_byte_timeout_ms` the call is given up; nobody knows its cost: the hold."""
    gateway = start(openai=SHORT, anthropic=SHORT)
    simulator.faults.add(Fault(FaultKind.STALL, times=1))
    reply = ask(gateway, body(stream=stream), path)

    assert (reply.status, reply.code) == (504, "upstream_timeout")
    end = assert_bound(gateway, reply, "first_byte_timeout")
    assert end.amount_nanos == gateway.holds(call_of(reply))[0].amount_nanos


@pytest.mark.parametrize(("path", "body"), DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_reset_before_the_first_byte_is_502(
    gateway: Gateway, simulator: Simulator, path: str, body: Any, stream: bool
) -> None:
    """On a fresh connection there is no second try at the same place; the hold is posted."""
    gateway.run(lambda: close_idle(gateway))
    simulator.faults.add(Fault(FaultKind.RESET, times=1))
    reply = ask(gateway, body(stream=stream), path)

    assert (reply.status, reply.code) == (502, "upstream_broken")
    assert_bound(gateway, reply, "connection_lost")


@pytest.mark.parametrize(("path", "body"), DIALECTS)
def test_a_reply_that_breaks_off_is_502(
    gateway: Gateway, simulator: Simulator, path: str, body: Any
) -> None:
    """Half a reply is none."""
    simulator.faults.add(Fault(FaultKind.CUT, times=1))
    reply = ask(gateway, body(), path)

    assert (reply.status, reply.code) == (502, "upstream_broken")
    assert_bound(gateway, reply, "connection_lost")


@pytest.mark.parametrize(("path", "body"), DIALECTS)
@pytest.mark.parametrize(
    ("kind", "reason", "code"),
    [
        (FaultKind.CUT, "connection_lost", b"upstream_broken"),
        (FaultKind.STALL_STREAM, "idle_timeout", b"upstream_timeout"),
        (FaultKind.ERROR_EVENT, "provider_error", b"verloaded"),
    ],
)
def test_a_stream_that_breaks_off_ends_with_an_error_event(
    start: Start,
    simulator: Simulator,
    path: str,
    body: Any,
    kind: FaultKind,
    reason: str,
    code: bytes,
) -> None:
    """The client gets what came, then an error in its dialect, then a proper end of the body.

    The bound is posted; where the head told the prompt's exact usage, that makes it smaller.
    """
    # Times are short only where one is to run out: a machine in heavy use may be slower.
    times = SHORT if kind is FaultKind.STALL_STREAM else ""
    gateway = start(openai=times, anthropic=times)
    simulator.pace = Pace(ttft_ms=0, delay_ms=2, jitter_share=0)
    simulator.faults.add(Fault(kind, times=1))
    reply = ask(gateway, body(stream=True), path)

    assert reply.status == 200
    last = reply.payload.rstrip().rpartition(b"\n\n")[2]
    assert b"error" in last
    if kind is not FaultKind.ERROR_EVENT:
        assert code in last
    assert b"[DONE]" not in reply.payload
    assert b"message_stop" not in reply.payload
    end = assert_bound(gateway, reply, reason)
    (held,) = gateway.holds(call_of(reply))
    assert end.amount_nanos == held.amount_nanos or path == MESSAGES_PATH
    assert end.amount_nanos < held.amount_nanos or path == CHAT_PATH
    assert end.amount_nanos >= simulator.bill.entries[-1].amount * 10**9 - 1


@pytest.mark.parametrize(("path", "body"), DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
def test_without_usage_the_bound_is_posted(
    gateway: Gateway, simulator: Simulator, path: str, body: Any, stream: bool
) -> None:
    """Absent usage is not zero: the reply passes, the call is estimated."""
    simulator.faults.add(Fault(FaultKind.NO_USAGE, times=1))
    reply = ask(gateway, body(stream=stream), path)

    assert reply.status == 200
    assert settled(gateway, reply).state == "estimated"
    assert settled(gateway, reply).amount_nanos >= simulator.bill.entries[-1].amount * 10**9 - 1


@pytest.mark.parametrize(("path", "body"), DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_ignores_the_limit_is_posted_in_full(
    gateway: Gateway, simulator: Simulator, path: str, body: Any, stream: bool
) -> None:
    """What it bills beyond the hold is posted too: an overage."""
    simulator.faults.add(Fault(FaultKind.IGNORE_LIMIT, times=1))
    fields = {"max_completion_tokens": 3000} if path == CHAT_PATH else {"max_tokens": 3000}
    reply = ask(gateway, body(stream=stream, **fields), path)

    end = settled(gateway, reply)
    (held,) = gateway.holds(call_of(reply))
    assert end.state == "measured"
    assert end.quantities["output_text"] > 3_000
    assert end.amount_nanos > held.amount_nanos
    assert abs(end.amount_nanos - simulator.bill.entries[-1].amount * 10**9) <= len(end.lines)


def test_an_overage_makes_the_next_hold_impossible(start: Start, simulator: Simulator) -> None:
    """A window that was overdrawn takes no call until its limit allows it again."""
    tight = '[budgets.tight]\nnode = "principal:alice"\nperiod = "once"\nlimit_usd = "0.0145"'
    gateway = start(more=tight)
    simulator.faults.add(Fault(FaultKind.IGNORE_LIMIT, times=1))
    over = ask(gateway, chat(max_completion_tokens=3000))
    refused = ask(gateway, chat(max_completion_tokens=1))

    assert over.status == 200
    assert settled(gateway, over).amount_nanos > 14_500_000
    assert (refused.status, refused.code) == (402, "budget_exceeded")
    assert "$0.000000000 is left" in refused.message


@pytest.mark.parametrize(("path", "body"), DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_without_length_ends_with_its_connection(
    gateway: Gateway, simulator: Simulator, path: str, body: Any, stream: bool
) -> None:
    """Some providers neither count nor chunk; the client gets a proper frame all the same."""
    simulator.faults.add(Fault(FaultKind.CLOSE_DELIMITED, times=1))
    reply = ask(gateway, body(stream=stream), path)

    assert reply.status == 200
    assert settled(gateway, reply).state == "measured"


@pytest.mark.parametrize(("path", "body"), DIALECTS)
def test_an_error_as_the_first_event_is_a_plain_error(start: Start, path: str, body: Any) -> None:
    """While nothing was sent on, a stream's error can still have a status, and is no cost."""
    first = {
        CHAT_PATH: b'data: {"error":{"message":"busy","type":"overloaded_error"}}\n\n',
        MESSAGES_PATH: b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error",'
        b'"message":"busy"}}\n\n',
    }

    async def refuse(line: Line) -> None:
        await line.request()
        await line.send(STREAM_HEAD + chunk(first[path]) + b"0\r\n\r\n")

    with Provider(refuse) as provider:
        gateway = start(openai_url=provider.url, anthropic_url=provider.url)
        reply = ask(gateway, body(stream=True), path)

    assert (reply.status, reply.code) == (503, "upstream_overloaded")
    assert settled(gateway, reply).amount_nanos == 0


def test_an_empty_stream_is_502(start: Start) -> None:
    """A stream without an event is no reply."""

    async def nothing(line: Line) -> None:
        await line.request()
        await line.send(STREAM_HEAD + b"0\r\n\r\n")

    with Provider(nothing) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, chat(stream=True))

    assert (reply.status, reply.code) == (502, "upstream_broken")
    assert_bound(gateway, reply, "empty_stream")


def test_a_reply_larger_than_any_is_given_up(start: Start) -> None:
    """An error page has an end, or is not read to it."""

    async def endless(line: Line) -> None:
        await line.request()
        await line.send(b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            await line.send(chunk(b"x" * 65_536))

    with Provider(endless) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, chat())

    assert (reply.status, reply.code) == (502, "upstream_too_large")
    assert_bound(gateway, reply, "reply_too_large")


def test_an_event_that_comes_byte_by_byte_passes(start: Start) -> None:
    """However a provider cuts its stream, the client gets the same bytes and the same cost."""
    events = event() + event(choices=[], usage={"prompt_tokens": 10, "completion_tokens": 5})
    events += b"data: [DONE]\n\n"

    async def drip(line: Line) -> None:
        await line.request()
        await line.send(STREAM_HEAD)
        for byte in events:
            await line.send(chunk(bytes([byte])))
        await line.send(b"0\r\n\r\n")

    with Provider(drip) as provider:
        gateway = start(openai_url=provider.url)
        with Wire(gateway.port) as wire:
            body = chat(stream=True, stream_options={"include_usage": True})
            reply = wire.send(request(body)).read()

    assert reply.payload == events
    assert settled(gateway, reply).quantities == {"input_uncached": 10, "output_text": 5}


def test_half_a_reply_that_ends_in_order_is_502(start: Start) -> None:
    """Without length or chunks only the connection's end tells the end: what came must be whole."""

    async def half(line: Line) -> None:
        await line.request()
        await line.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
        await line.send(b'{"id":"chatcmpl-1","object":"chat.completion","choices":[{"ind')

    with Provider(half) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, chat())

    assert (reply.status, reply.code) == (502, "upstream_broken")
    assert_bound(gateway, reply, "connection_lost")


def test_an_encoded_stream_is_502(start: Start) -> None:
    """We ask for no encoding; a stream that cannot be read cannot be metered, nor passed on."""

    async def encode(line: Line) -> None:
        await line.request()
        head = STREAM_HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: br\r\n\r\n")
        await line.send(head + chunk(b"\x0b\x02\n\n") + b"0\r\n\r\n")

    with Provider(encode) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, chat(stream=True))

    assert (reply.status, reply.code) == (502, "upstream_broken")
    assert_bound(gateway, reply, "encoded_stream")


def test_a_rejected_credential_is_not_to_be_retried(gateway: Gateway, simulator: Simulator) -> None:
    """Waiting does not mend our credential, so the official clients are told to leave it."""
    simulator.faults.add(Fault(FaultKind.UNAUTHORIZED, times=1))
    reply = ask(gateway, chat())

    assert reply.code == "upstream_credential"
    assert reply.header("retry-after") is None
    assert reply.header("x-should-retry") == "false"
    assert settled(gateway, reply).amount_nanos == 0
