"""What holds for every kind of provider in the folder; a new one is tested here unasked."""

import json
from pathlib import Path
from typing import Any

import pytest

from headgate.dialects.registry import spoken_dialects
from headgate.providers import anthropic, gemini, openai_compatible
from headgate.providers.envelope import Place
from headgate.providers.registry import Provider, providers
from headgate.records.demand import STANDARD, Terms
from headgate.records.report import Report
from headgate.units.errors import Code
from headgate.units.usage import UsageError

SAMPLES = Path(__file__).parent / "samples"
PROVIDERS = providers()
CASES = [
    pytest.param(kind, case, id=f"{kind}: {case['name']}")
    for kind in sorted(PROVIDERS)
    for case in json.loads((SAMPLES / f"{kind}.json").read_text())
]


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest) -> Provider:
    return PROVIDERS[request.param]


def said(usage: dict[str, Any], tier: str | None = None) -> Report:
    return Report(usage_json=json.dumps(usage).encode(), tier=tier, complete=True)


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_counts_are_split_into_disjoint_meters(kind: str, case: dict[str, Any]) -> None:
    """Each token is on exactly one meter, and the terms are those it was served on."""
    metered = PROVIDERS[kind].metered(said(case["usage"], case["tier"]))

    assert metered.usage.quantities() == case["meters"]
    assert metered.terms == Terms(*case["terms"])


WRONG: list[bytes | None] = [None, b"{}", b"{", b"[]", b'{"prompt_tokens":-1,"input_tokens":-1}']
WRONG += [b'{"prompt_tokens":"5","input_tokens":"5"}', b'{"prompt_tokens":1.5,"input_tokens":1.5}']


@pytest.mark.parametrize("usage", WRONG)
def test_absent_or_unreadable_usage_is_an_error(provider: Provider, usage: bytes | None) -> None:
    """Absent is not zero, and neither is what cannot be read."""
    with pytest.raises(UsageError):
        provider.metered(Report(usage_json=usage, complete=True))


CONTRADICTIONS: dict[str, list[dict[str, Any]]] = {
    "openai_compatible": [
        {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 6}},
        {
            "prompt_tokens": 5,
            "completion_tokens": 1,
            "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 3},
        },
        {
            "prompt_tokens": 5,
            "completion_tokens": 1,
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
        {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 5},
        {
            "prompt_tokens": 5,
            "completion_tokens": 1,
            "total_tokens": 9,
            "completion_tokens_details": {"reasoning_tokens": 1},
        },
        {
            "prompt_tokens": 9,
            "completion_tokens": 1,
            "prompt_cache_hit_tokens": 4,
            "prompt_cache_miss_tokens": 4,
        },
        {
            "prompt_tokens": 9,
            "completion_tokens": 1,
            "prompt_cache_hit_tokens": 4,
            "prompt_tokens_details": {"cached_tokens": 5},
        },
    ],
    "openai": [
        {"input_tokens": 5, "output_tokens": 1, "input_tokens_details": {"cached_tokens": 6}}
        | {"total_tokens": 6},
        {"input_tokens": 5, "output_tokens": 1, "total_tokens": 7},
        {"input_tokens": 5, "output_tokens": 1, "output_tokens_details": {"reasoning_tokens": 2}}
        | {"total_tokens": 6},
    ],
    "gemini": [
        {"promptTokenCount": 5, "cachedContentTokenCount": 6},
        {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 6},
        {"promptTokenCount": 5, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 6}]},
        {"promptTokenCount": 5, "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 1}]},
        {
            "promptTokenCount": 5,
            "candidatesTokenCount": 2,
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 2}],
        },
    ],
    "bedrock": [
        {"inputTokens": 5, "outputTokens": 1, "totalTokens": 7},
        {"inputTokens": 5, "outputTokens": 1, "totalTokens": 9, "cacheReadInputTokens": 6},
        {"inputTokens": 5, "outputTokens": 1, "totalTokens": 8, "cacheWriteInputTokens": 2}
        | {"cacheDetails": [{"ttl": "1h", "inputTokens": 3}]},
        {"inputTokens": 5, "outputTokens": 1, "totalTokens": 6, "serverToolUsage": {"search": 1}},
        {"inputTokens": 5, "outputTokens": 1},
    ],
    "anthropic": [
        {
            "input_tokens": 1,
            "output_tokens": 1,
            "cache_creation_input_tokens": 5,
            "cache_creation": {"ephemeral_1h_input_tokens": 6},
        },
        {"input_tokens": 1, "output_tokens": 1, "output_tokens_details": {"thinking_tokens": 2}},
        {"input_tokens": 1, "output_tokens": 1, "iterations": [{"type": "compaction"}]},
        {"input_tokens": 1, "output_tokens": 1, "iterations": [{"type": "fallback_message"}]},
    ],
}


