"""Gemini's requests told in other dialects, and others' as Gemini's: what is its own about them."""

import json
from typing import Any

import pytest

from headgate.dialects.translation.translated import Translation
from tests.dialects.translation.speech import (
    CHAT,
    GEMINI,
    MESSAGES,
    RESPONSES,
    attempt,
    refused,
    translate,
)

HELLO: Any = {"role": "user", "parts": [{"text": "hello"}]}
SKIP = "skip_thought_signature_validator"
LOOK: Any = {"type": "function", "function": {"name": "look"}}


def to_chat(*contents: Any, **fields: Any) -> Any:
    """Return a request of Gemini's as Chat Completions."""
    return translate(GEMINI, CHAT, {"contents": [HELLO, *contents], **fields})[0]


def to_gemini(model: str | None = None, limit: int = 4_096, **fields: Any) -> tuple[Any, list[str]]:
    """Return a request of Chat Completions as Gemini's, and what was lost."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], **fields}
    new, lost = translate(CHAT, GEMINI, body, model=model, limit=limit)
    return new, list(lost)


def said(*parts: Any) -> Any:
    return {"role": "model", "parts": list(parts)}


def call(name: str, **more: Any) -> Any:
    return {"functionCall": {"name": name, "args": {}, **more}}


def returned(name: str, response: Any, **more: Any) -> Any:
    return {"functionResponse": {"name": name, "response": response, **more}}


def user(*parts: Any) -> Any:
    return {"role": "user", "parts": list(parts)}


# Calls and results.


def test_results_without_ids_answer_their_names_in_order() -> None:
    """Two calls of one function are answered first come first served, in whatever order."""
    new = to_chat(
        said(call("look"), call("see"), call("look")),
        user(returned("see", {"output": "2"}), returned("look", {"output": "1"})),
        user(returned("look", {"output": "3"})),
    )

    first, second, third = (each["id"] for each in new["messages"][1]["tool_calls"])
    results = [(each["tool_call_id"], each["content"]) for each in new["messages"][2:]]
    assert len({first, second, third}) == 3
    assert results == [(second, "2"), (first, "1"), (third, "3")]


def test_an_id_counts_more_than_the_order() -> None:
    """A result with an id answers the call that has it; the next one without answers the rest."""
    new = to_chat(
        said(call("look", id="a"), call("look", id="b")),
        user(returned("look", {"output": "2"}, id="b"), returned("look", {"output": "1"})),
    )

    assert [each["tool_call_id"] for each in new["messages"][2:]] == ["b", "a"]


def test_a_result_by_name_alone_needs_its_call() -> None:
    """The name of no call that waits is refused with the place."""
    body = {"contents": [HELLO, said(call("look")), user(returned("see", {}))]}

    refusal = refused(GEMINI, CHAT, body)

    assert (refusal.code.code, refusal.param) == ("body_invalid", "contents[2].parts[0]")


RESPONSES_AND_TEXTS: list[tuple[str, str]] = [
    ('{"output":"sunny"}', "sunny"),
    ('{"error":"lost"}', "lost"),
    ('{"output": {"a": 1.50}}', '{"output": {"a": 1.50}}'),
    ('{"sky": "blue", "n": 1.50}', '{"sky": "blue", "n": 1.50}'),
    ("{}", ""),
]


@pytest.mark.parametrize(("response", "text"), RESPONSES_AND_TEXTS)
def test_what_a_function_returned_is_a_text(response: str, text: str) -> None:
    """A text below Google's own word is told as itself, another object as the JSON it is."""
    body = (
        b'{"contents":[{"parts":[{"text":"a"}]},'
        b'{"role":"model","parts":[{"functionCall":{"name":"f"}}]},'
        b'{"role":"user","parts":[{"functionResponse":{"name":"f","response":%b}}]}]}'
    )
    done = attempt(GEMINI, CHAT, body % response.encode())

    assert isinstance(done, Translation)
    assert json.loads(done.body)["messages"][-1]["content"] == text


TEXTS_AND_RESPONSES: list[tuple[str, Any]] = [
    ("sunny", {"output": "sunny"}),
    ('{"sky": "blue"}', {"sky": "blue"}),
    ('{"output": 1}', {"output": '{"output": 1}'}),
    ('{"broken": ', {"output": '{"broken": '}),
    ("[1]", {"output": "[1]"}),
    ("", {"output": ""}),
]


@pytest.mark.parametrize(("text", "response"), TEXTS_AND_RESPONSES)
def test_a_text_is_what_a_function_returned(text: str, response: Any) -> None:
    """An object stays one, unless Google would read another meaning into it."""
    use = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "tool_calls": [use]},
        {"role": "tool", "tool_call_id": "c", "content": text},
    ]

    new, _ = to_gemini(messages=messages)

    result = new["contents"][2]["parts"][0]["functionResponse"]
    assert result == {"id": "c", "name": "look", "response": response}


