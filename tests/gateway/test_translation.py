"""Deployments of another dialect: when they are tried, and what the journal says of it."""

import json
from typing import Any

import pytest

from headgate.records.journal import CandidateRecord, DecisionRecord, HoldRecord, SettleRecord
from headgate.simulator import Fault, FaultKind, Simulator
from tests.gateway.calls import CHAT_PATH, MESSAGES_PATH, ask, call_of, chat, message
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import STREAM_HEAD, Line, Provider, chunk, completion, whole

MIXED = '[routes.any]\ndeployments = ["mini", "sonnet"]\n'
CHEAP_IS_FOREIGN = '[routes.any]\ndeployments = ["big", "haiku"]\n'
STRICT = '[routes.strict]\ndeployments = ["haiku"]\non_unsupported = "refuse"\n'
SIGNED = {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
UNSIGNED = {**SIGNED, "signature": ""}
PIXEL = {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}


def conversation(*blocks: Any) -> list[Any]:
    """Return messages in which the model has said some blocks."""
    said = [*blocks, {"type": "text", "text": "Hello."}]
    return [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": said},
        {"role": "user", "content": "again"},
    ]


def candidates(gateway: Gateway) -> tuple[CandidateRecord, ...]:
    """Return those of the decision that was written last."""
    found = [each for each in gateway.records() if isinstance(each, DecisionRecord)]
    return found[-1].candidates


@pytest.mark.parametrize(
    ("body", "path", "served"),
    [(message, MESSAGES_PATH, "sonnet"), (chat, CHAT_PATH, "mini")],
)
def test_what_speaks_the_dialect_is_tried_first(
    start: Start, body: Any, path: str, served: str
) -> None:
    """Whatever it costs: a dearer deployment that loses nothing comes before a cheaper one."""
    gateway = start(more=MIXED + CHEAP_IS_FOREIGN.replace("any", "cheap"))

    reply = ask(gateway, body(model="any"), path)

    assert reply.header("x-headgate-deployment") == served
    (hold,), (route,) = gateway.holds(call_of(reply)), gateway.routes(call_of(reply))
    assert (route.via, hold.lost) == (None, ())
    assert ask(gateway, chat(model="cheap")).header("x-headgate-deployment") == "big"


@pytest.mark.parametrize("kept", [{"type": "create"}, {"type": "continue"}])
def test_a_thread_goes_to_nobody_who_may_take_no_notice(
    start: Start, simulator: Simulator, kept: dict[str, str]
) -> None:
    """Neither to a foreign deployment nor to one of its dialect that may keep none; nobody pays."""
    gateway = start(more=MIXED)
    asked = simulator.gate.seen

    reply = ask(gateway, message(model="any", thread=kept), MESSAGES_PATH)

    assert (reply.status, reply.code) == (400, "thread_unsupported_request")
    assert simulator.gate.seen == asked


@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_is_made_good_in_another_dialect(
    start: Start, simulator: Simulator, stream: bool
) -> None:
    """The next attempt is translated, held at its own prices, measured as that provider does."""
    gateway = start(more=MIXED)
    simulator.faults.add(Fault(FaultKind.OVERLOADED, times=1, model="claude-sonnet-5"))

    reply = ask(gateway, message(model="any", stream=stream, top_k=5), MESSAGES_PATH)

    gateway.until_idle()
    assert reply.status == 200
    assert reply.header("x-headgate-deployment") == "mini"
    assert reply.header("x-headgate-lost") == "top_k"
    assert (b"message_stop" in reply.payload) == stream
    native, translated = gateway.routes(call_of(reply))
    assert (native.via, translated.via) == (None, "openai_chat")
    assert [each.lost for each in gateway.holds(call_of(reply))] == [(), ("top_k",)]
    assert (translated.dialect, translated.asked) == ("anthropic_messages", "any")
    first, second = gateway.ends(call_of(reply))
    assert isinstance(first, SettleRecord)
    assert isinstance(second, SettleRecord)
    assert (first.amount_nanos, first.final) == (0, False)
    assert (second.state, second.final) == ("measured", True)
    assert [each.via for each in candidates(gateway)] == [None, "openai_chat"]


def test_what_cannot_be_said_there_is_passed_over(start: Start, simulator: Simulator) -> None:
    """The failure of the last attempt is told: two answers at once are not to be had there."""
    gateway = start(more=MIXED)
    simulator.faults.add(Fault(FaultKind.OVERLOADED, times=1, model="gpt-5.4-mini"))

    reply = ask(gateway, chat(model="any", n=2))

    assert (reply.status, reply.code) == (503, "upstream_overloaded")
    assert len(gateway.holds(call_of(reply))) == 1
    assert [each.final for each in gateway.ends(call_of(reply))] == [True]


def test_a_call_that_nobody_can_be_told_is_refused_by_name(start: Start) -> None:
    """When all candidates are passed over the first reason is told, and written down."""
    gateway = start(more='[routes.any]\ndeployments = ["haiku", "sonnet"]\n')

    reply = ask(gateway, chat(model="any", n=2))

    assert (reply.status, reply.code) == (422, "feature_unsupported")
    assert gateway.refusals()[-1].code == "feature_unsupported"


def test_a_signed_conversation_stays_where_it_is_understood(
    start: Start, simulator: Simulator
) -> None:
    """Another dialect is no candidate, even when its own fails; the decision names the rule."""
    gateway = start(more=MIXED)
    simulator.faults.add(Fault(FaultKind.OVERLOADED, times=1, model="claude-sonnet-5"))
    body = message(model="any", messages=conversation(SIGNED))

    reply = ask(gateway, body, MESSAGES_PATH)

    assert (reply.status, reply.code) == (503, "upstream_overloaded")
    assert [each.excluded for each in candidates(gateway)] == [None, "bound_state"]


def test_a_translated_conversation_does_not_go_where_it_is_refused(start: Start) -> None:
    """Thoughts without a signature came from elsewhere, and only go there again."""
    gateway = start(more=MIXED)
    body = message(model="any", messages=conversation(UNSIGNED))

    reply = ask(gateway, body, MESSAGES_PATH)

    assert reply.header("x-headgate-deployment") == "mini"
    assert [each.excluded for each in candidates(gateway)] == [None, "bound_state"]
    assert reply.header("x-headgate-lost") == "messages[1].content[0]"


def test_where_nobody_speaks_the_dialect_thoughts_are_left_out(start: Start) -> None:
    """A client that has moved to a foreign model altogether goes on; what is lost is named."""
    gateway = start()
    body = message(model="mini", messages=conversation(SIGNED))

    reply = ask(gateway, body, MESSAGES_PATH)

    assert reply.status == 200
    assert reply.header("x-headgate-lost") == "messages[1].content[0]"


def test_what_a_reply_loses_is_named(start: Start) -> None:
    """A source goes over; what no other dialect has is named in a header of its own."""
    source = {"url": "https://example.org/", "title": "E", "start_index": 0, "end_index": 5}
    notes = [{"type": "url_citation", "url_citation": source}, {"type": "file_citation"}]
    message_of = {"role": "assistant", "content": "hello", "annotations": notes}
    choices = [{"index": 0, "message": message_of, "finish_reason": "stop"}]

    async def answer(line: Line) -> None:
        await line.request()
        await line.send(whole(completion(choices=choices)))

    with Provider(answer) as provider:
        gateway = start(openai_url=provider.url)
        reply = ask(gateway, message(model="mini"), MESSAGES_PATH)

    assert reply.header("x-headgate-reply-lost") == "choices[0].message.annotations[1]"
    (block,) = json.loads(reply.payload)["content"]
    assert [each["source"] for each in block["citations"]] == ["https://example.org/"]


def test_a_route_can_leave_nothing_out(start: Start, simulator: Simulator) -> None:
    """What would change the answer is refused by name; a hint is not."""
    gateway = start(more=STRICT)
    seen = simulator.gate.seen

    refused = ask(gateway, chat(model="strict", seed=7))
    served = ask(gateway, chat(model="strict", store=True))

    assert (refused.status, refused.code) == (422, "feature_unsupported")
    assert "seed" in refused.message
    assert simulator.gate.seen == seen + 1
    assert served.header("x-headgate-lost") == "store"


def test_an_image_is_held_at_what_it_may_cost_there(start: Start) -> None:
    """The bound is that of the dialect it is sent in, where an image may be far more tokens."""
    gateway = start()
    image = {"role": "user", "content": [{"type": "image", "source": PIXEL}]}

    reply = ask(gateway, message(model="mini", messages=[image]), MESSAGES_PATH)

    (hold,) = gateway.holds(call_of(reply))
    assert hold.input_tokens_max > 49_152


def test_a_translated_call_is_shortened_like_any_other(start: Start, simulator: Simulator) -> None:
    """A tight budget lowers the limit that is sent, in the target's own field."""
    budget = '[budgets.tight]\nnode = "team:research"\nperiod = "once"\nlimit_usd = "0.02"\n'
    gateway = start(more=budget + 'on_tight = "shorten"\n')

    reply = ask(gateway, chat(model="haiku", max_completion_tokens=60_000))

    assert reply.status == 200
    (hold,) = gateway.holds(call_of(reply))
    assert 64 <= hold.output_tokens_max < 60_000
    sent = simulator.received.last().body
    assert b'"max_tokens":%d' % hold.output_tokens_max in sent


@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_without_usage_is_posted_at_its_bound(
    start: Start, simulator: Simulator, stream: bool
) -> None:
    """Absent is not zero, whatever the client's dialect has to say in its place."""
    gateway = start()
    simulator.faults.add(Fault(FaultKind.NO_USAGE, times=1))

    reply = ask(gateway, message(model="mini", stream=stream), MESSAGES_PATH)

    gateway.until_idle()
    assert reply.status == 200
    (hold,) = gateway.holds(call_of(reply))
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, SettleRecord)
    assert (end.state, end.amount_nanos) == ("estimated", hold.amount_nanos)


