"""Expected holds when bytes, or money, come at odd moments."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from headgate.simulator import Simulator
from tests.gateway.calls import ask, chat, request
from tests.gateway.expecting import (
    LEARNED,
    LEAST,
    LIMIT_NANOS,
    configuration,
    last_story,
    streamed,
)
from tests.gateway.inprocess import EPOCH, Gateway
from tests.gateway.provider import (
    STREAM_HEAD,
    Event,
    Line,
    Provider,
    chunk,
    completion,
    event,
    last_events,
    whole,
)
from tests.gateway.wire import Wire

WORDS = 400
PIECE_BYTES = 150
"""Less than an event, so that most pieces end in its midst; the first piece has a whole one."""


def in_pieces(steps: list[Event]) -> Callable[[Line], Awaitable[None]]:
    """Return a provider that sends a stream piece by piece, each when its step is set."""
    words = [event(choices=[choice(f"word {each} ")]) for each in range(WORDS)]
    first, stream = words[0], b"".join(words[1:]) + last_events()

    async def talk(line: Line) -> None:
        while b'"stream": true' not in await line.request():
            await line.send(whole(completion()))
        await line.send(STREAM_HEAD + chunk(first))
        await steps[0].wait()
        for at, step in enumerate(steps[1:]):
            await line.send(chunk(stream[at * PIECE_BYTES :][:PIECE_BYTES]))
            await step.wait()

    return talk


def choice(text: str) -> dict[str, Any]:
    """Return a choice of an event."""
    return {"index": 0, "delta": {"content": text}, "finish_reason": None}


def test_a_stream_that_comes_in_pieces_ends_behind_a_whole_event(
    running_simulator: Simulator, tmp_path: Path
) -> None:
    """However the bytes are cut, the client reads whole events up to the reason and the mark."""
    steps: list[Event] = []
    with Provider(in_pieces(steps)) as provider:
        steps += [provider.event() for _ in range(WORDS)]
        text = configuration(running_simulator).replace(running_simulator.openai_url, provider.url)
        with Gateway(tmp_path, text) as gateway:
            for _ in range(LEARNED):
                assert ask(gateway, chat(max_completion_tokens=900)).status == 200
            body = streamed("go on", max_completion_tokens=8_000)
            body["stream_options"] = {"include_usage": True}
            with Wire(gateway.port) as wire:
                wire.send(request(body, headers=[("x-headgate-run", "pieces")]))
                wire.read_head()
                told = b""
                for step in steps:
                    piece = wire.read_chunk()
                    told += piece
                    if not piece:
                        break
                    step.set()
            story = last_story(gateway)
            gateway.assert_settled()

    *events, reason, mark, after = told.split(b"\n\n")
    assert (mark, after) == (b"data: [DONE]", b"")
    said = [json.loads(each.removeprefix(b"data: "))["choices"][0] for each in (*events, reason)]
    assert [each["finish_reason"] for each in said] == [None] * len(events) + ["length"]
    texts = [each["delta"].get("content", "") for each in said]
    assert "".join(texts) == "".join(f"word {each} " for each in range(len(events)))
    assert story.end.reason == "length_stop"
    assert story.end.amount_nanos <= story.held_nanos <= LIMIT_NANOS


async def in_a_burst(line: Line) -> None:
    """Stream ten times what was learned, all at once, whatever a client could still pay for."""
    words = b"".join(event(choices=[choice("word ")]) for _ in range(LEAST * 10))
    usage = {"prompt_tokens": 10, "completion_tokens": LEAST * 10, "total_tokens": LEAST * 10 + 10}
    stream = words + event(choices=[], usage=usage) + b"data: [DONE]\n\n"
    while True:
        streams = b'"stream": true' in await line.request()
        whole_stream = STREAM_HEAD + chunk(stream) + b"0\r\n\r\n"
        await line.send(whole_stream if streams else whole(completion()))


def test_a_provider_that_streams_in_bursts_is_held_whole_from_then_on(
    running_simulator: Simulator, tmp_path: Path
) -> None:
    """Nobody could have stopped it before it had generated everything: that happens once."""
    with Provider(in_a_burst) as provider:
        text = configuration(running_simulator).replace(running_simulator.openai_url, provider.url)
        text = text.replace('limit_usd = "0.01"', 'limit_usd = "0.003"')
        with Gateway(tmp_path, text) as gateway:
            for run in range(LEARNED):
                headers = [("x-headgate-run", f"learn-{run}")]
                body = chat(max_completion_tokens=300)
                assert ask(gateway, body, headers=headers).status == 200
            body = streamed("go on", max_completion_tokens=2_000)
            first = ask(gateway, body, headers=[("x-headgate-run", "first")])
            story = last_story(gateway)
            second = ask(gateway, body, headers=[("x-headgate-run", "second")])
            gateway.assert_settled()

    assert (first.status, second.status) == (200, 402)
    assert story.hold.sizing is not None
    assert story.end.amount_nanos <= story.held_nanos


def in_two(step: list[Event]) -> Callable[[Line], Awaitable[None]]:
    """Return a provider that sends the first word of a stream, and the rest when a step is set."""
    word = event(choices=[choice("word ")])

    async def talk(line: Line) -> None:
        while b'"stream": true' not in await line.request():
            await line.send(whole(completion()))
        await line.send(STREAM_HEAD + chunk(word))
        await step[0].wait()
        await line.send(chunk(word * WORDS + last_events()) + b"0\r\n\r\n")

    return talk


def test_money_that_comes_when_the_stream_is_over_is_free_again(
    running_simulator: Simulator, tmp_path: Path
) -> None:
    """The steward answers late: what was lent for an extension is held by nobody."""
    steps: list[Event] = []
    with Provider(in_two(steps)) as provider:
        steps.append(provider.event())
        text = configuration(running_simulator).replace(running_simulator.openai_url, provider.url)
        with Gateway(tmp_path, text) as gateway:
            for _ in range(LEARNED):
                assert ask(gateway, chat(max_completion_tokens=900)).status == 200
            purse, steward = gateway.pipeline.world.purse, gateway.steward
            with Wire(gateway.port) as wire:
                wire.send(request(streamed("go on"), headers=[("x-headgate-run", "late")]))
                wire.read_head()
                gateway.steward.silent = True
                gateway.run(lambda: steward.line.returned(EPOCH, purse.release()))
                steps[0].set()
                while wire.read_chunk():
                    pass
            assert not last_story(gateway).extensions
            assert not gateway.run(lambda: purse.asks), "an answer is due"

            gateway.steward.silent = False
            gateway.run(purse.disconnected)
            gateway.run(lambda: purse.reconnected({}))
            gateway.until(lambda: purse.asks, "the answer has come")
            gateway.assert_settled()
