"""What real providers have sent, recorded by others: read, metered, relayed and told.

SOURCES.md says where each file comes from. Nothing here was made by hand for us.
"""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from google.genai.types import GenerateContentResponse
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent

from headgate.dialects.registry import SpokenDialect, StreamReader
from headgate.providers.registry import Provider, envelope_of, providers
from headgate.records.report import Report
from tests.dialects.translation.sdk_types import check
from tests.dialects.translation.speech import (
    CHAT,
    CONVERSE,
    MESSAGES,
    RESPONSES,
    SPOKEN,
    TELLERS,
    TRANSLATORS,
    between,
)
from tests.dialects.translation.streams import events

HERE = Path(__file__).parent
FILES = sorted(path.relative_to(HERE).as_posix() for path in HERE.glob("[a-z]*/*.*"))
EXPECTED: dict[str, dict[str, Any]] = json.loads((HERE / "expected.json").read_text())
KINDS_OF = {"openai_chat": "openai", "openai_responses": "openai", "gemini": "gemini"} | {
    "anthropic_messages": "anthropic",
    CONVERSE: "bedrock",
}
PROVIDERS = providers()
GEMINI = "gemini"

STREAMED = [name for name in FILES if not name.endswith(".json")]
WHOLE = [name for name in FILES if name.endswith(".json") and "error" not in name]


def dialect_of(name: str) -> SpokenDialect:
    return SPOKEN[name.partition("/")[0]]


def kind_of(name: str) -> Provider:
    return PROVIDERS[KINDS_OF[name.partition("/")[0]]]


def unframed(name: str, pieces: list[bytes]) -> bytes:
    """Return a stream's server-sent events; most come as such."""
    unframer = envelope_of(kind_of(name), dialect_of(name).KIND).unframer
    if unframer is None:
        return b"".join(pieces)
    return b"".join(map(unframer().feed, pieces))


def stream_of(name: str) -> bytes:
    data = (HERE / name).read_bytes()
    return unframed(name, [data])


def finished(reader: StreamReader, stream: bytes) -> Report:
    reader.feed(stream)
    reader.flush()
    return reader.finish()


def report_of(name: str) -> Report:
    if name in STREAMED:
        return finished(dialect_of(name).Stream(False), stream_of(name))
    return dialect_of(name).report((HERE / name).read_bytes())


def test_each_recording_has_its_line() -> None:
    """What lies here is named in SOURCES.md with its source, and has what is expected of it."""
    sources = (HERE / "SOURCES.md").read_text()

    assert [name for name in FILES if f"`{name}`" not in sources] == []
    assert sorted(EXPECTED) == FILES


@pytest.mark.parametrize("name", FILES)
def test_a_recording_is_metered_to_what_it_states(name: str) -> None:
    """Each token it states is on one meter; what states no usage has none."""
    expected = EXPECTED[name]

    report = report_of(name)

    assert (report.complete, report.errored) == (expected["complete"], expected["errored"])
    assert report.served_model == expected["model"]
    if expected["meters"] is None:
        assert report.usage_json is None or expected["complete"] is False
        return
    meters = kind_of(name).metered(report).usage.quantities()
    assert meters == expected["meters"]
    assert sum(meters.values()) - meters.get("web_search", 0) == stated(report)


def stated(report: Report) -> int:
    """Return how many tokens a usage object states in all, whoever wrote it."""
    usage = json.loads(report.usage_json or b"{}")
    for total in ("total_tokens", "totalTokenCount", "totalTokens"):
        if total in usage:
            return int(usage[total])
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return sum(usage.get(name) or 0 for name in (*names, "output_tokens"))


@pytest.mark.parametrize("name", STREAMED)
def test_a_recorded_stream_is_relayed_byte_for_byte(name: str) -> None:
    """However it is cut, a client of its dialect gets what the provider sent, as it comes."""
    stream = stream_of(name)

    for size in (1, 7, 1_000):
        reader = dialect_of(name).Stream(False)
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert b"".join([*map(reader.feed, pieces), reader.flush()]) == stream
        assert reader.finish() == finished(dialect_of(name).Stream(False), stream)


@pytest.mark.parametrize("name", [name for name in STREAMED if name.endswith(".frames")])
@given(cuts=st.lists(st.integers(0, 6_000), max_size=8))
def test_recorded_frames_give_the_same_events_however_they_are_cut(
    name: str, cuts: list[int]
) -> None:
    """AWS's own frames are undone piece by piece; their checksums hold."""
    data = (HERE / name).read_bytes()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(places)]

    assert unframed(name, pieces) == stream_of(name)


