"""Bedrock: its framing against published vectors, its events, paths, regions and credentials."""

import contextlib
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.dialects import anthropic_messages, bedrock_converse
from headgate.providers import bedrock
from headgate.providers.envelope import FrameError, Place, Unsigned
from headgate.providers.eventstream import Message, Messages
from tests.providers.frames import chunk, fault, message

# Vectors of aws-c-event-stream, with whose hexadecimal digits other SDKs test as well.
EMPTY = bytes.fromhex("000000100000000005c248eb7d98c8ff")
NO_HEADERS = bytes.fromhex("0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936")
ONE_HEADER = bytes.fromhex(
    "0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e"
    "7b27666f6f273a27626172277d8d9c08b1"
)
USAGE = {"input_tokens": 7, "output_tokens": 1}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": USAGE}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "é\n"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 7}},
]


def unframed(data: bytes, cuts: list[int], dialect: str = "anthropic_messages") -> bytes:
    unframer = bedrock.ENVELOPES[dialect].unframer
    assert unframer is not None
    events = unframer()
    places = [0, *sorted(cuts), len(data)]
    return b"".join(events.feed(data[a:b]) for a, b in itertools.pairwise(places))


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (EMPTY, Message({}, b"")),
        (NO_HEADERS, Message({}, b"{'foo':'bar'}")),
        (ONE_HEADER, Message({"content-type": "application/json"}, b"{'foo':'bar'}")),
    ],
)
def test_the_published_messages_are_read_as_published(data: bytes, wanted: Message) -> None:
    """Headers and payload are those of the vectors."""
    assert list(Messages().feed(data)) == [wanted]


@given(at=st.integers(0, len(ONE_HEADER) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed(at: int, bit: int) -> None:
    """Whatever is damaged, no message comes of it."""
    damaged = bytearray(ONE_HEADER)
    damaged[at] ^= 1 << bit

    try:
        found = list(Messages().feed(bytes(damaged)))
    except FrameError:
        found = []

    assert found == []


@given(st.binary(max_size=200))
def test_no_bytes_do_harm(data: bytes) -> None:
    """Whatever arrives is a message, waits, or is a broken frame: nothing else is raised."""
    with contextlib.suppress(FrameError):
        list(Messages().feed(data))


@given(cuts=st.lists(st.integers(0, 400), max_size=12))
def test_events_come_out_the_same_however_the_bytes_are_cut(cuts: list[int]) -> None:
    """What the client gets is Messages' own stream, whole and in order."""
    data = b"".join(chunk(event) for event in EVENTS)

    stream = unframed(data, [min(cut, len(data)) for cut in cuts])

    lines = [line for line in stream.decode().split("\n") if line.startswith("data: ")]
    assert [json.loads(line[6:]) for line in lines] == EVENTS
    reader = anthropic_messages.Stream(False)
    reader.feed(stream)
    report = reader.finish()
    assert report.complete
    assert bedrock.metered(report).usage.quantities() == {"input_uncached": 7, "output_text": 9}


def converse(name: str, payload: bytes) -> bytes:
    return message({":message-type": "event", ":event-type": name}, payload)


def test_a_message_of_converse_is_an_event_of_one_member() -> None:
    """Its name is the member's; ends of line in its JSON do not end the event."""
    data = converse("messageStart", b'{"role":\r\n"assistant"}') + converse("messageStop", b"")

    stream = unframed(data, [5], "bedrock_converse")

    assert stream == (
        b'data: {"messageStart":{"role":  "assistant"}}\n\ndata: {"messageStop":{}}\n\n'
    )
    with pytest.raises(FrameError):
        unframed(converse('a":1,"b', b"{}"), [], "bedrock_converse")


def test_the_exceptions_of_converse_are_told_alike() -> None:
    """One that begins a stream is an error, and classified as of the other dialect."""
    stream = unframed(fault("throttlingException", "no"), [], "bedrock_converse")

    assert bedrock_converse.starts_with_error(stream)
    assert bedrock.failure(200, stream).code.code == "upstream_rate_limited"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("throttlingException", "upstream_rate_limited"),
        ("serviceUnavailableException", "upstream_overloaded"),
        ("modelTimeoutException", "upstream_timeout"),
        ("internalServerException", "upstream_error"),
        ("modelStreamErrorException", "upstream_error"),
        ("validationException", "body_invalid"),
    ],
)
def test_an_exception_is_an_error_of_the_dialect(name: str, code: str) -> None:
    """A stream that begins with one is classified like the reply it stands for."""
    stream = unframed(fault(name, "no"), [])

    assert anthropic_messages.starts_with_error(stream)
    assert bedrock.failure(200, stream).code.code == code
    assert b'"message":"no"' in stream


