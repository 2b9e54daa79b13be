"""Streams told in another dialect: the same however they are cut, legal, and whole."""

import itertools
import json
import tracemalloc
from typing import Any

import pytest
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent

from headgate.dialects.registry import StreamReader
from headgate.dialects.sse import EVENT_BYTES_MAX, EventTooLongError
from headgate.records.reply import Counted, Delta
from headgate.records.report import Report
from tests.dialects.translation.sdk_types import check
from tests.dialects.translation.speech import (
    CHAT,
    DIALECTS,
    GEMINI,
    KINDS,
    MESSAGES,
    RESPONSES,
    between,
)
from tests.dialects.translation.streams import (
    CHAT_STREAM,
    MESSAGES_STREAM,
    STREAMS,
    answers,
    countable,
    events,
    merged,
    parsed,
    rendered,
)


def reader(upstream: str, *, strip: bool = False) -> StreamReader:
    client = CHAT if upstream == MESSAGES else MESSAGES
    return between(client, upstream).Stream(strip)


def told(upstream: str, pieces: list[bytes], *, strip: bool = False) -> tuple[bytes, Report]:
    """Return what the client gets of a stream, and its report."""
    stream = reader(upstream, strip=strip)
    text = b"".join([*map(stream.feed, pieces), stream.flush()])
    return text, stream.finish()


@given(cuts=st.lists(st.integers(0, 4_000), max_size=60), data=st.data())
@pytest.mark.parametrize("upstream", KINDS)
def test_the_cut_does_not_matter(upstream: str, cuts: list[int], data: st.DataObject) -> None:
    """The same bytes are told the same, however they come, with any ends of line."""
    newline = data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    lead = data.draw(st.sampled_from([b"", b"\xef\xbb\xbf", b": hello\n\n", b"\n\n"]))
    text = (lead + STREAMS[upstream]).replace(b"\n", newline)
    places = [0, *sorted({cut for cut in cuts if cut < len(text)}), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]

    whole = told(upstream, [STREAMS[upstream]])

    assert told(upstream, pieces) == whole
    assert told(upstream, [text[i : i + 1] for i in range(len(text))]) == whole
    assert whole[1].complete


@pytest.mark.parametrize("upstream", KINDS)
def test_metering_is_that_of_the_target(upstream: str) -> None:
    """The report is the one a native stream gives: translation changes nothing about money."""
    own = DIALECTS[upstream].Stream(False)
    own.feed(STREAMS[upstream])

    _, report = told(upstream, [STREAMS[upstream]])

    assert report == own.finish()
    assert report.usage_json is not None


def test_a_chat_stream_is_told_as_messages() -> None:
    """Words, two calls, the reason and the usage arrive as the official events."""
    text, _ = told(CHAT, [CHAT_STREAM])

    found = events(text)

    assert [event["type"] for event in found] == [
        "message_start",
        *("content_block_start", "content_block_delta", "content_block_stop"),
        *("content_block_start", "content_block_delta", "content_block_stop"),
        *("content_block_start", "content_block_delta", "content_block_stop"),
        *("message_delta", "message_stop"),
    ]
    assert found[0]["message"]["model"] == "gpt-5.5-x"
    assert found[2]["delta"] == {"type": "text_delta", "text": "Héllo 😀"}
    assert found[4]["content_block"] == {
        "type": "tool_use",
        "id": "call_a",
        "name": "look",
        "input": {},
    }
    assert found[5]["delta"]["partial_json"] == '{"at": 1.50}'
    assert found[7]["content_block"]["id"] == "call_b"
    assert found[-2]["delta"]["stop_reason"] == "tool_use"
    assert found[-2]["usage"] == {
        "input_tokens": 20,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 100,
        "output_tokens": 30,
        "output_tokens_details": {"thinking_tokens": 20},
    }


def test_a_messages_stream_is_told_as_chat() -> None:
    """Thoughts, words, calls and the usage arrive as the official chunks."""
    text, _ = told(MESSAGES, [MESSAGES_STREAM])

    found = events(text)

    assert found[-1] == "[DONE]"
    deltas = [chunk["choices"][0]["delta"] for chunk in found[:-2]]
    assert deltas[0] == {"role": "assistant", "content": "", "refusal": None}
    assert deltas[1] == {"reasoning_content": "Hm …"}
    assert deltas[2] == {"content": "Héllo 😀"}
    calls = [call for delta in deltas for call in delta.get("tool_calls", [])]
    assert [call["index"] for call in calls] == [0, 0, 1, 1]
    assert [call.get("id") for call in calls] == ["toolu_1", None, "toolu_2", None]
    assert [call["function"]["arguments"] for call in calls] == [
        *("", '{"at": 1.50}', "", '{"whole":true}')
    ]
    assert found[-3]["choices"][0]["finish_reason"] == "tool_calls"
    assert found[-2]["choices"] == []
    assert found[-2]["usage"]["prompt_tokens"] == 127
    assert found[-2]["usage"]["prompt_tokens_details"]["cached_tokens"] == 100
    assert found[-2]["usage"]["total_tokens"] == 157


