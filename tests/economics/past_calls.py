"""Calls of a past period, made up, and what they cost."""

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from headgate.catalog.load import load_price_book
from headgate.catalog.prices import PriceBook
from headgate.economics.load import load_data, load_inputs
from headgate.economics.whatif.calls import Calls, Kind, Row, Who, calls_of
from headgate.economics.whatif.replay import Replay, replay
from headgate.economics.whatif.scenario import Scenario, read_models
from headgate.economics.whatif.tokenisers import families_of
from headgate.records.demand import STANDARD, Terms
from headgate.units.instants import from_datetime
from headgate.units.usage import Usage

F = Fraction
AT = from_datetime(datetime(2026, 10, 5, 12, tzinfo=UTC))
BOOK = load_price_book()
INPUTS = load_inputs("whatif")
FAMILIES = families_of(load_data("whatif"))
ANN, BOB = (Who(name, "claude_code") for name in ("ann", "bob"))
OPUS, SONNET = "anthropic/claude-opus-4-8", "anthropic/claude-sonnet-5"


def row(
    model: str,
    usage: Usage,
    name: str = "main",
    terms: Terms = STANDARD,
    *,
    at_ns: int = AT,
    who: Who = ANN,
) -> Row:
    seller, _, bare = model.partition("/")
    return Kind((seller, bare, terms), name, who), (at_ns, 7_000_000, *usage)


def calls(*rows: Row) -> Calls:
    return calls_of(rows)


def asked(book: PriceBook, *models: str, **given_: Any) -> Scenario:
    return replace(Scenario(book, book, models=read_models(models, book)), **given_)


def rate(book: PriceBook, model: str, usage: Usage) -> int:
    seller, _, bare = model.partition("/")
    card = book.rate_card(seller, bare, STANDARD, AT)
    assert card is not None
    return card.amount(usage)[0]


def run(made: Calls, scenario: Scenario) -> Replay:
    return replay(made, scenario, INPUTS, FAMILIES)
