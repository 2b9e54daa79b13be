"""`gemini`: paths, both spellings, bounds, nested limits, the end of a stream, our own words."""

import json
from typing import Any

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from headgate.dialects import gemini as dialect
from headgate.dialects.bounds import HIDDEN_TOKENS_MAX, IMAGE_TOKENS_MAX_GEMINI
from headgate.records.demand import Demand, Edit, Terms
from headgate.units.errors import BUDGET_EXCEEDED, Refusal

EDIT = Edit("elsewhere", 500, "maxOutputTokens")


def read(**fields: Any) -> Demand:
    demand = dialect.read(json.dumps(fields).encode())
    assert isinstance(demand, Demand), demand
    return demand


def parts(*each: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "parts": list(each)}]


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps({"responseId": "r", "modelVersion": "m-1"} | fields).encode()


def finished(*events: bytes) -> Any:
    stream = dialect.Stream(False)
    for each in events:
        stream.feed(each + b"\n\n")
    return stream.finish()


STOP = [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}]

PATHS: list[tuple[str, str, object]] = [
    ("/v1beta/models/fast:generateContent", "", ("fast", False, False)),
    ("/v1/models/fast:streamGenerateContent", "alt=sse", ("fast", True, False)),
    ("/v1beta/models/a%2Fb:streamGenerateContent", "key=k&alt=sse", ("a/b", True, False)),
    ("/v1beta/models/fast:streamGenerateContent", "%24alt=sse&x=1", ("fast", True, False)),
    ("/v1beta/models/fast:streamGenerateContent", "", ("fast", True, True)),
    ("/v1beta/models/fast:streamGenerateContent", "key=k&alt=json", ("fast", True, True)),
    ("/v1beta/models/fast:streamGenerateContent", "xalt=sse", ("fast", True, True)),
    ("/v1beta/models/fast:embedContent", "", None),
    ("/v1beta/models/fast", "", None),
    ("/v2/models/fast:generateContent", "", None),
    ("/v1beta/models/:generateContent", "", None),
    ("/v1beta/models/fast:generateContent/x", "", None),
]


@pytest.mark.parametrize(("path", "query", "found"), PATHS)
def test_the_path_names_the_model(path: str, query: str, found: object) -> None:
    """The model and whether to stream stand in the path, in both versions of it."""
    assert dialect.locate(path, query) == found


@pytest.mark.parametrize("query", ["alt=proto", "alt=media", "alt=sse2"])
def test_other_forms_of_a_stream_are_refused(query: str) -> None:
    """A stream is events or one JSON array; what is neither is refused by name."""
    refusal = dialect.locate("/v1beta/models/fast:streamGenerateContent", query)

    assert isinstance(refusal, Refusal)
    assert refusal.param == "alt"


def test_the_bytes_bound_the_prompt() -> None:
    """A text costs at most its bytes and the frame around it."""
    body = '{"contents":[{"parts":[{"text":"naïve 🙂"}]}]}'.encode()

    demand = dialect.read(body)

    assert isinstance(demand, Demand)
    assert demand.input_tokens_max == len(body) + HIDDEN_TOKENS_MAX


