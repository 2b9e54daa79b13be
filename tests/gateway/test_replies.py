"""What HTTP wants of every reply beside its date: challenges, methods, what has no body."""

import pytest

from tests.gateway.calls import MESSAGES_PATH, chat, head, message, request
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Wire

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
