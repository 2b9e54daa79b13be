"""What a record costs: by the day of use, by the seller, and never by a like name."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import parse_row
from headgate.economics.usage_logs.pricing import Pricer
from headgate.units.instants import to_iso
from tests.economics.conftest import Desk
from tests.economics.logs import claude, write_lines


@pytest.fixture
def pricer(book: PriceBook) -> Pricer:
    return Pricer(book)


@pytest.mark.parametrize(
    ("at", "usd"),
    [
        ("2026-04-25T12:00:00.000Z", "0.0100688"),
        ("2026-07-15T12:00:00.000Z", "0.00222488"),
        ("2026-08-19T01:30:00.000Z", "0.00968704"),
    ],
)
def test_the_same_usage_costs_what_the_day_asked(
    desk: Desk, tmp_path: Path, at: str, usd: str
) -> None:
    """List price, the price after the cut, and the peak hour after the rise."""
    line = claude("m1", 2000, at=at, model="deepseek-v4-pro", input_tokens=1040)
    line["message"]["usage"]["cache_read_input_tokens"] = 8960

    desk.take(write_lines(tmp_path / "s.jsonl", [line]))

    (one,) = desk.records()
    assert one.cost_nanos == Decimal(usd) * 1_000_000_000


@pytest.mark.parametrize(
    ("seller", "model", "sold"),
    [
        (None, "claude-opus-4-8", ("anthropic", "claude-opus-4-8")),
        (None, "claude-haiku-4-5-20251001", ("anthropic", "claude-haiku-4-5-20251001")),
        (None, "openai/gpt-5.5", ("openai", "gpt-5.5")),
        ("openai", "gpt-5.5", ("openai", "gpt-5.5")),
        ("deepseek", "gpt-5.5", None),
        (None, "elsewhere/gpt-5.5", None),
        (None, "gpt-5.5-turbo", None),
        (None, "", None),
    ],
)
def test_who_sold_it(
    pricer: Pricer, seller: str | None, model: str, sold: tuple[str, str] | None
) -> None:
    """The seller that is named is taken at its word; a bare name needs to be one seller's."""
    assert pricer.sold_as(seller, model) == sold


def test_a_name_that_several_sell_is_the_usual_sellers(book: PriceBook) -> None:
    """A reseller with rows of the same name leaves the maker's clients with the maker's price."""
    table = {
        "model": "gpt-5.5",
        "valid_from": date(2026, 6, 1),
        "recorded_at": date(2026, 6, 1),
        "usd_per_million": {"input": "9", "output": "9"},
    }
    pricer = Pricer(book.with_rows([parse_row(table, seller="reseller", bands={})]))

    assert pricer.sold_as(None, "gpt-5.5", "openai") == ("openai", "gpt-5.5")
    assert pricer.sold_as("reseller", "gpt-5.5", "openai") == ("reseller", "gpt-5.5")
    assert pricer.sold_as(None, "gpt-5.5") is None


def test_the_first_minute_of_a_price_has_it(desk: Desk, tmp_path: Path) -> None:
    """A model that went on sale in the middle of an hour is priced from then on."""
    rows = [one for one in desk.book.rows if one.model == "deepseek-v4-flash"]
    start = min(one.valid_from_ns for one in rows)
    edge = to_iso(start)
    before = to_iso(start - 1_000_000)
    lines = [
        claude("before", 1, at=before, model="deepseek-v4-flash"),
        claude("at", 1, at=edge, model="deepseek-v4-flash"),
    ]

    desk.take(write_lines(tmp_path / "s.jsonl", lines))

    told = {one.reply: one.cost_nanos is None for one in desk.records()}
    assert told == {"before": True, "at": False}


def test_a_name_like_a_model_is_shown_and_not_used(
    desk: Desk, tmp_path: Path, pricer: Pricer
) -> None:
    """It stays unpriced until the book has it; then the next import prices what waited."""
    name = "claude-opus-4-9"
    path = write_lines(tmp_path / "s.jsonl", [claude("m1", 5, model=name)])
    desk.take(path)
    (before,) = desk.records()
    row = {
        "model": name,
        "valid_from": date(2026, 6, 1),
        "recorded_at": date(2026, 6, 1),
        "usd_per_million": {"input": "1", "cache_read": "1", "output": "1"},
        "sources": ["https://example.com"],
    }
    desk.book = desk.book.with_rows([parse_row(row, seller="anthropic", bands={})])

    desk.take(path)

    (after,) = desk.records()
    assert (before.cost_nanos, before.grade) == (None, "C")
    assert (pricer.near(name) or "").startswith("anthropic/claude-opus-4")
    assert (after.cost_nanos, after.grade) == (1_015_000, "B")


def test_prices_stay_until_they_are_asked_for_anew(desk: Desk, tmp_path: Path) -> None:
    """Another book changes nothing that has a price, unless repricing is asked for."""
    path = write_lines(tmp_path / "s.jsonl", [claude("m1", 1000)])
    desk.take(path)
    row = {
        "model": "claude-opus-4-8",
        "valid_from": date(2026, 6, 1),
        "recorded_at": date(2026, 6, 1),
        "usd_per_million": {"input": "0", "cache_read": "0", "output": "1"},
    }
    ours = parse_row(row, seller="anthropic", bands={}, origin="configuration")
    desk.book = desk.book.with_rows([ours])

    desk.take(path)
    kept = [one.cost_nanos for one in desk.records()]
    desk.take(path, reprice=True)

    assert kept == [25_550_000]
    assert [one.cost_nanos for one in desk.records()] == [1_000_000]
