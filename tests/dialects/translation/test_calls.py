"""Requests told in another dialect: feature by feature, and against the SDKs' own types."""

from typing import Any

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming

from headgate.dialects.translation.translated import Translation
from tests.dialects.translation.gemini_requests import sayable
from tests.dialects.translation.requests import REQUESTS
from tests.dialects.translation.sdk_types import GeminiRequest, check
from tests.dialects.translation.speech import (
    CHAT,
    GEMINI,
    KINDS,
    MESSAGES,
    RESPONSES,
    attempt,
    translate,
)

PARAMS: dict[str, Any] = {
    RESPONSES: ResponseCreateParamsNonStreaming,
    CHAT: CompletionCreateParamsNonStreaming,
    MESSAGES: MessageCreateParamsNonStreaming,
    GEMINI: GeminiRequest,
}
NOT_TYPED = frozenset({"temperature", "top_p", "top_k", "stop_sequences", "stream"})
"""Fields that are sent, and that this release of the SDK has left out of its types, or splits."""

USER = {"role": "user", "content": "Hello"}
LOOK = {"type": "object", "properties": {"at": {"type": "string"}}}
CHAT_TOOL = {"type": "function", "function": {"name": "look", "parameters": LOOK}}
MESSAGES_TOOL = {"name": "look", "input_schema": LOOK}


def to_messages(model: str | None = None, limit: int = 4_096, **fields: Any) -> dict[str, Any]:
    """Return a Chat Completions request as Messages."""
    body = {"model": "m", "messages": [USER], **fields}
    return translate(CHAT, MESSAGES, body, model=model, limit=limit)[0]


def to_chat(model: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a Messages request as Chat Completions."""
    body = {"model": "m", "max_tokens": 4_096, "messages": [USER], **fields}
    return translate(MESSAGES, CHAT, body, model=model)[0]


def lost_to_messages(model: str | None = None, limit: int = 4_096, **fields: Any) -> list[str]:
    body = {"model": "m", "messages": [USER], **fields}
    return list(translate(CHAT, MESSAGES, body, model=model, limit=limit)[1])


def lost_to_chat(model: str | None = None, **fields: Any) -> list[str]:
    body = {"model": "m", "max_tokens": 4_096, "messages": [USER], **fields}
    return list(translate(MESSAGES, CHAT, body, model=model)[1])


@given(data=st.data())
@pytest.mark.parametrize("client", KINDS)
def test_every_request_is_an_official_one(client: str, data: st.DataObject) -> None:
    """What is sent has exactly the shape of the official SDK's parameters."""
    body = data.draw(REQUESTS[client])
    for upstream in KINDS:
        if upstream != client:
            new, _ = translate(client, upstream, sayable(upstream, body))

            check(PARAMS[upstream], new, NOT_TYPED)


def test_numbers_and_schemas_are_not_rewritten() -> None:
    """A number keeps its digits, a schema its order: neither is read and written anew."""
    schema = b'{"type":"object","z":1.50,"a":{"b":12345678901234567890}}'
    body = (
        b'{"model":"m","messages":[{"role":"user","content":"a"}],"temperature":0.10,'
        b'"tools":[{"type":"function","function":{"name":"f","parameters":%b}}]}' % schema
    )

    done = attempt(CHAT, MESSAGES, body, model="claude-opus-4-5")
    assert isinstance(done, Translation)

    assert schema in done.body
    assert b'"temperature":0.10' in done.body


# Prompts.


def test_every_system_prompt_goes_where_it_belongs() -> None:
    """System and developer prompts become `system`, in order, and the reverse."""
    prompts = [{"role": "system", "content": "one"}, {"role": "developer", "content": "two"}]

    there = to_messages(messages=[*prompts, USER])
    back = to_chat(system=there["system"])

    assert there["system"] == [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    assert there["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]
    assert back["messages"][0] == {"role": "system", "content": there["system"]}


def test_images_travel_by_value_and_by_address() -> None:
    """Bytes stay the bytes they were; an address stays an address and is never fetched."""
    data = {"type": "base64", "media_type": "image/webp", "data": "aW1hZ2U="}
    blocks = [
        {"type": "image", "source": data},
        {"type": "image", "source": {"type": "url", "url": "https://i.example/a.png"}},
    ]

    there = to_chat(messages=[{"role": "user", "content": blocks}])
    back = to_messages(messages=there["messages"])

    urls = [part["image_url"]["url"] for part in there["messages"][0]["content"]]
    assert urls == ["data:image/webp;base64,aW1hZ2U=", "https://i.example/a.png"]
    assert back["messages"][0]["content"] == blocks


def test_a_pdf_travels_with_its_name() -> None:
    """A PDF by value is a document there and a file here."""
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}
    block = {"type": "document", "source": source, "title": "a.pdf"}

    there = to_chat(messages=[{"role": "user", "content": [block]}])
    back = to_messages(messages=there["messages"])

    file = there["messages"][0]["content"][0]["file"]
    assert file == {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}
    assert back["messages"][0]["content"] == [block]


# Tools.


def test_a_hundred_parallel_calls_keep_their_results() -> None:
    """Each result stays with its call, in order, in one message where the target wants one."""
    calls = [
        {
            "id": f"call_{n}",
            "type": "function",
            "function": {"name": "f", "arguments": f'{{"n": {n}}}'},
        }
        for n in range(100)
    ]
    results = [
        {"role": "tool", "tool_call_id": f"call_{n}", "content": f"r{n}"}
        for n in reversed(range(100))
    ]
    messages = [USER, {"role": "assistant", "content": None, "tool_calls": calls}, *results]

    there = to_messages(messages=messages)
    back = to_chat(messages=there["messages"])

    assert len(there["messages"]) == 3
    uses, answers = there["messages"][1]["content"], there["messages"][2]["content"]
    assert [use["input"] for use in uses] == [{"n": n} for n in range(100)]
    assert [(each["tool_use_id"], each["content"][0]["text"]) for each in answers] == [
        (f"call_{n}", f"r{n}") for n in reversed(range(100))
    ]
    assert back["messages"][1]["tool_calls"] == calls
    assert back["messages"][2:] == results


def test_an_image_in_a_result_follows_it() -> None:
    """Chat has no image in a tool's message: it is the first thing the user shows next."""
    source = {"type": "base64", "media_type": "image/png", "data": "YQ=="}
    use = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
    shown = [{"type": "text", "text": "done"}, {"type": "image", "source": source}]
    result = {"type": "tool_result", "tool_use_id": "t", "content": shown}

    there = to_chat(
        messages=[
            USER,
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result, {"type": "text", "text": "Well?"}]},
        ]
    )

    assert there["messages"][2:] == [
        {"role": "tool", "tool_call_id": "t", "content": "done"},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,YQ=="}},
                {"type": "text", "text": "Well?"},
            ],
        },
    ]