def test_a_failure_is_one_on_both_sides() -> None:
    """Anthropic's `is_error` is Google's `error`, there and back."""
    use = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
    failed = {"type": "tool_result", "tool_use_id": "t", "is_error": True}
    messages = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [{**failed, "content": [{"type": "text", "text": "lost"}]}]},
    ]

    new, _ = translate(MESSAGES, GEMINI, {"model": "m", "max_tokens": 9, "messages": messages})
    back, _ = translate(GEMINI, MESSAGES, new)

    assert new["contents"][2]["parts"][0]["functionResponse"]["response"] == {"error": "lost"}
    assert back["messages"][2]["content"][0]["is_error"] is True


MODELS_AND_PLACES = [("gemini-3.5-flash", True), ("gemini-2.5-pro", False), ("other", True)]


@pytest.mark.parametrize(("model", "inside"), MODELS_AND_PLACES)
def test_an_image_that_was_returned_is_shown(model: str, inside: bool) -> None:
    """Gemini 3 is shown it in the result, and wants calls signed; others beside the result."""
    source = {"type": "base64", "media_type": "image/png", "data": "YQ=="}
    uses = [{"type": "tool_use", "id": each, "name": "look", "input": {}} for each in "ab"]
    result = {
        "type": "tool_result",
        "tool_use_id": "a",
        "content": [{"type": "image", "source": source}],
    }
    messages = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": uses},
        {"role": "user", "content": [result]},
    ]
    body = {"model": "m", "max_tokens": 9, "messages": messages}

    new, _ = translate(MESSAGES, GEMINI, body, model=model)

    _, calls, shown = (each["parts"] for each in new["contents"])
    image = {"inlineData": {"mimeType": "image/png", "data": "YQ=="}}
    assert [each.get("thoughtSignature") for each in calls] == [SKIP if inside else None, None]
    assert (shown[0]["functionResponse"].get("parts") == [image]) == inside
    assert (shown[1:] == [image]) == (not inside)


# How much to think, and the form of the answer.

EFFORTS: list[tuple[str, str, Any, bool]] = [
    ("gemini-3.5-flash", "minimal", {"includeThoughts": True, "thinkingLevel": "LOW"}, False),
    ("gemini-3.5-flash", "medium", {"includeThoughts": True, "thinkingLevel": "MEDIUM"}, False),
    ("gemini-3-pro-preview", "medium", {"includeThoughts": True, "thinkingLevel": "HIGH"}, False),
    ("gemini-3.5-flash", "none", None, True),
    ("gemini-2.5-flash", "none", {"thinkingBudget": 0}, False),
    ("gemini-2.5-pro", "none", None, True),
    ("gemini-2.5-pro", "low", {"includeThoughts": True, "thinkingBudget": 1_024}, False),
    ("gemini-2.5-pro", "high", {"includeThoughts": True, "thinkingBudget": 2_048}, False),
    ("gemini-2.0-flash", "high", None, True),
    ("gemini-2.0-flash", "none", None, False),
]


@pytest.mark.parametrize(("model", "effort", "config", "lost"), EFFORTS)
def test_an_effort_is_what_the_model_takes(
    model: str, effort: str, config: Any, lost: bool
) -> None:
    """A level or a budget, at most half of the limit; what a model cannot do is named."""
    new, places = to_gemini(model, reasoning_effort=effort)

    assert new["generationConfig"].get("thinkingConfig") == config
    assert (places == ["reasoning_effort"]) == lost


def test_a_limit_too_small_to_think_is_named() -> None:
    """Half of it would be less than the least budget."""
    new, places = to_gemini("gemini-2.5-pro", limit=1_000, reasoning_effort="low")

    assert "thinkingConfig" not in new["generationConfig"]
    assert places == ["reasoning_effort"]


SCHEMA = (
    b'{"$schema":"s","type":"object","properties":{"a":{"const":1.50,"pattern":"x"},'
    b'"b":{"$ref":"#/$defs/c","description":"d"}},"$defs":{"c":{"type":"integer",'
    b'"minimum":12345678901234567890}},"additionalProperties":false}'
)


def test_a_schema_is_what_gemini_keeps_to() -> None:
    """Keywords it does not know are named; a constant is a choice; numbers keep their digits."""
    body = (
        b'{"model":"m","messages":[{"role":"user","content":"a"}],"response_format":'
        b'{"type":"json_schema","json_schema":{"name":"n","schema":%b}}}' % SCHEMA
    )

    done = attempt(CHAT, GEMINI, body)

    assert isinstance(done, Translation)
    assert (
        b'"responseJsonSchema":{"type":"object","properties":{"a":{"enum":[1.50]},'
        b'"b":{"$ref":"#/$defs/c"}},"$defs":{"c":{"type":"integer",'
        b'"minimum":12345678901234567890}},"additionalProperties":false}' in done.body
    )
    at = "response_format.json_schema"
    assert done.lost == (
        f"{at}.name",
        f"{at}.schema.$schema",
        f"{at}.schema.properties.a.pattern",
        f"{at}.schema.properties.b.description",
    )


