"""Restating: signed corrections of what was charged by a price that was wrong, made once."""

import itertools
from collections.abc import Iterator
from dataclasses import replace as replaced
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine

from headgate.catalog.commitments import Capacity
from headgate.catalog.load import load_price_book
from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import parse_row
from headgate.catalog.settings import Deployment
from headgate.economics.prices.load_agreed import drawn_nanos, tokens_by_team
from headgate.economics.prices.load_past import charged_calls
from headgate.economics.prices.restating import Posted, Restatement, restatements
from headgate.insights.books import check_books
from headgate.ledger.keeper import Keeper
from headgate.ledger.keeper_adjustments import adjust
from headgate.records.adjustment import Adjusted, Adjustment
from headgate.records.charge import Charge
from headgate.records.demand import STANDARD, Terms
from headgate.records.journal import Record
from headgate.store.migrate import open_store
from headgate.units.instants import from_datetime
from headgate.units.usage import Usage
from tests.ledger.test_journal import end, hold
from tests.ledger.test_keeper import LIMIT, write

DAY = from_datetime(datetime(2026, 10, 1, 12, tzinfo=UTC))
BOOK = load_price_book()
MINI = Deployment("mini", "openai", "gpt-5.4-mini", "openai", "gpt-5.4-mini", 1, 1, 1)
HELD = Capacity("ptu", "openai", ("mini",), 3_600_000_000_000, 0)
EPOCHS = itertools.count(1)


def corrected(usd: str) -> PriceBook:
    """Return the book with a price for the batch tier that is known only later."""
    row = parse_row(
        {
            "model": "gpt-5.4-mini",
            "tier": "batch",
            "valid_from": datetime(2026, 1, 1, tzinfo=UTC),
            "recorded_at": datetime(2026, 11, 1, tzinfo=UTC),
            "usd_per_million": {"input": usd, "output": usd},
        },
        seller="openai",
        bands={},
        origin="configuration",
    )
    return BOOK.with_rows([row])


def charge(terms: Terms, book: PriceBook = BOOK) -> Charge:
    card = book.rate_card("openai", "gpt-5.4-mini", terms, DAY)
    assert card is not None
    return card.rate(Usage(input_uncached=1_000, output_text=10))


def attempt(number: int, charged: Charge) -> tuple[Record, Record]:
    """Return the hold and the end of an attempt that was charged."""
    return (
        replace(hold(number), at_ns=DAY, amount_nanos=LIMIT // 10),
        replace(
            end(number),
            at_ns=DAY + 5,
            amount_nanos=charged.amount_nanos,
            state="measured",
            lines=charged.lines,
        ),
    )


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A store of its own."""
    made = open_store(tmp_path)
    yield made
    made.dispose()


def opened(engine: Engine, tmp_path: Path, *records: Record) -> Keeper:
    write(tmp_path, "j1", *records)
    made = Keeper(engine, tmp_path / "journal", lambda _window: LIMIT)
    made.discover()
    made.fold()
    return made


def differing(engine: Engine, book: PriceBook) -> list[Restatement]:
    """Return what `headgate prices restate` would correct."""
    with engine.connect() as connection:
        found = charged_calls(connection, book, {"mini": MINI}, DAY, DAY + 1)
        posted = [
            Posted(
                each.attempt,
                each.past.way,
                each.past.at_ns,
                each.past.usage,
                each.past.team,
                each.net_nanos,
                each.corrections,
                each.rows,
            )
            for each in found
            if each.is_certain and each.restated
        ]
    return restatements(book, posted)[0]


def correct(keeper: Keeper, engine: Engine, *wanted: Adjustment) -> Adjusted:
    return adjust(keeper, engine, wanted, by="user:ann", epoch=f"e{next(EPOCHS)}", at_ns=DAY + 9)


def test_a_price_that_comes_back_is_corrected_back(engine: Engine, tmp_path: Path) -> None:
    """Each correction is made once, and the charge of the tier that served it alone is touched."""
    keeper = opened(
        engine,
        tmp_path,
        *attempt(1, charge(Terms(tier="batch"))),
        *attempt(2, charge(Terms())),
    )
    was = charge(Terms(tier="batch")).amount_nanos

    for usd, nanos in (("9", 9_090_000), ("2", 2_020_000), ("9", 9_090_000)):
        (entry,) = differing(engine, corrected(usd))
        assert (entry.attempt, entry.difference_nanos) == (hold(1).attempt, nanos - was)
        asked = entry.adjustment()
        assert correct(keeper, engine, asked).made == 1
        assert correct(keeper, engine, asked) == Adjusted(known=1)
        assert differing(engine, corrected(usd)) == []
        was = nanos
    assert check_books(engine, tmp_path / "journal").equal
    with engine.connect() as connection:
        total = was + charge(Terms()).amount_nanos
        assert drawn_nanos(connection, ["mini"], DAY, DAY + 1) == total
        assert drawn_nanos(connection, ["big"], DAY, DAY + 1) == 0


def test_what_a_providers_bill_corrected_is_left(engine: Engine, tmp_path: Path) -> None:
    """The bill decides; a price of the book does not overrule it."""
    keeper = opened(engine, tmp_path, *attempt(1, charge(Terms(tier="batch"))))

    correct(keeper, engine, Adjustment("day-1", 5, "reconciled", "a report", hold(1).attempt))

    assert differing(engine, corrected("9")) == []


def test_capacity_is_used_by_whose_calls_it_priced(engine: Engine, tmp_path: Path) -> None:
    """Calls that overflowed to the list price have no part in its cost."""
    book = replaced(BOOK, contracts=(HELD.contract(),))
    free = charge(Terms(nodes=("deployment:mini",)), book)
    opened(engine, tmp_path, *attempt(1, free), *attempt(2, charge(Terms())))

    with engine.connect() as connection:
        assert tokens_by_team(connection, HELD, DAY, DAY + 1) == {"research": 1_010}
    assert free.amount_nanos == 0


def test_a_call_for_images_is_left_as_it_is(engine: Engine, tmp_path: Path) -> None:
    """What it was billed by beside tokens is not rated again, so nothing of it is corrected."""
    card = BOOK.rate_card("openai", "gpt-image-1.5", STANDARD, DAY)
    assert card is not None
    drawn = card.rate_with(Usage(input_uncached=10), {"output_image": 4_160})
    opened(engine, tmp_path, *attempt(1, drawn), *attempt(2, charge(Terms())))

    with engine.connect() as connection:
        found = [each.attempt for each in charged_calls(connection, BOOK, {}, DAY, DAY + 1)]

    assert found == [hold(2).attempt]
