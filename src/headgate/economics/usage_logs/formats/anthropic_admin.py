"""Anthropic's organisation reports: `usage_report/messages` and `cost_report`, as fetched.

Shape: platform.claude.com, "Usage and Cost API". `uncached_input_tokens` is exclusive of every
kind of cached token. Costs are **cents**, as decimal text. A result is the sum of many calls; the
context window it names tells which price list holds.
"""

from collections.abc import Iterable, Mapping
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

KIND = "anthropic_admin"
TITLE = "Anthropic usage and cost reports"
LINES = False
PATTERN = "*.json*"
SELLER = "anthropic"

_CENTS_PER_USD = 100
_SHORT_WINDOW = "0-200k"


class _Creation(Struct, gc=False):
    ephemeral_1h_input_tokens: int | None = None
    ephemeral_5m_input_tokens: int | None = None


class _Tools(Struct, gc=False):
    web_search_requests: int | None = None


class _Result(Struct):
    uncached_input_tokens: int | None = None
    cache_creation: _Creation | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None
    server_tool_use: _Tools | None = None
    api_key_id: str | None = None
    workspace_id: str | None = None
    account_id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    context_window: str | None = None
    inference_geo: str | None = None
    speed: str | None = None
    amount: str | None = None
    currency: str | None = None
    description: str | None = None
    cost_type: str | None = None
    token_type: str | None = None


class _Bucket(Struct):
    starting_at: str
    ending_at: str
    results: list[_Result] = []


class _Page(Struct):
    data: list[_Bucket] = []


_PAGES = Pages(_Page)


def recognises(name: str, head: bytes) -> bool:
    """Tell it by fields that only these reports have."""
    fits = b'"uncached_input_tokens"' in head or b'"cost_type"' in head
    return name.endswith((".json", ".jsonl")) and fits and b'"starting_at"' in head


def folders(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return nothing: these are fetched, and lie where they were put."""
    del environment, home
    return ()


def read(blocks: Iterable[bytes], name: str) -> Findings:
    """Read one file of either report."""
    findings = Findings()
    for page in _PAGES.read(b"".join(blocks), findings.tally):
        for bucket in page.data:
            note_covered(findings, bucket.starting_at, bucket.ending_at)
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
    start_ns, end_ns = instant_of(bucket.starting_at), instant_of(bucket.ending_at)
    if result.amount is not None:
        findings.bills.append(_bill(start_ns, end_ns, result))
        return
    creation, tools = result.cache_creation or _Creation(), result.server_tool_use or _Tools()
    usage = Usage(
        input_uncached=count_of(result.uncached_input_tokens, "uncached_input_tokens"),
        cache_read=count_of(result.cache_read_input_tokens, "cache_read_input_tokens"),
        cache_write_5m=count_of(creation.ephemeral_5m_input_tokens, "ephemeral_5m_input_tokens"),
        cache_write_1h=count_of(creation.ephemeral_1h_input_tokens, "ephemeral_1h_input_tokens"),
        output_text=count_of(result.output_tokens, "output_tokens"),
        web_search=count_of(tools.web_search_requests, "web_search_requests"),
    )
    require_counts(usage, calls=1_000)
    about = (result.api_key_id, result.workspace_id, result.account_id, result.model)
    terms = (result.service_tier, result.context_window, result.inference_geo, result.speed)
    short = result.context_window == _SHORT_WINDOW
    findings.usage.append(
        Found(
            reply=f"{bucket.starting_at}-{bucket.ending_at}-{identity_of(*about, *terms)}",
            part="",
            rank=rank_of_sum(usage),
            at_ns=start_ns,
            started_ns=start_ns,
            model=result.model or "unknown",
            usage=usage,
            seller=SELLER,
            tier="fast" if result.speed == "fast" else result.service_tier or "standard",
            region=result.inference_geo if result.inference_geo == "us" else "global",
            # A sum within the short window is priced like one short call.
            calls=1 if short else 2,
            grade="A",
            seat=result.account_id,
            project=result.workspace_id or "",
        )
    )


def _bill(start_ns: int, end_ns: int, result: _Result) -> Bill:
    if (result.currency or "USD").upper() != "USD":
        raise FieldError(f"amounts in {result.currency} cannot be compared")
    item = result.token_type or result.description or result.cost_type or ""
    about = identity_of(
        result.workspace_id,
        result.model,
        result.service_tier,
        result.context_window,
        result.inference_geo,
        item,
    )
    amount_nanos = nanos_of(result.amount, per_usd=_CENTS_PER_USD)
    return Bill(SELLER, start_ns, end_ns, f"{item}#{about[:8]}", result.model or "", amount_nanos)
