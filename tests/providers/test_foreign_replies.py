"""Replies that others wrote, metered and priced: what stands beside them is what we find.

The files are not part of this repository; without them there is nothing to compare.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from headgate.catalog.load import load_price_book
from headgate.dialects import bedrock_converse
from headgate.dialects.registry import dialects
from headgate.providers.registry import providers
from headgate.records.report import Metered, Report

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "usage_logs"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the foreign replies are not here")


class Foreign(NamedTuple):
    """A reply: its file, the dialect it is in, and who sold it.

    Attributes:
        sold: When, as seconds since 1970.
    """

    file: str
    dialect: str
    kind: str
    seller: str
    sold: int = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())


REPLIES = {
    "openai_chat_nonstream": Foreign(
        "openai_chat_nonstream.json", "openai_chat", "openai", "openai"
    ),
    "openai_chat_stream_include_usage": Foreign(
        "openai_chat_stream_include_usage.sse", "openai_chat", "openai", "openai"
    ),
    "openai_responses_stream": Foreign(
        "openai_responses_stream.sse", "openai_responses", "openai", "openai"
    ),
    "anthropic_messages_stream": Foreign(
        "anthropic_messages_stream.sse", "anthropic_messages", "anthropic", "anthropic"
    ),
    "gemini_stream": Foreign("gemini_stream_sse.sse", "gemini", "gemini", "google"),
    "deepseek_chat": Foreign(
        "deepseek_chat.json", "openai_chat", "deepseek", "deepseek", 1_787_103_000
    ),
}
TOLD_APART = {
    "openai_chat_stream_cut_before_usage",
    "bedrock_converse",
    "openrouter_byok",
}
"""Those without a cost by the price book, each in a test of its own."""


@pytest.fixture(scope="module")
def stated() -> dict[str, Any]:
    """What stands beside the replies."""
    document: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())
    replies: dict[str, Any] = document["provider_responses"]
    return replies


def report_of(foreign: Foreign) -> Report:
    """Return what a dialect reads in a reply."""
    data = (FOLDER / "provider_responses" / foreign.file).read_bytes()
    dialect = dialects()[foreign.dialect]
    if foreign.file.endswith(".json"):
        return dialect.report(data)
    stream = dialect.Stream(False)
    stream.feed(data)
    stream.flush()
    return stream.finish()


def nanos(metered: Metered, model: str, seller: str, sold: int) -> Decimal:
    """Return what usage cost at an instant."""
    card = load_price_book().rate_card(seller, model, metered.terms, sold * 10**9)
    assert card is not None
    return Decimal(card.rate(metered.usage).amount_nanos)


def test_every_reply_is_compared(stated: dict[str, Any]) -> None:
    """None of those that are stated is left out."""
    assert {*REPLIES, *TOLD_APART} == set(stated)


@pytest.mark.parametrize("name", REPLIES)
def test_foreign_replies_cost_what_their_makers_say(name: str, stated: dict[str, Any]) -> None:
    """Each token is on the meter they put it on, and the sum is theirs to the nano-dollar."""
    foreign, expected = REPLIES[name], stated[name]
    report = report_of(foreign)
    metered = providers()[foreign.kind].metered(report)
    assert report.served_model is not None

    usage = metered.usage
    assert report.complete
    assert usage.input_uncached == expected["uncached"]
    assert usage.cache_read == expected["cache_read"]
    assert usage.cache_write_5m == expected.get("cache_write", expected.get("write_5m", 0))
    assert usage.cache_write_1h == expected.get("write_1h", 0)
    assert usage.output_tokens == expected["output"]
    cost = nanos(metered, report.served_model, foreign.seller, foreign.sold)
    assert cost == Decimal(expected["cost_usd"]) * 10**9


@pytest.mark.parametrize(
    ("field", "day"),
    [
        ("same_request_2026_07_15", datetime(2026, 7, 15, tzinfo=UTC)),
        ("same_request_2026_04_25_list", datetime(2026, 4, 25, tzinfo=UTC)),
    ],
)
def test_a_price_is_that_of_the_day(field: str, day: datetime, stated: dict[str, Any]) -> None:
    """The same reply in another month, at the prices of that month."""
    foreign, expected = REPLIES["deepseek_chat"], stated["deepseek_chat"]
    report = report_of(foreign)
    metered = providers()[foreign.kind].metered(report)
    assert report.served_model is not None

    cost = nanos(metered, report.served_model, foreign.seller, int(day.timestamp()))

    assert cost == Decimal(expected[field]) * 10**9


def test_a_stream_that_was_cut_has_no_usage() -> None:
    """It is estimated; nobody takes what had come for all there was."""
    report = report_of(
        Foreign("openai_chat_stream_cut_before_usage.sse", "openai_chat", "openai", "openai")
    )

    assert (report.complete, report.usage_json) == (False, None)


def test_converse_counts_apart_from_the_cache(stated: dict[str, Any]) -> None:
    """Its input is what no cache served, whatever its total says."""
    data = (FOLDER / "provider_responses" / "bedrock_converse.json").read_bytes()
    report = bedrock_converse.report(data)
    usage = providers()["bedrock"].metered(report).usage
    expected = stated["bedrock_converse"]

    assert usage.input_uncached == expected["uncached"]
    assert usage.cache_read == expected["cache_read"]
    assert usage.cache_write_5m == expected["cache_write_unknown_ttl"]
    assert usage.output_tokens == expected["output"]


def test_a_key_of_ones_own_is_charged_twice(stated: dict[str, Any]) -> None:
    """The fee of the seller, and what the upstream provider takes."""
    report = report_of(
        Foreign("openrouter_byok_final_chunk.json", "openai_chat", "openrouter", "openrouter")
    )
    reported = providers()["openrouter"].metered(report).reported_nanos

    total = Decimal(stated["openrouter_byok"]["total_cost_of_request_usd"])
    assert reported == total * 10**9
