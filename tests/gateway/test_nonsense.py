"""Providers that answer 200 and nonsense: as long as the client was sent nothing, calls go on."""

from collections.abc import Callable
from typing import Any

import pytest

from headgate.records.journal import SettleRecord
from tests.gateway.calls import CHAT_PATH, MESSAGES_PATH, ask, call_of, chat, message
from tests.gateway.conftest import Start
from tests.gateway.provider import STREAM_HEAD, Line, Provider, chunk, whole
from tests.gateway.test_failover import other, served

ROUTE = '[routes.either]\ndeployments = ["own", "big"]\npolicy = "ordered"'
Talk = Callable[[Line], Any]


def saying(data: bytes) -> Talk:
    """Return a provider that answers each request with the same bytes."""

    async def talk(line: Line) -> None:
        await line.request()
        await line.send(data)

    return talk


NO_ANSWER = saying(whole(b'{"status":"ok"}'))
NO_CHOICE = saying(whole(b'{"id":"a","choices":[]}'))
PAGE = saying(STREAM_HEAD + chunk(b"data: <html></html>\n\n") + b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("talk", "body", "path"),
    [
        (NO_ANSWER, chat(model="either"), CHAT_PATH),
        (NO_ANSWER, message(model="either"), MESSAGES_PATH),
        (NO_CHOICE, message(model="either"), MESSAGES_PATH),
        (PAGE, chat(model="either", stream=True), CHAT_PATH),
        (PAGE, message(model="either", stream=True), MESSAGES_PATH),
    ],
)
def test_nonsense_under_status_200_goes_on_elsewhere(
    start: Start, talk: Talk, body: Any, path: str
) -> None:
    """JSON without an answer, and events that are none: told natively or in translation, neither
    reaches the client; what it may have cost is posted at its bound."""
    with Provider(talk) as provider:
        gateway = start(more=other("own", provider.url) + ROUTE)
        reply = ask(gateway, body, path)

    assert served(reply) == "big"
    gateway.until_idle()
    first, second = gateway.ends(call_of(reply))
    assert isinstance(first, SettleRecord)
    assert isinstance(second, SettleRecord)
    assert (first.state, first.final) == ("estimated", False)
    assert (second.state, second.final) == ("measured", True)
