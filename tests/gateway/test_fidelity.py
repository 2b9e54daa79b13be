"""Bytes: what goes through unchanged, what is spliced, what never passes, in both directions."""

import json
import re
from typing import Any

import pytest

from headgate.simulator import Pace, ProviderName, Received, Simulator
from tests.gateway.calls import (
    ALICE,
    CHAT_PATH,
    MESSAGES_PATH,
    ask,
    chat,
    head,
    message,
    request,
)
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import STREAM_HEAD, Line, Provider, chunk, completion, whole
from tests.gateway.wire import Wire

THINKING = (
    rb'{"type":"thinking","thinking":"See\u2026 \ud83e\udd14","signature":"EqQBCkYIBxgCKkD+/=="}'
)
ODD_MESSAGES = rb"""{
  "metadata" : {"user_id":"u-1", "user_id":"u-2", "max_tokens": 1, "model": "x"},
	"max_tokens":100 ,
  "unknown_field": {"stream": true, "n": [1e2, -0.0, 1E+5, 123456789012345678901234567890]},
  "messages": [
    {"content": [{"text": "caf\u00e9 \u0041 \/ \" \\", "type": "text"}], "role": "user"},
    {"role": "assistant", "content": [THINKING, {"type":"redacted_thinking","data":"Zm9v"},
      {"type": "text", "text": "ok"}]},
    {"role": "user", "content": "\ud83d\ude00 MODEL max_tokens \"model\": \"haiku\" [sim:tokens=3]"}
  ],
  "system": [ { "type" : "text", "text" : "" , "cache_control":{"type":"ephemeral"} } ],
  "model" : "haiku"
}   """.replace(b"THINKING", THINKING)
ODD_CHAT = rb"""{"metadata":{"model":"y"},"messages":[{"role":"user","content":"\u00fc \/"},
 {"role": "assistant", "content": null, "reasoning_content": "a\nb", "tool_calls": [{"id":"c",
 "type":"function","function":{"name":"f","arguments":"{\"model\": \"mini\", \"model\": 2}"}}]},
 {"role":"tool","tool_call_id":"c","content":"\ud83d\ude00"},
 {"role":"user","content":"[sim:tokens=3]"}]
 ,"max_completion_tokens": 100,"x":{"max_tokens":null}, "model"
 :
 "m\u0069ni" }"""


def received(simulator: Simulator) -> Received:
    """Return what the provider got last."""
    return simulator.received.last()


def test_a_message_arrives_byte_for_byte(gateway: Gateway, simulator: Simulator) -> None:
    """Only the model's name differs: signed thinking, unknown fields, order and escapes stay."""
    reply = ask(gateway, ODD_MESSAGES, MESSAGES_PATH)

    assert reply.status == 200, reply.payload
    expected = ODD_MESSAGES.replace(b'"model" : "haiku"', b'"model" : "claude-haiku-4-5"')
    assert received(simulator).body == expected


def test_a_chat_arrives_byte_for_byte(gateway: Gateway, simulator: Simulator) -> None:
    """Only the model's name differs."""
    reply = ask(gateway, ODD_CHAT)

    assert reply.status == 200, reply.payload
    assert received(simulator).body == ODD_CHAT.replace(rb'"m\u0069ni"', b'"gpt-5.4-mini"')


def test_a_name_that_is_the_providers_changes_nothing(start: Start, simulator: Simulator) -> None:
    """When the client already asks for the provider's name, the body is not touched at all."""
    name = '[deployments."gpt-5.4-mini"]\nprovider = "openai"\nmodel = "gpt-5.4-mini"'
    gateway = start(more=name)
    raw = ODD_CHAT.replace(rb'"m\u0069ni"', b'"gpt-5.4-mini"')

    assert ask(gateway, raw).status == 200
    assert received(simulator).body == raw