@pytest.mark.parametrize("kind", sorted(CONTRADICTIONS))
def test_counts_that_contradict_each_other_are_an_error(kind: str) -> None:
    """A part above its total, or a sum that does not add up, is not billed at a guess."""
    for usage in CONTRADICTIONS[kind]:
        with pytest.raises(UsageError):
            PROVIDERS[kind].metered(said(usage))


def test_cache_writes_live_as_long_as_the_call_asked() -> None:
    """OpenAI counts cache writes without their lifetime, so the call's terms say it."""
    details = {"cache_write_tokens": 4}
    usage = {"prompt_tokens": 5, "completion_tokens": 0, "prompt_tokens_details": details}

    asked = STANDARD._replace(cache_retention="24h")
    metered = openai_compatible.metered(said(usage), asked)

    assert metered.usage.quantities() == {"input_uncached": 1, "cache_write_24h": 4}
    assert metered.terms.cache_retention == "24h"


def test_every_status_is_classified(provider: Provider) -> None:
    """Every status has a code; what may pass through is about the request, never retried."""
    for status in (*range(100, 600), 999):
        failure = provider.failure(status, b"")

        assert isinstance(failure.code, Code)
        assert not (failure.pass_through and failure.retryable)
        assert not failure.pass_through or 400 <= status < 500


@pytest.mark.parametrize(
    ("status", "code", "retryable", "pass_through"),
    [
        (400, "body_invalid", False, True),
        (401, "upstream_credential", True, False),
        (402, "upstream_credential", True, False),
        (403, "upstream_credential", True, False),
        (404, "model_unknown", False, True),
        (413, "body_too_large", False, True),
        (422, "body_invalid", False, True),
        (429, "upstream_rate_limited", True, False),
        (500, "upstream_error", True, False),
        (503, "upstream_overloaded", True, False),
        (504, "upstream_timeout", True, False),
        (529, "upstream_overloaded", True, False),
    ],
)
def test_statuses_mean_the_same_everywhere(
    provider: Provider, status: int, code: str, retryable: bool, pass_through: bool
) -> None:
    """The common statuses are told as the same codes."""
    failure = provider.failure(status, b"{}")

    assert failure.code.code == code
    assert (failure.retryable, failure.pass_through) == (retryable, pass_through)


def test_an_empty_account_is_ours_not_the_clients() -> None:
    """Out of money at the provider is neither a bad request nor a limit that time lifts."""
    openai = openai_compatible.failure(429, b'{"error":{"code":"insufficient_quota"}}')
    low = b'{"error":{"message":"Your credit balance is too low to access the API."}}'

    assert openai.code.code == "upstream_credential"
    assert anthropic.failure(400, low) == openai
    assert not openai.pass_through


def test_a_wrong_key_is_ours_though_google_calls_the_request_bad() -> None:
    """Google answers 400 to a wrong key and to an account that may not be billed."""
    wrong = b'{"error":{"code":400,"details":[{"reason":"API_KEY_INVALID"}]}}'
    unpaid = b'{"error":{"code":400,"status":"FAILED_PRECONDITION"}}'

    assert gemini.failure(400, wrong).code.code == "upstream_credential"
    assert gemini.failure(400, unpaid).code.code == "upstream_credential"
    assert gemini.failure(400, b'{"error":{"status":"INVALID_ARGUMENT"}}').pass_through


def test_a_prompt_that_is_too_long_passes_through() -> None:
    """The provider's own words say by how much the prompt is too long."""
    long = openai_compatible.failure(400, b'{"error":{"code":"context_length_exceeded"}}')

    assert long.code.code == "context_exceeded"
    assert long.pass_through
    assert anthropic.failure(400, b"prompt is too long: 9 tokens > 5 maximum") == long


