"""Gemini's replies and streams told in other dialects, and others' as Gemini's."""

import itertools
import json
from typing import Any

import pytest
from google.genai.types import GenerateContentResponse
from hypothesis import given
from hypothesis import strategies as st

from headgate.dialects.json_array import JsonArray
from headgate.dialects.sse import EVENT_BYTES_MAX
from headgate.records.reply import (
    Begin,
    Counted,
    Delta,
    End,
    Ending,
    TextDelta,
    Tokens,
    ToolBegin,
    ToolDelta,
)
from tests.dialects.translation.sdk_types import check
from tests.dialects.translation.speech import CHAT, GEMINI, MESSAGES, TRANSLATORS, between
from tests.dialects.translation.streams import (
    STREAMS,
    answers,
    events,
    parsed,
    rendered,
)

SKIP = "skip_thought_signature_validator"


def reply(*parts: Any, **candidate: Any) -> bytes:
    """Return a reply of Gemini's."""
    content = {"parts": list(parts), "role": "model"}
    whole = {"content": content, "finishReason": "STOP", "index": 0, **candidate}
    return json.dumps({"candidates": [whole], "responseId": "r", "modelVersion": "m"}).encode()


def told(client: str, body: bytes) -> Any:
    """Return what a client gets of a reply of Gemini's."""
    text = between(client, GEMINI).render_reply(body)
    assert text is not None
    return json.loads(text)


REASONS = [
    ("STOP", "stop"),
    ("MAX_TOKENS", "length"),
    ("SAFETY", "content_filter"),
    ("RECITATION", "content_filter"),
    ("PROHIBITED_CONTENT", "content_filter"),
    ("OTHER", "stop"),
    ("SOMETHING_NEW", "stop"),
]


@pytest.mark.parametrize(("gemini", "chat"), REASONS)
def test_the_reason_it_ended_is_the_nearest(gemini: str, chat: str) -> None:
    """A filter is a filter, a limit a limit; what nobody knows is a stop."""
    choice = told(CHAT, reply({"text": "a"}, finishReason=gemini))["choices"][0]

    assert choice["finish_reason"] == chat


def test_a_blocked_prompt_is_a_refusal() -> None:
    """Without any candidate the reason stands in the feedback."""
    feedback = {"blockReason": "SAFETY", "blockReasonMessage": "It is not safe."}
    blocked = json.dumps({"promptFeedback": feedback, "responseId": "r"}).encode()

    choice = told(CHAT, blocked)["choices"][0]
    message = told(MESSAGES, blocked)
    stream = between(CHAT, GEMINI).Stream(False)
    chunks = events(stream.feed(b"data: %b\n\n" % blocked) + stream.flush())

    assert choice["finish_reason"] == "content_filter"
    assert choice["message"]["refusal"] == "It is not safe."
    assert message["stop_reason"] == "refusal"
    assert chunks[1]["choices"][0]["delta"] == {"refusal": "It is not safe."}
    assert chunks[2]["choices"][0]["finish_reason"] == "content_filter"
    assert chunks[-1] == "[DONE]"


def test_calls_get_ids_of_their_own() -> None:
    """Google need not give them any; ours are those of the reply, so that no two are alike."""
    call = {"functionCall": {"name": "look", "args": {"at": 1}}}
    given = {"functionCall": {"name": "look", "id": "own"}}

    message = told(CHAT, reply({**call, "thoughtSignature": "c2ln"}, call, given))

    calls = message["choices"][0]["message"]["tool_calls"]
    assert [each["id"] for each in calls] == ["call_r_0", "call_r_1", "own"]
    assert [each["function"]["arguments"] for each in calls] == ['{"at": 1}', '{"at": 1}', "{}"]
    assert message["choices"][0]["finish_reason"] == "tool_calls"


def test_googles_signatures_are_told_nobody_else() -> None:
    """A thought has no signature in translation, so that no other provider is shown it later."""
    text = told(MESSAGES, reply({"text": "Hm", "thought": True, "thoughtSignature": "c2ln"}))

    assert text["content"] == [{"type": "thinking", "thinking": "Hm", "signature": ""}]


def test_the_prompts_of_tools_are_counted() -> None:
    """They are outside Google's count of the prompt, and inside everybody else's."""
    usage = {"promptTokenCount": 10, "toolUsePromptTokenCount": 5, "cachedContentTokenCount": 4}
    usage |= {"candidatesTokenCount": 3, "thoughtsTokenCount": 2, "totalTokenCount": 20}
    body = json.dumps({**json.loads(reply({"text": "a"})), "usageMetadata": usage}).encode()

    counted = told(CHAT, body)["usage"]

    assert (counted["prompt_tokens"], counted["completion_tokens"]) == (15, 5)
    assert counted["prompt_tokens_details"]["cached_tokens"] == 4
    assert counted["completion_tokens_details"]["reasoning_tokens"] == 2


