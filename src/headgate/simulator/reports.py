"""Usage and cost reports of a simulator's bill, as two providers give them to administrators.

Shapes: OpenAI's `/v1/organization/usage/completions` and `/v1/organization/costs`, Anthropic's
`/v1/organizations/usage_report/messages` and `/v1/organizations/cost_report`; a day a bucket, in
UTC, grouped by model. Amounts are exact: no cent is rounded away.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import parse_qs

import msgspec

from headgate.simulator.bill import BillEntry, as_decimal
from headgate.simulator.models import ProviderName
from headgate.simulator.replies import body_reply
from headgate.simulator.server import Exchange, Request

LIMIT_USUAL = 7
DAYS_MAX = 400
_NANOS = 10**9
_JSON = (("content-type", "application/json"),)
_encode = msgspec.json.Encoder(decimal_format="number").encode
Entries = list[BillEntry]


@dataclass(frozen=True, slots=True)
class _Report:
    provider: ProviderName
    bucket: Callable[[date, list[dict[str, Any]]], dict[str, Any]]
    results: Callable[[str, Entries], list[dict[str, Any]]]
    first: str
    last: str


class Reports:
    """Answers the interfaces' paths from a bill."""

    def __init__(self, entries: Callable[[], Iterable[BillEntry]]) -> None:
        self._entries = entries

    def handles(self, request: Request) -> bool:
        """Tell whether a request is for a report."""
        return request.method == "GET" and request.path in _REPORTS

    def handle(self, request: Request, exchange: Exchange) -> None:
        """Answer with a page of a report."""
        if request.header("authorization") is None and request.header("x-api-key") is None:
            exchange.reply(body_reply(401, _JSON, _encode({"error": "no credential"})))
            return
        report = _REPORTS[request.path]
        query = parse_qs(request.target.partition("?")[2])
        try:
            document = self._page(report, query)
        except (KeyError, ValueError) as error:
            exchange.reply(body_reply(400, _JSON, _encode({"error": repr(error)})))
            return
        exchange.reply(body_reply(200, _JSON, _encode(document)))

    def _page(self, report: _Report, query: dict[str, list[str]]) -> dict[str, Any]:
        first, last = _day(query[report.first][0]), _day(query[report.last][0])
        days = [first + timedelta(days=at) for at in range(min((last - first).days, DAYS_MAX))]
        start = int(query.get("page", ["0"])[0])
        end = start + int(query.get("limit", [str(LIMIT_USUAL)])[0])
        of_provider = [each for each in self._entries() if each.provider == report.provider]
        data = []
        for day in days[start:end]:
            by_model: dict[str, Entries] = {}
            for each in of_provider:
                if datetime.fromtimestamp(each.at_ns // _NANOS, UTC).date() == day:
                    by_model.setdefault(each.model, []).append(each)
            results = [
                one for model in sorted(by_model) for one in report.results(model, by_model[model])
            ]
            data.append(report.bucket(day, results))
        more = end < len(days)
        return {"data": data, "has_more": more, "next_page": str(end) if more else None}


def _day(text: str) -> date:
    if text.isdecimal():
        return datetime.fromtimestamp(int(text), UTC).date()
    return datetime.fromisoformat(text).date()


def _edges(day: date) -> tuple[datetime, datetime]:
    start = datetime.combine(day, time(), UTC)
    return start, start + timedelta(days=1)


def _openai_bucket(day: date, results: list[dict[str, Any]]) -> dict[str, Any]:
    start, end = (int(edge.timestamp()) for edge in _edges(day))
    return {"object": "bucket", "start_time": start, "end_time": end, "results": results}


def _anthropic_bucket(day: date, results: list[dict[str, Any]]) -> dict[str, Any]:
    start, end = (f"{edge:%Y-%m-%dT%H:%M:%SZ}" for edge in _edges(day))
    return {"starting_at": start, "ending_at": end, "results": results}


def _sum(entries: Entries, meter: str) -> int:
    return sum(getattr(each.usage, meter) for each in entries)


def _openai_usage(model: str, entries: Entries) -> list[dict[str, Any]]:
    return [
        {
            "object": "organization.usage.completions.result",
            "model": model,
            "input_tokens": _sum(entries, "prompt"),
            "input_cached_tokens": _sum(entries, "cache_read"),
            "input_cache_write_tokens": _sum(entries, "cache_write"),
            "output_tokens": _sum(entries, "output"),
            "num_model_requests": len(entries),
            "batch": False,
            "service_tier": "default",
        }
    ]


def _amounts(entries: Entries) -> dict[str, Decimal]:
    meters = dict.fromkeys(line.meter for each in entries for line in each.lines)
    return {
        meter: Decimal(
            as_decimal(
                sum(
                    (x.amount for each in entries for x in each.lines if x.meter == meter),
                    Fraction(0),
                )
            )
        )
        for meter in meters
    }


def _openai_costs(model: str, entries: Entries) -> list[dict[str, Any]]:
    return [
        {
            "object": "organization.costs.result",
            "amount": {"value": amount, "currency": "usd"},
            "line_item": f"{model}, {meter}",
        }
        for meter, amount in _amounts(entries).items()
    ]


def _anthropic_usage(model: str, entries: Entries) -> list[dict[str, Any]]:
    return [
        {
            "model": model,
            "uncached_input_tokens": _sum(entries, "input_uncached"),
            "cache_read_input_tokens": _sum(entries, "cache_read"),
            "cache_creation": {
                "ephemeral_5m_input_tokens": _sum(entries, "cache_write_5m"),
                "ephemeral_1h_input_tokens": _sum(entries, "cache_write_1h"),
            },
            "output_tokens": _sum(entries, "output"),
            "service_tier": "standard",
            "context_window": "0-200k",
        }
    ]


def _anthropic_costs(model: str, entries: Entries) -> list[dict[str, Any]]:
    return [
        {
            "amount": str(100 * amount),
            "currency": "USD",
            "cost_type": "tokens",
            "model": model,
            "token_type": meter,
        }
        for meter, amount in _amounts(entries).items()
    ]


_REPORTS = {
    "/v1/organization/usage/completions": _Report(
        ProviderName.OPENAI, _openai_bucket, _openai_usage, "start_time", "end_time"
    ),
    "/v1/organization/costs": _Report(
        ProviderName.OPENAI, _openai_bucket, _openai_costs, "start_time", "end_time"
    ),
    "/v1/organizations/usage_report/messages": _Report(
        ProviderName.ANTHROPIC, _anthropic_bucket, _anthropic_usage, "starting_at", "ending_at"
    ),
    "/v1/organizations/cost_report": _Report(
        ProviderName.ANTHROPIC, _anthropic_bucket, _anthropic_costs, "starting_at", "ending_at"
    ),
}