CHOICES: list[tuple[Any, Any]] = [
    ("auto", {"type": "auto"}),
    ("none", {"type": "none"}),
    ("required", {"type": "any"}),
    ({"type": "function", "function": {"name": "look"}}, {"type": "tool", "name": "look"}),
]


@pytest.mark.parametrize(("chat", "messages"), CHOICES)
def test_the_choice_of_tools_is_the_same(chat: Any, messages: Any) -> None:
    """Each choice has its word in both dialects."""
    assert to_messages(tools=[CHAT_TOOL], tool_choice=chat)["tool_choice"] == messages
    assert to_chat(tools=[MESSAGES_TOOL], tool_choice=messages)["tool_choice"] == chat


@pytest.mark.parametrize("parallel", [True, False])
def test_parallel_calls_may_be_forbidden(parallel: bool) -> None:
    """One dialect says whether it may be, the other whether it may not."""
    there = to_messages(tools=[CHAT_TOOL], parallel_tool_calls=parallel)
    back = to_chat(tools=[MESSAGES_TOOL], tool_choice=there["tool_choice"])

    assert there["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": not parallel}
    assert back["parallel_tool_calls"] == parallel


def test_a_tool_without_a_schema_takes_nothing() -> None:
    """Messages demands a schema; that of no arguments stands for none."""
    tool = {"type": "function", "function": {"name": "now", "strict": True}}

    there = to_messages(tools=[tool])

    assert there["tools"] == [
        {"name": "now", "input_schema": {"type": "object", "properties": {}}, "strict": True}
    ]


def test_an_id_of_other_signs_is_mended() -> None:
    """Messages takes letters, digits, `_` and `-`; the call and its result change alike."""
    function = {"name": "look", "arguments": ""}
    call = {"id": "functions.look:0", "type": "function", "function": function}
    result = {"role": "tool", "tool_call_id": "functions.look:0", "content": "r"}

    there = to_messages(messages=[USER, {"role": "assistant", "tool_calls": [call]}, result])

    use, answer = there["messages"][1]["content"][0], there["messages"][2]["content"][0]
    assert (use["id"], use["input"]) == ("functions_look_0", {})
    assert answer["tool_use_id"] == "functions_look_0"


# The form of the answer, and thinking.


