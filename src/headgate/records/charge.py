"""What an attempt did cost, itemised."""

from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct

from headgate.units.usage import Usage

State = Literal["measured", "estimated", "unknown"]


REPORTED: Final = "reported"
"""The meter, and the price row, of a line that is what the provider says it charged: its quantity
is in nano-dollars, each at one."""


SURCHARGE: Final = "surcharge"
"""The meter of a line that is a share of the lines before it: its quantity is in nano-dollars."""


HEDGE_LOST: Final = "hedge_lost"
"""Why an attempt has nothing to do with its call's answer: another one, that ran beside it, was
answered first. It may be measured all the same."""


class ChargeLine(Struct, frozen=True, gc=False, array_like=True):
    """One meter of a charge; its JSON, an array of the fields, is part of the journal's format.

    Attributes:
        meter: A name of `units.usage.METERS`, or `REPORTED`, or `SURCHARGE`.
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


def quantities(lines: Iterable[ChargeLine]) -> dict[str, int]:
    """Return what was consumed, by meter: surcharges are on money, not on usage."""
    return {line.meter: line.quantity for line in lines if line.meter != SURCHARGE}


class Charge(Struct, frozen=True, gc=False):
    """The lines of one attempt and their sum."""

    amount_nanos: int
    lines: tuple[ChargeLine, ...]


class Settlement(Struct, frozen=True, gc=False):
    """What an attempt is posted at, and why.

    Attributes:
        reason: None for a plain success.
        reported_nanos: What the reply said it cost, None when it did not say.
        quarantined: What the reply gave as its usage, where that cannot be right; else None.
    """

    amount_nanos: int
    state: State
    charge: Charge | None = None
    usage: Usage | None = None
    reason: str | None = None
    reported_nanos: int | None = None
    quarantined: str | None = None
