"""Whole replies and errors told in another dialect."""

import json
from typing import Any

import pytest
from anthropic.types import Message
from google.genai.types import GenerateContentResponse
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from headgate.records.conversation import Declined, RedactedThinking, Text, Thinking, ToolUse
from headgate.records.reply import Finish, Reply, ReplyPart, Tokens
from tests.dialects.translation.sdk_types import check
from tests.dialects.translation.speech import (
    AT_S,
    CHAT,
    GEMINI,
    KINDS,
    MESSAGES,
    PAIRS,
    RESPONSES,
    TRANSLATORS,
    between,
)
from tests.dialects.translation.streams import countable

TYPES: dict[str, Any] = {
    CHAT: ChatCompletion,
    MESSAGES: Message,
    RESPONSES: Response,
    GEMINI: GenerateContentResponse,
}


def told(client: str, upstream: str, reply: Any) -> dict[str, Any]:
    """Return what a client gets of a reply."""
    text = between(client, upstream).render_reply(json.dumps(reply).encode())
    assert text is not None
    told: dict[str, Any] = json.loads(text)
    return told


def _tokens(uncached: int, read: int, write: int, words: int, reasoning: int) -> Tokens:
    return Tokens(uncached, read, write, words + reasoning, reasoning)


words = st.text(min_size=1, max_size=10)
counts = st.integers(0, 1_000_000)
finishes: list[Finish] = ["stop", "length", "tool_use", "refusal"]
parts: st.SearchStrategy[ReplyPart] = st.one_of(
    st.builds(Text, words),
    st.builds(Thinking, words, words),
    st.builds(RedactedThinking, words),
    st.builds(Declined, words),
    st.builds(ToolUse, words, words, st.just('{"a": 1.50}')),
)
replies = st.builds(
    Reply,
    words,
    words,
    st.lists(parts, max_size=5).map(tuple),
    st.sampled_from(finishes),
    tokens=st.builds(_tokens, counts, counts, counts, counts, counts),
)


@given(reply=replies)
@pytest.mark.parametrize("kind", KINDS)
def test_every_reply_is_an_official_one(kind: str, reply: Reply) -> None:
    """A reply has exactly the SDK's shape, but for thoughts, which have no place in chat."""
    document = json.loads(TRANSLATORS[kind].render_reply(reply, AT_S))

    if kind == CHAT:
        document["choices"][0]["message"].pop("reasoning_content", None)
    check(TYPES[kind], document)


@given(reply=replies)
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_what_both_dialects_have_arrives(client: str, upstream: str, reply: Reply) -> None:
    """Words, calls, the reason and the counts survive the way from one to the other."""
    sent = TRANSLATORS[upstream].render_reply(reply, AT_S)

    arrived = between(client, upstream).render_reply(sent)

    assert arrived is not None
    first, second = (
        TRANSLATORS[kind].parse_reply(text) for kind, text in ((upstream, sent), (client, arrived))
    )
    assert (first.id, first.model) == (second.id, second.model)
    assert first.tokens is not None
    assert countable(client, first.tokens) == second.tokens
    assert _said(first) == _said(second)
    if not any(isinstance(part, Declined) for part in reply.parts):
        assert first.finish == second.finish or "tool_use" in (first.finish, second.finish)


def _said(reply: Reply) -> tuple[str, list[tuple[str, str, str]]]:
    # Messages says the words of a refusal as a text too, so those are compared elsewhere.
    declined = any(isinstance(part, Declined) for part in reply.parts)
    texts = [part.text for part in reply.parts if isinstance(part, Text) and not declined]
    calls = [part for part in reply.parts if isinstance(part, ToolUse)]
    return "".join(texts), [(call.id, call.name, call.arguments) for call in calls]


CHAT_REPLY: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5.5-2026",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hello",
                "reasoning_content": "Hm",
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "look", "arguments": '{"at": 1.50}'},
                    }
                ],
            },
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {
        "prompt_tokens": 120,
        "completion_tokens": 30,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 90, "cache_write_tokens": 10},
        "completion_tokens_details": {"reasoning_tokens": 20},
    },
}


def test_a_chat_reply_is_told_as_a_message() -> None:
    """Thoughts, words and calls are blocks; the cached part of the prompt is counted apart."""
    message = told(MESSAGES, CHAT, CHAT_REPLY)

    assert message["content"] == [
        {"type": "thinking", "thinking": "Hm", "signature": ""},
        {"type": "text", "text": "Hello"},
        {"type": "tool_use", "id": "call_1", "name": "look", "input": {"at": 1.5}},
    ]
    assert message["stop_reason"] == "tool_use"
    assert message["usage"] == {
        "input_tokens": 20,
        "cache_creation_input_tokens": 10,
        "cache_read_input_tokens": 90,
        "output_tokens": 30,
        "output_tokens_details": {"thinking_tokens": 20},
    }


def test_a_message_is_told_as_a_chat_reply() -> None:
    """Texts are joined; the prompt is counted with its cached part."""
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": "c2ln"},
            {"type": "text", "text": "Hel"},
            {"type": "text", "text": "lo"},
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": 1}},
        ],
        "stop_reason": "tool_use",
        "usage": {
            "input_tokens": 20,
            "cache_read_input_tokens": 90,
            "cache_creation_input_tokens": 10,
            "output_tokens": 30,
        },
    }

    completion = told(CHAT, MESSAGES, message)

    choice = completion["choices"][0]
    assert choice["message"]["content"] == "Hello"
    assert choice["message"]["reasoning_content"] == "Hm"
    assert choice["message"]["tool_calls"][0]["function"] == {
        "name": "look",
        "arguments": '{"at": 1}',
    }
    assert choice["finish_reason"] == "tool_calls"
    assert completion["created"] == AT_S
    assert completion["usage"]["prompt_tokens"] == 120
    assert completion["usage"]["total_tokens"] == 150


