"""LiteLLM's spend log: rows of its table `LiteLLM_SpendLogs`, a JSON object a line.

Shape: litellm's `proxy/schema.prisma`. `prompt_tokens` includes cached and cache-write tokens
once LiteLLM has normalised them; how long a write was kept is lost, so the amount is a range.
`spend` may be zero or wrong and is only reported. A row that its own cache served cost nothing.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

import msgspec
from msgspec import Struct

from headgate.economics.usage_logs.fields import (
    FieldError,
    count_of,
    instant_of,
    nanos_of,
    require_counts,
)
from headgate.economics.usage_logs.jsonlines import JsonLines
from headgate.economics.usage_logs.record import Findings, Found, Telling, rank_of
from headgate.units.usage import Usage

KIND = "litellm"
TITLE = "LiteLLM spend logs"
LINES = True
PATTERN = "*.jsonl"
SELLER = None

_MARKS = (b'"request_id"', b'"prompt_tokens"', b'"startTime"')


_SELLERS = {"gemini": "google"}
"""LiteLLM's names of providers, where the price book has another."""


class _Details(Struct, gc=False):
    cached_tokens: int | None = None
    cache_creation_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class _UsageObject(Struct):
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None


class _Metadata(Struct):
    usage_object: _UsageObject | None = None


class _Row(Struct):
    request_id: str
    startTime: str  # noqa: N815 - the name in the log
    endTime: str | None = None  # noqa: N815 - the name in the log
    model: str | None = None
    custom_llm_provider: str | None = None
    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    spend: Decimal | None = None
    user: str | None = None
    end_user: str | None = None
    team_id: str | None = None
    session_id: str | None = None
    status: str | None = None
    cache_hit: str | bool | None = None
    metadata: _Metadata | str | None = None


_LINES = JsonLines(_Row, b'"prompt_tokens"')


def recognises(name: str, head: bytes) -> bool:
    """Tell it by the names of its columns."""
    return name.endswith((".jsonl", ".json")) and all(mark in head for mark in _MARKS)


def folders(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return nothing: the rows are exported from a database."""
    del environment, home
    return ()


def read(blocks: Iterable[bytes], name: str) -> Findings:
    """Read some rows."""
    del name
    findings = Findings()
    for raw, row in _LINES.read(blocks, findings.tally):
        try:
            found = _found(row)
        except (FieldError, msgspec.DecodeError, RecursionError) as error:
            findings.tally.note_foreign(raw, str(error))
            continue
        if found is not None:
            findings.usage.append(found)
    return findings


def copies(tellings: Iterable[Telling], parents: Mapping[str, str]) -> set[str]:
    """Return nothing: the request's id is the table's key."""
    del tellings, parents
    return set()


def _found(row: _Row) -> Found | None:
    if str(row.cache_hit).lower() == "true":
        return None
    usage, written = _usage(row)
    if not any(usage):
        return None
    started_ns = instant_of(row.startTime)
    provider = row.custom_llm_provider or None
    return Found(
        reply=row.request_id,
        part="",
        rank=rank_of(usage),
        at_ns=instant_of(row.endTime) if row.endTime else started_ns,
        started_ns=started_ns,
        model=row.model or "unknown",
        usage=usage,
        seller=_SELLERS.get(provider, provider) if provider else None,
        ttl_unknown=written,
        grade="C" if row.status == "failure" else "B",
        seat=row.user or row.end_user or row.team_id or None,
        session=row.session_id or "",
        project=row.team_id or "",
        reported_nanos=None if row.spend is None else nanos_of(row.spend),
    )


def _usage(row: _Row) -> tuple[Usage, int]:
    """Return disjoint usage, and how many tokens were written to a cache."""
    metadata = row.metadata
    if isinstance(metadata, str):
        metadata = msgspec.json.decode(metadata, type=_Metadata) if metadata else None
    told = (metadata.usage_object if metadata else None) or _UsageObject()
    prompt = told.prompt_tokens_details or _Details()
    completion = told.completion_tokens_details or _Details()
    cached = count_of(told.cache_read_input_tokens or prompt.cached_tokens, "cached_tokens")
    written = count_of(
        told.cache_creation_input_tokens or prompt.cache_creation_tokens, "cache_creation_tokens"
    )
    thought = count_of(completion.reasoning_tokens, "reasoning_tokens")
    audio_in = count_of(prompt.audio_tokens, "audio_tokens")
    audio_out = count_of(completion.audio_tokens, "audio_tokens")
    usage = Usage(
        input_uncached=count_of(row.prompt_tokens, "prompt_tokens") - cached - written - audio_in,
        cache_read=cached,
        cache_write_5m=written,
        input_audio=audio_in,
        output_text=count_of(row.completion_tokens, "completion_tokens") - thought - audio_out,
        output_reasoning=thought,
        output_audio=audio_out,
    )
    require_counts(usage)
    return usage, written