def test_a_strict_schema_is_a_strict_schema() -> None:
    """JSON of a schema is asked for as each dialect does it."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"name": "f", "strict": True, "schema": schema}}

    there = to_messages(response_format=form)
    back = to_chat(output_config=there["output_config"])

    assert there["output_config"] == {"format": {"type": "json_schema", "schema": schema}}
    form["json_schema"]["name"] = "answer"  # type: ignore[index]  # the other side has no name
    assert back["response_format"] == form


def test_json_without_a_schema_is_named_as_lost() -> None:
    """Messages has no JSON mode; nothing pretends that it has."""
    assert lost_to_messages(response_format={"type": "json_object"}) == ["response_format"]


EFFORTS = [
    ("claude-sonnet-5", "high", {"type": "adaptive"}, "high"),
    ("claude-opus-4-7", "minimal", {"type": "adaptive"}, "low"),
    ("claude-haiku-4-5", "medium", {"type": "enabled", "budget_tokens": 8_192}, None),
    ("anthropic/claude-sonnet-4.5", "max", {"type": "enabled", "budget_tokens": 10_000}, None),
    ("claude-3-7-sonnet-latest", "low", {"type": "enabled", "budget_tokens": 2_048}, None),
    ("deepseek-chat", "low", {"type": "adaptive"}, "low"),
]


@pytest.mark.parametrize(("model", "effort", "thinking", "told"), EFFORTS)
def test_an_effort_is_told_as_the_model_takes_it(
    model: str, effort: str, thinking: Any, told: str | None
) -> None:
    """Early models get a budget below half their limit, later ones the effort itself."""
    there = to_messages(model, 20_000, reasoning_effort=effort)

    assert there["thinking"] == thinking
    assert there.get("output_config", {}).get("effort") == told


def test_no_effort_is_no_thinking() -> None:
    """`none` is what this dialect means by saying nothing."""
    assert "thinking" not in to_messages(reasoning_effort="none")
    assert lost_to_messages(reasoning_effort="none") == []


def test_a_small_limit_leaves_no_room_to_think() -> None:
    """A budget below the least that is taken is not sent, and named."""
    assert lost_to_messages("claude-haiku-4-5", 2_000, reasoning_effort="low") == [
        "reasoning_effort"
    ]


def test_thinking_gives_way_to_what_forbids_it() -> None:
    """A forced tool, or a result whose call no signed thoughts led to, forbids thinking."""
    call = {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    looping = [
        USER,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "r"},
    ]

    forced = lost_to_messages(tools=[CHAT_TOOL], tool_choice="required", reasoning_effort="low")
    in_tools = lost_to_messages(messages=looping, tools=[CHAT_TOOL], reasoning_effort="low")

    assert forced == ["reasoning_effort"]
    assert in_tools == ["reasoning_effort"]


BUDGETS = [
    ({"type": "enabled", "budget_tokens": 1_024}, "minimal"),
    ({"type": "enabled", "budget_tokens": 4_000}, "low"),
    ({"type": "enabled", "budget_tokens": 31_999}, "high"),
    ({"type": "enabled", "budget_tokens": 60_000}, "xhigh"),
    ({"type": "adaptive"}, None),
]


@pytest.mark.parametrize(("thinking", "effort"), BUDGETS)
def test_a_budget_becomes_an_effort(thinking: Any, effort: str | None) -> None:
    """A model that reasons is told how much; without a word for it, it decides."""
    assert to_chat(thinking=thinking).get("reasoning_effort") == effort


def test_a_model_that_does_not_reason_is_not_asked_to() -> None:
    """GPT-4 refuses an effort, and what reasons refuses a temperature: both are named."""
    thinking = {"type": "enabled", "budget_tokens": 4_000}

    assert lost_to_chat("gpt-4.1", thinking=thinking, temperature=0.5) == ["thinking"]
    assert lost_to_chat("gpt-5.5", thinking=thinking, temperature=0.5) == ["temperature"]
    assert lost_to_chat("gpt-5.5", temperature=1) == []
    assert lost_to_chat("qwen3-32b", thinking=thinking, temperature=0.5) == []


SAMPLING = [
    ("claude-sonnet-5", ["temperature", "top_p"]),
    ("claude-opus-4-6", ["top_p"]),
    ("claude-haiku-4-5", ["top_p"]),
]


@pytest.mark.parametrize(("model", "lost"), SAMPLING)
def test_sampling_is_told_where_it_is_taken(model: str, lost: list[str]) -> None:
    """Late models take none, earlier ones one of the two; what is left out is named."""
    assert lost_to_messages(model, temperature=0.2, top_p=0.9) == lost


def test_a_temperature_above_one_is_named() -> None:
    """Messages goes to 1; a higher one is not lowered in silence."""
    assert lost_to_messages("claude-haiku-4-5", temperature=1.5) == ["temperature"]
    assert to_messages("claude-haiku-4-5", temperature=1)["temperature"] == 1


def test_stop_sequences_are_bounded_as_the_target_is() -> None:
    """Four at most for chat, none of blanks alone for messages; the others are named."""
    assert to_chat(stop_sequences=["a", "b"])["stop"] == ["a", "b"]
    assert lost_to_chat(stop_sequences=[*"abcdef"]) == ["stop_sequences[4]", "stop_sequences[5]"]
    assert to_messages(stop="x")["stop_sequences"] == ["x"]
    assert lost_to_messages(stop=["x", "\n"]) == ["stop[1]"]


def test_the_user_is_the_user() -> None:
    """An id of the end user has a place in both."""
    there = to_messages(user="u-1")

    assert there["metadata"] == {"user_id": "u-1"}
    assert to_chat(metadata=there["metadata"])["user"] == "u-1"


def test_a_begun_answer_is_named_as_lost() -> None:
    """Chat does not continue an answer: the client is told."""
    messages = [USER, {"role": "assistant", "content": "I"}]

    assert lost_to_chat(messages=messages) == ["messages[1]"]
