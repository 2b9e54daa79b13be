"""Cascades of streams: held back until they were verified, and what that costs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from headgate.records.journal import SettleRecord
from headgate.simulator import Simulator
from tests.gateway.calls import ALICE, ask, call_of, chat, config, message
from tests.gateway.cascades import BIG, FORMAT, MINI, MORE, asked, cost, decision, paid, says
from tests.gateway.conftest import Start
from tests.gateway.inprocess import End, Gateway
from tests.gateway.provider import STREAM_HEAD, chunk, event, whole
from tests.gateway.recording import Recording
from tests.gateway.wire import Reply

ALONE = """
[policies.apart]
kind = "cascade"
verifier = "schema"
loss = "1"
streams = "alone"
[routes.apart]
deployments = ["mini", "big"]
policy = "apart"
"""
EXPECTED = """
[holds]
calls_min = 5
reserve_tokens = 64
output_tokens_min = 128
[budgets.run]
node = "run:*"
period = "once"
limit_usd = "0.002"
holds = "expected"
"""
LIMITS = "withheld_bytes_max = 4000\nqueue_ping_ms = 20"
REFUSED = whole(b'{"error": {"message": "no", "type": "x"}}', status=400)


def events(text: str, finish: str = "stop", model: str = MINI, tokens: int = 5) -> bytes:
    """Return the events of a stream that says something in two pieces, and bills for it."""
    usage = {"prompt_tokens": 10, "completion_tokens": tokens, "total_tokens": 10 + tokens}
    pieces = [{"content": text[:1]}, {"content": text[1:]}]
    told = [event(model=model, choices=[chosen(delta)]) for delta in pieces]
    told.append(event(model=model, choices=[chosen({}, finish)]))
    return b"".join((*told, event(model=model, choices=[], usage=usage), b"data: [DONE]\n\n"))


def chosen(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    """Return a choice of an event."""
    return {"index": 0, "delta": delta, "finish_reason": finish}


def streams(text: str, finish: str = "stop", model: str = MINI, tokens: int = 5) -> bytes:
    """Return such a stream as a reply."""
    return STREAM_HEAD + chunk(events(text, finish, model, tokens)) + b"0\r\n\r\n"


def heard(reply: Reply) -> str:
    """Return what the client of a stream that ended in order was told."""
    assert reply.status == 200
    assert (reply.header("content-type") or "").startswith("text/event-stream")
    *told, last = [line[6:] for line in reply.payload.decode().split("\n\n") if line]
    assert last == "[DONE]"
    deltas = [choice["delta"] for each in told for choice in json.loads(each)["choices"]]
    return "".join(delta.get("content", "") for delta in deltas)


@pytest.fixture(scope="module")
def recorded() -> Iterator[Recording]:
    """A provider that says what it is told to."""
    with Recording() as one:
        yield one


@pytest.fixture(scope="module")
def running(recorded: Recording, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with a route for each verifier, which holds little back."""
    url = recorded.server.url
    text = config(url, url, more=MORE + ALONE, limits=LIMITS)
    with Gateway(tmp_path_factory.mktemp("streams"), text) as gateway:
        yield gateway


@pytest.fixture
def provider(recorded: Recording) -> Recording:
    """The provider, with nothing asked of it yet."""
    recorded.answers.clear()
    recorded.bodies.clear()
    return recorded


@pytest.fixture
def gateway(running: Gateway) -> Iterator[Gateway]:
    """The gateway; afterwards each hold has ended once, and nothing is held back."""
    yield running
    running.assert_settled()
    assert running.run(lambda: running.pipeline._buffered_bytes) == 0
    running.heal()


def streamed(**more: Any) -> dict[str, Any]:
    """Return a call for a number as JSON, streamed."""
    return chat(**{"model": "form", "response_format": FORMAT, "stream": True, **more})


