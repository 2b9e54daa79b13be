"""Makes the rates of a card: a row's prices with every factor, conversion, contract and fee."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

from headgate.catalog.charges import Fee, Modifier
from headgate.catalog.contracts import Contract
from headgate.catalog.exchange import ExchangeRate
from headgate.catalog.fields import PriceRowError
from headgate.catalog.rates import NO_UNITS, Rate, dearest
from headgate.catalog.rows import TOKEN_METERS, FemtoPrices, PriceRow, UnitPrices
from headgate.records.demand import Terms
from headgate.units.money import round_half_up
from headgate.units.usage import METERS, UNIT_METERS


class Conditions(NamedTuple):
    """What a row's prices are changed by, in this order, and what stands beside them.

    Attributes:
        modifiers: Factors of the region and the speed.
        contract: A multiplier or discount, None when there is none.
        exchange: What converts the prices, None when they are dollars.
        fees: By counted unit.
    """

    terms: Terms
    modifiers: tuple[Modifier, ...]
    contract: Contract | None
    exchange: ExchangeRate | None
    fees: tuple[Fee, ...]


def rate_of_row(row: PriceRow, conditions: Conditions) -> Rate:
    """Return a rate with the row's prices."""
    prices, row_id = row.prices_femto, row.id
    for modifier in conditions.modifiers:
        prices = modified(row, prices, modifier)
        row_id = f"{row_id}*{modifier.id}"
    contract = conditions.contract
    if contract is not None:
        prices = _times(prices, contract.factor)
        row_id = f"{row_id}*{contract.row_id}"
    above = row.min_prompt_tokens_exclusive
    units = row.units_femto
    if contract is not None:
        units = _units_times(units, contract.factor)
    return _rate(-1 if above is None else above, prices, row_id, conditions, units)


def rate_of_contract(contract: Contract, conditions: Conditions) -> Rate:
    """Return a rate with the prices of a contract; no modifier changes those."""
    assert contract.prices_femto is not None, "only a price stands for itself"
    return _rate(-1, contract.prices_femto, contract.row_id, conditions)


def _rate(
    above_tokens: int,
    prices: FemtoPrices,
    row_id: str,
    conditions: Conditions,
    pieces: UnitPrices = (),
) -> Rate:
    exchange = conditions.exchange
    if exchange is not None:
        prices, pieces = _times(prices, exchange.usd), _units_times(pieces, exchange.usd)
        row_id = f"{row_id}*{exchange.id}"
    with_fees, ids = list(prices), [row_id] * len(METERS)
    units = {meter: (price, row_id) for meter, price in pieces}
    for fee in conditions.fees:
        if fee.meter in METERS:
            index = METERS.index(fee.meter)
            with_fees[index], ids[index] = fee.price_femto, fee.id
        elif fee.meter in UNIT_METERS:
            units.setdefault(fee.meter, (fee.price_femto, fee.id))
    input_max, output_max = dearest(prices, conditions.terms)
    return Rate(
        above_tokens=above_tokens,
        prices_femto=tuple(with_fees),
        price_rows=tuple(ids),
        input_femto_max=max(input_max, _price_of("input_image", units)),
        output_femto_max=max(output_max, _price_of("output_image", units)),
        entries=tuple(zip(METERS, with_fees, ids, strict=True)),
        units=units or NO_UNITS,
    )


def _price_of(meter: str, units: Mapping[str, tuple[int, str]]) -> int:
    return units[meter][0] if meter in units else 0


def _units_times(units: UnitPrices, factor: Fraction) -> UnitPrices:
    return tuple((meter, round_half_up(price * factor)) for meter, price in units)


def modified(row: PriceRow, prices: FemtoPrices, modifier: Modifier) -> FemtoPrices:
    """Return a row's token prices times a modifier's factor, exactly.

    Raises:
        PriceRowError: A product is finer than a femto-dollar.
    """
    products: list[int | None] = []
    for meter, price in zip(METERS, prices, strict=True):
        if price is None or meter not in TOKEN_METERS:
            products.append(price)
            continue
        product = Fraction(price) * modifier.factor
        if product.denominator != 1:
            raise PriceRowError(f"{row.id}: {modifier.id} makes {meter} finer than nine decimals")
        products.append(product.numerator)
    return tuple(products)


def refuse_too_fine(rows: Iterable[PriceRow], modifiers: Iterable[Modifier]) -> None:
    """Prove that every modified price is whole femto-dollars.

    Raises:
        PriceRowError: One is not.
    """
    for modifier in modifiers:
        for row in rows:
            if modifier.seller == row.seller and row.model in modifier.models:
                modified(row, row.prices_femto, modifier)


def _times(prices: FemtoPrices, factor: Fraction) -> FemtoPrices:
    """Return prices times a factor that may leave fractions, rounded half up to a femto-dollar."""
    return tuple(None if price is None else round_half_up(price * factor) for price in prices)
