"""The official `google-genai` client against a real node."""

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import pydantic
import pytest
from google import genai
from google.genai import errors, types

from headgate.simulator import Fault, FaultKind, Simulator
from tests.clients.books import booked_as_billed
from tests.clients.conftest import NARROW_KEY
from tests.node.harness import TestNode
from tests.node.wire import GEMINI, GEMINI_STREAM, content, post

ASK: Any = {"model": "flash", "contents": "hello"}
WEATHER: Any = {
    "function_declarations": [
        {
            "name": "get_weather",
            "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}},
        }
    ]
}
FORCED: Any = {"function_calling_config": {"mode": "ANY"}}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def client_with(node: TestNode, key: str, version: str | None = None) -> genai.Client:
    """Return a client with a key, for one of the API's versions."""
    options = types.HttpOptions(base_url=node.gateway_url, api_version=version)
    return genai.Client(api_key=key, http_options=options)


@pytest.fixture
def client(node: TestNode) -> Iterator[genai.Client]:
    """The official client with Alice's key."""
    with client_with(node, node.key()) as client:
        yield client


@pytest.mark.parametrize("version", ["v1beta", "v1"])
def test_a_reply(node: TestNode, version: str) -> None:
    """The reply is typed, in both versions of the path, and costs what the provider bills."""
    with booked_as_billed(node), client_with(node, node.key(), version) as client:
        reply = client.models.generate_content(**ASK)

    assert reply.text
    assert reply.model_version == "gemini-3.5-flash"
    assert reply.usage_metadata is not None
    assert reply.usage_metadata.candidates_token_count == 40


def test_a_stream(client: genai.Client, node: TestNode) -> None:
    """Events go through as they are, and the last one is what is billed."""
    with booked_as_billed(node):
        chunks = list(client.models.generate_content_stream(**ASK))

    assert len(chunks) > 2
    assert all(chunk.text is not None for chunk in chunks)
    assert chunks[-1].candidates is not None
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP


def test_asynchronously(node: TestNode) -> None:
    """Whole replies and streams, several at once."""

    async def talk() -> tuple[list[Any], list[Any]]:
        with client_with(node, node.key()) as client:
            calls = [client.aio.models.generate_content(**ASK) for _ in range(5)]
            whole = await asyncio.gather(*calls)
            stream = await client.aio.models.generate_content_stream(**ASK)
            chunks = [chunk async for chunk in stream]
            await client.aio.aclose()
            return whole, chunks

    with booked_as_billed(node):
        whole, chunks = asyncio.run(talk())

    assert len({reply.response_id for reply in whole}) == 5
    assert chunks[-1].usage_metadata is not None


def test_a_chat(client: genai.Client, node: TestNode) -> None:
    """The client's own conversations send back what was said."""
    with booked_as_billed(node):
        chat = client.chats.create(model="flash")
        first = chat.send_message("hello")
        second = chat.send_message("and again")

    assert first.text and second.text
    sent = json.loads(node.simulator.received.last().body)
    assert [each["role"] for each in sent["contents"]] == ["user", "model", "user"]


def test_a_tool_and_what_it_returned(client: genai.Client, node: TestNode) -> None:
    """A function is called, and the conversation goes on with its result."""
    config: Any = {"tools": [WEATHER], "tool_config": FORCED}
    with booked_as_billed(node):
        first = client.models.generate_content(**ASK, config=config)
        (call,) = first.function_calls or []
        assert first.candidates is not None
        result = types.Part.from_function_response(name="get_weather", response={"sky": "blue"})
        contents: Any = [
            types.Content(role="user", parts=[types.Part(text="hello")]),
            first.candidates[0].content,
            types.Content(role="user", parts=[result]),
        ]
        second = client.models.generate_content(model="flash", contents=contents)

    assert call.name == "get_weather"
    assert second.text


def test_an_image(client: genai.Client, node: TestNode) -> None:
    """An inline image goes through as it is and is counted as the provider counts it."""
    parts: Any = ["What is this?", types.Part.from_bytes(data=PIXEL, mime_type="image/png")]
    with booked_as_billed(node):
        reply = client.models.generate_content(model="flash", contents=parts)

    assert reply.usage_metadata is not None
    assert (reply.usage_metadata.prompt_token_count or 0) > 258


class Weather(pydantic.BaseModel):
    """What a structured reply is to look like."""

    city: str


