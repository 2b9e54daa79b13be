"""How often list prices changed, and by how much, as the price book knew it on a day.

Prices are those of a fixed mix of tokens, averaged over the hours of a week, so that prices by the
hour count as they cost. A model whose start is not known tells nothing about time and is left out.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import stdev

from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import UNKNOWN_START_NS
from headgate.records.demand import Terms as CallTerms
from headgate.units.instants import NANOS_PER_SECOND

HOUR_NS = 3600 * NANOS_PER_SECOND
WEEK_HOURS = 168
YEAR_NS = 8766 * HOUR_NS
MIX = {
    "input_uncached": Fraction(1, 10),
    "cache_read": Fraction(8, 10),
    "output_text": Fraction(1, 10),
}
"""What is common for agents: mostly cached input."""

BEFORE_ANY = Fraction(1, 2)
"""A rate counts half a change more than was seen, or what was never seen would be impossible."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How list prices changed.

    Attributes:
        years: Years of one model that were looked at.
        factors: New price as a multiple of the old, of each change, in the order of the book.
    """

    years: Fraction
    factors: tuple[Fraction, ...]

    def per_year(self, *, rises: bool) -> Fraction:
        """Return how often a year a model's price rises, or falls."""
        return (len(self.sizes(rises=rises)) + BEFORE_ANY) / self.years

    def sizes(self, *, rises: bool) -> list[Fraction]:
        """Return the factors of rises, or of cuts."""
        return [factor for factor in self.factors if (factor > 1) == rises]


def habits(book: PriceBook, until_ns: int, known_at_ns: int | None = None) -> Habits:
    """Return what was known of changes up to a day; None knows all that stands now."""
    years, factors = Fraction(0), []
    for seller, model in book.models():
        edges = _edges(book, (seller, model), until_ns, known_at_ns)
        prices = [
            (at, price)
            for at in edges
            if (price := weekly_price(book, (seller, model), at, known_at_ns)) is not None
        ]
        if not prices:
            continue
        years += Fraction(until_ns - prices[0][0], YEAR_NS)
        pairs = pairwise(prices)
        factors += [after / before for (_, before), (_, after) in pairs if after != before]
    return Habits(years, tuple(factors))


def weekly_price(
    book: PriceBook, model: tuple[str, str], at_ns: int, known_at_ns: int | None = None
) -> Fraction | None:
    """Return femto-dollars per token of the mix in the week from an instant; None: unpriced."""
    total = Fraction(0)
    for hour in range(WEEK_HOURS):
        at = at_ns + hour * HOUR_NS
        card = book.rate_card(*model, CallTerms(), at, known_at_ns)
        if card is None:
            return None
        prices = {meter: price for meter, price, _ in card.rates[0].entries}
        parts = [(prices[meter], share) for meter, share in MIX.items()]
        for price, share in parts:
            if price is None:
                return None
            total += price * share
        if hour == 0 and card.valid_until_ns >= at_ns + WEEK_HOURS * HOUR_NS:
            return total
    return total / WEEK_HOURS


def mean_factor(factors: list[Fraction]) -> float:
    """Return the geometric mean of factors."""
    return math.exp(sum(math.log(one) for one in factors) / len(factors))


def spread(factors: list[Fraction]) -> float:
    """Return the standard deviation of the logarithms of at least two factors."""
    return stdev(math.log(one) for one in factors)


def _edges(
    book: PriceBook, model: tuple[str, str], until_ns: int, known_at_ns: int | None
) -> Iterator[int]:
    rows = [row for row in book.rows_of(*model) if row.known_at(known_at_ns)]
    starts = {row.valid_from_ns for row in rows if row.tier == CallTerms().tier}
    yield from (at for at in sorted(starts) if UNKNOWN_START_NS < at < until_ns)