def test_usage_that_was_not_asked_for_is_not_told() -> None:
    """A chat client that asked for no usage gets none, in no chunk."""
    text, report = told(MESSAGES, [MESSAGES_STREAM], strip=True)

    assert b"usage" not in text
    assert report.usage_json is not None


@given(deltas=answers(), usage_wanted=st.booleans())
def test_chat_chunks_are_official(deltas: list[Delta], usage_wanted: bool) -> None:
    """Each chunk has the SDK's shape, but for the thoughts, which have no official place."""
    found = events(rendered(CHAT, deltas, usage_wanted=usage_wanted))

    for chunk in found[:-1]:
        for choice in chunk["choices"]:
            choice["delta"].pop("reasoning_content", None)
        check(ChatCompletionChunk, chunk)
    assert found[-1] == "[DONE]"
    reasons = [choice["finish_reason"] for chunk in found[:-1] for choice in chunk["choices"]]
    assert reasons[-1] is not None
    assert set(reasons[:-1]) <= {None}


@given(deltas=answers())
def test_message_events_are_official_and_in_order(deltas: list[Delta]) -> None:
    """Each event has the SDK's shape; blocks are numbered, opened and closed one by one."""
    found = events(rendered(MESSAGES, deltas))

    for event in found:
        check(RawMessageStreamEvent, event)
    assert [event["type"] for event in (found[0], *found[-2:])] == [
        *("message_start", "message_delta", "message_stop")
    ]
    open_block, number = None, -1
    for event in found[1:-2]:
        if event["type"] == "content_block_start":
            assert open_block is None
            number += 1
            open_block = event["content_block"]["type"]
        else:
            assert open_block is not None
        assert event["index"] == number
        if event["type"] == "content_block_delta":
            assert event["delta"]["type"] in _DELTAS[open_block or ""]
        if event["type"] == "content_block_stop":
            open_block = None
    assert open_block is None


@given(deltas=answers())
def test_response_events_are_official_and_numbered(deltas: list[Delta]) -> None:
    """Each event has the SDK's shape; items end as they began; the last event repeats all."""
    found = events(rendered(RESPONSES, deltas))

    for number, event in enumerate(found):
        check(ResponseStreamEvent, event)
        assert event["sequence_number"] == number
    last = found[-1]["response"]
    done = [event["item"] for event in found if event["type"] == "response.output_item.done"]
    assert last["output"] == done
    assert last["status"] == found[-1]["type"].removeprefix("response.")
    assert last["usage"] is not None
    begun = [event["item"] for event in found if event["type"] == "response.output_item.added"]
    same = ("type", "id", "call_id", "name")
    assert [[item.get(key) for key in same] for item in begun] == [
        [item.get(key) for key in same] for item in done
    ]
    for index, item in enumerate(done):
        pieces = [
            event["delta"]
            for event in found
            if event["type"].endswith(".delta") and event["output_index"] == index
        ]
        whole = item.get("arguments") or "".join(
            part["text"] for part in (*item.get("content", ()), *item.get("summary", ()))
        )
        assert "".join(pieces) == whole


_DELTAS: dict[str, tuple[str, ...]] = {
    "text": ("text_delta",),
    "thinking": ("thinking_delta", "signature_delta"),
    "tool_use": ("input_json_delta",),
    "redacted_thinking": (),
}


@given(deltas=answers())
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_rendered_is_parsed_again(kind: str, deltas: list[Delta]) -> None:
    """Words, calls, reason and counts of a stream survive being written and read."""
    again = parsed(kind, rendered(kind, deltas))

    told_counts = [
        Counted(countable(kind, delta.tokens)) if isinstance(delta, Counted) else delta
        for delta in deltas
    ]
    assert merged(again) == merged(told_counts)


@given(deltas=answers())
@pytest.mark.parametrize("upstream", KINDS)
def test_a_stream_comes_back_as_it_went(upstream: str, deltas: list[Delta]) -> None:
    """To a client of any dialect and back it says the same, but for what the list names."""
    sent = rendered(upstream, deltas)
    first = parsed(upstream, sent)
    for client in KINDS:
        if client == upstream:
            continue
        there = told_to(client, upstream, sent)
        back = told_to(upstream, client, there)

        counted = [
            Counted(countable(client, each.tokens)) if isinstance(each, Counted) else each
            for each in first
        ]
        assert merged(parsed(upstream, back)) == merged(counted), client


def told_to(client: str, upstream: str, text: bytes) -> bytes:
    """Return what a client gets of a stream that comes in one piece."""
    stream = between(client, upstream).Stream(False)
    return stream.feed(text) + stream.flush()


@given(at=st.integers(0, 4_000))
@pytest.mark.parametrize("upstream", KINDS)
def test_a_stream_cut_short_never_looks_whole(upstream: str, at: int) -> None:
    """Without the target's last event the client is not told the last one of its dialect."""
    text = STREAMS[upstream].rstrip()

    client_text, report = told(upstream, [text[: min(at, len(text) - 1)]])

    assert not report.complete
    assert b"[DONE]" not in client_text
    assert b"message_stop" not in client_text


