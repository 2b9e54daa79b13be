"""Counts of tokens that no provider is asked for, over a real connection."""

from collections.abc import Iterator
from typing import Any

import pytest

from headgate.counting.count import bounded
from headgate.counting.prompt import read
from headgate.counting.tally import Tallied
from headgate.dialects.opened import LARGE_BYTES
from headgate.dialects.translation.registry import translators
from headgate.records.journal import HoldRecord
from headgate.units.errors import Refusal
from tests.gateway.calls import ALICE, BOB, ask, config, encode, message, request
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Reply, Wire

COUNT = "/v1/messages/count_tokens"
INPUT_TOKENS = "/v1/responses/input_tokens"
GEMINI = "/v1beta/models/mini:countTokens"
NOBODY = "http://127.0.0.1:9"
"""No provider is asked, so none is there."""
ROUTES = """
[routes.one]
deployments = ["mini", "big"]
[routes.mixed]
deployments = ["mini", "old"]
[routes.foreign]
deployments = ["mini", "qwen"]
[deployments.old]
provider = "openai"
model = "gpt-4"
[deployments.qwen]
provider = "openai"
model = "qwen3-32b"
[[prices]]
provider = "openai"
model = "qwen3-32b"
valid_from = 2026-01-01
per_million_tokens = { input = "0.05", output = "0.20" }
"""


class Held:
    """Counts when it is told to.

    Attributes:
        asked: What it was asked: the tokenizers, the texts, and whom to tell.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[str, ...], tuple[str, ...], Tallied]] = []

    def tally(
        self, tokenizers: tuple[str, ...], texts: tuple[str, ...], tallied: Tallied, /
    ) -> None:
        """Keep what is asked."""
        self.asked.append((tokenizers, texts, tallied))


@pytest.fixture(scope="module")
def tallier() -> Held:
    """What the gateway's worker has texts counted by."""
    return Held()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, tallier: Held) -> Iterator[Gateway]:
    """A data plane whose providers are not there."""
    folder = tmp_path_factory.mktemp("tallies")
    with Gateway(folder, config(NOBODY, NOBODY, more=ROUTES), tallier=tallier) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def _no_attempt_is_made(gateway: Gateway) -> Iterator[None]:
    """Whatever is asked here, the books have nothing of it."""
    yield
    gateway.assert_settled()
    assert not [each for each in gateway.records() if isinstance(each, HoldRecord)]


def counted(gateway: Gateway, tallier: Held, model: str, totals: tuple[int, ...] | None) -> Reply:
    """Ask for a count of "hello", tell what it came to, and return the reply."""
    with Wire(gateway.port) as wire:
        wire.send(request(message(model=model), COUNT))
        gateway.until(lambda: bool(tallier.asked), "the texts are counted")
        _, _, tallied = tallier.asked[0]
        gateway.run(lambda: tallied(totals))
        tallier.asked.clear()
        return wire.read()


def bound_of(body: dict[str, Any], dialect: str = "anthropic_messages") -> int:
    """Return what bounds a body by its bytes."""
    prompt = read(encode(body), translators()[dialect])
    assert not isinstance(prompt, Refusal)
    return bounded(prompt).tokens


def offering(what: str) -> dict[str, Any]:
    """Return a body whose tool is described within its schema."""
    tool = {"name": "f", "input_schema": {"type": "object", "description": what}}
    return message(model="mini", tools=[tool])


def test_texts_are_counted_by_the_tokenizer_of_the_model(gateway: Gateway, tallier: Held) -> None:
    """What the texts have and what stands around them: four for a message, three for the answer."""
    reply = counted(gateway, tallier, "one", (1,))

    assert (reply.status, reply.json) == (200, {"input_tokens": 8})
    assert reply.header("x-headgate-count") == "counted; tokenizer=o200k_base; texts=1"
    assert reply.header("x-headgate-cost-usd") == "0.000000000"


def test_where_tokenizers_differ_the_most_is_told(gateway: Gateway, tallier: Held) -> None:
    """Whoever serves the call: it has no more."""
    reply = counted(gateway, tallier, "mixed", (9, 2))

    assert reply.json == {"input_tokens": 16}
    assert reply.header("x-headgate-count") == "counted; tokenizer=cl100k_base; texts=9"


