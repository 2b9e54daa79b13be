"""What cannot be said in another dialect, and what is wrong with a request."""

from typing import Any

import pytest

from headgate.dialects.translation.translated import Translation
from tests.dialects.translation.speech import CHAT, MESSAGES, attempt, refused, translate

USER = {"role": "user", "content": "Hello"}


def to_messages(**fields: Any) -> dict[str, Any]:
    """Return a Chat Completions request as Messages."""
    return translate(CHAT, MESSAGES, {"model": "m", "messages": [USER], **fields})[0]


def chat_content(part: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [part]}]}


CHAT_REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("n", {"n": 2}),
    ("audio", {"audio": {"voice": "a", "format": "wav"}}),
    ("modalities", {"modalities": ["text", "audio"]}),
    ("prediction", {"prediction": {"type": "content", "content": "a"}}),
    ("web_search_options", {"web_search_options": {}}),
    ("functions", {"functions": [{"name": "f"}]}),
    ("tools[0]", {"tools": [{"type": "custom", "custom": {"name": "f"}}]}),
    ("messages[0].content[0]", chat_content({"type": "input_audio", "input_audio": {}})),
    ("messages[0].content[0]", chat_content({"type": "file", "file": {"file_id": "f"}})),
    (
        "messages[0].content[0]",
        chat_content({"type": "image_url", "image_url": {"url": "data:image/svg+xml,<svg/>"}}),
    ),
    ("messages[1].audio", {"messages": [USER, {"role": "assistant", "audio": {"id": "a"}}, USER]}),
]
MESSAGES_REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("tools[0]", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
    ("tools[0]", {"tools": [{"type": "bash_20250124", "name": "bash"}]}),
    ("mcp_servers", {"mcp_servers": [{"name": "s"}]}),
    ("container", {"container": "c"}),
    ("inference_geo", {"inference_geo": "us"}),
    ("messages[0].content[0]", chat_content({"type": "image", "source": {"type": "file"}})),
    ("messages[0].content[0]", chat_content({"type": "document", "source": {"type": "url"}})),
    ("messages[0].content[0]", chat_content({"type": "container_upload", "file_id": "f"})),
    ("max_tokens", {"max_tokens": 0}),
]


@pytest.mark.parametrize(("place", "fields"), CHAT_REFUSED)
def test_what_messages_cannot_do_is_refused_by_name(place: str, fields: dict[str, Any]) -> None:
    """A feature without any counterpart is refused with its place, never guessed at."""
    refusal = refused(CHAT, MESSAGES, {"model": "m", "messages": [USER], **fields})

    assert refusal.code.code == "feature_unsupported"
    assert refusal.param == place


@pytest.mark.parametrize(("place", "fields"), MESSAGES_REFUSED)
def test_what_chat_cannot_do_is_refused_by_name(place: str, fields: dict[str, Any]) -> None:
    """A feature without any counterpart is refused with its place, never guessed at."""
    body = {"model": "m", "max_tokens": 9, "messages": [USER], **fields}
    limit = 0 if place == "max_tokens" else 9

    refusal = refused(MESSAGES, CHAT, body, limit=limit)

    assert (refusal.code.code, refusal.param) == ("feature_unsupported", place)


@pytest.mark.parametrize("thread", [{"type": "create"}, {"type": "continue"}])
def test_a_thread_is_refused_by_the_code_that_clients_answer(thread: dict[str, str]) -> None:
    """A client that is told so sends the whole conversation again, and goes on without a thread."""
    body = {"model": "m", "max_tokens": 9, "messages": [USER], "thread": thread}

    refusal = refused(MESSAGES, CHAT, body)

    assert (refusal.code.code, refusal.code.status) == ("thread_unsupported_request", 400)


def test_a_route_can_refuse_what_would_be_left_out() -> None:
    """With `drop` off the first feature that changes the answer refuses; a hint never does."""
    body = {"model": "m", "messages": [USER], "store": True, "user": "u", "seed": 1}

    refusal = refused(CHAT, MESSAGES, body, drop=False)
    del body["seed"]

    assert (refusal.code.code, refusal.param) == ("feature_unsupported", "seed")

    done = attempt(CHAT, MESSAGES, body, drop=False)
    assert isinstance(done, Translation)
    assert done.lost == ("store",)


CALL = {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
TWICE = {"role": "assistant", "tool_calls": [CALL, CALL]}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "r"}
CUT_OFF = {**CALL, "function": {"name": "look", "arguments": '{"at": '}}
BROKEN = {"role": "assistant", "tool_calls": [CUT_OFF]}
CHAT_WRONG: list[tuple[str, list[Any]]] = [
    ("messages[1]", [USER, RESULT]),
    ("messages[3]", [USER, {"role": "assistant", "tool_calls": [CALL]}, RESULT, RESULT]),
    ("messages[1].tool_calls[1]", [USER, TWICE]),
    (
        "messages[1].tool_calls[0]",
        [USER, BROKEN],
    ),
    ("messages[0].role", [{"role": "robot", "content": "a"}]),
    ("messages[0].content", [{"role": "user", "content": 7}]),
    ("messages[0].content[0]", [{"role": "user", "content": ["a"]}]),
    ("messages[0].content[0].type", [{"role": "user", "content": [{"text": "a"}]}]),
    ("messages[0]", ["a"]),
    ("messages", [{"role": "user", "content": ""}]),
    ("messages", []),
]


@pytest.mark.parametrize(("place", "messages"), CHAT_WRONG)
def test_what_is_wrong_is_named(place: str, messages: list[Any]) -> None:
    """A conversation that makes no sense is refused with the place, before it costs anything."""
    refusal = refused(CHAT, MESSAGES, {"model": "m", "messages": messages})

    assert refusal.code.code == "body_invalid"
    assert refusal.param == place or place in refusal.message


def test_a_result_without_its_call_is_refused_in_messages_too() -> None:
    """The check is that of all dialects."""
    result = {"type": "tool_result", "tool_use_id": "t", "content": "r"}
    messages = [{"role": "user", "content": [result]}]

    refusal = refused(MESSAGES, CHAT, {"model": "m", "max_tokens": 9, "messages": messages})

    assert (refusal.code.code, refusal.param) == ("body_invalid", "messages[0].content[0]")


def test_empty_texts_say_nothing() -> None:
    """An empty text is left out, as the target would refuse it; a turn of none with it."""
    messages = [
        USER,
        {"role": "assistant", "content": ""},
        {
            "role": "user",
            "content": [{"type": "text", "text": ""}, {"type": "text", "text": "again"}],
        },
    ]

    there = to_messages(messages=messages)

    assert there["messages"] == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "Hello"}, {"type": "text", "text": "again"}],
        }
    ]


def test_an_id_may_be_used_again_in_a_later_turn() -> None:
    """Some providers count their calls anew in each turn."""
    turn = [{"role": "assistant", "tool_calls": [CALL]}, RESULT]

    there = to_messages(messages=[USER, *turn, *turn])

    assert len(there["messages"]) == 5


def test_a_deep_schema_is_carried() -> None:
    """A schema is not looked into, however deep it is."""
    schema: dict[str, Any] = {}
    for _ in range(300):
        schema = {"properties": {"a": schema}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}

    assert to_messages(tools=[tool])["tools"][0]["input_schema"] == schema


@pytest.mark.parametrize(
    "text",
    [
        b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}',
    ],
)
def test_what_is_not_unicode_is_refused(text: bytes) -> None:
    """A text that is not Unicode cannot be told to anybody."""
    assert refused(CHAT, MESSAGES, text).code.status == 400
