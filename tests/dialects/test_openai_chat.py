"""`openai_chat`: bounds, terms, stripped usage, and what the official client makes of our words."""

import json
from pathlib import Path
from typing import Any

import pytest
from openai.types import Model
from openai.types.shared import ErrorObject

from headgate.dialects import openai_chat
from headgate.dialects.bounds import HIDDEN_TOKENS_MAX, IMAGE_TOKENS_MAX_OPENAI
from headgate.dialects.sse import EVENT_BYTES_MAX, EventTooLongError
from headgate.records.demand import Demand, Terms
from headgate.units.errors import BUDGET_EXCEEDED, Refusal

STREAM = (Path(__file__).parent / "samples/openai_chat/stream.sse").read_bytes()


def read(**fields: Any) -> Demand:
    body = json.dumps({"model": "m"} | fields).encode()
    demand = openai_chat.read(body)
    assert isinstance(demand, Demand), demand
    return demand


def prompt(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def test_the_bytes_bound_the_prompt() -> None:
    """A text costs at most its bytes and the frame around it."""
    body = '{"model":"m","messages":[{"role":"user","content":"naïve 🙂"}]}'.encode()

    demand = openai_chat.read(body)

    assert isinstance(demand, Demand)
    assert demand.input_tokens_max == len(body) + HIDDEN_TOKENS_MAX


@pytest.mark.parametrize("url", ["https://x.test/a.png", "data:image/png;base64,AAAA"])
def test_each_image_adds_its_dearest(url: str) -> None:
    """An image is bounded apart, inline or not: its bytes say nothing of its pixels."""
    image = {"type": "image_url", "image_url": {"url": url}}
    text = {"type": "text", "text": "data:image/png and https://x.test"}

    demand = read(messages=prompt(image, text, image))

    assert demand.images
    assert demand.input_tokens_max is not None
    assert demand.input_tokens_max > 2 * IMAGE_TOKENS_MAX_OPENAI
    assert not read(messages=prompt(text)).images


@pytest.mark.parametrize("kind", ["file", "video_url", "document_url", "input_audio"])
def test_what_is_not_text_leaves_no_bound(kind: str) -> None:
    """Files, films and sound may hold more than their bytes tell, spelled with escapes or not."""
    plain = json.dumps({"model": "m", "messages": prompt({"type": kind})})
    escaped = plain.replace(kind, f"\\u{ord(kind[0]):04x}{kind[1:]}")

    for body in (plain, escaped):
        demand = openai_chat.read(body.encode())
        assert isinstance(demand, Demand)
        assert demand.input_tokens_max is None


UNBOUNDED: list[tuple[dict[str, Any], str | None]] = [
    ({"web_search_options": {}}, "web_search_options"),
    ({"web_search_options": None}, None),
    ({"modalities": ["text", "audio"]}, "modalities"),
    ({"modalities": ["text"]}, None),
    ({"audio": {"voice": "a", "format": "wav"}}, "audio"),
    ({"prediction": {"type": "content", "content": "x"}}, "prediction"),
    ({"plugins": [{"id": "web"}]}, "plugins"),
    ({"models": ["a", "b"]}, "models"),
    ({"models": []}, None),
    ({"search_parameters": {"mode": "auto"}}, "search_parameters"),
    ({"enable_search": True}, "enable_search"),
    ({"enable_search": False}, None),
    ({"n_predict": -1, "max_tokens": 9}, "n_predict"),
    ({"n_predict": None}, None),
    ({"n_cmpl": 8, "n": 1}, "n_cmpl"),
    ({"tools": [{"type": "web_search"}]}, "web_search"),
    ({"tools": [{"type": "custom", "custom": {"name": "web_search"}}]}, None),
    ({"messages": prompt({"type": "input_audio", "input_audio": {}})}, "audio"),
    ({"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]}, "audio"),
]


@pytest.mark.parametrize(("fields", "name"), UNBOUNDED)
def test_features_without_a_bound_are_named(fields: dict[str, Any], name: str | None) -> None:
    """What no output limit bounds is named, so that a hard budget can refuse it."""
    assert read(**fields).unbounded == name


TERMS = [
    ({}, Terms()),
    ({"service_tier": "auto"}, Terms()),
    ({"service_tier": "default"}, Terms()),
    ({"service_tier": None}, Terms()),
    ({"service_tier": "flex"}, Terms(tier="flex")),
    ({"service_tier": "fast"}, Terms(tier="priority")),
    ({"prompt_cache_retention": "24h"}, Terms(cache_retention="24h")),
    ({"prompt_cache_retention": "in_memory"}, Terms()),
    ({"prompt_cache_options": {"ttl": "30m"}}, Terms()),
    ({"prompt_cache_options": {"ttl": "12h"}}, Terms(cache_retention="24h")),
]


@pytest.mark.parametrize(("fields", "terms"), TERMS)
def test_the_terms_asked_for_are_told(fields: dict[str, Any], terms: Terms) -> None:
    """Tiers are told in the words of the price book."""
    assert read(**fields).terms == terms


def test_usage_nobody_asked_for_is_kept_from_the_client() -> None:
    """Only the last, usage-only event is missing; `[DONE]` and all else is there."""
    stream = openai_chat.Stream(True)

    passed = stream.feed(STREAM) + stream.flush()

    events = STREAM.split(b"\n\n")
    assert passed.split(b"\n\n") == [*events[:3], *events[4:]]
    assert stream.finish().usage_json is not None


def test_usage_beside_an_answer_is_not_kept_back() -> None:
    """Some providers report usage in the last event with content; that event goes through."""
    event = b'data: {"id":"a","choices":[{"delta":{}}],"usage":{"prompt_tokens":1}}\n\n'
    stream = openai_chat.Stream(True)

    assert stream.feed(event) == event
    assert stream.finish().usage_json == b'{"prompt_tokens":1}'


def test_an_event_without_end_is_not_held_forever() -> None:
    """What is held back is bounded: beyond a megabyte it goes on."""
    stream = openai_chat.Stream(True)

    passed = stream.feed(b"data: " + b"x" * 2_000_000)

    assert len(passed) == 2_000_006


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [10_000, 50_000, 1_000_000])
def test_an_event_is_measured_however_it_comes(size: int, newline: bytes) -> None:
    """Long events pass one after the other; a single one that is too long does not, and then
    nothing that follows it is taken for the end of the stream."""
    ends = newline * 2
    long = b'data: {"id":"a","choices":[],"x":"%b"}%b' % (b"x" * (EVENT_BYTES_MAX - 50_000), ends)
    fits, endless = openai_chat.Stream(False), openai_chat.Stream(False)

    def feed(stream: openai_chat.Stream, data: bytes) -> None:
        for at in range(0, len(data), size):
            stream.feed(data[at : at + size])

    feed(fits, STREAM + long + long + b"data: [DONE]" + ends)
    assert fits.finish().complete
    with pytest.raises(EventTooLongError):
        feed(endless, STREAM + b"data: " + b"x" * (EVENT_BYTES_MAX + 2 * size) + ends + STREAM)
    assert not endless.finish().complete
    assert len(endless._tail) < 100_000


def test_done_without_its_blank_line_reaches_the_client() -> None:
    """A provider that ends with a single newline, or none, ended all the same."""
    stream = openai_chat.Stream(True)

    passed = stream.feed(b'data: {"id":"a","choices":[]}\n\ndata: [DONE]\n')

    assert passed == b'data: {"id":"a","choices":[]}\n\n'
    assert stream.flush() == b"data: [DONE]\n"
    assert stream.finish().complete


BEHIND: list[bytes] = [
    b'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{}}]}\n\n',
    b'data: {"error":{"message":"too late"}}\n\n',
    b'data: {"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":999}}\n\n',
    b"data: nonsense\n\n",
    b"event: ping\ndata: {}\n\ndata: [DONE]\n\n",
]


@pytest.mark.parametrize("behind", BEHIND)
def test_what_follows_done_changes_nothing(behind: bytes) -> None:
    """Clients read no further: the stream is complete, and costs what it said up to there."""
    plain, longer = openai_chat.Stream(False), openai_chat.Stream(False)
    plain.feed(STREAM)

    assert longer.feed(STREAM + behind) == STREAM + behind
    report = longer.finish()
    assert report == plain.finish()
    assert report.complete and not report.errored


def test_usage_that_follows_done_counts_where_there_was_none() -> None:
    """A provider that reports what it will bill has reported it, late or not."""
    stream = openai_chat.Stream(True)
    passed = stream.feed(
        b'data: {"id":"a","choices":[]}\n\ndata: [DONE]\n\n'
        b'data: {"id":"a","choices":[],"usage":{"prompt_tokens":1}}\n\n'
    )

    assert passed == b'data: {"id":"a","choices":[]}\n\ndata: [DONE]\n\n'
    report = stream.finish()
    assert report.complete
    assert report.usage_json == b'{"prompt_tokens":1}'


def test_usage_is_found_at_the_end_of_a_long_stream() -> None:
    """Only the last 16 kB are kept, and they hold the usage."""
    head, middle, *rest = STREAM.split(b"\n\n")
    stream = openai_chat.Stream(False)

    for event in (head, *[middle] * 5_000, *rest[:-1]):
        stream.feed(event + b"\n\n")

    report = stream.finish()
    assert report.complete
    assert report.usage_json is not None
    assert report.upstream_id == "chatcmpl-1"
    assert len(stream._tail) <= 32_768 + len(STREAM)


def test_the_official_client_reads_our_words() -> None:
    """Refusals and models have the shape of the SDK's types."""
    refusal = Refusal(BUDGET_EXCEEDED, "The budget is spent.", param="max_tokens")

    error = json.loads(openai_chat.render_refusal(refusal, "call_1"))["error"]
    models = json.loads(openai_chat.render_models([("fast", 5_000_000_000)]))

    read_error = ErrorObject.model_validate(error, strict=True)
    assert (read_error.code, read_error.type) == ("budget_exceeded", "insufficient_quota")
    assert error["call"] == "call_1"
    assert Model.model_validate(models["data"][0], strict=True).created == 5