def test_what_passes_is_relayed_as_it_came(gateway: Gateway, provider: Recording) -> None:
    """Byte for byte, with the usage where it was asked for; the head says step and cost."""
    provider.answers = [streams('{"answer": 1}')]

    reply = ask(gateway, streamed(stream_options={"include_usage": True}))

    assert heard(reply) == '{"answer": 1}'
    assert reply.payload == events('{"answer": 1}')
    assert reply.header("x-headgate-cascade") == "1/2"
    assert reply.header("x-headgate-deployment") == "mini"
    assert reply.header("x-headgate-model") == MINI
    assert asked(provider) == [MINI]
    assert paid(gateway, reply) == [cost(reply)]
    assert decision(gateway, "form").notes["cascade"] == "mini -> big"


@pytest.mark.parametrize(("text", "finish"), [('{"answer": "1"}', "stop"), ("12", "length")])
def test_what_does_not_is_dropped_and_the_last_step_streams_at_once(
    gateway: Gateway, provider: Recording, text: str, finish: str
) -> None:
    """Both are paid; the client sees the second alone, and which it is stands in its head."""
    provider.answers = [streams(text, finish), streams("two", model=BIG)]

    reply = ask(gateway, streamed())

    assert heard(reply) == "two"
    assert reply.header("x-headgate-cascade") == "2/2"
    assert reply.header("x-headgate-deployment") == "big"
    assert asked(provider) == [MINI, BIG]
    cheap, dear = paid(gateway, reply)
    assert 0 < cheap < dear


def test_what_was_held_back_is_better_than_an_error(gateway: Gateway, provider: Recording) -> None:
    """When the next step fails the client gets the stream so far, unless the policy refuses."""
    provider.answers = [streams("1"), REFUSED, streams("1"), REFUSED]

    kept = ask(gateway, streamed())
    strict = ask(gateway, streamed(model="strict"))

    assert heard(kept) == "1"
    assert kept.header("x-headgate-cascade") == "1/2"
    assert [cost(kept), 0] == paid(gateway, kept)
    assert strict.status == 400


def test_a_stream_that_breaks_off_is_asked_for_elsewhere(
    gateway: Gateway, provider: Recording
) -> None:
    """Nothing of it was seen, so it is as good as never begun; its bound is posted."""
    begun = event(choices=[chosen({"content": "1"})])
    failed = b'data: {"error": {"message": "overloaded", "type": "server_error"}}\n\n'
    cut = STREAM_HEAD + chunk(begun) + chunk(failed) + b"0\r\n\r\n"
    provider.answers = [cut, streams("two", model=BIG)]

    reply = ask(gateway, streamed())

    assert heard(reply) == "two"
    first, last = gateway.ends(call_of(reply))
    assert isinstance(first, SettleRecord)
    assert (first.state, first.reason, first.final) == ("estimated", "provider_error", False)
    assert isinstance(last, SettleRecord)
    assert last.state == "measured"


def test_a_judge_reads_a_stream_as_a_reply(gateway: Gateway, provider: Recording) -> None:
    """Its own answer is whole; FAIL drops the stream, PASS sends it."""
    provider.answers = [streams("seven"), says("PASS"), streams("six"), says("FAIL")]
    provider.answers.append(streams("8", model=BIG))

    passed = ask(gateway, chat("how many?", model="judged", stream=True))
    failed = ask(gateway, chat("how many?", model="judged", stream=True))

    assert (heard(passed), heard(failed)) == ("seven", "8")
    assert "seven" in json.dumps(provider.bodies[1])
    assert sum(paid(gateway, passed)) == cost(passed)
    assert len(paid(gateway, failed)) == 3


def test_a_last_step_is_read_no_further_than_one_is_held_back(
    gateway: Gateway, provider: Recording
) -> None:
    """What it says is compared with the answers before it; what is long is not, nor remembered."""
    answers = ['{"answer": 1}', '{"answer": "%s"}' % ("x" * 5_000)]
    provider.answers = [streams("no"), streams(answers[0]), streams("no"), streams(answers[1])]

    calls = [call_of(ask(gateway, streamed())) for _ in answers]

    cascading = gateway.pipeline.cascading
    assert cascading is not None
    assert [cascading.runs._finished[call].served != b"" for call in calls] == [True, False]


