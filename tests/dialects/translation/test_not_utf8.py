"""A call that is no text is refused; what is none in a reply is told as U+FFFD."""

import json

import pytest

from headgate.dialects.long_body import is_utf8
from headgate.units.errors import BODY_MALFORMED, Refusal
from tests.dialects.translation.speech import (
    CHAT,
    GEMINI,
    MESSAGES,
    PAIRS,
    RESPONSES,
    attempt,
    between,
)
from tests.dialects.translation.streams import STREAMS, events

WORD = "grape"
BODY = {
    "model": "m",
    "messages": [{"role": "user", "content": "Hello"}],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "pick",
                "parameters": {"type": "object", "properties": {"a": {"description": WORD}}},
            },
        }
    ],
}


@pytest.mark.parametrize("upstream", [MESSAGES, RESPONSES, GEMINI])
def test_a_text_that_is_none_is_refused(upstream: str) -> None:
    """A schema is carried as it is: the same call with a text in its place is served."""
    good = json.dumps(BODY).encode()
    bad = good.replace(WORD.encode(), b"gr\x82pe")

    refused = attempt(CHAT, upstream, bad, drop=True)
    served = attempt(CHAT, upstream, good, drop=True)

    assert isinstance(refused, Refusal)
    assert refused.code is BODY_MALFORMED
    assert not isinstance(served, Refusal)


USED = {"type": "tool_use", "id": "a", "name": "pick", "input": {"a": WORD}}
TURNS = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": [USED]}]
CALLED = {"functionCall": {"name": "pick", "args": {"a": WORD}}}
RETURNED = {"functionResponse": {"name": "pick", "response": {"a": WORD}}}
CONTENTS = [{"role": "model", "parts": [CALLED]}, {"role": "user", "parts": [RETURNED]}]


@pytest.mark.parametrize(
    ("client", "body", "what"),
    [
        (MESSAGES, {"model": "m", "max_tokens": 9, "messages": TURNS}, b"input"),
        (GEMINI, {"contents": CONTENTS}, b"args"),
        (GEMINI, {"contents": CONTENTS}, b"response"),
    ],
)
def test_what_a_tool_is_called_with_is_text(client: str, body: object, what: bytes) -> None:
    """It is carried as it is, too; the refusal says where it stands."""
    head, value, rest = json.dumps(body).encode().partition(b'"%b": {"a": "' % what)

    refused = attempt(client, CHAT, head + value + b"\x82" + rest, drop=True)

    assert isinstance(refused, Refusal)
    assert refused.code is BODY_MALFORMED
    assert what.decode() in (refused.param or "")


def test_bytes_that_are_no_text_are_told_apart() -> None:
    """ASCII, UTF-8, and what is neither."""
    assert is_utf8(b"{}")
    assert is_utf8('"é"'.encode())
    assert not is_utf8(b'"\x82"')


def told_to(client: str, upstream: str, text: bytes) -> bytes:
    """Return what a client gets of a stream that comes in one piece."""
    stream = between(client, upstream).Stream(False)
    return stream.feed(text) + stream.flush()


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_bytes_of_a_stream_that_are_no_text_are_told_as_signs_that_stand_for_them(
    client: str, upstream: str
) -> None:
    """Each is U+FFFD in the client's dialect, and the stream goes on to its end."""
    text = STREAMS[upstream]

    broken, replaced = (text.replace("é".encode(), sign) for sign in (b"\xc3", "\ufffd".encode()))
    said = told_to(client, upstream, broken)

    assert broken != text
    assert said == told_to(client, upstream, replaced)
    assert "error" not in events(said)[-1]


SAID = {
    CHAT: {"choices": [{"message": {"content": "H\ufffdllo"}, "finish_reason": "stop"}]},
    MESSAGES: {"content": [{"type": "text", "text": "H\ufffdllo"}], "stop_reason": "end_turn"},
}


@pytest.mark.parametrize(("client", "upstream"), [(MESSAGES, CHAT), (CHAT, MESSAGES)])
def test_bytes_of_a_reply_that_are_no_text_are_told_as_signs_that_stand_for_them(
    client: str, upstream: str
) -> None:
    """Each is U+FFFD in the client's dialect, instead of no answer at all."""
    reply = json.dumps(SAID[upstream], ensure_ascii=False).encode()

    text = between(client, upstream).render_reply(reply.replace("\ufffd".encode(), b"\xc3"))

    assert text is not None
    assert "H\ufffdllo" in text.decode()
