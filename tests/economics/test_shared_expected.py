"""The independent samples beside the checkout: every record and total, in any order."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from headgate.economics.usage_logs.fields import instant_of
from headgate.economics.usage_logs.store import UsageStore
from headgate.economics.usage_logs.summary import Record
from tests.economics.conftest import Desk

LOGS = Path(__file__).parents[3] / "shared" / "data" / "usage_logs"
pytestmark = pytest.mark.skipif(not LOGS.exists(), reason="no samples beside the checkout")


@pytest.fixture(params=["forwards", "backwards, twice"])
def kept(request: pytest.FixtureRequest, desk: Desk) -> dict[str, list[Record]]:
    files = sorted(path for path in LOGS.rglob("*") if path.is_file())
    if request.param == "forwards":
        desk.take(LOGS)
    else:
        for path in [*reversed(files), *files]:
            desk.take(path)
        desk.take(LOGS, seat="again")
    by_source: dict[str, list[Record]] = {}
    for one in sorted(desk.records(), key=lambda record: record.at_ns):
        by_source.setdefault(one.source, []).append(one)
    return by_source


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((LOGS / "expected.json").read_text())
    return document


def nanos(usd: str) -> int:
    amount = Decimal(usd) * 1_000_000_000
    assert amount == int(amount)
    return int(amount)


def total(records: list[Record]) -> int:
    return sum(one.cost_nanos or 0 for one in records)


def test_claude_code(kept: dict[str, list[Record]], expected: dict[str, Any]) -> None:
    """Each kept reply with its tokens, its time and its cost."""
    want = expected["claude_code"]

    told = [
        {
            "message_id": one.reply,
            "tokens": {
                name: count
                for name, count in zip(("u", "r", "w5", "w1"), one.usage, strict=False)
                if count
            }
            | {"o": one.usage.output_text},
            "web_searches": one.usage.web_search,
            "cost": one.cost_nanos,
            "at": one.at_ns // 1_000_000,
        }
        for one in kept["claude_code"]
    ]

    assert told == [
        {
            "message_id": one["message_id"],
            "tokens": one["tokens"],
            "web_searches": one["web_searches"],
            "cost": nanos(one["cost_usd"]),
            "at": _milliseconds(one["timestamp_of_kept_line"]),
        }
        for one in want["kept"]
    ]
    assert len(told) == want["kept_records"]
    assert total(kept["claude_code"]) == nanos(want["total_cost_usd"])


def test_codex(kept: dict[str, list[Record]], expected: dict[str, Any]) -> None:
    """Each call of parent and fork once."""
    want = expected["codex"]

    told = [
        (
            one.model,
            one.usage.input_uncached,
            one.usage.cache_read,
            one.usage.output_tokens,
            one.cost_nanos,
        )
        for one in kept["codex"]
    ]

    assert told == [
        (
            one["model"],
            one["uncached"],
            one["cache_read"],
            one["output_incl_reasoning"],
            nanos(one["cost_usd"]),
        )
        for one in want["kept"]
    ]
    assert total(kept["codex"]) == nanos(want["total_cost_usd"])


def test_the_other_logs(kept: dict[str, list[Record]], expected: dict[str, Any]) -> None:
    """Gemini, both sellers' reports, LiteLLM with both bounds, Langfuse."""
    gemini = {one.reply.rpartition("/")[2]: one.cost_nanos for one in kept["gemini_cli"]}
    openai = {one.model: one.cost_nanos for one in kept["openai_admin"]}
    lite = {one.reply[-2:]: (one.cost_nanos, one.cost_high_nanos) for one in kept["litellm"]}
    costs, lites = expected["openai_admin"]["usage_vs_costs"], expected["litellm"]

    assert gemini == {name: nanos(expected["gemini_cli"][name]) for name in ("g2", "g3")}
    assert openai == {
        "gpt-5.5-2026-04-23": nanos(costs["gpt-5.5"]),
        "gpt-5.4-mini-2026-03-17": nanos(costs["gpt-5.4-mini batch"]),
    }
    assert total(kept["anthropic_admin"]) == nanos(expected["anthropic_admin"]["total_usd"])
    assert lite == {
        "l1": (
            nanos(lites["l1_recomputed_if_writes_5m"]),
            nanos(lites["l1_recomputed_if_writes_1h"]),
        ),
        "l2": (nanos(lites["l2_recomputed"]),) * 2,
    }
    assert total(kept["langfuse"]) == nanos(expected["langfuse"]["obs-syn-1"])


def test_bills_are_what_the_reports_come_to(
    kept: object, desk: Desk, expected: dict[str, Any]
) -> None:
    """Both sellers' invoices agree with their usage at the price book's prices, to the nano."""
    store = UsageStore(desk.path, readonly=True)
    rows = dict(
        store.connection.execute("SELECT source, sum(amount_nanos) FROM bill GROUP BY source")
    )
    store.close()

    assert rows == {
        "anthropic_admin": nanos(expected["anthropic_admin"]["total_usd"]),
        "openai_admin": sum(map(nanos, expected["openai_admin"]["usage_vs_costs"].values())),
    }


def test_broken_lines_are_counted(desk: Desk, expected: dict[str, Any]) -> None:
    """The one line that is cut, and no other."""
    done = desk.take(LOGS / "claude_code")

    assert done.tally.broken == expected["claude_code"]["malformed_lines"]


def _milliseconds(text: str) -> int:
    return instant_of(text) // 1_000_000
