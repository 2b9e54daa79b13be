"""Whatever breaks between a provider and us, byte by byte: the answer, and the books afterwards."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from headgate.records.journal import SettleRecord
from tests.gateway.calls import CHAT_PATH, MESSAGES_PATH, ask, call_of, chat, message
from tests.gateway.conftest import Start
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

Talk = Callable[[Line], Awaitable[None]]

JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
HALF = completion()[:40]
LAST_CHUNK = b"0\r\n\r\n"
TEXT = event()


def the_end(gateway: Gateway, reply: Reply) -> SettleRecord:
    """Return the settlement of a call that was attempted once."""
    gateway.until_idle()
    (end,) = gateway.ends(call_of(reply))
    (held,) = gateway.holds(call_of(reply))
    assert isinstance(end, SettleRecord)
    assert end.final
    assert 0 < end.amount_nanos <= held.amount_nanos
    return end


def saying(data: bytes, *, reset: bool = False) -> Talk:
    """Return a provider that answers with some bytes and then closes, or breaks off."""

    async def talk(line: Line) -> None:
        await line.request()
        await line.send(data)
        if reset:
            line.break_off()

    return talk


async def endless_head(line: Line) -> None:
    """Send a header that never ends."""
    await line.request()
    await line.send(JSON_HEAD + b"x-note: ")
    while True:
        await line.send(b"a" * 65_536)


BROKEN = {
    "nothing": saying(b""),
    "a reset instead of a head": saying(b"", reset=True),
    "half a head": saying(JSON_HEAD),
    "a head without end": endless_head,
    "fewer bytes than its length": saying(JSON_HEAD + b"content-length: 900\r\n\r\n" + HALF),
    "half a chunk": saying(JSON_HEAD + CHUNKED + b"ff\r\n" + HALF),
    "no last chunk": saying(JSON_HEAD + CHUNKED + chunk(HALF)),
    "a chunk size that is none": saying(JSON_HEAD + CHUNKED + chunk(HALF) + b"zz\r\n"),
    "half a body and its end": saying(JSON_HEAD + b"\r\n" + HALF),
    "a length and chunks": saying(JSON_HEAD + b"content-length: 40\r\n" + CHUNKED + chunk(HALF)),
    "bare line feeds": saying(whole(completion()).replace(b"\r\n", b"\n")),
    "a folded header": saying(whole(completion(), headers="x-note: one\r\n two\r\n")),
}


@pytest.mark.parametrize("talk", BROKEN.values(), ids=BROKEN.keys())
def test_a_reply_that_breaks_is_502_and_posted_at_its_bound(start: Start, talk: Talk) -> None:
    """Half a reply is none; nobody knows what it cost, so no less than its hold is posted."""
    with Provider(talk) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, chat())

    assert (reply.status, reply.code) == (502, "upstream_broken")
    assert the_end(gateway, reply).state == "estimated"


CUT = {
    "half a chunk": saying(STREAM_HEAD + chunk(TEXT) + b"ff\r\n" + TEXT[:20]),
    "half an event": saying(STREAM_HEAD + chunk(TEXT) + chunk(TEXT[:20]) + LAST_CHUNK),
    "no last event": saying(STREAM_HEAD + chunk(TEXT) + LAST_CHUNK),
    "no last chunk": saying(STREAM_HEAD + chunk(TEXT)),
    "fewer bytes than its length": saying(STREAM + b"content-length: 9999\r\n\r\n" + TEXT),
    "the end of the connection": saying(STREAM + b"\r\n" + TEXT),
}
CLIENTS = {
    "native": (CHAT_PATH, chat(stream=True)),
    "translated": (MESSAGES_PATH, message(model="mini", stream=True)),
}


@pytest.mark.parametrize(("path", "body"), CLIENTS.values(), ids=CLIENTS.keys())
@pytest.mark.parametrize("talk", CUT.values(), ids=CUT.keys())
def test_a_stream_without_its_last_event_ends_with_an_error(
    start: Start, talk: Talk, path: str, body: dict[str, Any]
) -> None:
    """What came is sent on, then an error of the client's dialect in a whole body: no client
    takes it for an answer, and no other attempt is made."""
    with Provider(talk) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, body, path)
        opened = provider.opened

    assert reply.status == 200
    assert b"hello" in reply.payload
    assert b"upstream_broken" in reply.payload.rstrip().rpartition(b"\n\n")[2]
    assert b"[DONE]" not in reply.payload
    assert b"message_stop" not in reply.payload
    assert the_end(gateway, reply).state == "estimated"
    assert opened == 1


@pytest.mark.parametrize(
    ("client", "first"),
    [
        ("native", b"data: hello"),
        ("translated", b"data: hello"),
        ("translated", b"data: {oops}"),
        ("translated", b'data: {"id": 1'),
    ],
)
def test_a_stream_whose_first_event_cannot_be_read_has_a_proper_status(
    start: Start, client: str, first: bytes
) -> None:
    """Nothing of it was sent on yet, so the client is told as if there had been no stream."""
    path, body = CLIENTS[client]
    talk = saying(STREAM_HEAD + chunk(first + b"\n\n" + TEXT + last_events()) + LAST_CHUNK)
    with Provider(talk) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, body, path)

    assert (reply.status, reply.code) == (502, "upstream_broken")
    end = the_end(gateway, reply)
    assert (end.state, end.reason) == ("estimated", "reply_unreadable")


def test_a_first_event_that_is_nearly_json_is_the_clients_affair(start: Start) -> None:
    """In the same dialect it passes as it came: some servers write `NaN`, and clients read it."""
    sent = TEXT.replace(b'"hello"', b'"hello", "score": NaN') + last_events()
    with Provider(saying(STREAM_HEAD + chunk(sent) + LAST_CHUNK)) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, chat(stream=True, stream_options={"include_usage": True}))

    assert reply.payload == sent
    assert the_end(gateway, reply).state == "measured"


LONG = b'data: {"choices":[],"note":"' + b"a" * 10_000_000 + b'"}\n\n'
ODD = {
    "carriage returns": TEXT.replace(b"\n", b"\r\n"),
    "a byte order mark": b"\xef\xbb\xbf" + TEXT,
    "comments": b": one\n\n:\n\n" + TEXT,
    "data of several lines": TEXT.replace(b', "choices"', b',\ndata: "choices"'),
    "fields of other names": b"id: 7\nretry: 100\nevent: note\n" + TEXT,
    "no blank behind a colon": TEXT.replace(b"data: ", b"data:"),
    "empty lines": b"\n\n\n" + TEXT + b"\n\n",
    "bytes that are no UTF-8": TEXT.replace(b"hello", b"h\xff\xfe\xc3lo"),
    "a line of 10 MB": TEXT + LONG,
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_an_odd_stream_passes_untouched_and_is_metered(start: Start, odd: bytes) -> None:
    """What is between the first event and the usage is the client's affair, byte for byte."""
    sent = odd + last_events()
    pieces = b"".join(chunk(sent[at : at + 4_999]) for at in range(0, len(sent), 4_999))
    with Provider(saying(STREAM_HEAD + pieces + LAST_CHUNK)) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, chat(stream=True, stream_options={"include_usage": True}))

    assert reply.payload == sent
    end = the_end(gateway, reply)
    assert (end.state, end.quantities) == ("measured", {"input_uncached": 10, "output_text": 5})


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_an_odd_stream_is_translated_or_told(start: Start, odd: bytes) -> None:
    """In another dialect it is a whole stream, or one that ends with an error; never a bug."""
    sent = odd + last_events()
    with Provider(saying(STREAM_HEAD + chunk(sent) + LAST_CHUNK)) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, message(model="mini", stream=True), MESSAGES_PATH)

    assert (b"event: message_stop" in reply.payload) != (b"event: error" in reply.payload)
    reply.payload.decode()
    assert the_end(gateway, reply).state in ("measured", "estimated")
