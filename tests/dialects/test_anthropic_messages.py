"""`anthropic_messages`: bounds, server tools, terms, merged usage, and the official client."""

import json
from typing import Any

import pytest
from anthropic.types import ErrorResponse, ModelInfo

from headgate.dialects import anthropic_messages
from headgate.dialects.bounds import BUILT_IN_TOOL_TOKENS_MAX, IMAGE_TOKENS_MAX_ANTHROPIC
from headgate.records.demand import Demand, Terms
from headgate.units.errors import BODY_INVALID, BUDGET_EXCEEDED, Refusal


def read(**fields: Any) -> Demand:
    body = json.dumps({"model": "m", "max_tokens": 9} | fields).encode()
    demand = anthropic_messages.read(body)
    assert isinstance(demand, Demand), demand
    return demand


def prompt(*blocks: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(blocks)}]


def block(kind: str, **source: Any) -> dict[str, Any]:
    return {"type": kind, "source": source}


def test_a_missing_limit_is_refused_as_the_provider_does() -> None:
    """`max_tokens` is required in this dialect."""
    refusal = anthropic_messages.read(b'{"model":"m","messages":[]}')

    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.param) == (BODY_INVALID, "max_tokens")
    assert refusal.message == "max_tokens: Field required."


@pytest.mark.parametrize("source", ["base64", "url", "file"])
def test_each_image_adds_its_dearest(source: str) -> None:
    """Images are found where they can be: in messages, in tool results, in documents."""
    image = block("image", type=source)
    result = {"type": "tool_result", "tool_use_id": "t", "content": [image]}
    document = block("document", type="content", content=[image])

    demand = read(messages=prompt(image, result, document))

    assert demand.images
    assert demand.input_tokens_max is not None
    assert demand.input_tokens_max > 3 * IMAGE_TOKENS_MAX_ANTHROPIC


@pytest.mark.parametrize("source", ["base64", "url", "file"])
def test_a_document_that_is_no_text_leaves_no_bound(source: str) -> None:
    """A PDF is compressed or elsewhere, so its bytes bound nothing."""
    document = block("document", type=source)
    result = {"type": "tool_result", "tool_use_id": "t", "content": [document]}

    assert read(messages=prompt(document)).input_tokens_max is None
    assert read(messages=prompt(result)).input_tokens_max is None
    assert read(messages=prompt(block("document", type="text"))).input_tokens_max is not None


def test_a_conversation_kept_by_the_provider_leaves_no_bound() -> None:
    """A thread that goes on has a prompt that is not in the body."""
    thread = {"type": "continue", "previous_message_id": "msg_1"}

    assert read(thread=thread).input_tokens_max is None
    assert read(thread={"type": "create"}).input_tokens_max is not None


def test_a_tool_named_by_type_adds_its_hidden_description() -> None:
    """The provider writes the description of its own client tools into the prompt."""
    bare = read(tools=[{"name": "a", "input_schema": {}}]).input_tokens_max
    typed = read(tools=[{"name": "bash", "type": "bash_20250124"}])

    assert bare is not None and typed.input_tokens_max is not None
    assert typed.input_tokens_max - bare > BUILT_IN_TOOL_TOKENS_MAX - 100
    assert typed.unbounded is None


INLINE = {
    "type": "tool_addition",
    "tool": {"type": "tool_definition", "definition": {"type": "web_search_20260318"}},
}
UNBOUNDED: list[tuple[dict[str, Any], str | None]] = [
    ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "web_search_20250305"),
    ({"tools": [{"type": "web_fetch_20260318", "name": "f"}]}, "web_fetch_20260318"),
    ({"tools": [{"type": "code_execution_20260521", "name": "c"}]}, "code_execution_20260521"),
    ({"tools": [{"type": "advisor_20260301", "name": "advisor"}]}, "advisor_20260301"),
    ({"tools": [{"type": "not_yet_known_20990101"}]}, "not_yet_known_20990101"),
    ({"tools": [{"name": "WebSearch"}, {"name": "web_search_20250305"}]}, None),
    ({"tools": [{"type": "custom", "name": "WebFetch"}]}, None),
    ({"tools": [{"type": "text_editor_20250728", "name": "e"}]}, None),
    ({"messages": prompt(INLINE)}, "web_search_20260318"),
    ({"mcp_servers": [{"type": "url", "url": "https://x.test"}]}, "mcp_servers"),
    ({"mcp_servers": []}, None),
    ({"container": "c_1"}, "container"),
    ({"fallbacks": "default"}, "fallbacks"),
    ({"compaction": {"type": "summarize"}}, "compaction"),
    ({"context_management": {"edits": [{"type": "compact_20260112"}]}}, "compact_20260112"),
    ({"context_management": {"edits": [{"type": "clear_thinking_20251015"}]}}, None),
    ({"messages": [{"role": "user", "content": '"type":"web_search_20250305"'}]}, None),
]


@pytest.mark.parametrize(("fields", "name"), UNBOUNDED)
def test_features_without_a_bound_are_named(fields: dict[str, Any], name: str | None) -> None:
    """What runs at the provider is named; a client's tool of such a name is not."""
    assert read(**fields).unbounded == name


TERMS = [
    ({}, Terms()),
    ({"service_tier": "standard_only"}, Terms()),
    ({"speed": "fast"}, Terms(tier="fast")),
    ({"speed": "standard", "service_tier": "auto"}, Terms()),
    ({"inference_geo": "us"}, Terms(region="us")),
    ({"inference_geo": "us", "speed": "fast"}, Terms(tier="fast", region="us")),
]


@pytest.mark.parametrize(("fields", "terms"), TERMS)
def test_the_terms_asked_for_are_told(fields: dict[str, Any], terms: Terms) -> None:
    """Speed and region are told in the words of the price book."""
    assert read(**fields).terms == terms


def test_the_thinking_budget_is_told() -> None:
    """A budget is told when it is given; adaptive thinking has none."""
    assert read(thinking={"type": "enabled", "budget_tokens": 4000}).thinking_tokens == 4000
    assert read(thinking={"type": "adaptive"}).thinking_tokens is None


def test_a_stream_without_its_last_count_keeps_that_of_its_head() -> None:
    """A stream that broke off says what its head said, and that it is not complete."""
    usage = {"input_tokens": 25, "output_tokens": 1}
    start = {"type": "message_start", "message": {"id": "m", "model": "c", "usage": usage}}
    stream = anthropic_messages.Stream(True)

    stream.feed(b"event: message_start\ndata: " + json.dumps(start).encode() + b"\n\n")
    report = stream.finish()

    assert report.usage_json is not None
    assert json.loads(report.usage_json) == usage
    assert not report.complete


def test_the_official_client_reads_our_words() -> None:
    """Refusals and models have the shape of the SDK's types; the code is where it looks for it."""
    refusal = Refusal(BUDGET_EXCEEDED, "The budget is spent.")
    text = anthropic_messages.render_refusal(refusal, "call_1")

    error = ErrorResponse.model_validate(json.loads(text))
    models = json.loads(anthropic_messages.render_models([("fast", 5_000_000_000)]))

    assert (error.error.type, error.request_id) == ("billing_error", "call_1")
    assert json.loads(text)["error"]["details"]["error_code"] == "budget_exceeded"
    model = ModelInfo.model_validate(models["data"][0])
    assert model.created_at.isoformat() == "1970-01-01T00:00:05+00:00"
    assert (models["first_id"], models["last_id"]) == ("fast", "fast")