def test_a_policy_may_leave_streams_alone(gateway: Gateway, provider: Recording) -> None:
    """They go to the best one, at once; whole replies are verified all the same."""
    provider.answers = [streams("no", model=BIG), says('{"answer": 1}')]

    alone = ask(gateway, streamed(model="apart"))
    whole_one = ask(gateway, chat(model="apart", response_format=FORMAT))

    assert heard(alone) == "no"
    assert asked(provider) == [BIG, MINI]
    assert alone.header("x-headgate-cascade") is None
    assert whole_one.header("x-headgate-cascade") == "1/2"


def test_the_official_clients_see_one_stream(start: Start, simulator: Simulator) -> None:
    """Chat Completions, Responses and Messages, translated: two that say the same are believed."""
    gateway = start(more=MORE)
    url = f"http://127.0.0.1:{gateway.port}"
    text = 'Say it. [say "42"]'
    messages: Any = [{"role": "user", "content": text}]
    with openai.OpenAI(api_key=ALICE, base_url=f"{url}/v1", max_retries=0) as client:
        chunks = client.chat.completions.create(model="alike", messages=messages, stream=True)
        by_chat = "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)
        stream = client.responses.create(model="alike", input=text, stream=True)
        by_responses = [each for each in stream if each.type == "response.completed"]
    with (
        anthropic.Anthropic(api_key=ALICE, base_url=url, max_retries=0) as other,
        other.messages.stream(model="alike", max_tokens=50, messages=messages) as told,
    ):
        by_messages = told.get_final_text()
        head = told.response.headers

    assert (by_chat, by_messages) == ("42", "42")
    assert [each.response.output_text for each in by_responses] == ["42"]
    assert head["x-headgate-cascade"] == "2/3"
    routes = gateway.routes(head["x-headgate-call"])
    assert [each.via for each in routes] == ["openai_chat", "openai_chat"]


def test_a_translated_step_is_held_back_as_well(gateway: Gateway, provider: Recording) -> None:
    """Messages in front of Chat Completions: dropped, and the last step told at once."""
    provider.answers = [streams("no", "length"), streams("two", model=BIG)]

    reply = ask(gateway, message(model="form", stream=True), path="/v1/messages")

    assert reply.header("x-headgate-cascade") == "2/2"
    told = [json.loads(each[6:]) for each in reply.payload.decode().splitlines() if each[:1] == "d"]
    assert [each["delta"].get("text") for each in told if "delta" in each] == ["t", "wo", None]
    assert told[-1]["type"] == "message_stop"


def test_a_stream_that_no_budget_carries_further_is_closed_and_verified(
    simulator: Simulator, tmp_path: Path
) -> None:
    """It was cut at what could be held: that does not pass, and is what there is in the end."""
    openai_url, more = simulator.openai_url, MORE + EXPECTED
    text = config(openai_url, openai_url, more=more, deployment="hidden_reasoning = false")
    text = text.replace('period = "month"', 'period = "month"\nholds = "expected"')
    with Gateway(tmp_path, text) as gateway:
        reply, ends = cut_short(gateway)
        gateway.assert_settled()

    assert reply.header("x-headgate-cascade") == "1/2"
    assert b'"finish_reason":"length"' in reply.payload.replace(b" ", b"")
    end = ends[0]
    assert isinstance(end, SettleRecord)
    assert (end.state, end.reason) == ("estimated", "length_stop")
    assert end.amount_nanos <= 2_000_000


def cut_short(gateway: Gateway) -> tuple[Reply, list[End]]:
    """Have lengths learned, then ask for more than a run can pay; return the reply and the ends."""
    for _ in range(5):
        ask(gateway, chat("[sim:tokens=20]", model="form", max_completion_tokens=50))

    text = "[sim:tokens=6000] [sim:delay_ms=2] [sim:chunk_tokens=40]"
    body = chat(text, model="form", max_completion_tokens=8_000, stream=True)
    reply = ask(gateway, body, headers=[("x-headgate-run", "tight")])
    return reply, gateway.ends(call_of(reply))
