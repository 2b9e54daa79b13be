"""Every reply says when it was sent, once, by the gateway's own clock (RFC 9110, 6.6.1)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.gateway.client.edge import ClientConnection
from headgate.gateway.client.http_bytes import date_line
from headgate.gateway.clock import Coarse
from headgate.simulator import Simulator
from headgate.units.instants import NANOS_PER_SECOND
from tests.gateway.asking_again import KEEPING, ZERO_RETENTION, kept
from tests.gateway.calls import MESSAGES_PATH, ask, chat, config, head, message, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import STREAM_HEAD, Line, Provider, chunk, completion, event, whole
from tests.gateway.wire import Reply, Wire

LAST_SECOND = 253_402_300_799
"""Of the year 9999."""
THEN = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
THEN_LINE = "Sun, 06 Nov 1994 08:49:37 GMT"
"""As RFC 9110 has it in 5.6.7."""
FORM = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
LATE = timedelta(seconds=10)

PAGE = "https://app.example"
MORE = f'{KEEPING}[cors]\norigins = ["{PAGE}"]\n'
ORIGIN = ("origin", PAGE)
ASKS = ("access-control-request-method", "POST")
STALE_DATE = f"date: {THEN_LINE}\r\nDate: {THEN_LINE}\r\n"

REPLIES = {
    "a whole one": request(chat()),
    "a stream": request(chat(stream=True)),
    "of the other dialect": request(message(), MESSAGES_PATH),
    "a stream of HTTP/1.0": request(chat(stream=True), version="1.0"),
    "one that is kept": request(kept()),
    "a refusal": request(chat(model="unknown")),
    "a stranger's refusal": request(chat(), key="hg_wrong"),
    "an error of the provider": request(chat("[sim:status=400]")),
    "health": head("/healthz", method="GET") + b"\r\n",
    "readiness": head("/readyz", method="GET") + b"\r\n",
    "models": head("/v1/models", method="GET") + b"\r\n",
    "no path": head("/nowhere", method="GET") + b"\r\n",
    "another method": head("/healthz", method="DELETE") + b"\r\n",
    "files": head("/v1/files", method="GET") + b"\r\n",
    "a budget's": head("/v1/budgets", method="GET") + b"\r\n",
    "a page's question": head(method="OPTIONS", key=None, headers=[ORIGIN, ASKS]) + b"\r\n",
    "no request": b"NONSENSE\r\n\r\n",
    "too long a head": b"GET / HTTP/1.1\r\nx-note: " + b"a" * 200_000,
    "too large a body": head() + b"content-length: 99999999999\r\n\r\n",
}


@pytest.fixture(scope="module")
def dated(
    running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway that keeps replies, and that a page may call."""
    urls = running_simulator.openai_url, running_simulator.anthropic_url
    text = config(*urls, deployment=ZERO_RETENTION, more=MORE)
    with Gateway(tmp_path_factory.mktemp("dates"), text) as gateway:
        yield gateway
        gateway.assert_settled()


def date_of(reply: Reply) -> datetime:
    """Return what the one date of a reply says, which is in the form it should be in."""
    date = reply.header("date")
    assert date is not None
    assert FORM.fullmatch(date)
    return parsedate_to_datetime(date)


def is_of_now(reply: Reply) -> bool:
    """Tell whether the one date of a reply is that of now."""
    return abs(date_of(reply) - datetime.now(UTC)) < LATE


def client_of(gateway: Gateway) -> ClientConnection:
    """Return the one connection of a client."""
    (client,) = gateway.pipeline.connections
    return client


@given(st.integers(0, LAST_SECOND))
def test_a_date_has_the_one_form_and_says_the_second(second: int) -> None:
    """An IMF-fixdate of whatever second."""
    name, _, date = date_line(second).decode().removesuffix("\r\n").partition(": ")

    assert name == "date"
    assert FORM.fullmatch(date)
    assert parsedate_to_datetime(date) == datetime.fromtimestamp(second, UTC)


