"""Tokens are fetched with a request whose answer has bounds."""

import asyncio
from urllib.parse import urlsplit

import pytest
import uvloop

from headgate.dial.dialer import Dialer
from headgate.dial.fetch import ANSWER_BYTES_MAX, Answer, FetchError, Outgoing, post
from headgate.dial.resolver import Resolver
from tests.gateway.provider import Line, Provider, Talk, chunk, whole


def saying(answer: bytes) -> Talk:
    """Return a server that answers with some bytes and closes."""

    async def talk(line: Line) -> None:
        request = await line.request()
        assert request.startswith(b"POST /v1/token?x=1 HTTP/1.1\r\n")
        assert request.endswith(b"a=b")
        await line.send(answer)

    return talk


def asked(talk: Talk, timeout_s: float = 10.0) -> Answer:
    """Return what a server answers."""
    with Provider(talk) as server:
        url = f"{server.url}/token?x=1"
        dialer = Dialer("127.0.0.1", urlsplit(url).port or 0, Resolver())
        return uvloop.run(post(dialer, url, {"accept": "*/*"}, b"a=b", timeout_s))


CHUNKED = b"HTTP/1.1 401 No\r\ntransfer-encoding: chunked\r\n\r\n" + chunk(b"no") + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (whole(b"good"), Answer(200, b"good")),
        (b"HTTP/1.1 103 Hints\r\n\r\n" + whole(b"good"), Answer(200, b"good")),
        (CHUNKED, Answer(401, b"no")),
    ],
)
def test_an_answer_is_read(answer: bytes, read: Answer) -> None:
    """However it is framed."""
    assert asked(saying(answer)) == read


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "broke off"),
        (whole(b"good")[:-1], "broke off"),
        (b"SSH-2.0\r\n", "no proper HTTP"),
        (whole(b"a" * ANSWER_BYTES_MAX), "too large"),
    ],
)
def test_half_an_answer_is_none(answer: bytes, told: str) -> None:
    """It is told what came, not what was in it."""
    with pytest.raises(FetchError, match=told):
        asked(saying(answer))


def test_an_answer_that_does_not_come_is_not_waited_for() -> None:
    """The time is for all of it."""

    async def silent(line: Line) -> None:
        await line.closed()

    with pytest.raises(FetchError, match=r"within 0\.05 s"):
        asked(silent, 0.05)


def test_an_endpoint_that_is_down_is_told() -> None:
    """With the system's reason."""

    async def ask() -> Answer:
        return await post(Dialer("127.0.0.1", 1, Resolver()), "http://127.0.0.1:1/", {}, b"", 5.0)

    with pytest.raises(FetchError, match="refused"):
        asyncio.run(ask())


def test_no_text_of_a_question_or_an_answer_has_a_credential() -> None:
    """Issuers are shown one and answer with another; errors tell what was at hand."""
    outgoing = Outgoing("POST", "https://a.example", {"authorization": "s3cret"}, b"s3cret")

    assert "s3cret" not in f"{outgoing!r} {Answer(200, b's3cret')!r}"
