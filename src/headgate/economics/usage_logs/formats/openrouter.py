"""OpenRouter's activity export: a CSV with a row per generation.

Shape: the export of openrouter.ai/activity. OpenRouter is the seller, and the row says what it
charged, so that amount counts and no price row is used. With a key of one's own its `cost_total`
is only the fee; what the upstream provider charges stands in `byok_usage_inference` beside it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from headgate.economics.usage_logs.fields import (
    FieldError,
    count_of,
    instant_of,
    nanos_of,
    require_counts,
)
from headgate.economics.usage_logs.record import Findings, Found, Telling, rank_of
from headgate.economics.usage_logs.tables import columns_of, rows_of
from headgate.units.usage import Usage

KIND = "openrouter"
TITLE = "OpenRouter activity"
LINES = False
PATTERN = "*.csv"
SELLER = "openrouter"

_COLUMNS = {"generation_id", "created_at", "cost_total", "tokens_prompt", "tokens_completion"}


def recognises(name: str, head: bytes) -> bool:
    """Tell it by its columns."""
    return name.endswith(".csv") and columns_of(head) >= _COLUMNS


def folders(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return nothing: exports lie where they were put."""
    del environment, home
    return ()


def read(blocks: Iterable[bytes], name: str) -> Findings:
    """Read a whole export."""
    del name
    findings = Findings()
    for row in rows_of(b"".join(blocks), findings.tally):
        try:
            findings.usage.append(_found(row))
        except FieldError as error:
            findings.tally.note_foreign(",".join(row.values()).encode(), str(error))
    return findings


def copies(tellings: Iterable[Telling], parents: Mapping[str, str]) -> set[str]:
    """Return nothing: a generation has one id."""
    del tellings, parents
    return set()


def _found(row: Mapping[str, str]) -> Found:
    cached = count_of(row.get("tokens_cached"), "tokens_cached")
    thought = count_of(row.get("tokens_reasoning"), "tokens_reasoning")
    usage = Usage(
        input_uncached=count_of(row.get("tokens_prompt"), "tokens_prompt") - cached,
        cache_read=cached,
        output_text=count_of(row.get("tokens_completion"), "tokens_completion") - thought,
        output_reasoning=thought,
    )
    require_counts(usage)
    own_key = row.get("byok_usage_inference") or "0"
    at_ns = instant_of(row.get("created_at"))
    identity = row.get("generation_id")
    if not identity:
        raise FieldError("a row needs its generation_id")
    return Found(
        reply=identity,
        part="",
        rank=rank_of(usage),
        at_ns=at_ns,
        started_ns=at_ns,
        model=row.get("model_permaslug") or "unknown",
        usage=usage,
        seller=SELLER,
        grade="A",
        seat=row.get("user") or row.get("api_key_name") or None,
        project=row.get("app_name") or "",
        billed_nanos=nanos_of(row.get("cost_total") or "0") + nanos_of(own_key),
    )