REASONS = [
    ("stop", "end_turn"),
    ("length", "max_tokens"),
    ("tool_calls", "tool_use"),
    ("content_filter", "refusal"),
]


@pytest.mark.parametrize(("chat", "messages"), REASONS)
def test_the_reason_it_ended_is_the_same(chat: str, messages: str) -> None:
    """Each reason has its word in both dialects."""
    choice = {"index": 0, "message": {"content": "a"}, "finish_reason": chat}

    there = told(MESSAGES, CHAT, {"id": "a", "model": "m", "choices": [choice]})
    back = told(CHAT, MESSAGES, there)

    assert there["stop_reason"] == messages
    assert back["choices"][0]["finish_reason"] == chat


OTHER_REASONS = [
    ("stop_sequence", "stop"),
    ("model_context_window_exceeded", "length"),
    ("pause_turn", "stop"),
]


@pytest.mark.parametrize(("messages", "chat"), OTHER_REASONS)
def test_reasons_that_chat_lacks_are_the_nearest(messages: str, chat: str) -> None:
    """A stop sequence is a stop, a full window a limit."""
    message = {"id": "a", "model": "m", "content": [], "stop_reason": messages}

    assert told(CHAT, MESSAGES, message)["choices"][0]["finish_reason"] == chat


def test_a_refusal_is_a_refusal() -> None:
    """The words with which a model declines are told as such on both sides."""
    declined = {"content": None, "refusal": "I will not."}
    choice = {"index": 0, "message": declined, "finish_reason": "stop"}

    there = told(MESSAGES, CHAT, {"id": "a", "model": "m", "choices": [choice]})

    assert there["stop_reason"] == "refusal"
    assert there["stop_details"]["explanation"] == "I will not."
    assert there["content"] == [{"type": "text", "text": "I will not."}]


def test_reasoning_outside_the_completion_is_counted() -> None:
    """Some providers show it in the total only; the client's output has it."""
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40}
    reply = {**CHAT_REPLY, "usage": usage}

    counted = told(MESSAGES, CHAT, reply)["usage"]

    assert (counted["input_tokens"], counted["output_tokens"]) == (10, 30)


def test_arguments_that_were_cut_off_are_none() -> None:
    """A call cut by the limit has no object to tell; the reason says why."""
    message = json.loads(json.dumps(CHAT_REPLY["choices"][0]["message"]))
    message["tool_calls"][0]["function"]["arguments"] = '{"at": '
    choice = {"index": 0, "message": message, "finish_reason": "length"}

    there = told(MESSAGES, CHAT, {**CHAT_REPLY, "choices": [choice]})

    assert there["content"][-1]["input"] == {}
    assert there["stop_reason"] == "max_tokens"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"id":1}', b'{"choices":[]}', b"\xff"])
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_nonsense_is_not_told(client: str, upstream: str, body: bytes) -> None:
    """What is no reply of the target's dialect is not made into one of the client's."""
    assert between(client, upstream).render_reply(body) is None


ERRORS = [
    (CHAT, b'{"error":{"message":"No.","type":"x","code":null}}', "No."),
    (CHAT, b'{"error":"No."}', "No."),
    (CHAT, b"<html>", None),
    (MESSAGES, b'{"type":"error","error":{"type":"x","message":"No."}}', "No."),
    (MESSAGES, b'{"error":7}', None),
]


@pytest.mark.parametrize(("upstream", "body", "message"), ERRORS)
def test_the_words_of_an_error_are_found(upstream: str, body: bytes, message: str | None) -> None:
    """What the provider says about the request can be told in the client's dialect."""
    client = CHAT if upstream == MESSAGES else MESSAGES

    assert between(client, upstream).error_message(body) == message


@given(reply=replies)
@pytest.mark.parametrize("upstream", KINDS)
def test_a_reply_comes_back_as_it_went(upstream: str, reply: Reply) -> None:
    """To a client of any dialect and back it says the same, but for what the list names."""
    sent = TRANSLATORS[upstream].render_reply(reply, AT_S)
    first = TRANSLATORS[upstream].parse_reply(sent)
    declined = any(isinstance(part, Declined) for part in reply.parts)
    for client in KINDS:
        if client == upstream:
            continue
        there = between(client, upstream).render_reply(sent)
        assert there is not None
        back = between(upstream, client).render_reply(there)
        assert back is not None
        second = TRANSLATORS[upstream].parse_reply(back)

        assert first.tokens is not None
        assert second.tokens == countable(client, first.tokens)
        assert (second.id, second.model) == (first.id, first.model)
        assert _said(second) == _said(first)
        assert _thought(second) == _thought(first) or declined
        assert (
            second.finish == first.finish or "tool_use" in (first.finish, second.finish) or declined
        )


def _thought(reply: Reply) -> str:
    # Several thoughts are one in Chat Completions.
    return "".join(part.text for part in reply.parts if isinstance(part, Thinking))
