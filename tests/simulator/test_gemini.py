"""Gemini: shapes, the official client, streams, tools, thoughts and refusals."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import types

from headgate.simulator import Fault, FaultKind, Simulator
from tests.simulator.conftest import StrictCheck, post_json

CALL = "/v1beta/models/gemini-3.5-flash:generateContent"
STREAM = "/v1beta/models/gemini-3.5-flash:streamGenerateContent?alt=sse"
TOOL = {
    "functionDeclarations": [
        {
            "name": "weather",
            "parameters": {
                "type": "OBJECT",
                "properties": {"city": {"type": "STRING"}, "days": {"type": "INTEGER"}},
                "required": ["city", "days"],
            },
        }
    ]
}
ANY = {"functionCallingConfig": {"mode": "ANY"}}


@pytest.fixture
def client(simulator: Simulator) -> Iterator[genai.Client]:
    """The official client."""
    options = types.HttpOptions(base_url=simulator.gemini_url)
    client = genai.Client(api_key="sk-test", http_options=options)
    yield client
    client.close()


def body(text: str = "hello", **fields: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **fields}


def post(
    simulator: Simulator, sent: Any, path: str = CALL, key: str = "sk-test"
) -> tuple[int, Any]:
    """Send one request and return status and body."""
    status, content = post_json(simulator.gemini_url, path, sent, {"x-goog-api-key": key})
    return status, json.loads(content)


def events(simulator: Simulator, sent: Any) -> list[dict[str, Any]]:
    """Return the events of a stream."""
    status, content = post_json(simulator.gemini_url, STREAM, sent, {"x-goog-api-key": "k"})
    assert status == 200, content
    *frames, rest = content.split(b"\r\n\r\n")
    assert rest == b""
    return [json.loads(frame.removeprefix(b"data: ")) for frame in frames]


THOUGHTS = {"thinkingConfig": {"thinkingBudget": 20, "includeThoughts": True}}
CASES = [
    body(),
    body(generationConfig={"candidateCount": 2, "maxOutputTokens": 10}),
    body(generationConfig=THOUGHTS),
    body(tools=[TOOL], toolConfig=ANY, generationConfig=THOUGHTS),
]


@pytest.mark.parametrize("sent", CASES)
def test_replies_have_the_shape_of_the_official_type(
    simulator: Simulator, check_strictly: StrictCheck, sent: dict[str, Any]
) -> None:
    """Every field, whole or streamed, is known to the official client and of its type."""
    _, whole = post(simulator, sent)
    streamed = events(simulator, sent)

    for reply in (whole, *streamed):
        check_strictly(types.GenerateContentResponse, reply)
    assert [each["finishReason"] for each in whole["candidates"]] == [
        each["finishReason"] for each in streamed[-1]["candidates"]
    ]
    assert not any("finishReason" in each["candidates"][0] for each in streamed[:-1])


def test_usage_counts_thoughts_outside_the_candidates(simulator: Simulator) -> None:
    """What is cached is inside the prompt; the total is prompt, candidates and thoughts."""
    sent = body("inclusive " * 4_000, generationConfig=THOUGHTS)
    post(simulator, sent)
    _, reply = post(simulator, sent)

    usage, entry = reply["usageMetadata"], simulator.bill.entries[-1].usage
    assert entry.cache_read > 4_096
    assert usage["promptTokenCount"] == entry.prompt
    assert usage["cachedContentTokenCount"] == entry.cache_read
    assert (usage["thoughtsTokenCount"], usage["candidatesTokenCount"]) == (20, 40)
    assert usage["totalTokenCount"] == entry.prompt + 60
    assert entry.output == 60


def test_fields_go_by_both_names(simulator: Simulator) -> None:
    """Google reads snake case as well, and refuses a field by both."""
    status, reply = post(simulator, body(generation_config={"max_output_tokens": 3}))
    twice, _ = post(simulator, body(generation_config={}, generationConfig={}))

    assert (status, reply["candidates"][0]["finishReason"]) == (200, "MAX_TOKENS")
    assert twice == 400


def test_tokens_are_counted(
    simulator: Simulator, check_strictly: StrictCheck, client: genai.Client
) -> None:
    """A count is typed, bills nothing, and is what a generation reads."""
    before = simulator.bill.count
    path = CALL.replace("generateContent", "countTokens")
    _, counted = post(simulator, body(), path)
    assert simulator.bill.count == before
    _, reply = post(simulator, body())

    check_strictly(types.CountTokensResponse, counted)
    assert counted["totalTokens"] == reply["usageMetadata"]["promptTokenCount"]
    assert client.models.count_tokens(model="gemini-3.5-flash", contents="hi").total_tokens


def test_the_official_client_streams(client: genai.Client) -> None:
    """The client's own reading of events puts the text together."""
    chunks = list(client.models.generate_content_stream(model="gemini-3.5-flash", contents="hi"))

    assert "".join(chunk.text or "" for chunk in chunks)
    assert chunks[-1].usage_metadata is not None
    assert chunks[-1].usage_metadata.candidates_token_count == 40


