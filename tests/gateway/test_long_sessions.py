"""Long conversations that go on: read from where they were left, and judged as short ones are."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from headgate.dialects.opened import LARGE_BYTES, LONG_BYTES
from headgate.gateway.caching import HEAD_BLOCKS_MAX
from headgate.simulator import Simulator
from tests.gateway.calls import CHAT_PATH, MESSAGES_PATH, ask, config
from tests.gateway.inprocess import Gateway
from tests.gateway.test_caching import (
    added_tool,
    changed_head,
    changed_setting,
    messages,
    note,
    words,
)
from tests.gateway.wire import Reply


@pytest.fixture(scope="module")
def gateway(
    running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway; afterwards everything is settled."""
    text = config(running_simulator.openai_url, running_simulator.anthropic_url)
    with Gateway(tmp_path_factory.mktemp("long"), text) as running:
        yield running
        running.assert_settled()


@pytest.mark.parametrize(
    ("change", "path"),
    [(changed_head, "system[0].text"), (added_tool, "tools[0]"), (changed_setting, None)],
)
def test_a_long_session_is_read_on_and_judged_as_a_short_one(
    gateway: Gateway, simulator: Simulator, change: Any, path: str | None
) -> None:
    """What is sent is what came, and what was changed beside the conversation is named."""
    session = change.__name__

    def send(count: int, *, changed: bool) -> Reply:
        body = messages(session, count, model="sonnet", marked=True)
        body["system"][0]["text"] = words(session, 5_000)
        if changed:
            change(body)
        sent = json.dumps(body, separators=(",", ":")).encode()
        assert len(sent) >= LONG_BYTES
        reply = ask(gateway, sent, MESSAGES_PATH)
        assert reply.status == 200, reply
        received = json.loads(simulator.received.all()[-1].body)
        assert received == {**body, "model": received["model"]}
        return reply

    before = [send(count, changed=False) for count in range(4, 10)]
    broken = send(10, changed=True)

    gateway.until_idle()
    assert [note(gateway, reply).cause for reply in before] == [None] * 6
    assert all(note(gateway, reply).saved_nanos > 0 for reply in before[1:])
    told = note(gateway, broken)
    assert told.path == path
    assert told.cause == ("changed" if path else told.cause)


def test_a_long_session_whose_whole_body_is_marked_is_kept_to_its_end(gateway: Gateway) -> None:
    """The mark is behind the last block, whichever that is by now."""

    def send(count: int, **changed: str) -> Reply:
        body = messages("whole", count, model="sonnet") | {"cache_control": {"type": "ephemeral"}}
        body["system"][0]["text"] = words("whole", 5_000)
        for at, said in enumerate(body["messages"]):
            said["content"] = words(f"w{at}", 1_000)
        body["messages"][-1 - 2 * len(changed)] |= changed
        reply = ask(gateway, json.dumps(body, separators=(",", ":")).encode(), MESSAGES_PATH)
        assert reply.status == 200, reply
        return reply

    before = [send(count) for count in (4, 5)]
    broken = send(6, content=words("other", 2_000))

    gateway.until_idle()
    assert [note(gateway, reply).cause for reply in before] == [None] * 2
    assert note(gateway, broken).path == "messages[8].content"


def test_a_large_body_is_known_when_its_conversation_goes_on(gateway: Gateway) -> None:
    """What is remembered of it takes a step of its own, before it is sent."""
    said = {"role": "user", "content": "word " * (LARGE_BYTES // 5)}
    body = {"model": "mini", "max_completion_tokens": 9, "messages": [said]}
    sent = json.dumps(body, separators=(",", ":")).encode()

    reply = ask(gateway, sent, CHAT_PATH)

    assert reply.status == 200, reply
    theirs = gateway.pipeline.world.conversations.of("alice", "openai_chat")
    reached = theirs.find(sent, sent.index(b"["))
    assert reached is not None
    assert reached.mark.objects == 1
    assert reached.before.prompt is not None


@pytest.mark.parametrize(("tools", "left"), [(HEAD_BLOCKS_MAX - 1, True), (HEAD_BLOCKS_MAX, False)])
def test_the_hashes_of_very_many_tools_are_not_left_to_the_next_call(
    gateway: Gateway, tools: int, left: bool
) -> None:
    """They would take more memory than all else that is remembered of the conversation.

    Behind the tools is one block more, of the format that is asked for.
    """
    tool = {"type": "function", "function": {"name": "look", "parameters": {}}}
    body = {"model": "mini", "max_completion_tokens": 9, "tools": [tool] * tools}
    said = {"role": "user", "content": f"{tools} " + "word " * (LONG_BYTES // 5)}

    for count in (1, 2):
        sent = json.dumps({**body, "messages": [said] * count}, separators=(",", ":")).encode()
        reply = ask(gateway, sent, CHAT_PATH)

        assert reply.status == 200, reply
        theirs = gateway.pipeline.world.conversations.of("alice", "openai_chat")
        reached = theirs.find(sent, sent.index(b'"messages":') + len(b'"messages":'))
        assert reached is not None
        assert reached.mark.objects == count
        assert (reached.before.prompt is not None) is left
