"""What a change would have cost: signed, exact, and only the change."""

from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import PriceRow, parse_row
from headgate.economics.prices.impact import Past, as_if, impact, scaled
from headgate.economics.prices.load_past import imported_calls, open_usage
from headgate.economics.usage_logs.store import STORE_NAME
from headgate.records.demand import Terms
from headgate.units.instants import from_datetime
from headgate.units.usage import Usage
from tests.economics.conftest import Desk
from tests.economics.logs import claude, write_lines

SINCE = from_datetime(datetime(2026, 10, 1, tzinfo=UTC))


def call(model: str, team: str, tokens: int, tier: str = "standard") -> Past:
    seller, name = model.split("/")
    return Past((seller, name, Terms(tier)), SINCE + 5, Usage(tokens), team, 1)


def own(price: str, start: date) -> PriceRow:
    return parse_row(
        {
            "model": "gpt-5.5",
            "valid_from": start,
            "recorded_at": start,
            "usd_per_million": {"input": price, "output": "1"},
        },
        seller="openai",
        bands={},
        origin="configuration",
    )


def test_a_factor_changes_what_it_names(book: PriceBook) -> None:
    """A model's own factor comes before its seller's; others cost what they did."""
    calls = [
        call("openai/gpt-5.5", "red", 1_000),
        call("openai/gpt-5.5", "blue", 2_000),
        call("openai/gpt-5.4-mini", "red", 1_000),
        call("anthropic/claude-opus-4-8", "red", 1_000),
    ]
    factors = {"openai": Fraction(2), "openai/gpt-5.5": Fraction(4, 5)}

    found = impact(book, scaled(book, factors), calls)

    assert [(each.model, each.team, each.difference_nanos) for each in found] == [
        ("openai/gpt-5.5", "blue", -2_000_000),
        ("openai/gpt-5.5", "red", -1_000_000),
        ("openai/gpt-5.4-mini", "red", 750_000),
        ("anthropic/claude-opus-4-8", "red", 0),
    ]


def test_a_change_counts_for_the_whole_stretch(book: PriceBook) -> None:
    """A price that begins in the future, after one that began in the middle, is asked about now."""
    before = book.with_rows([own("3", date(2026, 10, 15))])
    after = before.with_rows([own("7", date(2027, 1, 1))])

    (sums,) = impact(before, as_if(before, after, SINCE), [call("openai/gpt-5.5", "red", 1_000)])

    assert (sums.before_nanos, sums.after_nanos) == (5_000_000, 7_000_000)


def test_what_one_book_does_not_price_is_counted_apart(book: PriceBook) -> None:
    """It is no difference: nobody knows what it would have cost."""
    calls = [call("openai/gpt-5.5", "red", 10), call("openai/gpt-5.5", "red", 10, "no-such-tier")]

    (sums,) = impact(book, book, calls)

    assert (sums.calls, sums.unrated, sums.posted_nanos, sums.difference_nanos) == (1, 1, 1, 0)


def test_imported_logs_are_asked_too(book: PriceBook, tmp_path: Path) -> None:
    """By seat, at the price of each record's instant."""
    desk = Desk(tmp_path / STORE_NAME, book)
    desk.take(write_lines(tmp_path / "s.jsonl", [claude("m1", 100)]), seat="ann")

    with open_usage(tmp_path) as store:
        calls = list(imported_calls(store, book, 0, SINCE))
    (sums,) = impact(book, scaled(book, {"anthropic": Fraction(2)}), calls)

    assert (sums.model, sums.team) == ("anthropic/claude-opus-4-8", "ann")
    assert sums.difference_nanos == sums.before_nanos == sums.posted_nanos > 0