def test_the_form_is_that_of_the_standard() -> None:
    """The example of RFC 9110, 5.6.7."""
    assert date_line(int(THEN.timestamp())) == f"date: {THEN_LINE}\r\n".encode()


def test_it_is_rendered_once_a_second_and_goes_back_with_the_clock() -> None:
    """Within a second it is the same line; a clock that was set back is followed."""
    clock = Coarse(NANOS_PER_SECOND)
    first = clock.date_line
    clock.move(250, 2 * NANOS_PER_SECOND - 1)
    same = clock.date_line
    clock.move(500, 2 * NANOS_PER_SECOND)
    second = clock.date_line
    clock.move(750, 0)

    assert same is first
    assert (first, second, clock.date_line) == (date_line(1), date_line(2), date_line(0))


@pytest.mark.parametrize("raw", REPLIES.values(), ids=REPLIES.keys())
def test_every_reply_says_when_it_was_sent(dated: Gateway, raw: bytes) -> None:
    """Whoever asks for whatever; also the second time, when head or reply are known."""
    for _ in range(2):
        with Wire(dated.port) as wire:
            reply = wire.send(raw).read()

        assert is_of_now(reply)


def test_an_answer_without_a_body_is_dated(dated: Gateway) -> None:
    """HEAD is answered as GET would be."""
    assert is_of_now(ask(dated, path="/healthz", method="HEAD"))


def test_who_is_turned_away_at_the_door_is_told_when(start: Start) -> None:
    """Too many connections are open, and nothing was asked yet."""
    gateway = start(limits="connections_max = 1")
    with Wire(gateway.port) as first, Wire(gateway.port) as second:
        reply = second.read()
        assert first.send(request(chat())).read().status == 200

    assert reply.code == "overloaded"
    assert is_of_now(reply)


def test_to_go_on_is_not_dated(gateway: Gateway) -> None:
    """100 is no answer yet; the one behind it is dated."""
    body = b"{}"
    with Wire(gateway.port) as wire:
        wire.send(head(headers=[("expect", "100-continue"), ("content-length", "2")]) + b"\r\n")
        asked = wire.read()
        reply = wire.send(body).read()

    assert (asked.status, asked.headers) == (100, ())
    assert is_of_now(reply)


@pytest.mark.parametrize(
    ("stream", "status"),
    [(False, 200), (True, 200), (False, 400)],
    ids=["whole", "stream", "error"],
)
def test_the_date_is_ours_not_the_providers(start: Start, *, stream: bool, status: int) -> None:
    """A provider whose clock is years behind dates its reply twice; the client has one date."""
    raw = whole(completion(), status=status, headers=STALE_DATE)
    if stream:
        first, _, rest = STREAM_HEAD.partition(b"\r\n")
        raw = b"%b\r\n%b%b" % (first, STALE_DATE.encode(), rest)
        raw += chunk(event(text="hello") + b"data: [DONE]\n\n") + b"0\r\n\r\n"

    async def serve(line: Line) -> None:
        await line.request()
        await line.send(raw)
        await line.closed()

    with Provider(serve) as provider:
        reply = ask(start(openai_url=provider.url), chat(stream=stream))

    assert reply.status == status
    assert is_of_now(reply)


def test_a_reply_that_is_given_again_is_dated_anew(dated: Gateway) -> None:
    """What is kept of a reply is not when it was sent first."""
    then_ns = int(THEN.timestamp()) * NANOS_PER_SECOND
    first = ask(dated, kept("a date"))
    with Wire(dated.port) as wire:
        wire.send(head("/healthz", method="GET") + b"\r\n").read()
        dated.until(lambda: len(dated.pipeline.connections) == 1, "the first client is gone")

        def again() -> None:
            clock = dated.pipeline.world.clock
            clock.move(clock.coarse_ms, then_ns)
            client_of(dated).data_received(request(kept("a date")))

        dated.run(again)
        reply = wire.read()

    assert (first.header("x-headgate-cache"), reply.header("x-headgate-cache")) == ("miss", "hit")
    assert date_of(reply) == THEN