def test_an_error_that_starts_a_stream_is_classified_by_its_type(provider: Provider) -> None:
    """A stream comes with status 200, so the first event's type stands for the status."""
    event = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n'

    assert provider.failure(200, event) == provider.failure(529, b"")
    assert provider.failure(200, b'data: {"error":{}}\n\n').code.code == "upstream_error"


def test_the_paths_lie_below_the_base(provider: Provider) -> None:
    """Every native dialect has a path; a dialect that is not spoken is refused."""
    known = spoken_dialects()
    place = Place(model="m/1", stream=True)
    for dialect in provider.NATIVE_DIALECTS:
        assert dialect in known
        path = provider.path(dialect, "/base/v1", place)
        assert path.startswith("/base/")
        assert path == provider.path(dialect, "/base/v1/", place)
        assert "m/1" not in path, "a name of a model may not add to the path"
    with pytest.raises(ValueError, match="does not speak"):
        provider.path("nonsense", "/v1")


def test_the_base_may_lack_its_version() -> None:
    """Anthropic's clients leave `/v1` out of the base; DeepSeek's base has none."""
    assert anthropic.path("anthropic_messages", "") == "/v1/messages"
    assert anthropic.path("anthropic_messages", "/anthropic") == "/anthropic/v1/messages"
    assert openai_compatible.path("openai_chat", "") == "/chat/completions"
    assert openai_compatible.path("anthropic_messages", "/v1") == "/v1/messages"


def test_a_path_may_name_the_model_and_say_that_it_streams() -> None:
    """Google's paths do; a model's name can never lead out of its place in them."""
    assert gemini.path("gemini", "", Place("m")) == "/v1beta/models/m:generateContent"
    assert (
        gemini.path("gemini", "/v1", Place("models/m", stream=True))
        == "/v1/models/m:streamGenerateContent?alt=sse"
    )
    assert gemini.path("gemini", "", Place("../a b?c")) == (
        "/v1beta/models/..%2Fa%20b%3Fc:generateContent"
    )


@pytest.mark.parametrize("credential", ["", "a b", "a\r\nx: y", "a\x00", "schlüssel"])
def test_a_credential_that_breaks_a_header_is_refused(provider: Provider, credential: str) -> None:
    """A credential can never smuggle a header in."""
    with pytest.raises(ValueError, match="visible ASCII"):
        provider.headers(credential)


def test_the_credential_is_in_the_headers(provider: Provider) -> None:
    """Header names are lower case; the credential is in one of the values."""
    headers = provider.headers("sk-secret")

    assert any(b"sk-secret" in value for _, value in headers)
    assert all(name == name.lower() for name, _ in (*headers, *provider.DEFAULTS))


def test_headers_for_clients_do_not_name_our_account(provider: Provider) -> None:
    """Limits and request ids pass; the organisation does not."""
    for name in (b"openai-organization", b"openai-project", b"anthropic-organization-id"):
        assert name not in provider.PASSED
        assert not name.startswith(provider.PASSED_PREFIXES)


def test_sellers_and_limits_are_known_by_host() -> None:
    """Whose prices hold, and how the output limit is called, depends on the host alone."""
    openai, deepseek = "https://api.openai.com/v1", "https://api.deepseek.com"

    assert openai_compatible.seller(openai) == "openai"
    assert openai_compatible.seller(deepseek) == "deepseek"
    assert openai_compatible.seller("http://api.openai.com.evil.test/v1") is None
    assert openai_compatible.seller("http://127.0.0.1:9000/v1") is None
    assert anthropic.seller("https://api.anthropic.com") == "anthropic"
    assert openai_compatible.limit_field(openai, "m") == "max_completion_tokens"
    assert openai_compatible.limit_field(deepseek, "m") == "max_tokens"
    assert openai_compatible.limit_field("http://notopenai.com", "m") == "max_tokens"
    assert not openai_compatible.limit_needed(openai)
    assert openai_compatible.limit_needed("http://notopenai.com")
    assert anthropic.limit_field("https://api.anthropic.com", "m") == "max_tokens"
    assert PROVIDERS["openai"].seller("https://eu.api.openai.com/v1") == "openai"
    assert (
        PROVIDERS["openai"].limit_field("http://127.0.0.1:9000/v1", "m") == "max_completion_tokens"
    )
    assert gemini.seller("https://generativelanguage.googleapis.com") == "google"
    assert gemini.seller("http://127.0.0.1:9000") is None