def test_the_official_client_calls_tools(client: genai.Client) -> None:
    """A function is called with arguments of the declared types."""
    config: Any = {"tools": [TOOL], "tool_config": ANY}
    reply = client.models.generate_content(model="gemini-3.5-flash", contents="hi", config=config)

    (call,) = reply.function_calls or []
    assert call.name == "weather"
    assert isinstance((call.args or {})["days"], int)


def test_models_are_listed(client: genai.Client) -> None:
    """Models by list and by name."""
    listed = [model.name for model in client.models.list()]

    assert "models/gemini-3.5-flash" in listed
    assert client.models.get(model="gemini-3.5-flash").input_token_limit == 1_048_576


REFUSED: list[tuple[dict[str, Any], int]] = [
    ({"contents": []}, 400),
    ({"contents": [{"parts": []}]}, 400),
    (body(generationConfig={"maxOutputTokens": 0}), 400),
    (body(generationConfig={"maxOutputTokens": 65_537}), 400),
    (body(generationConfig={"candidateCount": 9}), 400),
]


@pytest.mark.parametrize(("sent", "status"), REFUSED)
def test_wrong_requests_are_refused(
    simulator: Simulator, sent: dict[str, Any], status: int
) -> None:
    """The provider checks before it generates, with Google's envelope."""
    found, reply = post(simulator, sent)

    assert found == status == reply["error"]["code"]
    assert reply["error"]["status"] == "INVALID_ARGUMENT"


def test_a_wrong_key_is_a_bad_request(simulator: Simulator) -> None:
    """Google says so with status 400 and a reason; without any key with 403."""
    status, reply = post(simulator, body(), key="invalid")
    bare, _ = post_json(simulator.gemini_url, CALL, body(), {})
    queried, _ = post_json(simulator.gemini_url, f"{CALL}?key=sk-test", body(), {})

    assert (status, reply["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")
    assert (bare, queried) == (403, 200)


FAULTS = [
    (FaultKind.RATE_LIMIT, 429),
    (FaultKind.QUOTA, 429),
    (FaultKind.OVERLOADED, 503),
    (FaultKind.SERVER_ERROR, 500),
    (FaultKind.UNAUTHORIZED, 400),
    (FaultKind.NOT_FOUND, 404),
]


@pytest.mark.parametrize(("kind", "status"), FAULTS)
def test_faults_strike(simulator: Simulator, kind: FaultKind, status: int) -> None:
    """Each fault is told as Google does, and bills nothing."""
    before = simulator.bill.count
    simulator.faults.add(Fault(kind, times=1))

    assert post(simulator, body())[0] == status
    assert simulator.bill.count == before


def test_an_error_in_a_stream_is_an_event(simulator: Simulator) -> None:
    """A stream that goes wrong ends with an event of an error's shape."""
    told = events(simulator, body("[sim:fault=error_event] [sim:after=2]"))

    assert told[-1]["error"]["status"] == "UNAVAILABLE"


@pytest.mark.parametrize("field", [{"systemInstruction": {"parts": [[1, "a"]]}}, {"tools": "x"}])
def test_a_field_of_another_form_is_refused(simulator: Simulator, field: dict[str, Any]) -> None:
    """Whatever the stand-in cannot read is a 400, never a connection that breaks off."""
    status, said = post(simulator, body(**field))

    assert status == 400
    assert said["error"]["status"] == "INVALID_ARGUMENT"
