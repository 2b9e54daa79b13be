"""Where a provider's stream ends, and what stands behind its end."""

from typing import Any

import pytest
from openai import OpenAI

from headgate.dialects.sse import EVENT_BYTES_MAX
from tests.gateway.calls import ALICE, CHAT_PATH, MESSAGES_PATH, ask, chat, message, request
from tests.gateway.conftest import Start
from tests.gateway.provider import STREAM_HEAD, Line, Provider, chunk, event, last_events
from tests.gateway.test_failover import other
from tests.gateway.test_faults import assert_bound, settled
from tests.gateway.wire import Wire


def test_an_event_behind_the_end_mark_costs_nothing(start: Start) -> None:
    """A stream that said `[DONE]` is whole: measured by its usage, with no error of ours behind."""
    events = event() + last_events() + event()

    async def talkative(line: Line) -> None:
        while True:
            await line.request()
            await line.send(STREAM_HEAD + chunk(events) + b"0\r\n\r\n")

    with Provider(talkative) as provider:
        gateway = start(openai_url=provider.url)
        with Wire(gateway.port) as wire:
            body = chat(stream=True, stream_options={"include_usage": True})
            reply = wire.send(request(body)).read()
        client = OpenAI(base_url=f"http://127.0.0.1:{gateway.port}/v1", api_key=ALICE)
        with client, client.chat.completions.create(**chat(stream=True)) as stream:
            words = [choice.delta.content for each in stream for choice in each.choices]

    assert reply.payload == events
    assert settled(gateway, reply).quantities == {"input_uncached": 10, "output_text": 5}
    assert words == ["hello"]


@pytest.mark.parametrize(("path", "body"), [(CHAT_PATH, chat), (MESSAGES_PATH, message)])
def test_an_event_without_an_end_ends_the_stream(start: Start, path: str, body: Any) -> None:
    """One of 16 MB or more is nothing that a client has to take: it is told so by a code, in its
    dialect, the body has a proper end, and the bound is posted."""

    async def endless(line: Line) -> None:
        await line.request()
        await line.send(STREAM_HEAD + chunk(event() + b"data: "))
        while True:
            await line.send(chunk(b"x" * 65_536))

    with Provider(endless) as provider:
        gateway = start(more=other("own", provider.url))
        reply = ask(gateway, body(model="own", stream=True), path)

    assert reply.status == 200
    assert b"upstream_too_large" in reply.payload[-400:]
    assert len(reply.payload) < EVENT_BYTES_MAX + 1_000_000
    assert_bound(gateway, reply, "reply_too_large")
