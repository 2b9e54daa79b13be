"""Prices of records at the time of use, from the price book, with the row that was used.

The first line about a reply decides the instant. A model without a row stays unpriced and is never
taken for a like-named one. Where a log has lost a fact that decides the price, the amount is the
least it can have been, and the most stands beside it:

* how long a cache write was kept: five minutes, or an hour;
* the lengths of the prompts in a sum: all short, or all long.
"""

from dataclasses import replace
from functools import cached_property
from typing import Final, NamedTuple

from headgate.catalog.facts import near_names
from headgate.catalog.prices import PriceBook
from headgate.catalog.rates import RateCard, UnpricedMeterError
from headgate.economics.usage_logs.record import Found, Grade
from headgate.records.demand import Terms
from headgate.units.instants import NANOS_PER_SECOND
from headgate.units.usage import METERS, Usage

BILLED_ROW: Final = "as billed by the seller"
"""Stands for a price row where the seller's own amount counts."""

_DAY_NS: Final = 24 * 3600 * NANOS_PER_SECOND
_Cards = list[tuple[int, RateCard | None]]
_Key = tuple[str | None, str | None, str, str, str, int]
_HOUR: Final = METERS.index("cache_write_1h")


class Priced(NamedTuple):
    """What a record comes to.

    Attributes:
        seller: Whose price holds; what the log says when nobody's does, "" when it says nothing.
        cost_nanos: The amount, or the least it can be; None when unpriced.
        cost_high_nanos: The most it can be; the same when nothing is missing.
        price_rows: Ids of the rows used, separated by blanks; why not, when unpriced.
        grade: The record's, or C when the amount is a range.
    """

    seller: str
    cost_nanos: int | None
    cost_high_nanos: int | None
    price_rows: str
    grade: Grade


class Pricer:
    """Prices records; keeps the rate cards it has used.

    Args:
        book: The prices.
    """

    def __init__(self, book: PriceBook) -> None:
        self._book = book
        self._days: dict[_Key, tuple[str, _Cards | None]] = {}

    def price(self, found: Found, usual: str | None = None) -> Priced:
        """Return what a record cost at the time of use.

        `usual` is whose models its kind of log mostly tells of.
        """
        if found.billed_nanos is not None:
            amount = found.billed_nanos
            return Priced(found.seller or "", amount, amount, BILLED_ROW, found.grade)
        seller, cards = self._cards_of(found, usual)
        if cards is None:
            return Priced(seller, None, None, "no price for this model", "C")
        card = _card_at(cards, found.started_ns)
        if card is None:
            why = f"no price in tier {found.tier!r}, region {found.region!r} at that time"
            return Priced(seller, None, None, why, "C")
        try:
            low, high, rows = _range(card, found)
        except UnpricedMeterError as error:
            return Priced(seller, None, None, str(error), "C")
        # Not by its own way of making one, which takes twice as long: there may be a million.
        return tuple.__new__(
            Priced, (seller, low, high, " ".join(rows), found.grade if low == high else "C")
        )

    def sold_as(
        self, seller: str | None, model: str, usual: str | None = None
    ) -> tuple[str, str] | None:
        """Return the seller and model whose rows price a name in a log, None when none do.

        A seller that the log names is taken at its word, and so is one before a slash in the
        model's name. A bare name is the usual seller's if it has rows for it, else that of the
        only seller that has.
        """
        named, _, bare = model.rpartition("/")
        wanted = seller or named.rpartition("/")[2]
        if wanted:
            names = (name for name in (model, bare) if self._book.priced_as(wanted, name))
            return next(((wanted, name) for name in names), None)
        sellers = dict.fromkeys(known for known, _model in self._book.models())
        holders = [one for one in sellers if self._book.priced_as(one, model) is not None]
        if usual in holders:
            return usual, model
        return (holders[0], model) if len(holders) == 1 else None

    def near(self, model: str) -> str | None:
        """Return the priced `seller/model` whose name is most like this, for a person to judge."""
        bare = model.rpartition("/")[2]
        found = near_names(bare, self._by_model, 1)
        return f"{self._by_model[found[0]][0]}/{found[0]}" if found else None

    @cached_property
    def _by_model(self) -> dict[str, list[str]]:
        sellers: dict[str, list[str]] = {}
        for seller, model in self._book.models():
            sellers.setdefault(model, []).append(seller)
        return sellers

    def _cards_of(self, found: Found, usual: str | None) -> tuple[str, _Cards | None]:
        """Return who sold it, and the cards of its day; None for a model without rows."""
        day_ns = found.started_ns - found.started_ns % _DAY_NS
        key = (found.seller, usual, found.model, found.tier, found.region, day_ns)
        known = self._days.get(key)
        if known is None:
            sold = self.sold_as(found.seller, found.model, usual)
            if sold is None:
                known = (found.seller or "", None)
            else:
                terms = Terms(found.tier, found.region)
                known = (sold[0], self._cards(*sold, terms, day_ns))
            self._days[key] = known
        return known

    def _cards(self, seller: str, model: str, terms: Terms, day_ns: int) -> _Cards:
        """Return the cards that hold in a day, each with the instant it ends."""
        cards: list[tuple[int, RateCard | None]] = []
        start_ns = day_ns
        while start_ns < day_ns + _DAY_NS:
            card = self._book.rate_card(seller, model, terms, start_ns)
            if card is None:
                start_ns = self._book.unpriced_until_ns(seller, model, start_ns)
            else:
                start_ns = card.valid_until_ns
            cards.append((start_ns, card))
        return cards


def _card_at(cards: _Cards, at_ns: int) -> RateCard | None:
    for end_ns, card in cards:
        if at_ns < end_ns:
            return card
    return None


def _range(card: RateCard, found: Found) -> tuple[int, int, tuple[str, ...]]:
    """Return the least and the most a record can have cost, and the rows of the least.

    Raises:
        UnpricedMeterError: A meter that is used has no price.
    """
    if found.calls > 1:
        # Prompts of a sum are short unless they are not: nobody can tell from the sum.
        low, rows = replace(card, rates=card.rates[:1]).amount(found.usage)
        high, _ = replace(card, rates=card.rates[-1:]).amount(found.usage)
    else:
        low, rows = card.amount(found.usage)
        high = low
    if found.ttl_unknown and card.rates[0].prices_femto[_HOUR] is not None:
        high, _ = card.amount(_kept_for_an_hour(found.usage, found.ttl_unknown))
    return low, high, rows


def _kept_for_an_hour(usage: Usage, tokens: int) -> Usage:
    return usage._replace(
        cache_write_5m=usage.cache_write_5m - tokens, cache_write_1h=usage.cache_write_1h + tokens
    )
