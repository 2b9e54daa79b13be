"""Texts that begin alike, and caches: warm where a provider reads what they have in common."""

from collections.abc import Iterator
from typing import Any

import pytest

from headgate.records.journal import DecisionRecord
from headgate.simulator import Simulator
from tests.gateway.calls import CHAT_PATH, MESSAGES_PATH, config
from tests.gateway.inprocess import Gateway
from tests.gateway.test_caching import ACCOUNTS, end, served, words
from tests.gateway.wire import Reply

NEWEST = """
[deployments.luna]
provider = "openai"
model = "gpt-5.6-luna"
[deployments.sol]
provider = "openai"
model = "gpt-5.6-sol"
[routes.newest]
deployments = ["luna", "sol"]
"""


@pytest.fixture(scope="module")
def running(
    running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway with models of two families beside two accounts at one provider."""
    urls = running_simulator.openai_url, running_simulator.anthropic_url
    text = config(*urls, more=ACCOUNTS.format(url=urls[1]) + NEWEST)
    with Gateway(tmp_path_factory.mktemp("beginnings"), text) as gateway:
        yield gateway


@pytest.fixture
def gateway(running: Gateway, simulator: Simulator) -> Iterator[Gateway]:
    """The gateway; afterwards everything is settled."""
    yield running
    running.assert_settled()


def warm_nanos(gateway: Gateway, reply: Reply) -> dict[str, int]:
    """Return what a warm prefix was worth to a call, by candidate."""
    gateway.until_idle()
    number = int(reply.header("x-headgate-decision") or 0)
    (record,) = [
        each
        for each in gateway.records()
        if isinstance(each, DecisionRecord) and each.number == number
    ]
    return {each.deployment: each.warm_nanos for each in record.candidates}


def question(name: str, model: str, said: str) -> dict[str, Any]:
    """Return a question behind a long text, in one message with it."""
    text = f"{words(name, 12_000)} {said}"
    message = {"role": "user", "content": text}
    return {"model": model, "max_completion_tokens": 50, "messages": [message]}


def test_another_question_about_a_text_is_warm_where_beginnings_are(gateway: Gateway) -> None:
    """Its provider reads what both have in common; what that is worth is nearly all of it."""
    served(gateway, question("common", "chat", "What is it?"), CHAT_PATH)
    reply = served(gateway, question("common", "chat", "Who wrote it?"), CHAT_PATH)

    found = warm_nanos(gateway, reply)
    usage = end(gateway, reply).quantities
    lines = {line.meter: line.price_femto for line in end(gateway, reply).lines}
    saved_nanos = usage["cache_read"] * 9 * lines["cache_read"] // 1_000_000
    assert usage["cache_read"] > 10_000
    assert found["big"] == 0
    assert saved_nanos * 9 // 10 < found["mini"] <= saved_nanos


def test_another_question_is_not_warm_where_the_cache_ends_with_a_message(
    gateway: Gateway,
) -> None:
    """Models of a later family read from their caches up to a breakpoint, none of which is there.

    What goes on with all that was sent is warm there as well.
    """
    first = question("last", "newest", "What is it?")
    served(gateway, first, CHAT_PATH)
    other = served(gateway, question("last", "newest", "Who wrote it?"), CHAT_PATH)
    said = [*first["messages"], {"role": "assistant", "content": "A text."}]
    further = {**first, "messages": [*said, {"role": "user", "content": "Who wrote it?"}]}
    reply = served(gateway, further, CHAT_PATH)

    assert set(warm_nanos(gateway, other).values()) == {0}
    assert warm_nanos(gateway, reply)["luna"] > 0


def test_another_question_is_not_warm_inside_of_a_marked_block(gateway: Gateway) -> None:
    """What is marked is kept up to the end of the block, question and all."""

    def send(said: str) -> Reply:
        text = {"type": "text", "text": f"{words('marked', 3_000)} {said}"}
        part = {**text, "cache_control": {"type": "ephemeral"}}
        message = {"role": "user", "content": [part]}
        body = {"model": "either", "max_tokens": 50, "messages": [message]}
        return served(gateway, body, MESSAGES_PATH)

    send("What is it?")
    other, same = send("Who wrote it?"), send("Who wrote it?")

    assert "cache_read" not in end(gateway, other).quantities
    assert set(warm_nanos(gateway, other).values()) == {0}
    assert max(warm_nanos(gateway, same).values()) > 0
