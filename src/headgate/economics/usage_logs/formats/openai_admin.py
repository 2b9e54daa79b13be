"""OpenAI's organisation reports: `usage/completions` and `costs`, as fetched from its API.

Shape: openai-python, `types/admin/organization/usage_completions_response.py` and
`usage_costs_response.py`. `input_tokens` includes cached and cache-write tokens. A result is the
sum of many calls, so the length of single prompts is lost: where a model has a price for long
prompts, the amount is a range. Costs are the invoice's side, and are read exactly as they are
written: a number in JSON is decimal text.
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
from headgate.economics.usage_logs.pages import Pages, identity_of, note_covered
from headgate.economics.usage_logs.record import Bill, Findings, Found, Telling, rank_of_sum
from headgate.units.usage import Usage

KIND = "openai_admin"
TITLE = "OpenAI usage and costs"
LINES = False
PATTERN = "*.json*"
SELLER = "openai"

_RESULT = b"organization.usage.completions.result"
_COST = b"organization.costs.result"
_TIERS = {"default": "standard", None: "standard", "": "standard"}


class _Amount(Struct, gc=False):
    value: Decimal | None = None
    currency: str | None = None


class _Result(Struct):
    input_tokens: int | None = None
    input_cached_tokens: int | None = None
    input_cache_write_tokens: int | None = None
    output_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    num_model_requests: int | None = None
    project_id: str | None = None
    user_id: str | None = None
    api_key_id: str | None = None
    model: str | None = None
    batch: bool | None = None
    service_tier: str | None = None
    amount: _Amount | None = None
    line_item: str | None = None


class _Bucket(Struct):
    start_time: int
    end_time: int
    results: list[_Result] = []


class _Page(Struct):
    data: list[_Bucket] = []


_PAGES = Pages(_Page)


def recognises(name: str, head: bytes) -> bool:
    """Tell it by the kind of object that each result says it is."""
    return name.endswith((".json", ".jsonl")) and (_RESULT in head or _COST in head)


def folders(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return nothing: these are fetched, and lie where they were put."""
    del environment, home
    return ()


def read(blocks: Iterable[bytes], name: str) -> Findings:
    """Read one file of either report."""
    findings = Findings()
    for page in _PAGES.read(b"".join(blocks), findings.tally):
        for bucket in page.data:
            note_covered(findings, bucket.start_time, bucket.end_time)
            for result in bucket.results:
                findings.tally.lines += 1
                try:
                    _take(findings, bucket, result)
                except FieldError as error:
                    findings.tally.note_foreign(name.encode(), str(error))
    return findings


def copies(tellings: Iterable[Telling], parents: Mapping[str, str]) -> set[str]:
    """Return nothing: a result is told once per bucket."""
    del tellings, parents
    return set()


def _take(findings: Findings, bucket: _Bucket, result: _Result) -> None:
    start_ns, end_ns = instant_of(bucket.start_time), instant_of(bucket.end_time)
    about = (result.project_id, result.user_id, result.api_key_id, result.model)
    if result.amount is not None:
        if (result.amount.currency or "usd").lower() != "usd":
            raise FieldError(f"amounts in {result.amount.currency} cannot be compared")
        amount_nanos = nanos_of(result.amount.value or 0)
        item = f"{result.line_item or ''}#{identity_of(*about, result.line_item)[:8]}"
        findings.bills.append(Bill(SELLER, start_ns, end_ns, item, "", amount_nanos))
        return
    cached = count_of(result.input_cached_tokens, "input_cached_tokens")
    written = count_of(result.input_cache_write_tokens, "input_cache_write_tokens")
    audio_in = count_of(result.input_audio_tokens, "input_audio_tokens")
    audio_out = count_of(result.output_audio_tokens, "output_audio_tokens")
    usage = Usage(
        input_uncached=count_of(result.input_tokens, "input_tokens") - cached - written - audio_in,
        cache_read=cached,
        cache_write_5m=written,
        input_audio=audio_in,
        output_text=count_of(result.output_tokens, "output_tokens") - audio_out,
        output_audio=audio_out,
    )
    calls = result.num_model_requests or 0
    require_counts(usage, max(calls, 1))
    tier = "batch" if result.batch else _TIERS.get(result.service_tier, result.service_tier)
    reply = f"{bucket.start_time}-{bucket.end_time}-" + identity_of(
        *about, result.batch, result.service_tier
    )
    if result.num_model_requests is not None:
        findings.counted[reply] = result.num_model_requests
    findings.usage.append(
        Found(
            reply=reply,
            part="",
            rank=rank_of_sum(usage),
            at_ns=start_ns,
            started_ns=start_ns,
            model=result.model or "unknown",
            usage=usage,
            seller=SELLER,
            tier=tier or "standard",
            calls=max(calls, 2),
            grade="A",
            seat=result.user_id,
            project=result.project_id or "",
        )
    )