def test_no_header_of_the_client_goes_to_a_foreign_provider(
    start: Start, simulator: Simulator
) -> None:
    """A beta of one provider means nothing to another, and its own version is sent."""
    gateway = start()
    headers = (("anthropic-beta", "x"), ("anthropic-version", "2023-06-01"))

    ask(gateway, message(model="mini"), MESSAGES_PATH, headers=headers)
    to_chat = simulator.received.last()
    ask(gateway, chat(model="haiku"), headers=(("openai-beta", "y"),))
    to_messages = simulator.received.last()

    assert to_chat.header("anthropic-beta") is None
    assert to_chat.header("anthropic-version") is None
    assert to_messages.header("openai-beta") is None
    assert to_messages.header("anthropic-version") == "2023-06-01"


def test_a_conversation_that_makes_no_sense_is_refused_before_it_costs(start: Start) -> None:
    """A result without its call is refused with its place; nothing is held."""
    gateway = start()
    result = {"role": "tool", "tool_call_id": "a", "content": "r"}
    messages = [{"role": "user", "content": "hello"}, result]

    reply = ask(gateway, chat(model="haiku", messages=messages))

    assert (reply.status, reply.code) == (400, "body_invalid")
    assert "messages[1]" in reply.message
    assert not [each for each in gateway.records() if isinstance(each, HoldRecord)]


GOOGLE = """
[providers.google]
kind = "gemini"
base_url = "{url}"
seller = "google"
credential = {{ value = "sk-google-upstream" }}
[deployments.flash]
provider = "google"
model = "gemini-3.5-flash"
"""


def test_a_stream_is_whole_when_its_last_event_was_there(start: Start) -> None:
    """Nothing marks the end of Gemini's; the client gets its own though the connection breaks."""
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
    said = {"content": {"parts": [{"text": "hi"}]}, "finishReason": "STOP", "index": 0}
    event = json.dumps({"candidates": [said], "usageMetadata": usage, "responseId": "r"}).encode()

    async def break_off(line: Line) -> None:
        await line.request()
        # The chunks have no end.
        await line.send(STREAM_HEAD + chunk(b"data: %b\r\n\r\n" % event))

    with Provider(break_off) as provider:
        gateway = start(more=GOOGLE.format(url=provider.url))
        reply = ask(gateway, chat(model="flash", stream=True))
        gateway.until_idle()

    assert reply.payload.endswith(b"data: [DONE]\n\n")
    assert b'"finish_reason":"stop"' in reply.payload
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, SettleRecord)
    assert end.state == "measured"