ERRORS = {
    RESPONSES: b'event: error\ndata: {"type":"error","message":"s-broken","code":null}\n\n',
    CHAT: b'data: {"error":{"message":"s-broken","type":"server_error","code":null}}\n\n',
    GEMINI: b'data: {"error":{"code":503,"message":"s-broken","status":"UNAVAILABLE"}}\n\n',
    MESSAGES: b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error",'
    b'"message":"s-broken"}}\n\n',
}


@pytest.mark.parametrize("upstream", KINDS)
def test_an_error_in_the_stream_is_told_as_one(upstream: str) -> None:
    """The provider's error ends the client's stream as an error of the client's dialect."""
    start = STREAMS[upstream].split(b"\n\n")[0] + b"\n\n"

    text, report = told(upstream, [start, ERRORS[upstream], STREAMS[upstream]])

    last = events(text)[-1]
    assert last["error"]["message"] == "s-broken"
    assert (last.get("type") == "error") == (upstream != MESSAGES)
    assert b"[DONE]" not in text
    assert b"message_stop" not in text
    assert report is not None


NONSENSE = [b"data: nope\n\n", b'data: {"choices": 7, "type": 7}\n\n', b"data: \xff\n\n"]


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("upstream", KINDS)
def test_nonsense_in_the_stream_ends_it(upstream: str, nonsense: bytes) -> None:
    """What cannot be understood is an error for the client; the rest is metered all the same."""
    first, rest = STREAMS[upstream].split(b"\n\n", 1)

    text, report = told(upstream, [first + b"\n\n", nonsense, rest])

    assert events(text)[-1]["error"]["message"].startswith("The provider's answer cannot be told")
    assert report.complete
    assert report.usage_json is not None


@pytest.mark.parametrize("client", KINDS)
def test_what_cannot_be_told_names_the_call(client: str) -> None:
    """The error that ends the stream says which call it was, as every other error does."""
    upstream = MESSAGES if client == CHAT else CHAT

    text = told_to(client, upstream, STREAMS[upstream].split(b"\n\n")[0] + b"\n\ndata: nope\n\n")

    assert b"call_1" in text.rpartition(b"error")[2]


def test_calls_that_take_turns_are_not_mixed_up() -> None:
    """A provider that goes back to an earlier call cannot be told in blocks, and is not."""
    back = (
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,'
        b'"function":{"arguments":"x"}}]}}]}\n\n'
    )
    pieces = CHAT_STREAM.split(b"\n\n")
    at = next(place for place, piece in enumerate(pieces) if b"call_b" in piece) + 1
    text = b"\n\n".join(pieces[:at]) + b"\n\n" + back

    client_text, _ = told(CHAT, [text])

    assert events(client_text)[-1]["type"] == "error"


def test_calls_that_share_an_index_are_told_apart() -> None:
    """Some providers number every call 0; a new id is a new call."""
    call: dict[str, Any] = {"type": "function", "function": {"name": "look", "arguments": "{}"}}
    calls = [{"index": 0, "id": f"call_{number}", **call} for number in range(100)]
    chunk = {"choices": [{"index": 0, "delta": {"tool_calls": calls}, "finish_reason": "stop"}]}
    text = b"data: %b\n\ndata: [DONE]\n\n" % json.dumps(chunk).encode()

    client_text, _ = told(CHAT, [text])

    found = events(client_text)
    begun = [event for event in found if event["type"] == "content_block_start"]
    assert [event["content_block"]["id"] for event in begun] == [f"call_{n}" for n in range(100)]
    assert found[-2]["delta"]["stop_reason"] == "tool_use"


@pytest.mark.parametrize("upstream", KINDS)
def test_a_long_stream_takes_no_more_memory_than_a_short_one(upstream: str) -> None:
    """What was told is forgotten: ten thousand pieces leave nothing behind."""
    pieces = STREAMS[upstream].split(b"\n\n")
    at = next(place for place, piece in enumerate(pieces) if b"\xc3\xa9llo" in piece)
    head, delta = b"\n\n".join(pieces[:at]), pieces[at]
    stream = reader(upstream)
    stream.feed(head + b"\n\n")
    for _ in range(1_000):
        stream.feed(delta + b"\n\n")

    tracemalloc.start()
    for _ in range(10_000):
        assert stream.feed(delta + b"\n\n")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 100_000


def test_an_endless_event_is_given_up() -> None:
    """An event without an end is not kept for ever; whoever reads the connection is told."""
    stream = reader(CHAT)
    piece = b"data: " + b"x" * (1 << 20)

    with pytest.raises(EventTooLongError):
        for _ in range((EVENT_BYTES_MAX >> 20) + 2):
            stream.feed(piece)


def test_a_long_event_is_taken() -> None:
    """Arguments of ten megabytes in one event arrive whole."""
    arguments = "x" * 10_000_000
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": arguments}}
    chunk = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}

    text, _ = told(CHAT, [b"data: %b\n\n" % json.dumps(chunk).encode()])

    assert events(text)[-1]["delta"]["partial_json"] == arguments