SPLICES = [
    (
        "a limit that is missing is put first",
        CHAT_PATH,
        b'{ "model":"mini","messages":[]}',
        rb'\{"max_completion_tokens":\d+, "model":"gpt-5.4-mini","messages":\[\]\}',
    ),
    (
        "a limit above the model's is lowered",
        CHAT_PATH,
        b'{"model":"mini","max_completion_tokens":99999999,"messages":[]}',
        rb'\{"model":"gpt-5.4-mini","max_completion_tokens":128000,"messages":\[\]\}',
    ),
    (
        "a null limit gets a number",
        CHAT_PATH,
        b'{"model":"mini","max_completion_tokens":null,"messages":[]}',
        rb'\{"model":"gpt-5.4-mini","max_completion_tokens":\d+,"messages":\[\]\}',
    ),
    (
        "the older name of the limit is kept",
        CHAT_PATH,
        b'{"model":"mini","max_tokens":7,"messages":[]}',
        rb'\{"model":"gpt-5.4-mini","max_tokens":7,"messages":\[\]\}',
    ),
    (
        "a stream is asked for its usage",
        CHAT_PATH,
        b'{"model":"mini","max_tokens":7,"stream":true,"messages":[]}',
        rb'\{"stream_options":\{"include_usage":true\},"model":"gpt-5.4-mini","max_tokens":7,'
        rb'"stream":true,"messages":\[\]\}',
    ),
    (
        "other stream options stay",
        CHAT_PATH,
        b'{"model":"mini","max_tokens":7,"stream":true,"stream_options": {"include_obfuscation" :'
        b' false },"messages":[]}',
        rb'\{"model":"gpt-5.4-mini","max_tokens":7,"stream":true,"stream_options": '
        rb'\{"include_usage":true,"include_obfuscation" : false \},"messages":\[\]\}',
    ),
    (
        "usage that is asked for already is left alone",
        CHAT_PATH,
        b'{"model":"mini","max_tokens":7,"stream":true,"stream_options": { "include_usage" : true}'
        b',"messages":[]}',
        rb'\{"model":"gpt-5.4-mini","max_tokens":7,"stream":true,"stream_options": '
        rb'\{ "include_usage" : true\},"messages":\[\]\}',
    ),
    (
        "a message's limit above the model's is lowered",
        MESSAGES_PATH,
        b'{"model":"haiku", "max_tokens" : 99999999, "messages":[]}',
        rb'\{"model":"claude-haiku-4-5", "max_tokens" : 64000, "messages":\[\]\}',
    ),
]


@pytest.mark.parametrize(("what", "path", "raw", "expected"), SPLICES, ids=[s[0] for s in SPLICES])
def test_the_documented_splices(
    gateway: Gateway, simulator: Simulator, what: str, path: str, raw: bytes, expected: bytes
) -> None:
    """Each change is made in place and no other byte moves."""
    ask(gateway, raw, path)

    assert re.fullmatch(expected, received(simulator).body), received(simulator).body


def test_a_megabyte_arrives_whole(gateway: Gateway, simulator: Simulator) -> None:
    """In pieces as the network cuts them, joined once."""
    text = '\U0001f600 \\u0041 "model"' * 50_000
    raw = json.dumps(message(text + "[sim:tokens=3]", model="sonnet"), ensure_ascii=False).encode()
    assert len(raw) > 1_000_000
    with Wire(gateway.port) as wire:
        wire.send(head(MESSAGES_PATH) + b"content-length: %d\r\n\r\n" % len(raw))
        for start in range(0, len(raw), 70_001):
            wire.send(raw[start : start + 70_001])
        assert wire.read().status == 200

    assert received(simulator).body == raw.replace(b'"sonnet"', b'"claude-sonnet-5"', 1)


SENT = [
    ("anthropic-version", "2023-06-01"),
    ("anthropic-beta", "interleaved-thinking-2025-05-14,context-1m-2025-08-07"),
    ("openai-beta", "realtime=v1"),
    ("openai-organization", "org-of-the-client"),
    ("x-client-request-id", "client-1"),
    ("anthropic-dangerous-direct-browser-access", "true"),
    ("x-stainless-lang", "python"),
    ("x-custom", "secret"),
    ("cookie", "session=1"),
    ("user-agent", "somebody/1.0"),
    ("accept-encoding", "gzip, br"),
    ("accept", "text/event-stream"),
    ("x-forwarded-for", "10.0.0.1"),
    ("forwarded", "for=10.0.0.1"),
    ("via", "1.1 somewhere"),
    ("te", "trailers"),
    ("trailer", "x-custom"),
    ("keep-alive", "timeout=5"),
    ("proxy-authorization", "Basic eA=="),
    ("x-headgate-run", "r1"),
    ("x-api-key", ALICE),
]


