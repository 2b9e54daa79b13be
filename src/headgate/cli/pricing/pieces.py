"""Charges of what is sold by the piece, beside those of a call."""

from collections.abc import Mapping

from headgate.catalog.charges import fees_in_force, unit_lines
from headgate.catalog.prices import PriceBook
from headgate.catalog.rates import RateCard, UnpricedMeterError
from headgate.records.charge import SURCHARGE, Charge, ChargeLine
from headgate.units.money import line_nanos


def with_units(
    book: PriceBook, card: RateCard, charge: Charge, units: Mapping[str, int], at_ns: int
) -> Charge:
    """Return a charge with the lines of counted units, before its surcharges.

    Raises:
        UnpricedMeterError: A unit has no fee.
    """
    if not units:
        return charge
    fees = fees_in_force(book.fees, card.seller, card.model, at_ns, None)
    for unit in units:
        if unit not in fees:
            raise UnpricedMeterError(unit, f"{card.seller}/{card.model}")
    lines = [line for line in charge.lines if line.meter != SURCHARGE]
    lines += unit_lines(fees, units)
    base = sum(line.amount_nanos for line in lines)
    total = base
    for row, share in card.surcharges if base else ():
        amount = line_nanos(base, share)
        total += amount
        lines.append(ChargeLine(SURCHARGE, base, share, amount, row))
    return Charge(total, tuple(lines))
