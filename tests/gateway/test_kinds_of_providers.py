"""Each kind of provider over the wire: what it is sent, and what the client makes of its reply."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from headgate.providers.envelope import Unsigned
from headgate.providers.sigv4 import parse_keys, sign
from headgate.records.journal import SettleRecord
from tests.gateway.calls import ALICE, MESSAGES_PATH, ask, call_of, chat, message
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import STREAM_HEAD, chunk, completion, event, whole
from tests.gateway.recording import Recording
from tests.providers import frames

KEYS = "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY:token/1="
REPLY = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 5},
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**REPLY, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 10}},
]
FRAMES_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


@pytest.fixture
def recording() -> Iterator[Recording]:
    """A provider that runs."""
    with Recording() as one:
        yield one


def own(kind: str, base_url: str, model: str, *, credential: str = "secret", more: str = "") -> str:
    """Return the tables of one deployment of a kind, priced as a model that has prices."""
    catalog = "openai/gpt-5.4-mini" if "openai" in kind or "mistral" in kind else ""
    catalog = catalog or "anthropic/claude-haiku-4-5"
    return (
        f'[providers.own]\nkind = "{kind}"\nbase_url = "{base_url}"\n'
        f'credential = {{ value = "{credential}" }}\n{more}\n'
        f'[deployments.own]\nprovider = "own"\nmodel = "{model}"\ncatalog = "{catalog}"\n'
    )


def measured(gateway: Gateway, call: str) -> dict[str, int]:
    """Return the usage of a call, which must have been measured."""
    gateway.until_idle()
    (end,) = gateway.ends(call)
    assert isinstance(end, SettleRecord)
    assert end.state == "measured", end
    return end.quantities


def test_bedrock_is_sent_a_signed_body_without_model(start: Start, recording: Recording) -> None:
    """The signature covers host, path, body and time; Anthropic's headers become members."""
    gateway = start(more=own("bedrock", recording.root, "anthropic.haiku-v1:0", credential=KEYS))
    recording.answers.append(whole(json.dumps(REPLY).encode()))
    betas = [("anthropic-version", "2023-06-01"), ("anthropic-beta", "a-1,b-2")]
    reply = ask(gateway, message(model="own"), MESSAGES_PATH, headers=betas)

    assert reply.json == REPLY
    assert recording.path() == "/model/anthropic.haiku-v1%3A0/invoke"
    sent = recording.bodies[-1]
    assert {"model", "stream"}.isdisjoint(sent)
    assert sent["anthropic_version"] == "bedrock-2023-05-31"
    assert sent["anthropic_beta"] == ["a-1", "b-2"]
    assert sent["messages"] == message()["messages"]
    assert recording.header("anthropic-version") is recording.header("anthropic-beta") is None
    assert recording.header("x-amz-security-token") == "token/1="
    _assert_signed(recording, gateway.holds(call_of(reply))[0].at_ns)
    assert measured(gateway, call_of(reply)) == {"input_uncached": 10, "output_text": 5}


def _assert_signed(recording: Recording, at_ns: int) -> None:
    signed = ((b"content-type", b"application/json"),)
    host = recording.header("host") or ""
    asked = Unsigned(host, recording.path(), signed, recording.raw, None, at_ns)
    proof = dict(
        sign(parse_keys(KEYS), asked, method="POST", region="us-east-1", service="bedrock")
    )
    assert recording.header("authorization") == proof[b"authorization"].decode()
    assert recording.header("x-amz-date") == proof[b"x-amz-date"].decode()


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_a_bedrock_stream_is_messages_own_to_the_client(
    start: Start, recording: Recording, step: int
) -> None:
    """However the frames are cut, the client gets the events, and they are metered."""
    gateway = start(more=own("bedrock", recording.root, "m", credential=KEYS))
    data = b"".join(frames.chunk(each) for each in EVENTS)
    pieces = b"".join(chunk(data[at : at + step]) for at in range(0, len(data), step))
    recording.answers.append(FRAMES_HEAD + pieces + b"0\r\n\r\n")
    reply = ask(gateway, message(model="own", stream=True), MESSAGES_PATH)

    assert recording.path() == "/model/m/invoke-with-response-stream"
    assert "stream" not in recording.bodies[-1]
    assert reply.header("content-type") == "text/event-stream; charset=utf-8"
    lines = [line[6:] for line in reply.payload.split(b"\n") if line.startswith(b"data: ")]
    assert [json.loads(line) for line in lines] == EVENTS
    assert measured(gateway, call_of(reply)) == {"input_uncached": 10, "output_text": 5}


def test_anthropics_own_client_reads_a_bedrock_stream(start: Start, recording: Recording) -> None:
    """What comes out of the frames is what the official client expects of Anthropic."""
    gateway = start(more=own("bedrock", recording.root, "m", credential=KEYS))
    data = b"".join(frames.chunk(each) for each in EVENTS)
    recording.answers.append(FRAMES_HEAD + chunk(data) + b"0\r\n\r\n")
    address = f"http://127.0.0.1:{gateway.port}"
    with (
        anthropic.Anthropic(base_url=address, api_key=ALICE, max_retries=0) as client,
        client.messages.stream(
            model="own", max_tokens=100, messages=[{"role": "user", "content": "hello"}]
        ) as stream,
    ):
        final = stream.get_final_message()

    assert [block.text for block in final.content if block.type == "text"] == ["hello"]
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", 5)


def test_a_throttled_bedrock_stream_is_an_error_reply(start: Start, recording: Recording) -> None:
    """An exception in place of the first event has its proper status."""
    gateway = start(more=own("bedrock", recording.root, "m", credential=KEYS))
    data = frames.fault("throttlingException", "Too many tokens")
    recording.answers.append(FRAMES_HEAD + chunk(data) + b"0\r\n\r\n")
    reply = ask(gateway, message(model="own", stream=True), MESSAGES_PATH)

    assert (reply.status, reply.code) == (429, "upstream_rate_limited")


def test_a_broken_frame_ends_the_stream_as_cut(start: Start, recording: Recording) -> None:
    """What came before is delivered; then the client is told, and the bound is posted."""
    gateway = start(more=own("bedrock", recording.root, "m", credential=KEYS))
    bad = bytearray(frames.chunk(EVENTS[1]))
    bad[-1] ^= 1
    good = chunk(frames.chunk(EVENTS[0]))
    recording.answers.append(FRAMES_HEAD + good + chunk(bytes(bad)) + b"0\r\n\r\n")
    reply = ask(gateway, message(model="own", stream=True), MESSAGES_PATH)

    assert reply.payload.startswith(b"event: message_start")
    assert b"upstream_broken" in reply.payload
    gateway.until_idle()
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, SettleRecord)
    assert (end.state, end.reason) == ("estimated", "stream_cut")


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


def test_what_openrouter_says_it_charged_is_written_down_and_not_posted(
    start: Start, recording: Recording
) -> None:
    """The charge goes by the price book; the reported cost stands beside it, to reconcile by."""
    gateway = start(more=own("openrouter", f"{recording.root}/api/v1", "x/y"))
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "cost": 0.0001,
        "is_byok": True,
        "cost_details": {"upstream_inference_cost": 0.0019},
    }
    recording.answers.append(whole(completion(usage=usage, model="claude-haiku-4-5")))
    reply = ask(gateway, chat(model="own"))

    assert recording.path() == "/api/v1/chat/completions"
    gateway.until_idle()
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, SettleRecord)
    assert end.reported_nanos == 2_000_000
    assert end.state == "measured"
    assert 0 < end.amount_nanos == sum(line.amount_nanos for line in end.lines) < 2_000_000
