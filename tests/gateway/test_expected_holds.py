"""Expected holds: small at first, extended while a stream runs, and a clean end without money."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from headgate.simulator import Simulator
from tests.gateway.calls import ALICE, ask, call_of, chat
from tests.gateway.expecting import (
    LEARNED,
    LEAST,
    LIMIT_NANOS,
    RESERVE,
    ROUTES,
    configuration,
    last_story,
    streamed,
)
from tests.gateway.inprocess import Gateway

LONG = "[sim:tokens=6000] [sim:delay_ms=4] [sim:chunk_tokens=20]"
"""More than any run here can pay for, slow enough to be hung up on."""


@pytest.fixture(scope="module")
def learned(
    running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway that has seen a few short answers of each alias but one."""
    text = configuration(running_simulator)
    with Gateway(tmp_path_factory.mktemp("expected"), text) as gateway:
        for _ in range(LEARNED):
            for alias in ("mini", "thinker", *list(ROUTES)[1:]):
                body = chat("[sim:tokens=20]", model=alias, max_completion_tokens=50)
                assert ask(gateway, body).status == 200
        gateway.assert_settled()
        yield gateway


@pytest.fixture
def gateway(learned: Gateway, simulator: Simulator) -> Iterator[Gateway]:
    """The gateway; afterwards all that was held is posted or free."""
    yield learned
    learned.assert_settled()


class Told(NamedTuple):
    """What a client of a stream was told."""

    text: str
    reason: str | None


def by_chat(gateway: Gateway, model: str, run: str, text: str) -> Told:
    """Stream with OpenAI's client, by Chat Completions."""
    base_url = f"http://127.0.0.1:{gateway.port}/v1"
    said, reason = "", None
    with openai.OpenAI(api_key=ALICE, base_url=base_url, max_retries=0) as client:
        chunks = client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": text}],
            max_completion_tokens=8_000,
            stream=True,
            extra_headers={"x-headgate-run": run},
        )
        for chunk in chunks:
            for choice in chunk.choices:
                said += choice.delta.content or ""
                reason = choice.finish_reason or reason
    return Told(said, reason)


def by_responses(gateway: Gateway, model: str, run: str, text: str) -> Told:
    """Stream with OpenAI's client, by Responses."""
    base_url = f"http://127.0.0.1:{gateway.port}/v1"
    said, reason = "", None
    with openai.OpenAI(api_key=ALICE, base_url=base_url, max_retries=0) as client:
        stream = client.responses.create(
            model=model,
            input=text,
            max_output_tokens=8_000,
            stream=True,
            extra_headers={"x-headgate-run": run},
        )
        opened = 0
        for event in stream:
            if event.type == "response.output_text.delta":
                said += event.delta
            elif event.type == "response.output_item.added":
                opened += 1
            elif event.type == "response.output_item.done":
                opened -= 1
            elif event.type == "response.incomplete":
                assert event.response.incomplete_details is not None
                reason = event.response.incomplete_details.reason
                assert event.response.output_text == said
                assert opened == 0
    return Told(said, reason)


def by_messages(gateway: Gateway, model: str, run: str, text: str) -> Told:
    """Stream with Anthropic's client."""
    base_url = f"http://127.0.0.1:{gateway.port}"
    with (
        anthropic.Anthropic(api_key=ALICE, base_url=base_url, max_retries=0) as client,
        client.messages.stream(
            model=model,
            max_tokens=8_000,
            messages=[{"role": "user", "content": text}],
            extra_headers={"x-headgate-run": run},
        ) as stream,
    ):
        kinds = [event.type for event in stream]
        last = stream.get_final_message()
    assert kinds.count("content_block_start") == kinds.count("content_block_stop")
    said = "".join(block.text for block in last.content if block.type == "text")
    return Told(said, last.stop_reason)


def by_gemini(gateway: Gateway, model: str, run: str, text: str) -> Told:
    """Stream with Google's client."""
    options = types.HttpOptions(
        base_url=f"http://127.0.0.1:{gateway.port}", headers={"x-headgate-run": run}
    )
    said, reason = "", None
    with genai.Client(api_key=ALICE, http_options=options) as client:
        config = types.GenerateContentConfig(max_output_tokens=8_000)
        stream = client.models.generate_content_stream(model=model, contents=text, config=config)
        for event in stream:
            said += event.text or ""
            assert event.candidates
            if event.candidates[0].finish_reason is not None:
                reason = event.candidates[0].finish_reason.value
    return Told(said, reason)


Client = Callable[[Gateway, str, str, str], Told]

REASONS: dict[Client, str] = {
    by_chat: "length",
    by_responses: "max_output_tokens",
    by_messages: "max_tokens",
    by_gemini: "MAX_TOKENS",
}


def billed_nanos(simulator: Simulator, before: int, gateway: Gateway) -> Fraction:
    """Return what the provider bills for the one request since, once it has noticed its end."""
    gateway.until(lambda: simulator.bill.count > before, "the provider has noticed")
    return simulator.bill.entries[-1].amount * 10**9