def test_a_structured_reply(client: genai.Client, node: TestNode) -> None:
    """The schema the client makes of a class reaches the provider; our limit stands beside it."""
    config: Any = {"response_mime_type": "application/json", "response_schema": Weather}
    reply = client.models.generate_content(**ASK, config=config)

    sent = json.loads(node.simulator.received.last().body)["generationConfig"]
    assert sent["responseSchema"]["properties"]["city"]["type"] == "STRING"
    assert sent["maxOutputTokens"] == 16_384
    assert reply.text


@pytest.mark.parametrize("shown", [True, False])
def test_thoughts(client: genai.Client, node: TestNode, shown: bool) -> None:
    """Thoughts are counted outside the candidates and billed as output, shown or not."""
    config: Any = {"thinking_config": {"thinking_budget": 20, "include_thoughts": shown}}
    with booked_as_billed(node):
        reply = client.models.generate_content(**ASK, config=config)
        chunks = list(client.models.generate_content_stream(**ASK, config=config))

    for said in (reply, chunks[-1]):
        assert said.usage_metadata is not None
        assert said.usage_metadata.thoughts_token_count == 20
    assert reply.candidates is not None
    assert reply.candidates[0].content is not None
    thoughts = [part for part in reply.candidates[0].content.parts or [] if part.thought]
    assert bool(thoughts) == shown


def test_a_cached_prompt(client: genai.Client, node: TestNode) -> None:
    """What is cached is inside the prompt and billed once, at its own price."""
    long: Any = {"model": "flash", "contents": "again and again " * 2_000}
    with booked_as_billed(node):
        client.models.generate_content(**long)
        reply = client.models.generate_content(**long)

    assert reply.usage_metadata is not None
    assert (reply.usage_metadata.cached_content_token_count or 0) > 4_096


def test_several_candidates(client: genai.Client, node: TestNode) -> None:
    """Answers are held and paid for as many times as there are."""
    config: Any = {"candidate_count": 3, "max_output_tokens": 20}
    with booked_as_billed(node):
        reply = client.models.generate_content(**ASK, config=config)

    assert reply.candidates is not None
    assert [each.finish_reason for each in reply.candidates] == [types.FinishReason.MAX_TOKENS] * 3


def test_a_long_prompt_is_priced_as_a_whole(client: genai.Client, node: TestNode) -> None:
    """Above 200,000 tokens every token of the call has the dearer price."""
    with booked_as_billed(node):
        client.models.generate_content(model="pro", contents="abcd" * 201_000)

    assert node.simulator.bill.entries[-1].lines[0].unit_price * 1_000_000 == 2.5


def test_the_limit_is_lowered_where_it_stands(node: TestNode) -> None:
    """A limit by the other name is lowered, in its place; nothing else in the body changes."""
    config = b'"generation_config" : {"max_output_tokens":1000000,"topP":0.50}'
    body = b'{ %b,\n "contents":[{"parts":[{"text":"hi"}]}]}' % config
    path = GEMINI.replace("{model}", "flash")

    assert post(node.gateway_url, path, node.key(), body).status == 200

    assert node.simulator.received.last().body == body.replace(b"1000000", b"65536")


def test_the_key_may_stand_in_the_query(node: TestNode) -> None:
    """`?key=` is a credential like a header; neither reaches the provider or a log."""
    path = GEMINI_STREAM.replace("{model}", "flash")
    reply = post(node.gateway_url, f"{path}&key={node.key()}", None, content("hello"))
    wrong = post(node.gateway_url, f"{path}&key=hg_wrong", None, content("hello"))

    assert reply.status == 200
    assert wrong.code == "key_invalid"
    received = node.simulator.received.last()
    assert received.target == "/v1beta/models/gemini-3.5-flash:streamGenerateContent?alt=sse"
    assert received.header("x-goog-api-key") == "sk-test-credential"
    assert node.key() not in repr(received)


def test_tokens_are_counted(client: genai.Client, node: TestNode) -> None:
    """The count is the provider's, and costs nothing: also somebody without money may ask."""
    counted = client.models.count_tokens(model="flash", contents="hello")
    reply = client.models.generate_content(**ASK)
    with client_with(node, node.key("poor")) as poor:
        again = poor.models.count_tokens(model="flash", contents="hello")

    assert reply.usage_metadata is not None
    assert counted.total_tokens == again.total_tokens == reply.usage_metadata.prompt_token_count