IMAGES = [
    parts({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
    parts({"inline_data": {"mime_type": "image/jpeg", "data": "AAAA"}}),
    parts({"functionResponse": {"parts": [{"inlineData": {"mimeType": "image/png"}}]}}),
]


@pytest.mark.parametrize("contents", IMAGES)
def test_each_image_adds_its_dearest(contents: list[Any]) -> None:
    """An image is bounded apart, by either name and in what a function returned."""
    demand = read(contents=contents)

    assert demand.images
    assert demand.input_tokens_max is not None
    assert demand.input_tokens_max > IMAGE_TOKENS_MAX_GEMINI


OPAQUE: list[dict[str, Any]] = [
    {"contents": parts({"fileData": {"fileUri": "https://x.test/a"}})},
    {"contents": parts({"file_data": {"file_uri": "https://x.test/a"}})},
    {"contents": parts({"inlineData": {"mimeType": "audio/mp3", "data": "AAAA"}})},
    {"contents": parts({"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}})},
    {"contents": parts({"inlineData": {"data": "AAAA"}})},
    {"system_instruction": {"parts": {"fileData": {}}}},
    {"cachedContent": "cachedContents/1"},
    {"cached_content": "cachedContents/1"},
]


@pytest.mark.parametrize("fields", OPAQUE)
def test_what_is_not_text_leaves_no_bound(fields: dict[str, Any]) -> None:
    """Files, documents, films, sound and cached contents may hold more than their bytes tell."""
    assert read(**fields).input_tokens_max is None


HOSTED = ["googleSearch", "google_search", "codeExecution", "urlContext", "googleMaps"]
HOSTED += ["fileSearch", "computerUse", "mcpServers", "somethingNew"]


@pytest.mark.parametrize("name", HOSTED)
def test_a_tool_that_is_no_function_of_the_clients_is_named(name: str) -> None:
    """What runs at the provider is billed apart or asks the model again."""
    functions: dict[str, Any] = {"functionDeclarations": [{"name": "googleSearch"}]}

    assert read(tools=[functions, {name: {}}]).unbounded == name
    assert read(tools=[functions | {name: {}}]).unbounded == name
    assert read(tools=[functions, {"function_declarations": []}, {name: None}]).unbounded is None


def test_pictures_and_sound_are_named() -> None:
    """What is generated beside text has prices of its own."""
    assert read(generationConfig={"responseModalities": ["TEXT", "IMAGE"]}).unbounded
    assert read(generation_config={"response_modalities": ["AUDIO"]}).unbounded
    assert read(generationConfig={"responseModalities": ["Text"]}).unbounded is None


def test_both_spellings_are_read() -> None:
    """Google knows every field by two names, so a limit by the other name is one."""
    camel = read(
        generationConfig={
            "maxOutputTokens": 7,
            "candidateCount": 2,
            "thinkingConfig": {"thinkingBudget": 5},
        },
        serviceTier="FLEX",
    )
    snake = read(
        generation_config={
            "max_output_tokens": 7,
            "candidate_count": 2,
            "thinking_config": {"thinking_budget": 5},
        },
        service_tier="flex",
    )

    for demand in (camel, snake):
        assert (demand.output_tokens_max, demand.choices, demand.thinking_tokens) == (7, 2, 5)
        assert demand.terms == Terms("flex")
    assert read(generationConfig={"thinkingConfig": {"thinkingBudget": -1}}).thinking_tokens is None


TWICE: list[dict[str, Any]] = [
    {"generationConfig": {}, "generation_config": {"maxOutputTokens": 9}},
    {"generationConfig": {"maxOutputTokens": 1, "max_output_tokens": 9}},
    {"generation_config": {"candidateCount": 1, "candidate_count": 8}},
    {"generationConfig": {"maxOutputTokens": 1, "MaxOutputTokens": 9}},
]


@pytest.mark.parametrize("fields", TWICE)
def test_a_field_by_both_names_is_refused(fields: dict[str, Any]) -> None:
    """Which of the two counts is unknown, so neither is believed."""
    refusal = dialect.read(json.dumps(fields).encode())

    assert isinstance(refusal, Refusal)
    assert refusal.code.code == "key_duplicate"


CONFIGS = [
    b"",
    b',"generationConfig":null',
    b',"generationConfig":{}',
    b',"generation_config": { "topP" : 0.50 }',
    b',"generationConfig":{"max_output_tokens" : 900,"topP":0.50}',
    b',"generation_config":{"topP":0.50,"maxOutputTokens":900}',
    b',"generationConfig":{"maxOutputTokens":null}',
]


@given(config=st.sampled_from(CONFIGS), held=st.integers(1, 10**7))
def test_the_limit_is_never_above_what_is_held(config: bytes, held: int) -> None:
    """A limit that is there and fits stays; otherwise that of the hold is sent, in its place."""
    body = b'{ "contents":[{"parts":[{"text":"maxOutputTokens"}]}]%b,"x":1.50}' % config
    demand = dialect.read(body)
    assert isinstance(demand, Demand)

    new = dialect.edit(body, demand, replace(EDIT, output_tokens_max=held))

    again = dialect.read(new)
    fits = b"900" in config and held >= 900
    assert isinstance(again, Demand)
    assert again.output_tokens_max == (900 if fits else held)
    assert (new is body) == fits
    assert new.endswith(b'"x":1.50}')
    assert (b"0.50" in new) == (b"0.50" in config)


def test_a_stream_that_says_why_it_ended_is_complete() -> None:
    """Nothing else marks the end: no reason, no end; a blocked prompt has one as well."""
    usage = {"promptTokenCount": 5, "totalTokenCount": 5}

    assert finished(event(candidates=STOP, usageMetadata=usage)).complete
    assert finished(event(promptFeedback={"blockReason": "SAFETY"}, usageMetadata=usage)).complete
    assert not finished(event(candidates=[{"content": {}}], usageMetadata=usage)).complete
    assert not finished(event(candidates=STOP), b'data: {"candid').complete


def test_a_last_event_may_leave_counts_out() -> None:
    """The latest of each count is what was used, wherever among the last events it stood."""
    first = event(usageMetadata={"promptTokenCount": 50, "cachedContentTokenCount": 40})
    second = event(candidates=STOP, usageMetadata={"promptTokenCount": 50, "thoughtsTokenCount": 7})
    third = event(usageMetadata={"promptTokenCount": 50, "candidatesTokenCount": 3})

    report = finished(first, second, third)

    assert report.complete
    assert json.loads(report.usage_json) == {
        "promptTokenCount": 50,
        "candidatesTokenCount": 3,
        "thoughtsTokenCount": 7,
        "cachedContentTokenCount": 40,
    }


def test_an_error_in_a_stream_ends_it() -> None:
    """Google sends an error as an event like any other."""
    error = b'data: {"error": {"code": 503, "status": "UNAVAILABLE"}}'

    report = finished(event(candidates=[{"content": {}}]), error)

    assert report.errored and not report.complete
    assert dialect.starts_with_error(error + b"\n\n")


def test_our_words_are_the_clients() -> None:
    """The official types read our models, and an error has Google's envelope and our code."""
    error = json.loads(dialect.render_refusal(Refusal(BUDGET_EXCEEDED, "No."), "call_1"))["error"]
    listed = json.loads(dialect.render_models([("fast", 0)]))

    assert (error["code"], error["status"]) == (402, "RESOURCE_EXHAUSTED")
    assert error["details"][0]["reason"] == "budget_exceeded"
    assert error["details"][0]["metadata"] == {"call": "call_1"}
    assert types.Model.model_validate({"name": listed["models"][0]["name"]}).name == "models/fast"
