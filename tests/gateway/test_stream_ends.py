"""Where a provider's stream ends, and what stands behind its end."""

from openai import OpenAI

from tests.gateway.calls import ALICE, chat, request
from tests.gateway.conftest import Start
from tests.gateway.provider import STREAM_HEAD, Line, Provider, chunk, event, last_events
from tests.gateway.test_faults import settled
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
