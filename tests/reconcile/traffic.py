"""What a month is made of: models, prices by arithmetic of the test's own, calls and reports."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import NamedTuple

from headgate.catalog.load import load_price_book
from headgate.catalog.settings import Deployment
from headgate.reconcile.cells import CellKey, Reason
from headgate.records.demand import STANDARD
from headgate.records.journal import Record
from headgate.units.instants import NANOS_PER_SECOND
from headgate.units.usage import Usage

FIRST = date(2026, 10, 1)
DAYS = 31
HOUR_NS = 3_600 * NANOS_PER_SECOND
WINDOW = "acme-month@2026-10"
SECRET_MODEL = "model-nobody-priced"
MODELS = {
    "mini": ("openai", "gpt-5.4-mini", "gpt-5.4-mini-2026-03-17"),
    "big": ("openai", "gpt-5.5", "gpt-5.5-2026-04-23"),
    "haiku": ("anthropic", "claude-haiku-4-5", "claude-haiku-4-5-20251001"),
    "opus": ("anthropic", "claude-opus-4-8", "claude-opus-4-8"),
    "new": ("openai", SECRET_MODEL, SECRET_MODEL),
}
BOOK = load_price_book()
DEPLOYMENTS = {
    name: Deployment(name, seller, model, seller, model, 200_000, 32_000, 4_096)
    for name, (seller, model, _served) in MODELS.items()
}
TIER = {"openai": "priority", "anthropic": "batch"}


class Bought(NamedTuple):
    """One call as its provider knows it."""

    deployment: str
    at_ns: int
    usage: Usage


@dataclass(slots=True)
class Month:
    """What was made.

    Attributes:
        expected: Every cell that does not agree, and its reason.
        reports: The reports' texts by file name.
        truth: What each estimated attempt was really charged, summed by cell.
    """

    records: list[Record] = field(default_factory=list)
    bought: list[Bought] = field(default_factory=list)
    expected: dict[CellKey, Reason] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)
    truth: Counter[CellKey] = field(default_factory=Counter)
    factors: dict[CellKey, Fraction] = field(default_factory=dict)
    rounded: set[CellKey] = field(default_factory=set)
    extra: dict[str, Fraction] = field(default_factory=dict)
    number: int = 0


def key_of(deployment: str, day: date) -> CellKey:
    """Return the cell of a deployment's calls on a day."""
    seller, model, _served = MODELS[deployment]
    return CellKey(seller, model, day.isoformat())


def day_of(at_ns: int) -> date:
    """Return the day of an instant."""
    return datetime.fromtimestamp(at_ns // NANOS_PER_SECOND, UTC).date()


def cost(deployment: str, usage: Usage, at_ns: int, tier: str = "standard") -> Fraction:
    """Return what usage costs in nano-dollars, not rounded, meter by meter."""
    seller, model, _served = MODELS[deployment]
    card = BOOK.rate_card(seller, model, STANDARD._replace(tier=tier), at_ns)
    if card is None:
        return Fraction(usage.prompt_tokens * 700 + usage.output_tokens * 2_100)
    prices = (price or 0 for price in card.rates[0].prices_femto)
    return sum(
        (Fraction(count * price, 10**6) for count, price in zip(usage, prices, strict=True)),
        Fraction(0),
    )
