"""Replies that are nearly right: whatever a provider says, the client gets HTTP, paid once."""

import dataclasses
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.units.errors import CODES
from tests.fuzz.mutating import HALF, cut, mutated
from tests.gateway.calls import CHAT_PATH, MESSAGES_PATH, ask, chat, config, message
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import (
    STREAM_HEAD,
    Line,
    Provider,
    chunk,
    completion,
    event,
    last_events,
    whole,
)
from tests.gateway.wire import Reply

CODES_KNOWN = {code.code for code in CODES}
STREAM = event() + event(choices=[]) + event() + last_events()
WHOLE = (
    whole(completion()),
    whole(b'{"error":{"message":"no","type":"x"}}', status=400),
    whole(b'{"error":{"message":"wait","type":"x"}}', status=429, headers="retry-after: 1\r\n"),
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunk(completion()) + b"0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\n" + completion(),
)
STREAMED = (
    STREAM_HEAD + chunk(STREAM) + b"0\r\n\r\n",
    STREAM_HEAD + b"".join(chunk(each + b"\n\n") for each in STREAM.split(b"\n\n")) + b"0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + STREAM,
    whole(b'{"error":{"message":"no","type":"x"}}', status=500),
)
WORDS = (
    b"\r\n",
    b"\n",
    b"\r\n\r\n",
    b"data: ",
    b"data: [DONE]\n\n",
    b"event: error\n",
    b"0\r\n\r\n",
    b"content-length: 3\r\n",
    b"transfer-encoding: chunked\r\n",
    b"content-encoding: gzip\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 204 No\r\n\r\n",
    b"retry-after: -1e999\r\n",
    b'"usage":{"prompt_tokens":-1,"completion_tokens":1e400},',
    b'"usage":null,',
    b'"choices":[{}],',
    b"null",
    b"-1",
    b"99999999999999999999999",
    b"\xff\xfe",
    b"[" * 2_000,
)


@dataclasses.dataclass(slots=True)
class Saying:
    """What a provider answers next, in pieces; then it closes."""

    pieces: list[bytes] = dataclasses.field(default_factory=list)

    async def talk(self, line: Line) -> None:
        """Answer one request."""
        await line.request()
        for piece in self.pieces:
            await line.send(piece)


@pytest.fixture(scope="module")
def said() -> Saying:
    """What the provider of `fuzzed` says."""
    return Saying()


@pytest.fixture(scope="module")
def fuzzed(said: Saying, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose provider says anything; each attempt has ended once when it is over."""
    folder = tmp_path_factory.mktemp("fuzzed")
    with Provider(said.talk) as provider:
        text = config(provider.url, provider.url)
        with Gateway(folder, text) as gateway:
            yield gateway
            gateway.assert_settled()


def assert_told(reply: Reply) -> None:
    """Assert that a reply is whole, and an error one that the documents know."""
    if reply.status == 200:
        return
    code = reply.header("x-headgate-code")
    assert code in CODES_KNOWN, reply
    assert code != "internal_error", reply


@HALF
@given(data=st.data())
def test_any_whole_reply_is_passed_on_or_told(
    fuzzed: Gateway, said: Saying, data: st.DataObject
) -> None:
    """In its own dialect and in another one, and no bug shows."""
    said.pieces = data.draw(cut(data.draw(mutated(WHOLE, WORDS))))
    translated = data.draw(st.booleans())
    fuzzed.heal()

    if translated:
        assert_told(ask(fuzzed, message(model="mini"), MESSAGES_PATH))
    else:
        assert_told(ask(fuzzed, chat(), CHAT_PATH))

    assert not fuzzed.problems


@HALF
@given(data=st.data())
def test_any_stream_is_passed_on_or_told(
    fuzzed: Gateway, said: Saying, data: st.DataObject
) -> None:
    """A stream that is translated ends as one of its dialect: with its last event or an error."""
    said.pieces = data.draw(cut(data.draw(mutated(STREAMED, WORDS))))
    translated = data.draw(st.booleans())
    fuzzed.heal()

    if translated:
        reply = ask(fuzzed, message(model="mini", stream=True), MESSAGES_PATH)
        assert_told(reply)
        if reply.status == 200:
            reply.payload.decode()
            last = reply.payload.rstrip().rpartition(b"\n\n")[2]
            assert last.startswith((b"event: message_stop", b"event: error")), reply
    else:
        assert_told(ask(fuzzed, chat(stream=True), CHAT_PATH))

    assert not fuzzed.problems