def test_only_named_headers_go_to_the_provider(gateway: Gateway, simulator: Simulator) -> None:
    """Versions and betas of the dialect; no credential of the client, nothing unknown, no hop's."""
    assert ask(gateway, message(), MESSAGES_PATH, headers=SENT).status == 200
    anthropic = dict(received(simulator).headers)
    assert ask(gateway, chat(), headers=SENT).status == 200
    openai = dict(received(simulator).headers)

    own = {"host", "user-agent", "accept-encoding", "content-type", "content-length"}
    assert set(anthropic) == own | {"x-api-key", "anthropic-version", "anthropic-beta"}
    assert anthropic["anthropic-beta"] == dict(SENT)["anthropic-beta"]
    assert anthropic["x-api-key"] == "sk-ant-upstream"
    assert set(openai) == own | {"authorization", "openai-beta", "x-client-request-id"}
    assert openai["authorization"] == "Bearer sk-upstream"
    assert openai["user-agent"] == "headgate"
    assert openai["accept-encoding"] == "identity"
    assert ALICE not in str(openai) + str(anthropic)


def test_a_version_is_sent_when_the_client_sends_none(
    gateway: Gateway, simulator: Simulator
) -> None:
    """Anthropic wants one; betas sent twice go through twice."""
    betas = [("anthropic-beta", "one"), ("anthropic-beta", "two")]
    assert ask(gateway, message(), MESSAGES_PATH, headers=betas).status == 200

    headers = received(simulator).headers
    assert ("anthropic-version", "2023-06-01") in headers
    assert [value for name, value in headers if name == "anthropic-beta"] == ["one", "two"]


def test_a_header_named_by_connection_does_not_pass(gateway: Gateway, simulator: Simulator) -> None:
    """Nor does `connection` itself; the path is the provider's, without the client's query."""
    hop = [("connection", "x-custom, keep-alive"), ("x-custom", "1")]
    assert ask(gateway, chat(), CHAT_PATH + "?api-version=1", headers=hop).status == 200

    last = received(simulator)
    assert last.target == "/v1/chat/completions"
    assert last.header("connection") is None
    assert last.header("x-custom") is None


PASSED = (
    "x-request-id: req_1\r\nx-ratelimit-remaining-requests: 9\r\nopenai-processing-ms: 12\r\n"
    "openai-organization: our-org\r\nset-cookie: a=b\r\nserver: hidden\r\nx-unknown: 1\r\n"
    "x-headgate-cost-usd: 0\r\nkeep-alive: timeout=5\r\nalt-svc: h3\r\ndate: today\r\n"
)


@pytest.mark.parametrize(
    "body",
    [
        completion(),
        completion(note="\u00fc \U0001f600", usage={"prompt_tokens": 1, "completion_tokens": 1}),
        json.dumps(json.loads(completion()), indent=3).encode() + b"\n\n",
        completion().replace(b"hello", rb"\u0041\/\ud83d"),
    ],
)
def test_a_reply_that_is_not_streamed_is_passed_on_byte_for_byte(start: Start, body: bytes) -> None:
    """The body is the provider's; of its headers only request ids and limits pass."""

    async def serve(line: Line) -> None:
        await line.request()
        await line.send(whole(body, headers=PASSED))

    with Provider(serve) as provider:
        reply = ask(start(openai_url=provider.url), chat())

    assert reply.payload == body
    assert reply.header("content-type") == "application/json"
    theirs = {name for name, _ in reply.headers if not name.startswith(("x-headgate-", "content-"))}
    passed = {"x-request-id", "x-ratelimit-remaining-requests", "openai-processing-ms"}
    assert theirs == {*passed, "date"}
    assert reply.header("date") != "today"
    assert reply.header("x-headgate-cost-usd") != "0"


def test_the_headers_of_a_reply_tell_what_it_cost(gateway: Gateway, simulator: Simulator) -> None:
    """Call, deployment, decision, hold, served model and cost; the usage object is untouched."""
    reply = ask(gateway, message(), MESSAGES_PATH)

    call = reply.header("x-headgate-call") or ""
    (held,), (end,) = gateway.holds(call), gateway.ends(call)
    assert reply.header("x-headgate-deployment") == "haiku"
    assert reply.header("x-headgate-decision") == str(held.decision)
    assert reply.header("x-headgate-model") == "claude-haiku-4-5-20251001"
    assert int((reply.header("x-headgate-hold-usd") or "").replace(".", "")) == held.amount_nanos
    cost = int((reply.header("x-headgate-cost-usd") or "").replace(".", ""))
    assert cost == end.amount_nanos  # type: ignore[union-attr]
    assert reply.json["usage"]["output_tokens"] == 40


