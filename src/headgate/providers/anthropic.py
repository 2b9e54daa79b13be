"""`anthropic`: Anthropic itself, and providers that offer its Messages API under its headers."""

from typing import Final
from urllib.parse import urlsplit

import msgspec

from headgate.providers.anthropic_shapes import CacheCreation
from headgate.providers.anthropic_shapes import Usage as Reported
from headgate.providers.envelope import ANY_PLACE, Place
from headgate.providers.replies import ACCOUNT, CONTEXT, by_status, credential_bytes
from headgate.providers.setup import Model, Setup
from headgate.records.demand import STANDARD, Terms
from headgate.records.report import Failure, Metered, Report
from headgate.units.usage import Usage, UsageError

KIND = "anthropic"
NATIVE_DIALECTS: Final = ("anthropic_messages", "anthropic_count_tokens")
BATCHES: Final = "anthropic_batches"
SETUP: Final = Setup(
    base_url="https://api.anthropic.com",
    secrets=("ANTHROPIC_API_KEY",),
    models=(
        Model("haiku", "claude-haiku-4-5"),
        Model("sonnet", "claude-sonnet-5"),
        Model("opus", "claude-opus-4-8"),
    ),
    free_path="/v1/models",
)
DEFAULTS = ((b"anthropic-version", b"2023-06-01"),)
PASSED: Final = frozenset({b"request-id", b"retry-after", b"retry-after-ms", b"x-should-retry"})
PASSED_PREFIXES: Final = (b"anthropic-ratelimit-", b"anthropic-fast-", b"anthropic-priority-")
"""Not all of `anthropic-`: the ids of our organisation and workspace are not for clients."""

_SELLERS: Final = {"api.anthropic.com": "anthropic", "api.deepseek.com": "deepseek"}

_STATUS_OF: Final = {
    b"invalid_request_error": 400,
    b"authentication_error": 401,
    b"billing_error": 402,
    b"permission_error": 403,
    b"not_found_error": 404,
    b"request_too_large": 413,
    b"rate_limit_error": 429,
    b"api_error": 500,
    b"timeout_error": 504,
    b"overloaded_error": 529,
}
"""Error types and the statuses they go with (https://docs.claude.com/en/api/errors)."""

_USAGE: Final = msgspec.json.Decoder(Reported)


def seller(base_url: str) -> str | None:
    """Return whose prices hold at an address; None when only the owner can know."""
    return _SELLERS.get(urlsplit(base_url).hostname or "")


def path(dialect: str, base_path: str, place: Place = ANY_PLACE) -> str:  # noqa: ARG001
    """Return the path of Messages below `base_path`, which may end in `/v1` or not.

    Raises:
        ValueError: Another dialect.
    """
    if dialect not in NATIVE_DIALECTS:
        raise ValueError(f"a provider of kind {KIND!r} does not speak {dialect!r}")
    messages = base_path.rstrip("/").removesuffix("/v1") + "/v1/messages"
    return f"{messages}/count_tokens" if dialect == "anthropic_count_tokens" else messages


def headers(credential: str) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that carries the credential.

    Raises:
        ValueError: The credential cannot stand in a header.
    """
    return ((b"x-api-key", credential_bytes(credential)),)


def limit_field(base_url: str, model: str) -> str:  # noqa: ARG001
    """Return the one name the output limit has here."""
    return "max_tokens"


def limit_needed(base_url: str) -> bool:  # noqa: ARG001 - the same at every address
    """Tell whether the limit must be there beside another one: the dialect has only one."""
    return False


def keeps_threads(base_url: str) -> bool:
    """Tell whether a conversation can be kept there: at others' addresses nobody knows.

    Source: https://platform.claude.com/docs/en/build-with-claude/message-threads.
    """
    return seller(base_url) == KIND


def failure(status: int, body: bytes) -> Failure:
    """Classify an error reply, or with status 200 the error a stream began with."""
    if status == 200:
        status = next((code for kind, code in _STATUS_OF.items() if b'"%b"' % kind in body), 500)
    if status == 400 and b"credit balance is too low" in body:
        return ACCOUNT
    if status in (400, 413) and b"prompt is too long" in body:
        return CONTEXT
    return by_status(status)


def metered(report: Report, asked: Terms = STANDARD) -> Metered:
    """Split reported usage into disjoint meters.

    Input, cache reads and cache writes are counted apart here, so they are taken as they are.
    Thinking is inside the output count. Cache writes without their lifetime are of the
    default class, five minutes, unless the reply names writes of the other class only.

    Args:
        report: What the reply said.
        asked: The terms of the call; its reply says all it needs, so they are not used but for
            the region of a reply that names none.

    Raises:
        UsageError: Usage is absent, unreadable, or contradicts itself; or another model took
            part (an advisor, a fallback) whose tokens have prices of their own, or the prompt
            was compacted, which the totals leave out.
    """
    usage = _decode(report)
    if usage.iterations is not None:
        for one in usage.iterations:
            if one.type != "message":
                raise UsageError(f"tokens of an iteration {one.type!r} cannot be told apart")
    writes_5m, writes_1h = _writes(usage)
    thinking = (usage.output_tokens_details and usage.output_tokens_details.thinking_tokens) or 0
    if thinking > usage.output_tokens:
        raise UsageError("thinking_tokens exceeds output_tokens")
    counts = (
        usage.input_tokens,  # input_uncached
        usage.cache_read_input_tokens or 0,  # cache_read
        writes_5m,  # cache_write_5m
        writes_1h,  # cache_write_1h
        0,  # cache_write_24h
        0,  # input_audio
        usage.output_tokens - thinking,  # output_text
        thinking,  # output_reasoning
        0,  # output_audio
        (usage.server_tool_use and usage.server_tool_use.web_search_requests) or 0,  # web_search
    )
    # As its own constructor does, which is interpreted.
    return Metered(tuple.__new__(Usage, counts), _terms(usage, asked))


def _decode(report: Report) -> Reported:
    if report.usage_json is None:
        raise UsageError("the reply reports no usage")
    try:
        return _USAGE.decode(report.usage_json)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the reported usage cannot be read: {error}") from error


def _writes(usage: Reported) -> tuple[int, int]:
    """Return the cache writes that live five minutes and those that live an hour."""
    split = usage.cache_creation or CacheCreation()
    short = split.ephemeral_5m_input_tokens or 0
    long = split.ephemeral_1h_input_tokens or 0
    total = usage.cache_creation_input_tokens
    if total is None:
        return short, long
    # A stream's last count is cumulative and may exceed the split, which stands at its head.
    rest = total - short - long
    if rest < 0:
        raise UsageError("cache_creation exceeds cache_creation_input_tokens")
    return (short, long + rest) if long and not short else (short + rest, long)


def _terms(usage: Reported, asked: Terms) -> Terms:
    """Return the terms the call was served on."""
    tier = "fast" if usage.speed == "fast" else usage.service_tier or "standard"
    geo = usage.inference_geo
    if geo is None:
        geo = asked.region
    elif geo == "not_available":  # Models from before there were regions say so.
        geo = "global"
    usual = asked.cache_retention == STANDARD.cache_retention and asked.variant == STANDARD.variant
    if usual and tier == asked.tier and geo == asked.region:
        return asked
    return Terms(tier=tier, region=geo, nodes=asked.nodes)
