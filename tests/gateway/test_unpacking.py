"""Replies that come compressed although we asked for none: read, metered, and bounded."""

import contextlib
import gzip
import itertools
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.gateway.upstream.unpacking import (
    FREE_BYTES,
    RATIO_MAX,
    TOO_LARGE,
    Unpacker,
    unpacker_of,
)
from headgate.providers.envelope import FrameError
from headgate.records.journal import SettleRecord
from tests.gateway.calls import ask, call_of, chat
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import (
    Line,
    Provider,
    Talk,
    chunk,
    completion,
    event,
    last_events,
    whole,
)
from tests.gateway.wire import Reply


def raw_deflate(data: bytes) -> bytes:
    """Return data in the form that some servers send as deflate: without zlib's head."""
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(data) + packing.flush()


def two_members(data: bytes) -> bytes:
    """Return data packed in two parts, one behind the other."""
    return gzip.compress(data[:7]) + gzip.compress(data[7:])


PACKERS: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "gzip": (b"gzip", gzip.compress),
    "gzip by its old name": (b"X-GZip", gzip.compress),
    "gzip in two members": (
        b"gzip",
        lambda data: gzip.compress(data[:7]) + gzip.compress(data[7:]),
    ),
    "deflate": (b"deflate", zlib.compress),
    "deflate without its head": (b"deflate", raw_deflate),
}


def unpacker(encoding: bytes) -> Unpacker:
    """Return what unpacks an encoding."""
    found = unpacker_of(encoding, None)
    assert found is not None
    return found


@pytest.mark.parametrize("packer", PACKERS)
@given(data=st.binary(min_size=8), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_cuts_do_not_matter(packer: str, data: bytes, cuts: list[int]) -> None:
    """However the bytes are cut, the same comes out; and only all of them are whole."""
    encoding, pack = PACKERS[packer]
    packed = pack(data)
    ends = sorted({min(cut, len(packed)) for cut in cuts} | {0, len(packed)})
    unpacking = unpacker(encoding)

    pieces = [unpacking.feed(packed[one:two]) for one, two in itertools.pairwise(ends)]

    assert b"".join(pieces) == data
    assert unpacking.whole
    partly = unpacker(encoding)
    partly.feed(packed[:-1])
    assert not partly.whole


@given(st.sampled_from([b"gzip", b"deflate"]), st.binary(max_size=200))
def test_what_is_not_of_the_encoding_is_told(encoding: bytes, data: bytes) -> None:
    """Whatever comes is unpacked or a broken frame, never a bug."""
    with contextlib.suppress(FrameError):
        unpacker(encoding).feed(data)


@pytest.mark.parametrize("packer", PACKERS)
def test_a_bomb_is_not_unpacked(packer: str) -> None:
    """What unpacks to far more than itself is given up, long before it is all there."""
    encoding, pack = PACKERS[packer]
    bomb = pack(b"a" * (FREE_BYTES + RATIO_MAX * 10_000))
    unpacking = unpacker(encoding)
    with pytest.raises(FrameError):
        unpacking.feed(bomb)

    assert unpacking.fault == TOO_LARGE


def test_other_encodings_are_not_read() -> None:
    """Nobody guesses."""
    assert [unpacker_of(each, None) for each in (b"br", b"gzip, gzip", b"", b"identity")] == [
        None
    ] * 4


def saying(data: bytes) -> Talk:
    """Return a provider that answers with some bytes and then closes."""

    async def talk(line: Line) -> None:
        await line.request()
        await line.send(data)

    return talk


def the_end(gateway: Gateway, reply: Reply) -> SettleRecord:
    """Return the only settlement of a call."""
    gateway.until_idle()
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, SettleRecord)
    return end


GZIPPED = "content-encoding: gzip\r\n"
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n"
CHUNKED = STREAM + b"transfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("framed", ["by length", "by the end of the connection"])
def test_a_compressed_reply_is_passed_on_plain(start: Start, framed: str) -> None:
    """It is metered as any other, and no encoding is named to the client."""
    sent = whole(gzip.compress(completion()), headers=GZIPPED)
    if framed != "by length":
        sent = sent.replace(b"content-length", b"x-length")
    with Provider(saying(sent)) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, chat())

    assert (reply.status, reply.header("content-encoding")) == (200, None)
    assert reply.payload == completion()
    assert the_end(gateway, reply).state == "measured"


def test_a_compressed_stream_is_passed_on_as_it_comes(start: Start) -> None:
    """Event by event, each as soon as it can be read."""
    packing = zlib.compressobj(wbits=31)
    events = [event(), event(), last_events()]
    pieces = [packing.compress(each) + packing.flush(zlib.Z_SYNC_FLUSH) for each in events]
    sent = CHUNKED + b"".join(chunk(each) for each in [*pieces, packing.flush()]) + b"0\r\n\r\n"
    with Provider(saying(sent)) as provider:
        gateway = start(openai_url=provider.url)
        asked = chat(stream=True, stream_options={"include_usage": True})
        reply = ask(gateway, asked)

    assert reply.payload == b"".join(events)
    assert the_end(gateway, reply).state == "measured"


BROKEN = {
    "half of it, by length": whole(gzip.compress(completion())[:-9], headers=GZIPPED),
    "half of it, by the end": whole(gzip.compress(completion())[:-9], headers=GZIPPED).replace(
        b"content-length", b"x-length"
    ),
    "not compressed at all": whole(completion(), headers=GZIPPED),
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN.keys())
def test_a_compressed_reply_that_breaks_is_502(start: Start, sent: bytes) -> None:
    """Half of it is none, however well its framing ends; its bound is posted."""
    with Provider(saying(sent)) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, chat())

    assert (reply.status, reply.code) == (502, "upstream_broken")
    end = the_end(gateway, reply)
    assert (end.state, end.reason) == ("estimated", "reply_unreadable")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_bomb_is_refused(start: Start, streamed: bool) -> None:
    """The client is told so, in a stream that has begun as its last event."""
    bomb = b": " + b"a" * 3_000_000 + b"\n\n"
    packing = zlib.compressobj(wbits=31)
    first = packing.compress(event()) + packing.flush(zlib.Z_SYNC_FLUSH)
    packed = packing.compress(bomb) + packing.flush()
    sent = whole(gzip.compress(completion(note="a" * 3_000_000)), headers=GZIPPED)
    if streamed:
        sent = CHUNKED + chunk(first) + chunk(packed) + b"0\r\n\r\n"
    with Provider(saying(sent)) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, chat(stream=streamed))

    assert b"upstream_too_large" in reply.payload
    assert len(reply.payload) < 1_000_000
    assert the_end(gateway, reply).reason == "reply_too_large"


def test_a_compressed_error_is_understood(start: Start) -> None:
    """It decides what becomes of the call as a plain one does, and is passed on plain."""
    error = b'{"error":{"message":"Too long.","type":"invalid_request_error","code":null}}'
    with Provider(saying(whole(gzip.compress(error), status=400, headers=GZIPPED))) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, chat())

    assert (reply.status, reply.payload) == (400, error)
    assert the_end(gateway, reply).amount_nanos == 0


def test_another_encoding_is_passed_on_as_it_is(start: Start) -> None:
    """The client may know it; its usage cannot be read, so its bound is posted."""
    with Provider(saying(whole(b"\x0b\x02\x80", headers="content-encoding: br\r\n"))) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, chat())

    assert (reply.header("content-encoding"), reply.payload) == ("br", b"\x0b\x02\x80")
    assert the_end(gateway, reply).state == "estimated"
