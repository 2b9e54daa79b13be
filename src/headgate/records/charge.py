"""What an attempt did cost, itemised."""

from typing import NamedTuple

from msgspec import Struct


class ChargeLine(Struct, frozen=True, gc=False):
    """One meter of a charge; its JSON is part of the journal's format.

    Attributes:
        meter: A name of `units.usage.METERS`.
        quantity: Units consumed, above zero.
        price_femto: Price of one unit in femto-dollars.
        amount_nanos: quantity x price, rounded half up, once.
        price_row: Id of the price row that gave the price.
    """

    meter: str
    quantity: int
    price_femto: int
    amount_nanos: int
    price_row: str


class Charge(NamedTuple):
    """The lines of one attempt and their sum."""

    amount_nanos: int
    lines: tuple[ChargeLine, ...]
