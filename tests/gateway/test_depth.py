"""Bodies and replies nested deeply: served to the documented depth, refused by name beyond it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from headgate.dialects.body import DEPTH_MAX
from tests.gateway.calls import CHAT_PATH, MESSAGES_PATH, ask, chat, message
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import STREAM_HEAD, Line, Provider, chunk, whole
from tests.gateway.test_failover import other

Body = Callable[..., dict[str, Any]]
HOLE = "hole"
ABOVE = 8
"""So many levels has what stands around the nested part, and more when it is told anew."""


def nested(levels: int) -> bytes:
    """Return objects within one another."""
    return b'{"a":' * levels + b"{}" + b"}" * levels


def filled(body: Any, levels: int) -> bytes:
    """Return a body whose hole is nested."""
    return json.dumps(body).encode().replace(b'"hole"', nested(levels))


def unknown(body: Body, model: str) -> dict[str, Any]:
    """Return a call with a member that nobody looks at."""
    return body(model=model, x=HOLE)


def schema(body: Body, model: str) -> dict[str, Any]:
    """Return a call that offers a tool."""
    if body is chat:
        function = {"name": "f", "parameters": HOLE}
        return body(model=model, tools=[{"type": "function", "function": function}])
    return body(model=model, tools=[{"name": "f", "input_schema": HOLE}])


NATIVE = [(chat, "mini"), (message, "haiku")]
TRANSLATED = [(chat, "haiku"), (message, "mini")]
CASES = [(unknown, *each) for each in NATIVE]
CASES += [(schema, *each) for each in NATIVE + TRANSLATED]


@pytest.mark.parametrize(("place", "body", "model"), CASES)
def test_a_body_is_served_up_to_the_documented_depth(
    gateway: Gateway, place: Callable[[Body, str], Any], body: Body, model: str
) -> None:
    """Beyond what can be read it is refused by name, and the message says how deep is sure."""
    path = CHAT_PATH if body is chat else MESSAGES_PATH
    asked = place(body, model)

    served = ask(gateway, filled(asked, DEPTH_MAX - ABOVE), path)
    refused = [ask(gateway, filled(asked, levels), path) for levels in (20_000, 100_000)]

    assert served.status == 200, served.payload
    assert {(each.status, each.code) for each in refused} == {(400, "body_too_deep")}
    assert all(f"{DEPTH_MAX} levels" in each.message for each in refused)


@pytest.mark.parametrize(("place", "body", "model"), CASES)
def test_no_depth_in_between_falls_through(
    gateway: Gateway, place: Callable[[Body, str], Any], body: Body, model: str
) -> None:
    """Around the deepest that can be read, a later look has less room than the first."""
    path = CHAT_PATH if body is chat else MESSAGES_PATH
    asked = place(body, model)

    for levels in range(901, 1_000, 7):
        reply = ask(gateway, filled(asked, levels), path)
        told = (reply.status, reply.header("x-headgate-code"))
        if told == (400, "body_invalid"):
            # Compiled, the gateway reads on where the simulated provider cannot, which says so.
            assert any(word in reply.payload for word in (b"recursion", b"could not parse"))
        else:
            assert told in ((200, None), (400, "body_too_deep")), levels


@pytest.mark.parametrize("levels", [64, DEPTH_MAX, 2_000, 100_000])
@pytest.mark.parametrize("body", [chat, message])
def test_a_deep_reply_has_one_end(start: Start, body: Body, levels: int) -> None:
    """Native or translated, whole or streamed, the attempt is settled and the client told."""
    path = CHAT_PATH if body is chat else MESSAGES_PATH

    async def talk(line: Line) -> None:
        while True:
            asked = await line.request()
            if b'"stream":true' in asked.replace(b" ", b""):
                event = b'data: {"x":' + nested(levels) + b"}\n\n"
                await line.send(STREAM_HEAD + chunk(event) + b"0\r\n\r\n")
            else:
                await line.send(whole(b'{"choices":[],"x":' + nested(levels) + b"}"))

    with Provider(talk) as provider:
        gateway = start(more=other("own", provider.url))
        for stream in (False, True):
            reply = ask(gateway, body(model="own", stream=stream), path)
            assert reply.status in (200, 502)
        gateway.assert_settled()