def test_what_was_not_counted_is_bounded(gateway: Gateway, tallier: Held) -> None:
    """By the bytes of the texts, and the reserve that holds have."""
    reply = counted(gateway, tallier, "mini", None)

    assert reply.json == {"input_tokens": bound_of(message())}
    assert reply.header("x-headgate-count") == "bounded; texts=5"


def test_each_dialect_is_answered_as_its_provider_would(gateway: Gateway, tallier: Held) -> None:
    """For a name of which one deployment has no public tokenizer, all of them by bytes."""
    turn = {"role": "user", "parts": [{"text": "hello"}]}
    path = GEMINI.replace("mini", "foreign")

    messages = ask(gateway, message(model="foreign"), COUNT)
    responses = ask(gateway, {"model": "foreign", "input": "hello"}, INPUT_TOKENS)
    gemini = ask(gateway, {"contents": [turn]}, path)

    tokens = bound_of(message())
    assert messages.json == {"input_tokens": tokens}
    assert responses.json == {"object": "response.input_tokens", "input_tokens": tokens}
    assert gemini.json == {"totalTokens": tokens}
    assert tallier.asked == []


def test_a_large_body_is_read_in_turns(gateway: Gateway) -> None:
    """It is counted as a small one is."""
    body = message(model="foreign", messages=[{"role": "user", "content": "so it is " * 100}] * 200)
    assert len(encode(body)) > LARGE_BYTES

    assert ask(gateway, body, COUNT).json == {"input_tokens": bound_of(body)}


def test_a_client_that_leaves_waits_for_nothing(gateway: Gateway, tallier: Held) -> None:
    """What is counted after that goes nowhere."""
    with Wire(gateway.port) as wire:
        wire.send(request(message(model="mini"), COUNT))
        gateway.until(lambda: bool(tallier.asked), "the texts are counted")
    gateway.until_idle()

    _, texts, tallied = tallier.asked.pop()
    gateway.run(lambda: tallied((1,)))
    assert texts == ("hello",)


@pytest.mark.parametrize(
    ("body", "key", "code"),
    [
        (message(model="nothing"), ALICE, "model_unknown"),
        (message(model="big"), BOB, "not_permitted"),
        (message(model="mini", messages=[{"role": "user", "content": 1}]), ALICE, "body_invalid"),
        (encode(offering("a\xff")).replace(b"\\u00ff", b"\xff"), ALICE, "body_malformed"),
    ],
)
def test_what_may_not_be_asked_is_refused(
    gateway: Gateway, body: dict[str, Any] | bytes, key: str, code: str
) -> None:
    """As a call would be; nothing is counted for it."""
    reply = ask(gateway, body, COUNT, key=key)

    assert reply.code == code


def test_what_nobody_can_count_is_refused(gateway: Gateway) -> None:
    """And the refusal says what it is."""
    source = {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}
    content = [{"type": "document", "source": source}]

    reply = ask(
        gateway, message(model="mini", messages=[{"role": "user", "content": content}]), COUNT
    )

    assert reply.code == "model_unknown"
    assert "for it carries a document" in reply.message


def test_a_provider_that_counts_is_waited_for(gateway: Gateway) -> None:
    """While it wants no calls, a bound of its model's tokens is no answer in its place."""
    health = gateway.pipeline.world.targets["haiku"].health
    later_ns = gateway.pipeline.now_ns() + 5_000_000_000
    gateway.run(lambda: setattr(health, "not_before_ns", later_ns))
    try:
        reply = ask(gateway, message(model="haiku"), COUNT)
    finally:
        gateway.heal()

    assert reply.code == "upstream_rate_limited"
    assert reply.header("retry-after") is not None


def test_who_is_frozen_counts_nothing(gateway: Gateway) -> None:
    """A freeze holds for what is free as well."""
    gateway.run(lambda: setattr(gateway.pipeline, "frozen", frozenset({"team:research"})))
    try:
        assert ask(gateway, message(model="mini"), COUNT).code == "frozen"
    finally:
        gateway.run(lambda: setattr(gateway.pipeline, "frozen", frozenset()))
