"""What a price list of somebody else says: prices to compare with, never to copy unseen."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from headgate.catalog.rows import PriceRow, parse_row
from headgate.units.usage import METERS

MILLION = 1_000_000
STANDARD_TIER = "standard"
_DIGITS_MAX = 30


class Listed(NamedTuple):
    """The prices of one model in one tier, below or above one length of prompt.

    Attributes:
        source: The list's name.
        usd_per_million: By meter, as the list has them, exact.
        min_prompt_tokens_exclusive: None for the ordinary price.
        valid_from: From when the list says that it holds, None when it does not say.
        flat: Whether the list has one price for all hours.
    """

    source: str
    seller: str
    model: str
    usd_per_million: Mapping[str, Decimal]
    tier: str = STANDARD_TIER
    min_prompt_tokens_exclusive: int | None = None
    valid_from: date | None = None
    flat: bool = True

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What it shares with the row of the book that it is compared with."""
        above = self.min_prompt_tokens_exclusive or 0
        return self.seller, self.model, self.tier, above

    def as_row(self, on: date) -> PriceRow:
        """Return it as a configured row, valid from a day unless the list says from when.

        Raises:
            PriceRowError: It is no usable price: too fine, negative, or without input or output.
        """
        day = self.valid_from or on
        table: dict[str, object] = {
            "model": self.model,
            "tier": self.tier,
            "valid_from": day,
            "recorded_at": on,
            "usd_per_million": {
                meter: f"{price.normalize():f}" for meter, price in self.usd_per_million.items()
            },
            "sources": [self.source],
        }
        if self.min_prompt_tokens_exclusive is not None:
            table["min_prompt_tokens_exclusive"] = self.min_prompt_tokens_exclusive
        return parse_row(table, seller=self.seller, bands={}, origin="configuration")


def number(value: object) -> Decimal | None:
    """Return a number of a JSON document exactly, None when it is none that a price could be."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    return number if abs(number.adjusted()) <= _DIGITS_MAX else None


def in_order(prices: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return prices in the order of the meters."""
    return {meter: prices[meter] for meter in METERS if meter in prices}


def newest(listed: Iterable[Listed], on: date) -> list[Listed]:
    """Return of several prices of one key those that hold on a day, and all announced ones."""
    current: dict[tuple[str, str, str, int], Listed] = {}
    announced: list[Listed] = []
    for each in listed:
        if each.valid_from is not None and each.valid_from > on:
            announced.append(each)
            continue
        known = current.get(each.key)
        if known is None or (each.valid_from or date.min) >= (known.valid_from or date.min):
            current[each.key] = each
    return [*current.values(), *announced]
