"""`openai_compatible`: the many that speak OpenAI's Chat Completions, with or without the rest."""

from typing import Final
from urllib.parse import urlsplit

import msgspec

from headgate.providers import anthropic, responses_usage
from headgate.providers.envelope import ANY_PLACE, Place
from headgate.providers.openai_compatible_shapes import CompletionDetails, PromptDetails
from headgate.providers.openai_compatible_shapes import Usage as Reported
from headgate.providers.replies import ACCOUNT, CONTEXT, by_status, credential_bytes
from headgate.providers.settings import OLDER_LIMIT
from headgate.providers.setup import Setup
from headgate.records.demand import STANDARD, Terms
from headgate.records.report import Failure, Metered, Report
from headgate.units.usage import Usage, UsageError

KIND = "openai_compatible"
NATIVE_DIALECTS: Final = ("openai_chat", "embeddings")
SETUP: Final = Setup(
    servers=(
        ("ollama", "http://127.0.0.1:11434/v1"),
        ("vllm", "http://127.0.0.1:8000/v1"),
        ("lm-studio", "http://127.0.0.1:1234/v1"),
    ),
    free_path="/models",
)
PATHS = {
    "openai_chat": "/chat/completions",
    "openai_responses": "/responses",
    "openai_input_tokens": "/responses/input_tokens",
    "embeddings": "/embeddings",
    "images": "/images/generations",
    "image_edits": "/images/edits",
    "image_variations": "/images/variations",
    "speech": "/audio/speech",
    "transcriptions": "/audio/transcriptions",
    "translations": "/audio/translations",
    "moderations": "/moderations",
}
DEFAULTS: tuple[tuple[bytes, bytes], ...] = ()
PASSED: Final = frozenset(
    {
        b"x-request-id",
        b"request-id",
        b"retry-after",
        b"retry-after-ms",
        b"x-should-retry",
        b"openai-processing-ms",
        b"openai-version",
    }
)
PASSED_PREFIXES: Final = (b"x-ratelimit-",)
"""Not `openai-organization` and `openai-project`: they name our account."""

_SELLERS: Final = {
    "api.openai.com": "openai",
    "eu.api.openai.com": "openai",
    "us.api.openai.com": "openai",
    "api.deepseek.com": "deepseek",
    "api.anthropic.com": "anthropic",
    "api.x.ai": "xai",
    "api.mistral.ai": "mistral",
    "api.groq.com": "groq",
    "api.together.xyz": "together",
    "api.fireworks.ai": "fireworks",
    "api.cerebras.ai": "cerebras",
    "api.deepinfra.com": "deepinfra",
    "openrouter.ai": "openrouter",
}
_NEW_LIMIT_HOSTS: Final = (".openai.com", ".openai.azure.com")
_ACCOUNT_MARKS: Final = (
    b"insufficient_quota",
    b"billing_hard_limit_reached",
    b"billing_not_active",
)
_CONTEXT_MARKS: Final = (
    b"context_length_exceeded",
    b"maximum context length",
    b"prompt is too long",
)

_STATUS_OF: Final = {
    b"invalid_request_error": 400,
    b"authentication_error": 401,
    b"rate_limit_exceeded": 429,
    b"rate_limit_error": 429,
    b"overloaded": 503,
    b"overloaded_error": 503,
}
"""Error types and codes in streams, and the statuses they go with."""

_USUAL: Final = b'{"prompt_tokens"'
"""How nearly every usage begins."""
_USAGE: Final = msgspec.json.Decoder(Reported)
_NO_PROMPT_DETAILS: Final = PromptDetails()
_NO_COMPLETION_DETAILS: Final = CompletionDetails()


def seller(base_url: str) -> str | None:
    """Return whose prices hold at an address; None when only the owner can know."""
    return _SELLERS.get(urlsplit(base_url).hostname or "")


def path(dialect: str, base_path: str, place: Place = ANY_PLACE) -> str:
    """Return the path a dialect's calls are posted to; `base_path` usually ends in `/v1`.

    Some of these providers speak Responses, many Anthropic's Messages, below the same base.

    Raises:
        ValueError: Another dialect.
    """
    if dialect in PATHS:
        return base_path.rstrip("/") + PATHS[dialect]
    return anthropic.path(dialect, base_path, place)