def events_of(payload: bytes) -> list[bytes]:
    """Return the events of a stream."""
    return payload.split(b"\n\n")[:-1]


def stream_of(newline: bytes) -> tuple[bytes, bytes]:
    """Return a stream with its usage, and what a client gets that did not ask for it."""
    plain = [completion_event(text) for text in ("a", "\u00fc", 'usage "prompt_tokens"', "")]
    usage = b'data: {"id":"1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":5}}'
    done = b"data: [DONE]"
    comment = b": keep-alive"
    end = newline * 2
    full = end.join([comment, *plain, usage, done]) + end
    stripped = end.join([comment, *plain, done]) + end
    return full, stripped


def completion_event(text: str) -> bytes:
    """Return an event with a piece of text."""
    document = {"id": "1", "usage": None, "choices": [{"index": 0, "delta": {"content": text}}]}
    return b"data: " + json.dumps(document, ensure_ascii=False).encode()


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [1, 7, 1_000_000])
@pytest.mark.parametrize("asked", [False, True])
def test_a_stream_is_passed_on_byte_for_byte(
    start: Start, newline: bytes, size: int, asked: bool
) -> None:
    """However it is cut; only the usage event goes missing, where only we asked for it."""
    full, stripped = stream_of(newline)

    async def serve(line: Line) -> None:
        await line.request()
        await line.send(STREAM_HEAD)
        for begin in range(0, len(full), size):
            await line.send(chunk(full[begin : begin + size]))
        await line.send(b"0\r\n\r\n")

    with Provider(serve) as provider:
        gateway = start(openai_url=provider.url)
        fields: dict[str, Any] = {"stream_options": {"include_usage": True}} if asked else {}
        reply = ask(gateway, chat(stream=True, **fields))
        (end,) = gateway.ends(gateway.last_call())

    assert reply.payload == (full if asked else stripped)
    assert end.state == "measured"  # type: ignore[union-attr]


def test_a_stream_of_messages_is_passed_on_byte_for_byte(
    gateway: Gateway, simulator: Simulator
) -> None:
    """In this dialect usage is part of the stream and stays."""
    simulator.pace = Pace(ttft_ms=0, delay_ms=1, jitter_share=0, chunk_tokens=3)
    reply = ask(gateway, message(stream=True), MESSAGES_PATH)

    names = [event.split(b"\n")[0] for event in events_of(reply.payload)]
    assert names[0] == b"event: message_start"
    assert names[-2:] == [b"event: message_delta", b"event: message_stop"]
    assert reply.header("content-type") == "text/event-stream; charset=utf-8"
    assert reply.header("cache-control") == "no-cache"
    assert reply.header("x-headgate-cost-usd") is None
    assert len(reply.chunks) > 3


def test_events_arrive_when_they_are_sent(start: Start) -> None:
    """Nothing waits for more: the first event is at the client before the second is made."""
    seen: list[Any] = []
    first = completion_event("first") + b"\n\n"

    async def serve(line: Line) -> None:
        await line.request()
        await line.send(STREAM_HEAD + chunk(first))
        await seen[0].wait()
        await line.send(chunk(completion_event("second") + b"\n\ndata: [DONE]\n\n") + b"0\r\n\r\n")

    with Provider(serve) as provider:
        gateway = start(openai_url=provider.url)
        seen.append(provider.event())
        with Wire(gateway.port) as wire:
            wire.send(request(chat(stream=True)))
            wire.read_head()
            assert wire.read_chunk() == first
            seen[0].set()
            assert b"second" in wire.read_chunk()


def test_our_own_credential_never_reaches_a_client(gateway: Gateway, simulator: Simulator) -> None:
    """Neither in a reply nor in an error, whatever the provider says."""
    for body in (chat(), chat("[sim:fault=unauthorized]"), chat("[sim:fault=server_error]")):
        reply = ask(gateway, body)
        assert "sk-upstream" not in str(reply)
    assert simulator.received.last().provider is ProviderName.OPENAI
