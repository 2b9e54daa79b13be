"""Replies that others wrote, metered and priced: what stands beside them is what we find.

The files are not part of this repository; without them there is nothing to compare.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from headgate.catalog.load import load_price_book
from headgate.dialects.registry import dialects
from headgate.providers.registry import providers
from headgate.records.report import Report

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "usage_logs"
AT_NS = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp()) * 1_000_000_000

REPLIES = [
    ("openai_responses_stream", "openai_responses", "openai"),
    ("openai_chat_stream_include_usage", "openai_chat", "openai"),
    ("gemini_stream", "gemini", "gemini"),
]
FILES = {"gemini_stream": "gemini_stream_sse.sse"}
SELLERS = {"openai": "openai", "gemini": "google"}


def report_of(name: str, dialect: str) -> Report:
    """Return what a dialect reads in a streamed reply."""
    stream = dialects()[dialect].Stream(False)
    file = FILES.get(name, f"{name}.sse")
    stream.feed((FOLDER / "provider_responses" / file).read_bytes())
    stream.flush()
    return stream.finish()


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the foreign replies are not here")
@pytest.mark.parametrize(("name", "dialect", "kind"), REPLIES)
def test_foreign_replies_cost_what_their_makers_say(name: str, dialect: str, kind: str) -> None:
    """Each token is on the meter they put it on, and the sum is theirs to the nano-dollar."""
    expected: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())
    stated = expected["provider_responses"][name]

    report = report_of(name, dialect)
    metered = providers()[kind].metered(report)
    assert report.served_model is not None
    card = load_price_book().rate_card(SELLERS[kind], report.served_model, metered.terms, AT_NS)

    usage = metered.usage
    assert report.complete
    assert usage.input_uncached == stated["uncached"]
    assert usage.cache_read == stated["cache_read"]
    assert usage.cache_write_5m == stated.get("cache_write", 0)
    assert usage.output_tokens == stated["output"]
    assert card is not None
    assert Decimal(card.rate(usage).amount_nanos) == Decimal(stated["cost_usd"]) * 10**9
