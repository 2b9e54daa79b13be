"""Bedrock over the wire: Messages by InvokeModel, other makers' models by Converse, both signed."""

import json

import anthropic
import pytest
from openai.types.chat import ChatCompletion

from headgate.providers.envelope import Unsigned
from headgate.providers.sigv4 import parse_keys, sign
from headgate.records.journal import SettleRecord
from tests.gateway.calls import ALICE, MESSAGES_PATH, ask, call_of, chat, message
from tests.gateway.conftest import Start
from tests.gateway.kinds import EVENTS, MINI, RECORDED, REPLY, measured, own
from tests.gateway.provider import chunk, whole
from tests.gateway.recording import Recording
from tests.providers import frames

KEYS = "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY:token/1="
FRAMES_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
NOVA = "us.amazon.nova-micro-v1:0"


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


def test_a_model_of_another_maker_on_bedrock_is_asked_by_converse(
    start: Start, recording: Recording
) -> None:
    """A chat call leaves signed, as Converse without a model; the recorded reply is told back."""
    gateway = start(more=own("bedrock", recording.root, NOVA, credential=KEYS, catalog=MINI))
    recording.answers.append(whole((RECORDED / "bedrock_converse" / "nova-tool.json").read_bytes()))
    tool = {"type": "function", "function": {"name": "temperature", "parameters": {}}}
    reply = ask(gateway, chat(model="own", tools=[tool]))

    assert recording.path() == "/model/us.amazon.nova-micro-v1%3A0/converse"
    _assert_signed(recording, gateway.holds(call_of(reply))[0].at_ns)
    sent = recording.bodies[-1]
    assert sent["inferenceConfig"] == {"maxTokens": 100}
    assert {"model", "stream", "anthropic_version"}.isdisjoint(sent)
    completion = ChatCompletion.model_validate(reply.json)
    assert (completion.id, completion.model) == (call_of(reply), NOVA)
    assert completion.choices[0].finish_reason == "tool_calls"
    assert measured(gateway, call_of(reply)) == {"input_uncached": 551, "output_text": 132}


@pytest.mark.parametrize("step", [7, 100_000])
def test_a_recorded_converse_stream_is_told_to_a_client_of_messages(
    start: Start, recording: Recording, step: int
) -> None:
    """However its frames are cut, the official client reads thoughts and words; it is metered."""
    gateway = start(more=own("bedrock", recording.root, "openai.gpt-oss-120b-1:0", catalog=MINI))
    data = (RECORDED / "bedrock_converse" / "gpt-oss.frames").read_bytes()
    pieces = b"".join(chunk(data[at : at + step]) for at in range(0, len(data), step))
    recording.answers.append(FRAMES_HEAD + pieces + b"0\r\n\r\n")
    address = f"http://127.0.0.1:{gateway.port}"
    with (
        anthropic.Anthropic(base_url=address, api_key=ALICE, max_retries=0) as client,
        client.messages.stream(
            model="own", max_tokens=100, messages=[{"role": "user", "content": "Hi"}]
        ) as stream,
    ):
        final = stream.get_final_message()

    assert recording.path().endswith("/converse-stream")
    assert recording.header("authorization") == "Bearer secret"
    assert [block.type for block in final.content] == ["thinking", "text"]
    assert final.model == "openai.gpt-oss-120b-1:0"
    assert measured(gateway, final.id) == {"input_uncached": 70, "output_text": 43}


def test_a_throttled_converse_stream_is_an_error_reply(start: Start, recording: Recording) -> None:
    """An exception in place of the first event has its proper status in every dialect."""
    gateway = start(more=own("bedrock", recording.root, NOVA, catalog=MINI))
    data = frames.fault("throttlingException", "Too many tokens")
    recording.answers.append(FRAMES_HEAD + chunk(data) + b"0\r\n\r\n")
    reply = ask(gateway, chat(model="own", stream=True))

    assert (reply.status, reply.code) == (429, "upstream_rate_limited")


def test_a_deployment_may_be_told_what_it_speaks(start: Start, recording: Recording) -> None:
    """A profile's name says nothing of its maker; `dialects` of the deployment does."""
    profile = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/x"
    said = own("bedrock", recording.root, profile, catalog=MINI)
    gateway = start(more=said + 'dialects = ["anthropic_messages"]\n')
    recording.answers.append(whole(json.dumps(REPLY).encode()))

    reply = ask(gateway, message(model="own"), MESSAGES_PATH)

    assert recording.path().endswith("/invoke")
    assert reply.json == REPLY
