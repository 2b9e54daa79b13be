"""Cascades of streams: held back until they were verified, and what that costs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from headgate.gateway.edge import ClientConnection
from headgate.gateway.recorder import Recorder
from headgate.records.journal import SettleRecord
from headgate.records.repeats import Claim
from headgate.simulator import Simulator
from tests.gateway.calls import ALICE, ask, call_of, chat, config, encode, message, request
from tests.gateway.cascades import BIG, FORMAT, MINI, MORE, asked, cost, decision, paid, says
from tests.gateway.conftest import Start
from tests.gateway.inprocess import End, Gateway
from tests.gateway.provider import STREAM_HEAD, Event, Line, Provider, chunk, event, whole
from tests.gateway.recording import Recording
from tests.gateway.test_cuts import freeze
from tests.gateway.wire import Reply, Wire

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
    told = [event(model=model, choices=[_choice(delta)]) for delta in pieces]
    told.append(event(model=model, choices=[_choice({}, finish)]))
    return b"".join((*told, event(model=model, choices=[], usage=usage), b"data: [DONE]\n\n"))


def _choice(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
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
    begun = event(choices=[_choice({"content": "1"})])
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


class Stepping:
    """The cheap model's streams wait in the middle until they are told to go on.

    Attributes:
        first: Events that come at once.
        rest: Those that wait.
        last: What the dear model replies, when `then` is set; `early` before that.
    """

    def __init__(self) -> None:
        self.first, self.rest = events('{"answer": 1}')[:20], events('{"answer": 1}')[20:]
        self.early = self.last = b""
        self.go: Event
        self.then: Event
        self.server = Provider(self._talk)

    async def _talk(self, line: Line) -> None:
        while True:
            body = json.loads((await line.request()).partition(b"\r\n\r\n")[2])
            if body["model"] == BIG:
                await line.send(self.early)
                await self.then.wait()
                await line.send(self.last)
                continue
            await line.send(STREAM_HEAD + chunk(event(choices=[])) + chunk(self.first))
            await self.go.wait()
            await line.send(chunk(self.rest) + b"0\r\n\r\n")


@pytest.fixture(scope="module")
def paced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Stepping]]:
    """A gateway whose cheap model pauses."""
    stepping = Stepping()
    with stepping.server as server:
        text = config(server.url, server.url, more=MORE, limits=LIMITS)
        with Gateway(tmp_path_factory.mktemp("paced"), text) as gateway:
            yield gateway, stepping


@pytest.fixture
def stepped(paced: tuple[Gateway, Stepping]) -> Iterator[tuple[Gateway, Stepping]]:
    """The two, with a new script; afterwards nothing is held."""
    gateway, stepping = paced
    stepping.go = stepping.server.event()
    stepping.early, stepping.last = b"", streams("two", model=BIG)
    stepping.then = stepping.server.event()
    stepping.then.set()
    yield gateway, stepping
    stepping.go.set()
    stepping.then.set()
    gateway.assert_settled()
    assert gateway.run(lambda: gateway.pipeline._buffered_bytes) == 0
    gateway.heal()


def holding(gateway: Gateway) -> None:
    """Wait until the only call's stream has begun, and is held back."""
    gateway.until(
        lambda: [each.begun for each in gateway.pipeline.exchanges] == [True], "it is held back"
    )


def test_while_it_is_held_back_the_client_hears_pings(stepped: tuple[Gateway, Stepping]) -> None:
    """Its head, which says nothing of the step, and empty lines; then the whole stream at once."""
    gateway, stepping = stepped
    with Wire(gateway.port) as wire:
        wire.send(request(streamed()))
        holding(gateway)
        assert b"200 OK" in wire.read_head()
        assert [wire.read_chunk() for _ in range(2)] == [b"\n"] * 2
        stepping.go.set()
        pieces = iter(wire.read_chunk, b"")

        told = b"".join(pieces).lstrip(b"\n")
    assert b'"content": "{"' in told
    assert told.endswith(b"data: [DONE]\n\n")