def test_the_models(client: genai.Client, node: TestNode) -> None:
    """Models by list and by name, those the key may use."""
    names = [model.name for model in client.models.list()]

    assert {"models/flash", "models/mini"} <= set(names)
    assert client.models.get(model="flash").name == "models/flash"
    with client_with(node, NARROW_KEY) as narrow, pytest.raises(errors.ClientError) as error:
        narrow.models.get(model="flash")
    assert error.value.code == 404


def reason_of(error: errors.APIError) -> str:
    """Return our code in Google's envelope."""
    details: Any = error.details
    reason: str = details["error"]["details"][0]["reason"]
    return reason


REFUSALS: list[tuple[dict[str, Any], int, str]] = [
    ({"model": "flush"}, 404, "model_unknown"),
    ({"config": {"tools": [{"google_search": {}}]}}, 422, "feature_unbounded"),
    ({"config": {"candidate_count": 9}}, 400, "body_invalid"),
]


@pytest.mark.parametrize(("more", "status", "code"), REFUSALS)
def test_refusals(client: genai.Client, more: dict[str, Any], status: int, code: str) -> None:
    """Each is the client's own error, with our code as its reason."""
    with pytest.raises(errors.ClientError) as error:
        client.models.generate_content(**{**ASK, **more})

    assert (error.value.code, reason_of(error.value)) == (status, code)


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [("hg_wrong", 401, "key_invalid"), (NARROW_KEY, 403, "not_permitted")],
)
def test_keys_that_may_not(node: TestNode, key: str, status: int, code: str) -> None:
    """A wrong key and one that may not use the model."""
    with client_with(node, key) as client, pytest.raises(errors.ClientError) as error:
        client.models.generate_content(**ASK)

    assert (error.value.code, reason_of(error.value)) == (status, code)


def test_an_empty_budget(node: TestNode) -> None:
    """402, and nothing reaches the provider."""
    seen = node.simulator.gate.seen
    with client_with(node, node.key("poor")) as client, pytest.raises(errors.ClientError) as error:
        client.models.generate_content(**ASK)

    assert (error.value.code, reason_of(error.value)) == (402, "budget_exceeded")
    assert node.simulator.gate.seen == seen


FAULTS = [
    (FaultKind.RATE_LIMIT, 429, "upstream_rate_limited"),
    (FaultKind.UNAUTHORIZED, 502, "upstream_credential"),
    (FaultKind.OVERLOADED, 503, "upstream_overloaded"),
    (FaultKind.CUT, 502, "upstream_broken"),
]


@pytest.mark.parametrize(("kind", "status", "code"), FAULTS)
def test_faults_of_the_provider(
    client: genai.Client, simulator: Simulator, kind: FaultKind, status: int, code: str
) -> None:
    """Each is an error a client knows how to handle; a wrong key of ours is not the client's."""
    simulator.faults.add(Fault(kind, times=1))
    with pytest.raises(errors.APIError) as error:
        client.models.generate_content(**ASK)

    assert (error.value.code, reason_of(error.value)) == (status, code)


@pytest.mark.parametrize("fault", [FaultKind.OVERLOADED, FaultKind.UNAUTHORIZED])
def test_another_model_serves_when_one_fails(node: TestNode, fault: FaultKind) -> None:
    """The path of each attempt names its own model; only the one that served is paid."""
    node.simulator.faults.add(Fault(fault, times=1))
    path = GEMINI_STREAM.replace("{model}", "either")
    with booked_as_billed(node):
        reply = post(node.gateway_url, path, node.key(), content("hello"))

    first, second = node.simulator.received.all()[-2:]
    assert reply.status == 200
    assert first.body == second.body
    assert {first.target, second.target} == {
        GEMINI_STREAM.replace("{model}", model) for model in ("gemini-3.5-flash", "gemini-2.5-pro")
    }


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.ERROR_EVENT])
def test_a_stream_that_breaks_off_is_told(
    node: TestNode, simulator: Simulator, kind: FaultKind
) -> None:
    """The last event is an error; no event says that the model had stopped."""
    simulator.faults.add(Fault(kind, times=1))
    path = GEMINI_STREAM.replace("{model}", "flash")

    reply = post(node.gateway_url, path, node.key(), content("hello"))

    frames = [each for each in reply.body.replace(b"\r\n", b"\n").split(b"\n\n") if each]
    assert b'"error"' in frames[-1]
    assert b"finishReason" not in reply.body
    assert (b"upstream_broken" in frames[-1]) == (kind is FaultKind.CUT)
