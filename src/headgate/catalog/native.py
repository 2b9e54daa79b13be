"""What a charge line is in the currency of its seller."""

from fractions import Fraction

from headgate.catalog.contracts import Contract
from headgate.catalog.exchange import USD
from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import PriceRow
from headgate.records.charge import ChargeLine
from headgate.units.money import FEMTO_PER_NANO, round_half_up
from headgate.units.usage import METERS


def native_amount(book: PriceBook, line: ChargeLine) -> tuple[str, int] | None:
    """Return currency and amount (in billionths) of a line that was converted, None for dollars.

    The row and the factors that the line names give it again, whatever became of the rate since.
    """
    entry = book.entry(line.price_row)
    if not isinstance(entry, PriceRow | Contract) or entry.currency == USD:
        return None
    prices = entry.prices_femto
    price = prices[METERS.index(line.meter)] if prices is not None else None
    if price is None:
        return None
    exact = Fraction(price)
    for name in line.price_row.split("*")[1:]:
        exact *= _factor(book, entry.seller, name)
    return entry.currency, round_half_up(line.quantity * exact / FEMTO_PER_NANO)


def _factor(book: PriceBook, seller: str, name: str) -> Fraction:
    """Return a modifier's or a contract's factor; the rate of exchange is none."""
    contract = book.entry(name)
    if isinstance(contract, Contract):
        return contract.factor
    found = (each.factor for each in book.modifiers if (each.seller, each.id) == (seller, name))
    return next(found, Fraction(1))
