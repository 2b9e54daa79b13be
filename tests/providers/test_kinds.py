"""What is true of single kinds of providers, beyond what holds for all of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from headgate.providers import azure_openai, bedrock, deepseek, mistral, openrouter, vertex
from headgate.providers.envelope import Place
from headgate.providers.openrouter import reported_nanos
from headgate.providers.registry import batch_base_of, dialects_of, keeps_threads, providers
from headgate.records.report import Report

ROOT = Path(__file__).parents[2]


def test_deepseek_speaks_two_dialects_below_one_base() -> None:
    """Whichever of its documented bases is configured, both paths are right."""
    for base in ("", "/v1"):
        assert deepseek.path("openai_chat", base) == f"{base}/chat/completions"
    for base in ("", "/v1", "/anthropic"):
        assert deepseek.path("anthropic_messages", base) == "/anthropic/v1/messages"
    assert deepseek.seller("http://127.0.0.1:1") == "deepseek"


def test_threads_are_kept_at_one_address() -> None:
    """Elsewhere the same kind may be somebody who takes no notice; other kinds keep none at all."""
    kinds = providers()
    keeping = {
        (name, url)
        for name, kind in kinds.items()
        for url in ("https://api.anthropic.com", "http://127.0.0.1:1")
        if keeps_threads(kind, url)
    }

    assert keeping == {("anthropic", "https://api.anthropic.com")}


def test_mistral_is_not_asked_for_what_it_refuses() -> None:
    """No stream options, no newer name of the limit; the limit stands under the one it knows."""
    assert mistral.ENVELOPE.dropped == {"stream_options", "max_completion_tokens"}
    assert not mistral.ENVELOPE.ask_usage
    assert mistral.limit_needed("https://api.mistral.ai/v1")
    assert mistral.limit_field("https://api.mistral.ai/v1", "m") == "max_tokens"


def test_azure_has_the_deployment_in_the_body_or_in_the_path() -> None:
    """Below `v1` nothing but the path differs from OpenAI; a dated version names the deployment."""
    dated = Place("my gpt/5", api_version="2024-10-21")

    assert azure_openai.path("openai_chat", "/openai/v1") == "/openai/v1/chat/completions"
    assert azure_openai.path("openai_chat", "/openai") == "/openai/v1/chat/completions"
    for base in ("", "/openai"):
        assert azure_openai.path("openai_chat", base, dated) == (
            "/openai/deployments/my%20gpt%2F5/chat/completions?api-version=2024-10-21"
        )
    kind, version = providers()["azure_openai"], "2024-10-21"
    assert batch_base_of(kind, "/openai/", None) == ("/openai/v1", "")
    assert batch_base_of(kind, "", version) == ("/openai", f"api-version={version}")
    assert azure_openai.headers("k") == ((b"api-key", b"k"),)


def test_vertex_names_the_model_and_the_way_of_answering_in_the_path() -> None:
    """Versions behind `@` stay readable, as Vertex writes them."""
    base = "/v1/projects/p/locations/europe-west1"

    assert vertex.path("anthropic_messages", base, Place("claude-x@20250101")) == (
        f"{base}/publishers/anthropic/models/claude-x@20250101:rawPredict"
    )
    assert vertex.path("anthropic_messages", base, Place("m", stream=True)).endswith(
        ":streamRawPredict"
    )
    assert vertex.path("gemini", base, Place("gemini-x", stream=True)) == (
        f"{base}/publishers/google/models/gemini-x:streamGenerateContent?alt=sse"
    )
    assert vertex.path("gemini_count_tokens", base, Place("gemini-x")).endswith(":countTokens")
    assert vertex.limit_field("https://h", "gemini-x") == "maxOutputTokens"
    assert vertex.limit_field("https://h", "claude-x") == "max_tokens"
    assert vertex.ENVELOPES["anthropic_messages"].members(()) == {
        "anthropic_version": b'"vertex-2023-10-16"'
    }


@pytest.mark.parametrize(
    ("usage", "nanos"),
    [
        ('{"cost": 0.00078593}', 785_930),
        ('{"cost": 7.8593e-4, "is_byok": false}', 785_930),
        ('{"cost": 0.0000000005}', 1),
        (
            '{"cost": 0, "is_byok": true, "cost_details": {"upstream_inference_cost": 0.0019}}',
            1_900_000,
        ),
        (
            '{"cost": 0.1, "is_byok": true, "cost_details": {"upstream_inference_cost": null}}',
            100_000_000,
        ),
        ('{"cost": 0.1, "cost_details": {"upstream_inference_cost": 0.1}}', 100_000_000),
        ('{"cost": null}', None),
        ('{"cost": "0.1"}', None),
        ('{"cost": -1}', None),
        ('{"cost": 1e999}', None),
        ("{}", None),
        ("[", None),
    ],
)
def test_a_reported_cost_is_read_exactly(usage: str, nanos: int | None) -> None:
    """With a key of one's own the provider's bill is added to the fee; what is odd is not read."""
    assert reported_nanos(usage.encode()) == nanos


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"error":{"code":429,"message":"slow down"}}', "upstream_rate_limited"),
        (b'data: {"id":"x","error":{"message":"no","code": 502}}\n\n', "upstream_error"),
        (b'{"error":{"code":"server_error","message":"no"}}', "upstream_error"),
    ],
)
def test_an_error_inside_a_good_status_is_classified_by_its_code(body: bytes, code: str) -> None:
    """OpenRouter tells late errors in the body."""
    assert openrouter.failure(200, body).code.code == code


def test_a_reported_cost_is_no_usage() -> None:
    """The cost stands beside the meters and changes none of them."""
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "cost": 0.5}

    metered = openrouter.metered(Report(usage_json=json.dumps(usage).encode()))

    assert metered.usage.quantities() == {"input_uncached": 10, "output_text": 2}
    assert metered.reported_nanos == 500_000_000


@pytest.mark.parametrize(
    ("kind", "model", "spoken"),
    [
        (bedrock, "eu.anthropic.claude-x-v1:0", ("anthropic_messages", "bedrock_converse")),
        (bedrock, "us.amazon.nova-pro-v1:0", ("bedrock_converse",)),
        (bedrock, "arn:aws:bedrock:eu-west-1:1:inference-profile/x", ("bedrock_converse",)),
        (vertex, "claude-x@20250101", ("anthropic_messages",)),
        (vertex, "gemini-2.5-flash", ("gemini", "gemini_count_tokens")),
        (vertex, "of-another-maker", vertex.NATIVE_DIALECTS),
        (deepseek, "deepseek-x", deepseek.NATIVE_DIALECTS),
    ],
)
def test_a_model_speaks_what_its_maker_does(kind: Any, model: str, spoken: tuple[str, ...]) -> None:
    """Where the models of one provider speak different dialects, their names tell which."""
    assert dialects_of(kind, kind.NATIVE_DIALECTS, model) == spoken


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}', "upstream_rate_limited"),
        (b'{"type":"error","error":{"type":"overloaded_error"}}', "upstream_overloaded"),
    ],
)
def test_vertex_tells_errors_in_two_forms(body: bytes, code: str) -> None:
    """Google's form and Anthropic's, in a stream that begins with one as in a reply."""
    status = 429 if b"429" in body else 529

    assert vertex.failure(200, b"data: %b\n\n" % body).code.code == code
    assert vertex.failure(status, body).code.code == code


def test_every_kind_stands_in_the_reference_with_its_dialects() -> None:
    """Whoever writes `kind = ...` finds it in the table, and what it speaks."""
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text("utf-8")
    table = page.partition("## Kinds of providers")[2].partition("\n## ")[0]
    rows = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}

    assert rows.keys() == providers().keys()
    for name, kind in providers().items():
        missing = [each for each in kind.NATIVE_DIALECTS if f"`{each}`" not in rows[name]]
        assert not missing, (name, missing)
