"""What HTTP wants of every reply beside its date: challenges, methods, times, no bodies."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from headgate.gateway.client.http_bytes import status_line
from tests.gateway.calls import CHAT_PATH, MESSAGES_PATH, ask, chat, head, message, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import Line, Provider, whole
from tests.gateway.wire import Wire

HEALTH = head("/healthz", method="GET") + b"\r\n"
NO_KEY = {
    "a call": request(chat(), key=None),
    "a wrong key": request(chat(), key="hg_wrong"),
    "of Messages": request(message(), MESSAGES_PATH, key=None),
    "models": head("/v1/models", method="GET", key=None) + b"\r\n",
    "what the steward answers": head("/v1/runs", method="GET", key=None) + b"\r\n",
    "basic": request(chat(), key=None, headers=[("authorization", "Basic YTpi")]),
}


@pytest.mark.parametrize("raw", NO_KEY.values(), ids=NO_KEY.keys())
def test_who_is_not_known_is_told_how_to_say_who_one_is(gateway: Gateway, raw: bytes) -> None:
    """A 401 names a scheme (RFC 9110, 15.5.2), and one that makes no browser ask for a password."""
    with Wire(gateway.port) as wire:
        reply = wire.send(raw).read()

    assert (reply.status, reply.code) == (401, "key_invalid")
    assert reply.header("www-authenticate") == 'Bearer realm="headgate"'


ANYTHING = {
    "a call": request(chat(model="unknown")),
    "no path": head("/nowhere", method="GET") + b"\r\n",
    "another method": head("/healthz", method="DELETE") + b"\r\n",
    "what is not served": head("/v1/realtime", method="GET") + b"\r\n",
    "no request": b"NONSENSE\r\n\r\n",
}


@pytest.mark.parametrize("raw", ANYTHING.values(), ids=ANYTHING.keys())
def test_every_refusal_says_whether_to_try_again(gateway: Gateway, raw: bytes) -> None:
    """Also of what never becomes a call: the clients would try some of them again."""
    with Wire(gateway.port) as wire:
        reply = wire.send(raw).read()

    assert reply.status >= 400
    assert reply.header("x-should-retry") == "false"
    assert reply.header("www-authenticate") is None


AS_GET = ["/", "/healthz", "/readyz", "/v1/models", "/v1/models/mini", "/nowhere", CHAT_PATH]


@pytest.mark.parametrize("path", AS_GET)
def test_head_is_answered_as_get_without_the_body(gateway: Gateway, path: str) -> None:
    """Status and headers are the same (RFC 9110, 9.3.2), and the connection goes on."""
    with Wire(gateway.port) as wire:
        asked = wire.send(head(path, method="HEAD") + b"\r\n").read(bodiless=True)
        got = wire.send(head(path, method="GET") + b"\r\n").read()

    assert asked.status == got.status
    told = [name for name, _ in asked.headers]
    assert told == [name for name, _ in got.headers]
    assert asked.header("content-length") == got.header("content-length")


REFUSED_HEADS = {
    "no host": b"HEAD /healthz HTTP/1.1\r\n\r\n",
    "too large": b"HEAD /healthz HTTP/1.1\r\nhost: g\r\ncontent-length: 99999999999\r\n\r\n",
    "a WebSocket": b"HEAD / HTTP/1.1\r\nhost: g\r\n"
    b"connection: upgrade\r\nupgrade: websocket\r\n\r\n",
}


@pytest.mark.parametrize("raw", REFUSED_HEADS.values(), ids=REFUSED_HEADS.keys())
@pytest.mark.parametrize("before", [b"", HEALTH], ids=["alone", "behind another"])
def test_a_refusal_of_head_has_no_body(gateway: Gateway, raw: bytes, before: bytes) -> None:
    """Also one that ends the connection before anybody knows what is asked."""
    with Wire(gateway.port) as wire:
        wire.send(before + raw)
        if before:
            assert wire.read().status == 200
        reply = wire.read(bodiless=True)

        assert reply.status >= 400
        assert wire.is_closed()


@pytest.mark.parametrize(
    "raw",
    [b"NONSENSE\r\n\r\n", head() + b"content-length: 99999999999\r\n\r\n"],
    ids=["no request", "too large a body"],
)
def test_what_comes_behind_a_head_is_refused_in_words(gateway: Gateway, raw: bytes) -> None:
    """A HEAD that was answered says nothing of the next request."""
    with Wire(gateway.port) as wire:
        assert wire.send(request(chat())).read().status == 200
        assert wire.send(head("/", method="HEAD") + b"\r\n").read(bodiless=True).status == 200
        assert wire.send(raw).read().message


def answers(raw: bytes) -> Callable[[Line], Awaitable[None]]:
    """Return a provider that answers a request so."""

    async def serve(line: Line) -> None:
        await line.request()
        await line.send(raw)

    return serve


NO = b'{"error":{"message":"no","type":"x"}}'
AN_HOUR = timedelta(hours=1)
FORMS = {
    "of now": lambda at: format_datetime(at, usegmt=True),
    "of RFC 850": lambda at: at.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
    "of asctime": lambda at: at.strftime("%a %b %d %H:%M:%S %Y"),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("status", [429, 503])
def test_a_date_says_when_to_try_again(
    start: Start, form: Callable[[datetime], str], status: int
) -> None:
    """A provider may write seconds or a date, in three forms (RFC 9110, 5.6.7 and 10.2.3)."""
    at = datetime.now(UTC) + AN_HOUR
    raw = whole(NO, status=status, headers=f"retry-after: {form(at)}\r\n")
    with Provider(answers(raw)) as provider:
        reply = ask(start(openai_url=provider.url), chat())

    assert reply.status == status
    assert 3_500 < int(reply.header("retry-after") or 0) <= 3_600


@pytest.mark.parametrize("status", [405, 407, 411, 421, 426])
def test_what_is_wrong_between_us_and_a_provider_is_no_error_of_the_clients(
    start: Start, status: int
) -> None:
    """Passed on, such a status would be about the connection or the path of the client."""
    with Provider(answers(whole(NO, status=status))) as provider:
        reply = ask(start(openai_url=provider.url), chat())

    assert (reply.status, reply.code) == (502, "upstream_error")


def test_a_coding_that_is_not_read_is_told_from_another_type(gateway: Gateway) -> None:
    """415 means either; the codings that are read come with it where one was refused."""
    coded = ask(gateway, chat(), headers=[("content-encoding", "gzip")])
    typed = ask(gateway, chat(), headers=[("content-type", "text/plain")])

    assert (coded.status, coded.code) == (415, "content_unsupported")
    assert coded.header("accept-encoding") == "identity"
    assert (typed.status, typed.header("accept-encoding")) == (415, None)


@pytest.mark.parametrize(
    ("status", "reason"), [(413, "Content Too Large"), (422, "Unprocessable Content")]
)
def test_reasons_are_those_of_the_standard(status: int, reason: str) -> None:
    """Whatever the version of Python calls them."""
    assert status_line(status).decode() == f"HTTP/1.1 {status} {reason}\r\n"
