"""`openai_responses`: bounds, hosted tools, stored state, the end of a stream, our own words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseErrorEvent

from headgate.dialects import openai_responses as dialect
from headgate.dialects.bounds import HIDDEN_TOKENS_MAX, IMAGE_TOKENS_MAX_OPENAI
from headgate.dialects.sse import EventTooLongError
from headgate.records.demand import Demand, Edit, Terms
from headgate.units.errors import BUDGET_EXCEEDED, Refusal

USAGE = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}


def read(**fields: Any) -> Demand:
    demand = dialect.read(json.dumps({"model": "m"} | fields).encode())
    assert isinstance(demand, Demand), demand
    return demand


def said(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def event(kind: str, **fields: Any) -> bytes:
    data = json.dumps({"type": kind, "sequence_number": 1} | fields)
    return f"event: {kind}\ndata: {data}\n\n".encode()


def finished(*events: bytes) -> Any:
    stream = dialect.Stream(False)
    for each in events:
        stream.feed(each)
    return stream.finish()


CREATED = event("response.created", response={"id": "r", "model": "m-1", "usage": None})


def test_a_text_is_bounded_by_its_bytes() -> None:
    """A prompt of one text costs at most its bytes and the frame around it."""
    body = '{"model":"m","input":"naïve 🙂","instructions":"Be brief."}'.encode()

    demand = dialect.read(body)

    assert isinstance(demand, Demand)
    assert demand.input_tokens_max == len(body) + HIDDEN_TOKENS_MAX
    assert demand.output_tokens_max is None


IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
SHOTS = [
    said(IMAGE),
    [{"type": "function_call_output", "call_id": "c", "output": [IMAGE]}],
    [{"type": "computer_call_output", "output": {"type": "computer_screenshot"}}],
    [{"type": "image_generation_call", "id": "i", "result": "AAAA"}],
]


@pytest.mark.parametrize("items", SHOTS)
def test_each_image_adds_its_dearest(items: list[Any]) -> None:
    """An image is bounded apart wherever it stands: in a message or in what a tool put out."""
    demand = read(input=items)

    assert demand.images
    assert demand.input_tokens_max is not None
    assert demand.input_tokens_max > IMAGE_TOKENS_MAX_OPENAI


STORED: list[dict[str, Any]] = [
    {"previous_response_id": "resp_1"},
    {"conversation": "conv_1"},
    {"conversation": {"id": "conv_1"}},
    {"input": [{"type": "item_reference", "id": "msg_1"}]},
    {"input": said({"type": "input_file", "file_id": "file_1"})},
    {"input": [{"type": "function_call_output", "output": [{"type": "input_file"}]}]},
]


@pytest.mark.parametrize("fields", STORED)
def test_what_the_provider_has_stored_leaves_no_bound(fields: dict[str, Any]) -> None:
    """What is not in the body may be of any length, up to the context window."""
    assert read(**fields).input_tokens_max is None


HOSTED = ["web_search", "web_search_preview", "file_search", "code_interpreter", "computer"]
HOSTED += [
    "computer_use_preview",
    "mcp",
    "image_generation",
    "shell",
    "tool_search",
    "something_new",
]


@pytest.mark.parametrize("kind", HOSTED)
def test_a_tool_that_runs_at_the_provider_is_named(kind: str) -> None:
    """It is billed apart or asks the model again, also inside a namespace."""
    nested = {"type": "namespace", "name": "n", "tools": [{"type": "function"}, {"type": kind}]}

    assert read(tools=[{"type": "function", "name": "f"}, {"type": kind}]).unbounded == kind
    assert read(tools=[nested]).unbounded == kind


def test_tools_of_the_client_are_bounded() -> None:
    """What the client runs costs no more than its tokens."""
    kinds = ["function", "custom", "local_shell", "apply_patch"]
    tools: list[dict[str, Any]] = [{"type": kind} for kind in kinds]
    tools.append({"type": "shell", "environment": {"type": "local"}})
    tools.append({"type": "tool_search", "execution": "client"})
    tools.append({"type": "namespace", "tools": [{"type": "function", "name": "shell"}]})

    demand = read(tools=tools)

    assert demand.tools
    assert demand.unbounded is None
    assert read(tools=[{"type": "tool_search", "execution": "server"}]).unbounded == "tool_search"
    assert read(tools=[{"type": "shell", "environment": {"type": "container_auto"}}]).unbounded


FEATURES: list[tuple[dict[str, Any], str]] = [
    ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    ({"context_management": [{"type": "compaction"}]}, "context_management"),
    ({"reasoning": {"mode": "pro"}}, "reasoning"),
    ({"input": said({"type": "input_audio"})}, "input_audio"),
    ({"n_predict": -1}, "n_predict"),
    ({"max_completion_tokens": 9}, "max_completion_tokens"),
    ({"n": 4}, "n"),
]


@pytest.mark.parametrize(("fields", "name"), FEATURES)
def test_a_feature_without_a_bound_is_named(fields: dict[str, Any], name: str) -> None:
    """What no output limit bounds is told by the name of its field."""
    assert read(**fields).unbounded == name
    assert read(context_management=[], prompt=None, reasoning={"effort": "high"}).unbounded is None


def test_a_background_response_is_refused() -> None:
    """It is answered before it is generated, so nobody could settle it."""
    refusal = dialect.read(b'{"model":"m","background":true}')

    assert isinstance(refusal, Refusal)
    assert (refusal.code.code, refusal.param) == ("feature_unsupported", "background")
    assert not isinstance(dialect.read(b'{"model":"m","background":false}'), Refusal)


def test_the_dearest_terms_are_read() -> None:
    """Tier and cache retention decide prices."""
    assert read().terms == Terms()
    assert read(service_tier="flex").terms == Terms("flex")
    assert read(service_tier="auto").terms == Terms()
    assert read(prompt_cache_options={"ttl": "12h"}).terms.cache_retention == "24h"


@given(
    limit=st.sampled_from([b"", b',"max_output_tokens":null', b' , "max_output_tokens" : 900']),
    held=st.integers(1, 10**7),
)
def test_the_limit_is_never_above_what_is_held(limit: bytes, held: int) -> None:
    """A limit that is there and fits stays; otherwise that of the hold is sent."""
    body = b'{ "model":"m","input":[{"max_output_tokens":1}]%b,"x":1.50}' % limit
    demand = dialect.read(body)
    assert isinstance(demand, Demand)

    new = dialect.edit(body, demand, Edit("m", held, "max_tokens"))

    sent = json.loads(new)
    fits = b"900" in limit and held >= 900
    assert sent["max_output_tokens"] == (900 if fits else held)
    assert (new is body) == fits
    assert {**sent, "max_output_tokens": 0} == {**json.loads(body), "max_output_tokens": 0}
    assert new.endswith(b'"x":1.50}')


@pytest.mark.parametrize("kind", ["response.completed", "response.incomplete", "response.failed"])
def test_a_stream_is_metered_however_it_ended(kind: str) -> None:
    """Also what was cut short by its limit, or failed, says what it used and is billed so."""
    end = event(kind, response={"id": "r", "model": "m-2", "service_tier": "flex", "usage": USAGE})

    report = finished(CREATED, event("response.output_text.delta", delta="a"), end)

    assert report.complete and not report.errored
    assert (report.served_model, report.tier) == ("m-2", "flex")
    assert json.loads(report.usage_json) == USAGE


def test_a_failure_without_usage_is_an_error() -> None:
    """Absent usage is not zero."""
    failed = event("response.failed", response={"id": "r", "model": "m", "usage": None})

    report = finished(CREATED, failed)
    paid = event("response.failed", response={"id": "r", "model": "m", "usage": USAGE})

    assert dialect.starts_with_error(failed)
    assert not dialect.starts_with_error(paid)
    assert report.errored and not report.complete
    assert report.usage_json is None


def test_only_the_last_event_ends_a_stream() -> None:
    """An end that is followed by something else is none, save for signs that mean nothing."""
    end = event("response.completed", response={"id": "r", "model": "m", "usage": USAGE})
    alive = b'data: {"type":"keepalive","sequence_number":9}\n\n'

    assert finished(CREATED, end, alive).complete
    assert finished(CREATED, end, b"data: [DONE]\n\n").complete
    assert not finished(CREATED, end, event("response.output_text.delta", delta="a")).complete
    assert not finished(CREATED).complete


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [10_000, 40_000, 1_000_000])
def test_a_long_last_event_is_read_whole(size: int, newline: bytes) -> None:
    """The end repeats the whole reply, which is longer than what is kept of other streams."""
    output = [{"type": "message", "content": [{"type": "output_text", "text": "word " * size}]}]
    fields = {"id": "r", "model": "m", "output": output, "usage": USAGE, "metadata": {}}
    deltas = b"".join(event("response.output_text.delta", delta="word " * 9) for _ in range(500))
    text = (CREATED + deltas + event("response.completed", response=fields)).replace(b"\n", newline)
    stream = dialect.Stream(False)

    for at in range(0, len(text), 65_536):
        stream.feed(text[at : at + 65_536])

    report = stream.finish()
    assert report.complete
    assert report.usage_json is not None and json.loads(report.usage_json) == USAGE


def test_an_endless_event_is_forgotten() -> None:
    """The memory a stream takes has a bound, whatever the provider sends, and so has an event."""
    stream = dialect.Stream(False)
    stream.feed(CREATED + b"data: ")
    piece = b"x" * 262_144
    most = 0

    with pytest.raises(EventTooLongError):
        for _ in range(200):
            most = max(most, len(stream._tail))
            stream.feed(piece)

    assert most <= 3 * dialect.Stream.LAST_BYTES_MAX
    assert not stream.finish().complete


def test_our_error_event_is_the_clients() -> None:
    """The official types read the event that ends a broken stream; it names code and call."""
    text = dialect.render_stream_error(Refusal(BUDGET_EXCEEDED, "No.", "model"), "call_1")

    data = json.loads(text.partition(b"data: ")[2])
    read_back = ResponseErrorEvent.model_validate(data)
    assert (read_back.code, read_back.message) == ("budget_exceeded", "No.")
    assert data["error"]["call"] == "call_1"