def test_what_is_no_event_breaks_the_stream() -> None:
    """A chunk without an event in it is noticed; an event of another kind is passed over."""
    kinds = {":message-type": "event", ":event-type": "chunk"}
    for payload in (b"{}", b'{"bytes":"%%%"}', b'{"bytes":"AAAA"}', b"\xff"):
        with pytest.raises(FrameError):
            unframed(message(kinds, payload), [])
    assert unframed(message({**kinds, ":event-type": "later"}, b""), []) == b""


def test_the_path_names_the_model_and_the_way_of_answering() -> None:
    """Model ids, profiles and ARNs are one segment of the path."""
    arn = "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.x"

    assert bedrock.path("anthropic_messages", "", Place("anthropic.x-v1:0")) == (
        "/model/anthropic.x-v1%3A0/invoke"
    )
    assert bedrock.path("anthropic_messages", "", Place(arn, stream=True)) == (
        "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Feu.x"
        "/invoke-with-response-stream"
    )
    for stream, verb in ((False, "converse"), (True, "converse-stream")):
        path = bedrock.path("bedrock_converse", "/x/", Place("amazon.nova-v1:0", stream=stream))
        assert path == f"/x/model/amazon.nova-v1%3A0/{verb}"


def test_beta_features_stand_in_the_body() -> None:
    """What Anthropic takes as a header, Bedrock takes as a member."""
    members = bedrock.ENVELOPES["anthropic_messages"].members(
        (
            (b"anthropic-beta", b"a-1, b-2,"),
            (b"anthropic-version", b"x"),
            (b"anthropic-beta", b"c-3"),
        )
    )

    assert members == {
        "anthropic_version": b'"bedrock-2023-05-31"',
        "anthropic_beta": b'["a-1","b-2","c-3"]',
    }
    assert b"anthropic-beta" in bedrock.ENVELOPES["anthropic_messages"].held_back


@pytest.mark.parametrize(
    ("host", "region", "wanted"),
    [
        ("bedrock-runtime.eu-central-1.amazonaws.com", None, "eu-central-1"),
        ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", None, "us-gov-west-1"),
        ("vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com", None, "eu-west-1"),
        ("bedrock-runtime.eu-west-1.amazonaws.com", "europe", "eu-west-1"),
        ("127.0.0.1:9", None, "us-east-1"),
        ("127.0.0.1:9", "eu-north-1", "eu-north-1"),
    ],
)
def test_a_request_is_signed_for_its_region(host: str, region: str | None, wanted: str) -> None:
    """The region is that of the host, else of the configuration."""
    sign = bedrock.ENVELOPES["anthropic_messages"].sign
    assert sign is not None

    proof = dict(sign("AKID:secret", Unsigned(host, "/model/m/invoke", (), b"{}", region, 0)))

    assert f"/19700101/{wanted}/bedrock/aws4_request".encode() in proof[b"authorization"]


def test_an_api_key_needs_no_signature() -> None:
    """A credential without colons is sent as it is; one with them is never sent."""
    sign = bedrock.ENVELOPES["anthropic_messages"].sign
    assert sign is not None

    assert bedrock.headers("api-key") == ((b"authorization", b"Bearer api-key"),)
    assert sign("api-key", Unsigned("h", "/", (), b"", None, 0)) == ()
    assert bedrock.headers("AKID:secret") == ()
