"""Langfuse's export of observations: a JSON object a line, as its blob storage export writes it.

Shape: langfuse's `repositories/definitions.ts`. The keys of `usage_details` are whatever the
integration chose, and `input` includes cached tokens in some and not in others (litellm issue
26919): the `total` tells which. Counts may come as text. How long a cache write was kept is lost.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from headgate.economics.usage_logs.fields import (
    FieldError,
    count_of,
    instant_of,
    nanos_of,
    require_counts,
)
from headgate.economics.usage_logs.jsonlines import JsonLines
from headgate.economics.usage_logs.record import Findings, Found, Grade, Telling, rank_of
from headgate.units.usage import Usage

KIND = "langfuse"
TITLE = "Langfuse observations"
LINES = True
PATTERN = "*.jsonl"
SELLER = None

_READS = ("cache_read_input_tokens", "input_cached_tokens", "input_cache_read", "cached_tokens")
_WRITES = ("cache_creation_input_tokens", "input_cache_creation", "input_cache_write")
_THOUGHTS = ("output_reasoning_tokens", "output_reasoning", "reasoning_tokens")


class _Row(Struct):
    id: str
    type: str | None = None
    trace_id: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    provided_model_name: str | None = None
    usage_details: dict[str, int | str | None] | None = None
    total_cost: Decimal | None = None
    user_id: str | None = None
    session_id: str | None = None


_LINES = JsonLines(_Row, b'"usage_details"')


def recognises(name: str, head: bytes) -> bool:
    """Tell it by the names of its columns."""
    return name.endswith(".jsonl") and b'"usage_details"' in head and b'"trace_id"' in head


def folders(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return nothing: exports lie where they were put."""
    del environment, home
    return ()


def read(blocks: Iterable[bytes], name: str) -> Findings:
    """Read some observations; those without usage are passed over."""
    del name
    findings = Findings()
    for raw, row in _LINES.read(blocks, findings.tally):
        if not row.usage_details:
            continue
        try:
            findings.usage.append(_found(row, row.usage_details))
        except FieldError as error:
            findings.tally.note_foreign(raw, str(error))
    return findings


def copies(tellings: Iterable[Telling], parents: Mapping[str, str]) -> set[str]:
    """Return nothing: an observation has one id."""
    del tellings, parents
    return set()


def _found(row: _Row, details: Mapping[str, int | str | None]) -> Found:
    usage, written, grade = _usage(details)
    started_ns = instant_of(row.start_time)
    return Found(
        reply=row.id,
        part="",
        rank=rank_of(usage),
        at_ns=instant_of(row.end_time) if row.end_time else started_ns,
        started_ns=started_ns,
        model=row.provided_model_name or "unknown",
        usage=usage,
        ttl_unknown=written,
        grade=grade,
        seat=row.user_id or None,
        session=row.session_id or row.trace_id or "",
        reported_nanos=None if row.total_cost is None else nanos_of(row.total_cost),
    )


def _usage(details: Mapping[str, int | str | None]) -> tuple[Usage, int, Grade]:
    """Return disjoint usage, what was written to a cache, and C when inclusion is unclear."""
    given, out = _first(details, ("input",)), _first(details, ("output",))
    read, written = _first(details, _READS), _first(details, _WRITES)
    thought = _first(details, _THOUGHTS)
    total = _first(details, ("total",))
    exclusive = {given + out + read + written, given + out + read + written + thought}
    inclusive = {given + out, given + out + thought}
    grade: Grade = "B"
    if read + written and total in inclusive - exclusive and given >= read + written:
        given -= read + written
    elif read + written and total not in exclusive:
        grade = "C"
    if thought and total in {given + out + read + written, 0} and out >= thought:
        out -= thought
    usage = Usage(
        input_uncached=given,
        cache_read=read,
        cache_write_5m=written,
        output_text=out,
        output_reasoning=thought,
    )
    require_counts(usage)
    return usage, written, grade


def _first(details: Mapping[str, int | str | None], names: Iterable[str]) -> int:
    return next((count_of(details[name], name) for name in names if details.get(name)), 0)
