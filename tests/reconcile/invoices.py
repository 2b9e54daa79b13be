"""The reports of a month, as the providers' administration interfaces write them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from headgate.reconcile.cells import CellKey
from tests.reconcile.traffic import MODELS, Bought, Month, cost, day_of, key_of


def write_reports(month: Month, days: Sequence[date]) -> None:
    """Write both reports of each seller, as its interface gives them."""
    cells: dict[CellKey, list[Bought]] = {}
    for one in month.bought:
        cells.setdefault(key_of(one.deployment, day_of(one.at_ns)), []).append(one)
    for seller, usage_of, cost_of in (
        ("openai", _openai_usage, _openai_cost),
        ("anthropic", _anthropic_usage, _anthropic_cost),
    ):
        usage, costs = [], []
        for day in days:
            of_day = [(k, v) for k, v in sorted(cells.items()) if k[::2] == (seller, str(day))]
            usage.append(_bucket(seller, day, [usage_of(bought) for _, bought in of_day]))
            lines = [cost_of(bought, _amount(month, key, bought)) for key, bought in of_day]
            if seller == "anthropic" and str(day) in month.extra:
                lines.append(_anthropic_line(None, month.extra[str(day)]))
            costs.append(_bucket(seller, day, lines))
        month.reports[f"{seller}-usage.json"] = _text({"data": usage})
        month.reports[f"{seller}-costs.json"] = _text({"data": costs})


def _amount(month: Month, key: CellKey, bought: Sequence[Bought]) -> Fraction:
    total = sum((cost(one.deployment, one.usage, one.at_ns) for one in bought), Fraction(0))
    total *= month.factors.get(key, Fraction(1))
    if key in month.rounded:
        cents = round(total / 10**7)
        # One that is a whole number of cents already has nothing to round.
        return Fraction(cents * 10**7) if cents * 10**7 != total else total + 3 * 10**6
    return total


def _text(page: dict[str, Any]) -> str:
    # Amounts are numbers, as OpenAI writes them; Anthropic's are made text before.
    return msgspec.json.Encoder(decimal_format="number").encode(page).decode()


def _bucket(seller: str, day: date, results: list[dict[str, Any]]) -> dict[str, Any]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end = start + timedelta(days=1)
    if seller == "openai":
        times: dict[str, Any] = {"start_time": int(start.timestamp())}
        times["end_time"] = int(end.timestamp())
    else:
        times = {"starting_at": start.isoformat(), "ending_at": end.isoformat()}
    return {**times, "results": results}


def _sum(bought: Sequence[Bought], meter: str) -> int:
    return sum(getattr(one.usage, meter) for one in bought)


def _openai_usage(bought: Sequence[Bought]) -> dict[str, Any]:
    cached = _sum(bought, "cache_read")
    return {
        "object": "organization.usage.completions.result",
        "model": MODELS[bought[0].deployment][2],
        "input_tokens": _sum(bought, "input_uncached") + cached,
        "input_cached_tokens": cached,
        "output_tokens": _sum(bought, "output_text"),
        "num_model_requests": len(bought),
    }


def _openai_cost(bought: Sequence[Bought], amount: Fraction) -> dict[str, Any]:
    value = _decimal(amount / 10**9)
    return {
        "object": "organization.costs.result",
        "amount": {"value": value, "currency": "usd"},
        "line_item": f"{MODELS[bought[0].deployment][2]}, all",
    }


def _anthropic_usage(bought: Sequence[Bought]) -> dict[str, Any]:
    return {
        "model": MODELS[bought[0].deployment][2],
        "uncached_input_tokens": _sum(bought, "input_uncached"),
        "cache_read_input_tokens": _sum(bought, "cache_read"),
        "cache_creation": {"ephemeral_5m_input_tokens": _sum(bought, "cache_write_5m")},
        "output_tokens": _sum(bought, "output_text"),
        "service_tier": "standard",
    }


def _anthropic_cost(bought: Sequence[Bought], amount: Fraction) -> dict[str, Any]:
    return _anthropic_line(MODELS[bought[0].deployment][2], amount)


def _anthropic_line(model: str | None, amount: Fraction) -> dict[str, Any]:
    cents = _decimal(amount / 10**7)
    kind = "tokens" if model else "web_search"
    return {"currency": "USD", "amount": str(cents), "model": model, "cost_type": kind}


def _decimal(amount: Fraction) -> Decimal:
    """Return an amount with its nine decimals, the rest cut off."""
    return Decimal(amount.numerator * 10**9 // amount.denominator).scaleb(-9)
