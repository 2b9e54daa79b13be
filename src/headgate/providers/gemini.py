"""`gemini`: Google's Gemini API (AI Studio), by API key."""

from typing import Annotated
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Meta, Struct, field

from headgate.providers.envelope import ANY_PLACE, Place
from headgate.providers.replies import ACCOUNT, CONTEXT, by_status, credential_bytes
from headgate.providers.setup import Model, Setup
from headgate.records.demand import STANDARD, Terms
from headgate.records.report import Failure, Metered, Report
from headgate.units.usage import QUANTITY_MAX, Usage, UsageError

KIND = "gemini"
NATIVE_DIALECTS = ("gemini", "gemini_count_tokens")
SETUP = Setup(
    base_url="https://generativelanguage.googleapis.com",
    secrets=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    models=(Model("flash", "gemini-3.5-flash"), Model("pro", "gemini-2.5-pro")),
    free_path="/v1beta/models",
)
DEFAULTS: tuple[tuple[bytes, bytes], ...] = ()
PASSED = frozenset({b"retry-after", b"x-request-id", b"server-timing"})
PASSED_PREFIXES: tuple[bytes, ...] = (b"x-ratelimit-",)

_VERSIONS = ("/v1", "/v1beta")
_STATUS_OF = {
    b"INVALID_ARGUMENT": 400,
    b"FAILED_PRECONDITION": 400,
    b"UNAUTHENTICATED": 401,
    b"PERMISSION_DENIED": 403,
    b"NOT_FOUND": 404,
    b"RESOURCE_EXHAUSTED": 429,
    b"INTERNAL": 500,
    b"UNAVAILABLE": 503,
    b"overloaded_error": 503,
    b"DEADLINE_EXCEEDED": 504,
}
"""Names of errors in streams, and the statuses they go with (https://google.aip.dev/193)."""

_Count = Annotated[int, Meta(ge=0, le=QUANTITY_MAX)]


class _Modality(Struct, gc=False):
    modality: str | None = None
    count: _Count | None = field(default=None, name="tokenCount")


class _Usage(Struct, gc=False):
    """`usageMetadata`, as in the SDK's `GenerateContentResponseUsageMetadata`."""

    prompt: _Count = field(name="promptTokenCount")
    cached: _Count | None = field(default=None, name="cachedContentTokenCount")
    candidates: _Count | None = field(default=None, name="candidatesTokenCount")
    thoughts: _Count | None = field(default=None, name="thoughtsTokenCount")
    tool_use: _Count | None = field(default=None, name="toolUsePromptTokenCount")
    total: _Count | None = field(default=None, name="totalTokenCount")
    prompt_details: list[_Modality] | None = field(default=None, name="promptTokensDetails")
    cache_details: list[_Modality] | None = field(default=None, name="cacheTokensDetails")
    output_details: list[_Modality] | None = field(default=None, name="candidatesTokensDetails")
    tier: str | None = field(default=None, name="serviceTier")
    traffic: str | None = field(default=None, name="trafficType")


_TIERS = {
    "unspecified": "standard",
    "on_demand": "standard",
    "on_demand_priority": "priority",
    "on_demand_flex": "flex",
}
_USAGE = msgspec.json.Decoder(_Usage)


def seller(base_url: str) -> str | None:
    """Return whose prices hold at an address; None when only the owner can know."""
    host = urlsplit(base_url).hostname
    return "google" if host == "generativelanguage.googleapis.com" else None


def path(dialect: str, base_path: str, place: Place = ANY_PLACE) -> str:
    """Return the path of a model's calls below `base_path`, which may end in a version or not.

    Raises:
        ValueError: Another dialect.
    """
    if dialect not in NATIVE_DIALECTS:
        raise ValueError(f"a provider of kind {KIND!r} does not speak {dialect!r}")
    base = base_path.rstrip("/")
    base = base if base.endswith(_VERSIONS) else f"{base}/v1beta"
    method = "streamGenerateContent?alt=sse" if place.stream else "generateContent"
    method = "countTokens" if dialect == "gemini_count_tokens" else method
    return f"{base}/models/{quote(place.model.removeprefix('models/'), safe='')}:{method}"


