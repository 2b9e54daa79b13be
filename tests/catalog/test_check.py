"""The checks of a price book, on the built-in data and on rows with a slip in them."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from headgate.catalog.check import check_book
from headgate.catalog.facts import ModelDirectory
from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import PriceRow, parse_row

NO_MODELS = ModelDirectory(())
GOOD: dict[str, object] = {
    "model": "m",
    "valid_from": date(2026, 1, 1),
    "recorded_at": date(2026, 1, 1),
    "usd_per_million": {"input": "1", "output": "5", "cache_read": "0.1", "cache_write_5m": "1.25"},
    "sources": ["https://example.com"],
}


def row(**change: object) -> PriceRow:
    return parse_row(GOOD | change, seller="acme", bands={})


def rules(*rows: PriceRow) -> list[str]:
    return [f"{f.severity} {f.rule}" for f in check_book(PriceBook(rows), NO_MODELS)]


def test_the_built_in_book_has_no_errors(book: PriceBook, models: ModelDirectory) -> None:
    """Every warning that is left is known and explained in docs/reference/prices.md."""
    findings = check_book(book, models)

    assert [finding for finding in findings if finding.severity == "error"] == []
    assert sorted((f.rule, f.row) for f in findings) == [
        ("cache_ratio", "deepseek/deepseek-chat/standard/2025-02-26/night"),
        ("cache_ratio", "deepseek/deepseek-reasoner/standard/2025-02-26/night"),
        ("cache_ratio", "deepseek/deepseek-v4-flash/standard/2026-08-16T16:00Z"),
        ("cache_ratio", "deepseek/deepseek-v4-flash/standard/2026-08-16T16:00Z/peak-daily"),
        ("cache_ratio", "deepseek/deepseek-v4-flash/standard/2026-08-22T16:00Z"),
        ("cache_ratio", "deepseek/deepseek-v4-flash/standard/2026-08-22T16:00Z/peak"),
        ("cache_rounded", "deepseek/deepseek-chat/standard/2025-02-08"),
        ("cache_rounded", "deepseek/deepseek-r1/standard/seen-2026-11-12"),
        ("cache_rounded", "deepseek/deepseek-reasoner/standard/2025-01-20"),
        ("cache_rounded", "deepseek/deepseek-v3/standard/seen-2026-11-12"),
        ("gap", "deepseek/deepseek-chat/standard/2025-02-08"),
        ("gap", "deepseek/deepseek-reasoner/standard/2025-01-20"),
        ("long_context_missing", "google/gemini-2.5-pro/flex/2025-03-20"),
        ("long_context_missing", "google/gemini-3.1-pro-preview-customtools/flex/2026-02-19"),
        ("long_context_missing", "google/gemini-3.1-pro-preview/flex/2026-02-19"),
        ("long_context_missing", "google/gemini-pro-latest/batch/seen-2026-11-12"),
        ("long_context_missing", "google/gemini-pro-latest/flex/seen-2026-11-12"),
        ("long_context_missing", "openai/gpt-5.4/priority/2026-03-05"),
        ("long_context_missing", "openai/gpt-5.5/priority/2026-04-23"),
    ]


def test_a_good_row_passes() -> None:
    """An ordinary row has no findings."""
    assert rules(row()) == []


@pytest.mark.parametrize(
    ("prices", "finding"),
    [
        ({"cache_read": "0.13", "input": "1.25"}, "warning cache_rounded"),
        ({"cache_read": "0.08", "input": "0.15"}, "warning cache_rounded"),
        ({"cache_read": "0.138", "input": "0.55"}, "warning cache_rounded"),
        ({"cache_read": "0.3", "input": "1.25"}, "warning cache_ratio"),
        ({"cache_read": "1.25", "input": "1"}, "error cache_order"),
        ({"cache_write_5m": "0.1", "input": "1"}, "error cache_order"),
        ({"input": "0"}, "error zero_price"),
        ({"output": "0"}, "error zero_price"),
        ({"cache_read": "0", "input": "1"}, "error zero_price"),
    ],
)
def test_a_slip_in_a_price_is_found(prices: dict[str, str], finding: str) -> None:
    """Rounded displays, swapped columns and free tokens of a paid model stand out."""
    assert finding in rules(row(usd_per_million={"input": "1", "output": "5"} | prices))


def test_free_rows_of_ones_own_are_only_a_warning() -> None:
    """A machine of one's own may well cost nothing per token."""
    own = replace(row(usd_per_million={"input": "0", "output": "0"}), origin="configuration")

    assert set(rules(own)) == {"warning zero_price"}


@pytest.mark.parametrize("sources", [[], ["hearsay"]])
def test_a_row_without_a_source_is_an_error(sources: list[str]) -> None:
    """A price that nobody can look up is not a fact."""
    assert rules(row(sources=sources)) == ["error source_missing"]


def test_rows_that_hold_at_once_overlap() -> None:
    """An explicit end beyond the next start, or the same start twice, is ambiguous."""
    long = row(valid_to=date(2026, 6, 1))
    later = row(valid_from=date(2026, 5, 1))

    assert rules(long, later) == ["error overlap"]
    assert rules(row(), replace(row(), id="again")) == ["error overlap"]


def test_rows_that_were_never_believed_at_once_do_not_overlap() -> None:
    """A correction supersedes what it corrects from the day it was recorded."""
    wrong = replace(row(superseded_at=date(2026, 3, 1)), id="wrong")

    assert rules(wrong, row(recorded_at=date(2026, 3, 1))) == []


def test_an_open_row_ends_where_the_next_starts() -> None:
    """Succession is no overlap, and an end that meets the next start is no gap."""
    assert rules(row(), row(valid_from=date(2026, 5, 1))) == []
    assert rules(row(valid_to=date(2026, 5, 1)), row(valid_from=date(2026, 5, 1))) == []


def test_a_gap_is_found() -> None:
    """Between an end and a later start the model is unpriced; that may be meant."""
    later = row(valid_from=datetime(2026, 5, 1, tzinfo=UTC))

    assert rules(row(valid_to=date(2026, 4, 1)), later) == ["warning gap"]


def test_a_tier_without_a_long_context_row_is_found() -> None:
    """Long prompts in that tier would be charged like short ones."""
    long = row(min_prompt_tokens_exclusive=1000)

    assert rules(row(), long, row(tier="flex")) == ["warning long_context_missing"]