@given(deltas=answers())
def test_events_are_official(deltas: list[Delta]) -> None:
    """Each has the SDK's shape; the last alone says why it ended, and what was used."""
    found = events(rendered(GEMINI, deltas))

    for event in found:
        check(GenerateContentResponse, event)
    reasons = [event["candidates"][0].get("finishReason") for event in found]
    assert reasons[-1] is not None
    assert set(reasons[:-1]) <= {None}
    assert ["usageMetadata" in event for event in found] == [*[False] * (len(found) - 1), True]


def test_calls_that_take_turns_are_told_whole() -> None:
    """Calls come whole here, so pieces of several may come in any order; one has our sign."""
    pieces = [("a", 0), ("b", 1), ("c", 0), ("d", 1)]
    deltas: list[Delta] = [Begin("r", "m"), ToolBegin(0, "x", "look"), ToolBegin(1, "y", "see")]
    deltas += [ToolDelta(0, '{"k":"'), ToolDelta(1, '{"k":"')]
    deltas += [ToolDelta(number, text) for text, number in pieces]
    deltas += [ToolDelta(0, '"}'), ToolDelta(1, '"}'), Ending("tool_use"), End()]

    calls, last = events(rendered(GEMINI, deltas))

    parts = calls["candidates"][0]["content"]["parts"]
    assert [each["functionCall"]["args"] for each in parts] == [{"k": "ac"}, {"k": "bd"}]
    assert [each.get("thoughtSignature") for each in parts] == [SKIP, None]
    assert last["candidates"][0]["finishReason"] == "STOP"


def test_a_call_is_not_gone_on_with_after_it_was_told() -> None:
    """Words after a call end it; calls that are endless are given up."""
    renderer = TRANSLATORS[GEMINI].StreamRenderer(0, usage_wanted=True)
    renderer.render(ToolBegin(0, "x", "look"))
    assert b"functionCall" in renderer.render(TextDelta("words"))

    with pytest.raises(ValueError, match="after it was told"):
        renderer.render(ToolDelta(0, "{}"))
    renderer.render(ToolBegin(1, "y", "look"))
    with pytest.raises(ValueError, match="longer than"):
        renderer.render(ToolDelta(1, "x" * (EVENT_BYTES_MAX + 1)))


def test_what_was_used_is_the_most_that_was_said() -> None:
    """A last event may leave counts out that an earlier one had."""
    counted = [each for each in parsed(GEMINI, STREAMS[GEMINI]) if isinstance(each, Counted)]

    assert [each.tokens for each in counted] == [Tokens(20, 100, 0, 30, 20)]


# The other form of a stream.


def array_of(pieces: list[bytes], last: bytes = b"") -> bytes:
    """Return the array that comes of a stream's pieces."""
    array = JsonArray()
    feed = array.around(lambda piece: piece)
    return b"".join([*map(feed, pieces), array.end(last)])


@given(cuts=st.lists(st.integers(0, 1_500), max_size=30), data=st.data())
def test_the_cut_of_an_array_does_not_matter(cuts: list[int], data: st.DataObject) -> None:
    """Its elements are the data of the events, however the bytes come."""
    newline = data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    text = STREAMS[GEMINI].replace(b"\n", newline)
    places = [0, *sorted({cut for cut in cuts if cut < len(text)}), len(text)]

    whole = array_of([text[a:b] for a, b in itertools.pairwise(places)])

    assert json.loads(whole) == events(STREAMS[GEMINI])


@given(at=st.integers(0, 1_500))
def test_an_array_that_breaks_off_is_json(at: int) -> None:
    """What broke off is left out, and the error is the last element; nothing is an empty array."""
    text = STREAMS[GEMINI][:at]

    *before, last = json.loads(array_of([text], b'\n\ndata: {"error": {}}\n\n'))

    assert last == {"error": {}}
    assert before == events(STREAMS[GEMINI])[: len(before)]
    assert array_of([]) == b"[]"


def test_an_array_with_an_endless_element_stays_open() -> None:
    """An event that is too long to keep is no JSON for the client, which then knows."""
    text = array_of([b'data: {"a":1}\n\n', b"data: " + b"x" * (EVENT_BYTES_MAX + 1)])

    assert text == b'[{"a":1}'