def headers(credential: str) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that carries the credential.

    Raises:
        ValueError: The credential cannot stand in a header.
    """
    return ((b"x-goog-api-key", credential_bytes(credential)),)


def limit_field(base_url: str, model: str) -> str:  # noqa: ARG001
    """Return the one name the output limit has here, inside `generationConfig`."""
    return "maxOutputTokens"


def limit_needed(base_url: str) -> bool:  # noqa: ARG001 - the same at every address
    """Tell whether the limit must be there beside another one: the dialect has only one."""
    return False


def failure(status: int, body: bytes) -> Failure:
    """Classify an error reply, or with status 200 the error a stream began with.

    A wrong API key is told with status 400 here, and so is an account without billing.
    """
    if status == 200:
        status = next((code for name, code in _STATUS_OF.items() if b'"%b"' % name in body), 500)
    if status == 400 and (b"API_KEY_INVALID" in body or b"FAILED_PRECONDITION" in body):
        return ACCOUNT
    if status in (400, 413) and b"exceeds the maximum number of tokens" in body:
        return CONTEXT
    return by_status(status)


def metered(report: Report, asked: Terms = STANDARD) -> Metered:
    """Split reported usage into disjoint meters.

    What is cached is inside the prompt; the prompts of tools are outside it. Thoughts are outside
    the candidates, but for some models, whose total then leaves them out. Pictures and films in
    the prompt cost what text does; sound from a cache, and what is generated beside text and
    sound, has prices of its own and no meter.

    Args:
        report: What the reply said.
        asked: The terms of the call, for a reply that does not name its own.

    Raises:
        UsageError: Usage is absent, unreadable, or contradicts itself, or there is no meter for it.
    """
    usage = _decode(report)
    cached = usage.cached or 0
    thoughts, candidates = usage.thoughts or 0, usage.candidates or 0
    tool_use = usage.tool_use or 0
    if usage.total is not None and usage.total != usage.prompt + candidates + thoughts + tool_use:
        if usage.total != usage.prompt + candidates + tool_use or thoughts > candidates:
            raise UsageError("totalTokenCount is not the sum of its parts")
        candidates -= thoughts
    audio_in = _of(usage.prompt_details, "AUDIO")
    audio_out = _of(usage.output_details, "AUDIO")
    foreign = {each.modality for each in usage.output_details or () if each.count}
    if not foreign <= {"TEXT", "AUDIO"}:
        raise UsageError("tokens of generated pictures have no meter")
    if _of(usage.cache_details, "AUDIO"):
        raise UsageError("tokens of sound from a cache have no meter")
    if cached + audio_in > usage.prompt or audio_out > candidates:
        raise UsageError("the parts exceed their totals")
    return Metered(
        Usage(
            input_uncached=usage.prompt - cached - audio_in + tool_use,
            cache_read=cached,
            input_audio=audio_in,
            output_text=candidates - audio_out,
            output_reasoning=thoughts,
            output_audio=audio_out,
        ),
        _served_terms(usage, asked),
    )


def _decode(report: Report) -> _Usage:
    if report.usage_json is None:
        raise UsageError("the reply reports no usage")
    try:
        return _USAGE.decode(report.usage_json)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the reported usage cannot be read: {error}") from error


def _of(details: list[_Modality] | None, modality: str) -> int:
    return sum(each.count or 0 for each in details or () if each.modality == modality)


def _served_terms(usage: _Usage, asked: Terms) -> Terms:
    """Return the terms a reply was served on: its own tier, else what was asked for."""
    named = usage.tier or usage.traffic
    if named is None:
        return asked
    name = named.lower()
    return asked._replace(tier=_TIERS.get(name, name))