def headers(credential: str) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that carries the credential.

    Raises:
        ValueError: The credential cannot stand in a header.
    """
    return ((b"authorization", b"Bearer " + credential_bytes(credential)),)


def limit_field(base_url: str, model: str) -> str:  # noqa: ARG001
    """Return the name of the output limit to add to a body that has none.

    OpenAI's reasoning models know only the new name; most others know only the old one.
    """
    host = "." + (urlsplit(base_url).hostname or "")
    return "max_completion_tokens" if host.endswith(_NEW_LIMIT_HOSTS) else OLDER_LIMIT


def limit_needed(base_url: str) -> bool:
    """Tell whether that limit must be there even beside another one, which is ignored.

    Servers that have only ever known `max_tokens` pass over the newer name and would write on, past
    what is held. OpenAI knows both, and refuses both at once.
    """
    return limit_field(base_url, "") == OLDER_LIMIT


def failure(status: int, body: bytes) -> Failure:
    """Classify an error reply, or with status 200 the error a stream began with.

    OpenAI says with a 429 that our account is out of money: waiting does not help there.
    """
    if status == 200:
        status = next((code for kind, code in _STATUS_OF.items() if b'"%b"' % kind in body), 500)
    if status in (400, 403, 429) and any(mark in body for mark in _ACCOUNT_MARKS):
        return ACCOUNT
    if status in (400, 413, 422) and any(mark in body for mark in _CONTEXT_MARKS):
        return CONTEXT
    return by_status(status)


def metered(report: Report, asked: Terms = STANDARD) -> Metered:
    """Split reported usage into disjoint meters.

    The details are parts of the totals here: what is cached, written to the cache or audio is
    inside the prompt; what is reasoning, audio or a prediction, taken or rejected, is inside
    the completion. Some providers leave reasoning out of the completion and let only
    `total_tokens` show it; that is recognised by the sum. A cost in the reply is no price.

    Args:
        report: What the reply said.
        asked: The terms of the call: they say how long its cache writes live.

    Raises:
        UsageError: Usage is absent, unreadable, or contradicts itself.
    """
    usage_json = report.usage_json
    if usage_json is None:
        raise UsageError("the reply reports no usage")
    if (
        usage_json[: len(_USUAL)] != _USUAL
        # `find`, for `in` tries whether the bytes are a number first.
        and usage_json.find(b'"prompt_tokens"') < 0
        and b'"input_tokens"' in usage_json
    ):
        # Responses always say a total, Messages never do.
        if b'"total_tokens"' not in usage_json:
            return anthropic.metered(report, asked)
        usage = responses_usage.split(usage_json, long=asked.cache_retention == "24h")
        return Metered(usage, _served_terms(report.tier, asked))
    try:
        counts = _USAGE.decode(usage_json)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the reported usage cannot be read: {error}") from error
    cached, written, audio_in = _input_parts(counts)
    text, reasoning, audio_out = _output_parts(counts)
    long = asked.cache_retention == "24h"
    quantities = (
        counts.prompt_tokens - cached - written - audio_in,  # input_uncached
        cached,  # cache_read
        0 if long else written,  # cache_write_5m
        0,  # cache_write_1h
        written if long else 0,  # cache_write_24h
        audio_in,  # input_audio
        text,  # output_text
        reasoning,  # output_reasoning
        audio_out,  # output_audio
        0,  # web_search
    )
    # As its own constructor does, which is interpreted.
    return Metered(tuple.__new__(Usage, quantities), _served_terms(report.tier, asked))


def _served_terms(tier: str | None, asked: Terms) -> Terms:
    """Return the terms a reply was served on: its own tier, else what was asked for."""
    served = "standard" if tier is None or tier in ("default", "auto") else tier
    return asked if served == asked.tier else asked._replace(tier=served)


def _input_parts(usage: Reported) -> tuple[int, int, int]:
    """Return the cached, the written and the audio tokens of the prompt."""
    details = usage.prompt_tokens_details or _NO_PROMPT_DETAILS
    hit, miss = usage.prompt_cache_hit_tokens, usage.prompt_cache_miss_tokens
    if hit is not None and miss is not None and hit + miss != usage.prompt_tokens:
        raise UsageError("prompt_cache_hit_tokens + prompt_cache_miss_tokens is not prompt_tokens")
    cached = details.cached_tokens
    if cached is None:
        cached = hit or 0
    elif hit is not None and hit != cached:
        raise UsageError("cached_tokens and prompt_cache_hit_tokens differ")
    written = details.cache_write_tokens or 0
    audio = details.audio_tokens or 0
    if cached + written + audio > usage.prompt_tokens:
        raise UsageError("the parts of the prompt exceed prompt_tokens")
    return cached, written, audio


def _output_parts(usage: Reported) -> tuple[int, int, int]:
    """Return the text, the reasoning and the audio tokens of the completion."""
    details = usage.completion_tokens_details or _NO_COMPLETION_DETAILS
    reasoning = details.reasoning_tokens or 0
    audio = details.audio_tokens or 0
    predicted = (details.accepted_prediction_tokens or 0) + (
        details.rejected_prediction_tokens or 0
    )
    completion = usage.completion_tokens
    outside = (usage.total_tokens or 0) - usage.prompt_tokens - completion
    if usage.total_tokens and outside:
        if outside < 0 or reasoning not in (0, outside):
            raise UsageError("total_tokens is not the sum of its parts")
        reasoning = outside
        completion += outside
    if reasoning + audio > completion or predicted > completion:
        raise UsageError("the parts of the completion exceed completion_tokens")
    return completion - reasoning - audio, reasoning, audio
