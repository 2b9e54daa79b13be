"""Each kind of provider over the wire: what it is sent, and what the client makes of its reply."""

import json
from typing import Any

import pytest

from headgate.records.journal import SettleRecord
from tests.gateway.calls import MESSAGES_PATH, ask, call_of, chat, message
from tests.gateway.conftest import Start
from tests.gateway.kinds import EVENTS, RECORDED, REPLY, measured, own
from tests.gateway.provider import STREAM_HEAD, chunk, completion, event, whole
from tests.gateway.recording import Recording


def test_vertex_serves_googles_own_models_natively(start: Start, recording: Recording) -> None:
    """The Gemini API's bodies go below Vertex's address; the recorded reply comes back as it is."""
    base = f"{recording.root}/v1/projects/p/locations/global"
    gateway = start(more=own("vertex", base, "gemini-2.0-flash", catalog="google/gemini-2.5-flash"))
    recorded = (RECORDED / "gemini" / "vertex.json").read_bytes()
    recording.answers.append(whole(recorded))
    body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    reply = ask(gateway, body, "/v1beta/models/own:generateContent")

    assert recording.path().endswith(
        "/locations/global/publishers/google/models/gemini-2.0-flash:generateContent"
    )
    assert recording.header("authorization") == "Bearer secret"
    assert "anthropic_version" not in recording.bodies[-1]
    assert recording.bodies[-1]["contents"] == body["contents"]
    assert reply.payload == recorded
    gateway.until_idle()
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, SettleRecord)
    assert end.quantities == {"input_uncached": 7, "output_text": 9}


def test_vertex_is_sent_messages_with_the_model_in_the_path(
    start: Start, recording: Recording
) -> None:
    """Whole and streamed: two paths, one body but for `stream`; beta features stay a header."""
    base = f"{recording.root}/v1/projects/p/locations/eu"
    gateway = start(more=own("vertex", base, "claude-haiku@20251001"))
    recording.answers.append(whole(json.dumps(REPLY).encode()))
    events = b"".join(
        b"event: %b\ndata: %b\n\n" % (each["type"].encode(), json.dumps(each).encode())
        for each in EVENTS
    )
    recording.answers.append(STREAM_HEAD + chunk(events) + b"0\r\n\r\n")
    model = "/v1/projects/p/locations/eu/publishers/anthropic/models/claude-haiku@20251001"

    plain = ask(gateway, message(model="own"), MESSAGES_PATH, headers=[("anthropic-beta", "a-1")])
    assert recording.path() == f"{model}:rawPredict"
    assert recording.header("authorization") == "Bearer secret"
    assert recording.header("anthropic-beta") == "a-1"
    streamed = ask(gateway, message(model="own", stream=True), MESSAGES_PATH)

    assert recording.path() == f"{model}:streamRawPredict"
    assert recording.bodies[-1] == {
        "anthropic_version": "vertex-2023-10-16",
        "max_tokens": 100,
        "messages": message()["messages"],
        "stream": True,
    }
    assert plain.json == REPLY
    assert streamed.payload == events
    for reply in (plain, streamed):
        assert measured(gateway, call_of(reply)) == {"input_uncached": 10, "output_text": 5}


@pytest.mark.parametrize(
    ("version", "path"),
    [
        ("", "/openai/v1/chat/completions"),
        (
            'api_version = "2024-10-21"',
            "/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_azure_takes_both_kinds_of_paths(
    start: Start, recording: Recording, version: str, path: str
) -> None:
    """The key has its own header; the rest is OpenAI's."""
    base = f"{recording.root}/openai"
    gateway = start(more=own("azure_openai", base, "my-gpt", more=version))
    recording.answers.append(whole(completion()))
    reply = ask(gateway, chat(model="own"))

    assert recording.path() == path
    assert recording.header("api-key") == "secret"
    assert recording.header("authorization") is None
    assert recording.bodies[-1]["max_completion_tokens"] == 100
    assert measured(gateway, call_of(reply)) == {"input_uncached": 10, "output_text": 5}


def test_mistral_gets_no_field_it_refuses(start: Start, recording: Recording) -> None:
    """The limit stands under its older name; usage comes unasked, in the last piece."""
    gateway = start(more=own("mistral", recording.server.url, "mistral-small"))
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    last = event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], usage=usage)
    stream = event() + last + b"data: [DONE]\n\n"
    recording.answers.append(STREAM_HEAD + chunk(stream) + b"0\r\n\r\n")
    wanted = {"include_usage": True}
    reply = ask(gateway, chat(model="own", stream=True, stream_options=wanted))

    assert recording.bodies[-1] == {
        "model": "mistral-small",
        "max_tokens": 100,
        "messages": chat()["messages"],
        "stream": True,
    }
    assert reply.payload.endswith(b"data: [DONE]\n\n")
    assert measured(gateway, call_of(reply)) == {"input_uncached": 10, "output_text": 5}