def _chat_chunks(stream: bytes) -> None:
    found = events(stream)
    for chunk in found:
        if chunk == "[DONE]" or "error" in chunk:
            continue
        for choice in chunk["choices"]:
            choice["delta"].pop("reasoning_content", None)
            choice["delta"].pop("annotations", None)  # Told on the wire, unknown to the SDK's type.
        check(ChatCompletionChunk, chunk)


def _events_of(kind: Any) -> Callable[[bytes], None]:
    def each(stream: bytes) -> None:
        for event in events(stream):
            if event.get("type") != "error" and "error" not in event:
                # Google's SDK turns what the service calls sources into what it calls citations.
                told = json.dumps(event).replace('"citationSources"', '"citations"')
                check(kind, json.loads(told))

    return each


STREAM_TYPES: dict[str, Callable[[bytes], None]] = {
    CHAT: _chat_chunks,
    MESSAGES: _events_of(RawMessageStreamEvent),
    RESPONSES: _events_of(ResponseStreamEvent),
    GEMINI: _events_of(GenerateContentResponse),
}
REPLY_TYPES: dict[str, Any] = {CHAT: ChatCompletion, MESSAGES: Message, RESPONSES: Response}
REPLY_TYPES |= {GEMINI: GenerateContentResponse}


def pairs(names: list[str]) -> list[Any]:
    """Return each recording with each dialect that it can be told in."""
    return [
        pytest.param(name, client, id=f"{name}-{client}")
        for name in names
        for client in sorted(TRANSLATORS)
        if name.partition("/")[0] in TELLERS and client != name.partition("/")[0]
    ]


@pytest.mark.parametrize(("name", "client"), pairs(STREAMED))
def test_a_recorded_stream_is_told_in_every_other_dialect(name: str, client: str) -> None:
    """The events have the official types, the same however the bytes were cut, and end alike."""
    spoken, stream = between(client, dialect_of(name).KIND), stream_of(name)
    told = []
    for size in (len(stream), 61):
        reader = spoken.Stream(False)
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        told.append(b"".join([*map(reader.feed, pieces), reader.flush()]))
        assert reader.finish() == report_of(name)

    STREAM_TYPES[client](told[0])
    assert told[0] == told[1]
    last = events(told[0])[-1]
    failed = last != "[DONE]" and (
        "error" in last or last.get("type") in ("error", "response.failed")
    )
    assert failed == EXPECTED[name]["errored"], last
    for word in EXPECTED[name]["words"]:
        assert word in _spoken(told[0], client)


def _spoken(stream: bytes, client: str) -> str:
    """Return every text and argument that a stream tells, joined."""
    said: list[str] = []

    def walk(value: Any, key: str) -> None:
        if key == "args":
            # Gemini has arguments as the object they are.
            said.append(json.dumps(value, separators=(",", ":"), ensure_ascii=False))
        elif isinstance(value, dict):
            for name, item in value.items():
                walk(item, name)
        elif isinstance(value, list):
            for item in value:
                walk(item, key)
        elif isinstance(value, str) and key in _SAYING:
            said.append(value)

    for event in events(stream):
        walk(event, "")
    return "".join(said)


_SAYING = {"content", "text", "delta", "thinking", "reasoning_content", "partial_json", "arguments"}
_SAYING |= {"name", "signature", "data", "explanation", "refusal", "encrypted_content"}


@pytest.mark.parametrize(("name", "client"), pairs(WHOLE))
def test_a_recorded_reply_is_told_in_every_other_dialect(name: str, client: str) -> None:
    """A whole reply has exactly the official type, and says what the provider said."""
    body = (HERE / name).read_bytes()

    told = between(client, dialect_of(name).KIND).render_reply(body)

    assert told is not None
    document = json.loads(told)
    if client == CHAT:
        document["choices"][0]["message"].pop("reasoning_content", None)
    check(REPLY_TYPES[client], document)
    for word in EXPECTED[name]["words"]:
        assert word in json.dumps(json.loads(told), ensure_ascii=False)


ERRORS = [name for name in FILES if name.endswith(".json") and "error" in name]


@pytest.mark.parametrize("name", ERRORS)
def test_a_recorded_error_is_the_requests_own(name: str) -> None:
    """A request that was wrong is told as such, in the provider's words, to any client."""
    body = (HERE / name).read_bytes()

    failure = kind_of(name).failure(400, body)

    assert (failure.code.code, failure.retryable) == ("body_invalid", False)
    message = TELLERS[dialect_of(name).KIND].error_message(body)
    assert message is not None
    assert message == json.loads(body)["error"]["message"]