def test_googles_own_schema_is_json_schema_elsewhere() -> None:
    """Types in small letters, null as a type, counts as numbers, both spellings of each name."""
    own = {
        "type": "OBJECT",
        "properties": {
            "min_items": {"type": "ARRAY", "min_items": "2", "items": {"type": "STRING"}},
            "b": {"anyOf": [{"type": "INTEGER"}], "nullable": True},
            "c": {"type": "STRING", "nullable": True, "enum": ["x"], "example": "x"},
        },
        "propertyOrdering": ["b"],
    }
    declared = [{"functionDeclarations": [{"name": "f", "parameters": own}]}]

    new = to_chat(tools=declared)

    assert new["tools"][0]["function"]["parameters"] == {
        "type": "object",
        "properties": {
            "min_items": {"type": "array", "minItems": 2, "items": {"type": "string"}},
            "b": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "c": {"type": ["string", "null"], "enum": ["x", None], "examples": ["x"]},
        },
        "propertyOrdering": ["b"],
    }


CHOICES: list[tuple[Any, Any]] = [
    ({"mode": "AUTO"}, "auto"),
    ({"mode": "VALIDATED"}, "auto"),
    ({"mode": "none"}, "none"),
    ({"mode": "ANY"}, "required"),
    ({"mode": "ANY", "allowedFunctionNames": ["look", "see"]}, "required"),
    ({"mode": "ANY", "allowed_function_names": ["look"]}, {**LOOK}),
]


@pytest.mark.parametrize(("config", "choice"), CHOICES)
def test_which_functions_must_be_used(config: Any, choice: Any) -> None:
    """A mode is a word elsewhere, and one allowed function is that one."""
    declared = [{"functionDeclarations": [{"name": "look"}, {"name": "see"}]}]

    new = to_chat(tools=declared, toolConfig={"functionCallingConfig": config})

    assert new["tool_choice"] == choice


# What is refused.

REFUSED: list[tuple[str, Any]] = [
    ("generationConfig.candidateCount", {"generationConfig": {"candidateCount": 2}}),
    (
        "generationConfig.responseModalities",
        {"generationConfig": {"responseModalities": ["IMAGE"]}},
    ),
    ("generation_config.speech_config", {"generation_config": {"speech_config": {"a": 1}}}),
    ("cachedContent", {"cachedContent": "cachedContents/a"}),
    ("tools[0].googleSearch", {"tools": [{"googleSearch": {}}]}),
    ("contents[1].parts[0]", {"contents": [HELLO, user({"fileData": {"fileUri": "gs://a"}})]}),
    (
        "contents[1].parts[0]",
        {"contents": [HELLO, user({"inlineData": {"mimeType": "audio/mp3", "data": "YQ=="}})]},
    ),
    (
        "contents[1].parts[0].executableCode",
        {"contents": [HELLO, said({"executableCode": {"code": "1"}})]},
    ),
]


@pytest.mark.parametrize(("place", "fields"), REFUSED)
@pytest.mark.parametrize("upstream", [CHAT, MESSAGES, RESPONSES])
def test_what_others_cannot_do_is_refused_by_name(
    upstream: str, place: str, fields: dict[str, Any]
) -> None:
    """A feature without any counterpart is refused with its place, never guessed at."""
    refusal = refused(GEMINI, upstream, {"contents": [HELLO], **fields})

    assert (refusal.code.code, refusal.param) == ("feature_unsupported", place)


WRONG: list[tuple[str, Any]] = [
    ("contents[0].role", {"contents": [{"role": "assistant", "parts": [{"text": "a"}]}]}),
    ("contents[0].parts[0].functionCall.name", {"contents": [said({"functionCall": {}})]}),
    ("contents[0].parts[0].text", {"contents": [user({"text": 7})]}),
    (
        "contents[0].parts[0].inline_data",
        {"contents": [user({"inlineData": {"mimeType": "a"}, "inline_data": {}})]},
    ),
    (
        "toolConfig.functionCallingConfig.mode",
        {"contents": [HELLO], "toolConfig": {"functionCallingConfig": {"mode": "SOME"}}},
    ),
    (
        "generationConfig.thinkingConfig.thinkingLevel",
        {"contents": [HELLO], "generationConfig": {"thinkingConfig": {"thinkingLevel": "HUGE"}}},
    ),
]


@pytest.mark.parametrize(("place", "body"), WRONG)
def test_what_is_wrong_is_named(place: str, body: dict[str, Any]) -> None:
    """A leaf that cannot be understood is refused with its place; so is one by both its names."""
    refusal = refused(GEMINI, CHAT, body)

    assert refusal.code.code == "body_invalid"
    assert place in (refusal.param or "") or place in refusal.message


def test_base64_is_written_as_the_others_want_it() -> None:
    """Google's SDK writes the alphabet for addresses; OpenAI and Anthropic want the other one."""
    image = {"inlineData": {"mimeType": "image/png", "data": "-_8="}}

    new = to_chat(user(image))

    assert new["messages"][1]["content"][0]["image_url"]["url"] == "data:image/png;base64,+/8="


def test_an_image_by_address_goes_on_as_one() -> None:
    """A public address can be told to who fetches images; Google's own files cannot."""
    file = {"fileUri": "https://images.example/a.png", "mimeType": "image/png"}

    new = to_chat(user({"fileData": file}))

    assert new["messages"][1]["content"][0]["image_url"]["url"] == file["fileUri"]