def test_deepseek_serves_both_dialects(start: Start, recording: Recording) -> None:
    """Each dialect at its own path, with the one name of the limit."""
    gateway = start(more=own("deepseek", recording.root, "deepseek-x"))
    recording.answers += [whole(completion()), whole(json.dumps(REPLY).encode())]

    ask(gateway, chat(model="own"))
    assert recording.path() == "/chat/completions"
    assert recording.bodies[-1]["max_tokens"] == 100
    ask(gateway, message(model="own"), MESSAGES_PATH)

    assert recording.path() == "/anthropic/v1/messages"
    assert recording.header("authorization") == "Bearer secret"


def test_a_provider_without_a_credential_is_sent_none(start: Start, recording: Recording) -> None:
    """A server of one's own may want no key: then no header names one, ours neither."""
    tables = own("openai_compatible", recording.server.url, "m")
    gateway = start(more=tables.replace('credential = { value = "secret" }', ""))
    recording.answers.append(whole(completion()))

    assert ask(gateway, chat(model="own")).status == 200
    assert recording.header("authorization") is None


@pytest.mark.parametrize(
    ("more", "sent"),
    [
        ("", {"max_tokens": 30, "max_completion_tokens": 30}),
        ('output_limit_field = "max_tokens"', {"max_tokens": 30, "max_completion_tokens": 30}),
        ('output_limit_field = "max_completion_tokens"', {"max_completion_tokens": 30}),
    ],
)
def test_a_server_of_ones_own_gets_the_limit_by_the_name_it_knows(
    start: Start, recording: Recording, more: str, sent: dict[str, int]
) -> None:
    """One that passes over the newer name would write on, past what was held for the call."""
    gateway = start(more=own("openai_compatible", recording.server.url, "m", more=more))
    recording.answers.append(whole(completion()))
    body = {"model": "own", "max_completion_tokens": 30, "messages": chat()["messages"]}

    assert ask(gateway, body).status == 200

    limits = {name: n for name, n in recording.bodies[-1].items() if name.startswith("max_")}
    assert limits == sent


COST: dict[str, Any] = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "cost": 0.0001,
    "is_byok": True,
    "cost_details": {"upstream_inference_cost": 0.0019},
}
REPORTED = 'prices = "reported"'


@pytest.mark.parametrize("cost", [0.0001, 0])
def test_what_openrouter_says_it_charged_is_posted_where_that_is_wished(
    start: Start, recording: Recording, cost: float
) -> None:
    """One line is the whole charge, fee and upstream's bill together; the usage stays beside it."""
    tables = own("openrouter", f"{recording.root}/api/v1", "x/y", more=REPORTED)
    gateway = start(more=tables)
    usage = {**COST, "cost": cost, "cost_details": {"upstream_inference_cost": cost * 19}}
    recording.answers.append(whole(completion(usage=usage)))
    reply = ask(gateway, chat(model="own"))

    gateway.until_idle()
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, SettleRecord)
    nanos = 2_000_000 if cost else 0
    assert (end.state, end.amount_nanos, end.reported_nanos) == ("measured", nanos, nanos)
    assert [line.amount_nanos for line in end.lines] == ([nanos] if cost else [])
    assert end.quantities == {"input_uncached": 10, "output_text": 5}


def test_a_cost_that_is_not_reported_is_posted_at_what_was_held(
    start: Start, recording: Recording
) -> None:
    """Absent is not zero: the book's bound stands, marked as an estimate."""
    tables = own("openrouter", f"{recording.root}/api/v1", "x/y", more=REPORTED)
    gateway = start(more=tables)
    recording.answers.append(whole(completion()))
    reply = ask(gateway, chat(model="own"))

    gateway.until_idle()
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, SettleRecord)
    assert (end.state, end.reason) == ("estimated", "cost_unreported")
    assert end.amount_nanos == gateway.holds(call_of(reply))[0].amount_nanos > 0


def test_what_openrouter_says_it_charged_is_written_down_and_not_posted(
    start: Start, recording: Recording
) -> None:
    """The charge goes by the price book; the reported cost stands beside it, to reconcile by."""
    gateway = start(more=own("openrouter", f"{recording.root}/api/v1", "x/y"))
    recording.answers.append(whole(completion(usage=COST, model="claude-haiku-4-5")))
    reply = ask(gateway, chat(model="own"))

    assert recording.path() == "/api/v1/chat/completions"
    gateway.until_idle()
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, SettleRecord)
    assert end.reported_nanos == 2_000_000
    assert end.state == "measured"
    assert 0 < end.amount_nanos == sum(line.amount_nanos for line in end.lines) < 2_000_000