def test_an_error_behind_pings_is_not_kept_for_a_key(stepped: tuple[Gateway, Stepping]) -> None:
    """The last step answers without a stream: who comes back with the key may ask anew."""
    gateway, stepping = stepped
    stepping.rest, stepping.last = events("no"), says("two", model=BIG)
    repeats = gateway.pipeline.repeats

    def key() -> Recorder:
        (exchange,) = gateway.pipeline.exchanges
        assert isinstance(exchange.client, ClientConnection)
        claim = Claim("alice", "k", "", exchange.call, "j")
        exchange.client = recorder = Recorder(repeats, exchange, exchange.client, claim)
        return recorder

    with Wire(gateway.port) as wire:
        wire.send(request(streamed()))
        holding(gateway)
        recorder = gateway.run(key)
        wire.read_head()
        stepping.go.set()
        told = b"".join(iter(wire.read_chunk, b""))

    assert b"without a stream" in told
    assert not recorder.whole


def test_what_is_longer_than_may_be_held_back_did_not_pass(
    stepped: tuple[Gateway, Stepping],
) -> None:
    """It is ended and posted at its bound, and the next is asked."""
    gateway, stepping = stepped
    stepping.rest = event(choices=[_choice({"content": "x" * 5_000})])
    with Wire(gateway.port) as wire:
        wire.send(request(streamed()))
        holding(gateway)
        stepping.go.set()
        payload = wire.read().payload

    assert b'"wo"' in payload
    assert payload.endswith(b"data: [DONE]\n\n")
    first, last = gateway.ends(gateway.last_call())
    assert isinstance(first, SettleRecord)
    assert (first.state, first.reason, first.final) == ("estimated", "withheld_too_long", False)
    assert isinstance(last, SettleRecord)
    assert (last.state, last.final) == ("measured", True)


def test_what_is_kept_counts_as_bodies_do(stepped: tuple[Gateway, Stepping]) -> None:
    """While the next step is asked; and its head names the step once, however it begins."""
    gateway, stepping = stepped
    usage = {"prompt_tokens": 10, "completion_tokens": 0, "total_tokens": 10}
    # Its client has not asked for that, so nothing is sent on yet.
    stepping.early = STREAM_HEAD + chunk(event(model=BIG, choices=[], usage=usage))
    stepping.then, stepping.rest = stepping.server.event(), events("no")
    stepping.last = chunk(events("two", model=BIG)) + b"0\r\n\r\n"
    with Wire(gateway.port) as wire:
        wire.send(request(streamed()))
        holding(gateway)
        stepping.go.set()
        gateway.until(
            lambda: (
                [(each.target.deployment.id, each.phase) for each in gateway.pipeline.exchanges]
                == [("big", "body")]
            ),
            "the last step begins",
        )
        buffered = gateway.run(lambda: gateway.pipeline._buffered_bytes)
        stepping.then.set()
        reply = wire.read()

    assert buffered > len(encode(streamed())) + len(events("no")) // 2
    assert b'"wo"' in reply.payload
    assert [name for name, _ in reply.headers].count("x-headgate-cascade") <= 1


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


def test_who_leaves_meanwhile_pays_what_was_begun(stepped: tuple[Gateway, Stepping]) -> None:
    """It is read to its end, as any stream whose client went away, and nobody else is asked."""
    gateway, stepping = stepped
    stepping.rest = events("no")
    with Wire(gateway.port) as wire:
        wire.send(request(streamed()))
        holding(gateway)
    gateway.until(
        lambda: all(each.client is None for each in gateway.pipeline.exchanges), "it has left"
    )
    stepping.go.set()
    gateway.until_idle()

    (end,) = gateway.ends(gateway.last_call())
    assert isinstance(end, SettleRecord)
    assert (end.state, end.final) == ("measured", True)


def test_who_is_frozen_meanwhile_gets_nothing_of_it(stepped: tuple[Gateway, Stepping]) -> None:
    """The client has seen no byte, or pings alone: it is told why, and nothing was served."""
    gateway, _ = stepped
    with Wire(gateway.port) as wire:
        wire.send(request(streamed()))
        holding(gateway)
        assert freeze(gateway, "principal:alice") == 1
        reply = wire.read()
    gateway.run(lambda: setattr(gateway.pipeline, "frozen", frozenset()))

    assert b"frozen" in reply.payload
    assert b"answer" not in reply.payload
    (end,) = gateway.ends(gateway.last_call())
    assert isinstance(end, SettleRecord)
    assert (end.state, end.reason) == ("estimated", "frozen")


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
