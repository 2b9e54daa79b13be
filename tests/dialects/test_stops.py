"""Streams are counted so that no token is missed, and ended wherever an event of theirs ends."""

import json
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from anthropic.types import RawMessageStreamEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from headgate.dialects.sse import data_of
from headgate.dialects.stops.events import BOUNDARY
from headgate.dialects.stops.registry import counted, stops
from headgate.dialects.stops.written import written_bytes
from headgate.records.reply import Begin, Delta, End, Ending, TextDelta, ToolBegin, ToolDelta
from tests.dialects.recorded.test_recorded import EXPECTED, STREAMED, stream_of
from tests.dialects.translation.speech import AT_S, TRANSLATORS

COUNTED, STOPS = counted(), stops()
EVENTS: dict[str, Any] = {
    "openai_chat": ChatCompletionChunk,
    "openai_responses": ResponseStreamEvent,
    "anthropic_messages": RawMessageStreamEvent,
}
EVENTS_MAX = 12
"""So many of the events of a stream are tried, for what it costs."""
BEGIN = Begin("reply_1", "some-model")
TOOL = ToolBegin(0, "call_1", "look")
NOT_WHOLE = {"openai_chat/mistral-thinking.sse"}
"""Whoever recorded it has left out most of its thoughts."""
AT_PROVIDER = {"anthropic_messages/citations.sse", "openai_responses/web-search.sse"}
"""Searches at the provider, for which holds are always strict: their results are too long."""
ENDED = [each for each in STREAMED if each.partition("/")[0] in STOPS]
ENDED = [each for each in ENDED if each not in AT_PROVIDER]
TEXTS = st.text(min_size=1) | st.from_regex(
    r'("(id|type|role|model|created)": ?"?[a-z0-9]*"?,? ?|event: x\n|data:|[{}\\])+', fullmatch=True
)
"""Any text, and texts that look like a stream's frame."""


def kind_of(name: str) -> str:
    return name.partition("/")[0]


def told(kind: str, *deltas: Delta) -> bytes:
    """Return what a stream of a dialect says."""
    renderer = TRANSLATORS[kind].StreamRenderer(AT_S, usage_wanted=False)
    return b"".join(map(renderer.render, deltas))


@pytest.mark.parametrize("kind", sorted(STOPS))
@given(TEXTS, st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_byte_that_a_model_wrote_is_taken_for_frame(kind: str, text: str, in_tool: bool) -> None:
    """Whatever stands in a text counts, also what looks like the members that do not."""
    said: tuple[Delta, ...] = (TOOL, ToolDelta(0, text)) if in_tool else (TextDelta(text),)
    if in_tool and kind == "gemini":
        # Its calls come whole: they are JSON, and told once the next thing is.
        said = (TOOL, ToolDelta(0, json.dumps({text: text})), TextDelta("."))

    events = told(kind, BEGIN, *said)

    assert written_bytes(COUNTED[kind].UNWRITTEN, events) >= len(text.encode("utf-8", "replace"))


@given(st.binary(max_size=40), st.integers(0, 400))
@settings(max_examples=60, deadline=None)
def test_a_cut_never_makes_anything_count_less(noise: bytes, at: int) -> None:
    """Two pieces of a stream count as much as the whole at least."""
    events = told("openai_chat", BEGIN, TextDelta("hello"), TextDelta("there")) + noise
    unwritten = COUNTED["openai_chat"].UNWRITTEN

    parts = written_bytes(unwritten, events[:at]) + written_bytes(unwritten, events[at:])

    assert parts >= written_bytes(unwritten, events)


@pytest.mark.parametrize("kind", sorted(STOPS))
def test_the_frame_of_an_event_counts_little(kind: str) -> None:
    """What is counted of a long stream is its text, and a few signs for each event."""
    words = [TextDelta("words and more ") for _ in range(100)]

    events = told(kind, BEGIN, *words)

    counts = written_bytes(COUNTED[kind].UNWRITTEN, events)
    assert 1_500 <= counts < 1_500 + 10 * 100 + 200


@pytest.mark.parametrize("sign", [b" ", b"[", b"}", b"\n", b"data:", b"event: a\n", b"}\n"])
@pytest.mark.parametrize("kind", sorted(COUNTED))
def test_what_stands_in_a_row_is_counted_in_a_moment(kind: str, sign: bytes) -> None:
    """Time grows with the bytes alone: a text of blanks, or a provider's nonsense, stops nobody."""
    events = b'data: {"x":"' + sign * (200_000 // len(sign)) + b'."}\n\n'
    began = time.process_time()

    counts = written_bytes(COUNTED[kind].UNWRITTEN, events)

    assert 0 < counts <= len(events)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("name", [each for each in STREAMED if each not in NOT_WHOLE])
def test_recorded_streams_are_billed_for_no_more_than_was_counted(name: str) -> None:
    """What real providers have reported as output is within what is counted of their streams."""
    reported = (EXPECTED[name]["meters"] or {}).get("output_text", 0)

    assert written_bytes(COUNTED[kind_of(name)].UNWRITTEN, stream_of(name)) >= reported


def prefixes(stream: bytes) -> Iterator[bytes]:
    """Yield a stream up to the end of each of its events that has data."""
    at = 0
    while (end := BOUNDARY.search(stream, at)) is not None:
        if data_of(stream[at : end.start()]):
            yield stream[: end.end()]
        at = end.end()


@pytest.mark.parametrize("name", ENDED)
def test_a_recorded_stream_can_be_ended_behind_each_of_its_events(name: str) -> None:
    """As the official clients see it, what is open is closed, and the reason is the limit."""
    kind = kind_of(name)
    stream = stream_of(name)
    before = list(prefixes(stream))
    ended = 0
    for prefix in before[1 :: 1 + len(before) // EVENTS_MAX]:
        stop = STOPS[kind]()
        stop.add(prefix)
        closing = stop.close(7)
        if closing is None:
            continue
        ended += 1
        assert closing, prefix[-400:]
        for event in filter(None, map(data_of, BOUNDARY.split(closing))):
            check_event(kind, event)
        parser = TRANSLATORS[kind].StreamParser()
        events = filter(None, map(data_of, BOUNDARY.split(prefix + closing)))
        deltas = [delta for event in events for delta in parser.parse(event)]
        assert (*deltas, *parser.end())[-1] == End()
        reasons = [delta.finish for delta in deltas if isinstance(delta, Ending)]
        assert reasons == ["length"]
    assert ended or len(before) < 3 or "error" in name


def check_event(kind: str, event: bytes) -> None:
    """Assert that an event is one of the official SDK's own types, where it has such types."""
    if kind in EVENTS and event != b"[DONE]":
        adapter(kind).validate_json(event)


@cache
def adapter(kind: str) -> TypeAdapter[object]:
    """Return what knows a dialect's events; it is dear to make."""
    return TypeAdapter(EVENTS[kind])