@pytest.mark.parametrize("client", REASONS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("model", ["mini", "haiku", "flash"])
def test_a_stream_nobody_can_pay_for_ends_as_its_output_limit_would_end_it(
    gateway: Gateway, simulator: Simulator, client: Client, model: str
) -> None:
    """In every dialect, translated or not, the official client reads a reply that hit its limit."""
    before = simulator.bill.count

    alias = f"{model}-{list(REASONS).index(client)}"
    told = client(gateway, alias, f"{client.__name__}-{model}", LONG)

    assert told.reason == REASONS[client]
    assert told.text
    story = last_story(gateway)
    assert (story.end.state, story.end.reason) == ("estimated", "length_stop")
    assert story.extensions
    assert story.end.amount_nanos <= story.held_nanos <= LIMIT_NANOS
    assert billed_nanos(simulator, before, gateway) <= story.end.amount_nanos
    assert not simulator.bill.entries[-1].completed


def test_a_hold_begins_with_what_was_learned_and_ends_with_what_is_used(
    gateway: Gateway, simulator: Simulator
) -> None:
    """A reply above the quantile extends its hold in steps, and is posted as it is billed."""
    before = simulator.bill.count

    told = by_chat(gateway, "longer", "extends", "[sim:tokens=150] [sim:delay_ms=2]")

    assert told.reason == "stop"
    story = last_story(gateway)
    sizing = story.hold.sizing
    assert sizing is not None
    assert sizing.output_tokens == LEAST + RESERVE
    assert sizing.calls >= LEARNED
    assert 1 <= len(story.extensions) <= 4
    assert story.end.state == "measured"
    assert story.end.amount_nanos <= story.held_nanos <= LIMIT_NANOS
    billed = billed_nanos(simulator, before, gateway)
    assert abs(story.end.amount_nanos - billed) <= len(story.end.lines)


def test_a_stream_may_use_its_whole_limit_when_there_is_money_for_it(gateway: Gateway) -> None:
    """Its bytes are more than its limit, but what is held by then is the worst case."""
    text = "[sim:tokens=300] [sim:chunk_tokens=75] [sim:delay_ms=2]"
    body = streamed(text, model="whole", max_completion_tokens=300)

    ask(gateway, body, headers=[("x-headgate-run", "whole")])

    story = last_story(gateway)
    assert story.hold.sizing is not None
    assert (story.end.state, story.end.reason) == ("measured", None)


def test_a_short_stream_is_never_extended(gateway: Gateway) -> None:
    """What stays within the quantile holds once."""
    told = by_messages(gateway, "short", "short", "[sim:tokens=6]")

    story = last_story(gateway)
    assert told.reason == "end_turn"
    assert story.hold.sizing is not None
    assert not story.extensions


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"stream": False}, id="not streamed"),
        pytest.param({"n": 2}, id="two choices"),
        pytest.param({"model": "thinker"}, id="a model that thinks unseen"),
        pytest.param({"reasoning_effort": "low"}, id="asked to think"),
        pytest.param({"max_completion_tokens": LEAST}, id="a limit below it"),
        pytest.param({"model": "fresh"}, id="no call was learned from"),
    ],
)
def test_what_cannot_be_counted_holds_its_worst_case(
    gateway: Gateway, fields: dict[str, Any]
) -> None:
    """A stream that cannot be counted or stopped in time is held whole, as ever."""
    reply = ask(gateway, streamed("hello", **fields))

    (hold,) = gateway.holds(call_of(reply))
    assert hold.sizing is None


def test_a_model_that_was_caught_thinking_is_held_whole_from_then_on(
    running_simulator: Simulator, tmp_path: Path
) -> None:
    """Whatever the configuration says of it, what it was billed for says that it thinks."""
    short = streamed("[sim:tokens=20]")
    with Gateway(tmp_path, configuration(running_simulator)) as gateway:
        for _ in range(LEARNED):
            assert ask(gateway, short).status == 200
        sized = ask(gateway, short)
        assert gateway.holds(call_of(sized))[0].sizing is not None

        ask(gateway, chat("[sim:thinking=50] [sim:tokens=9]", max_completion_tokens=900))

        whole = ask(gateway, short)
        assert gateway.holds(call_of(whole))[0].sizing is None
        gateway.assert_settled()


@pytest.mark.parametrize("holds", ["", 'holds = "expected"\nmode = "shadow"'])
def test_a_budget_that_is_strict_makes_the_hold_strict(
    running_simulator: Simulator, tmp_path: Path, holds: str
) -> None:
    """One budget above a call that wants the worst case held is enough, and so is a shadow."""
    text = configuration(running_simulator).replace('holds = "expected"', holds, 1)
    with Gateway(tmp_path, text) as gateway:
        body = streamed("[sim:tokens=20]")
        replies = [ask(gateway, body) for _ in range(LEARNED + 1)]
        assert gateway.holds(call_of(replies[-1]))[0].sizing is None
        gateway.assert_settled()
