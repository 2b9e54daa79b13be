"""Money: whole nano-dollars for amounts, whole femto-dollars for the price of one unit.

An amount is an `int` named `..._nanos` (1e-9 USD). The price of one unit (one token, one
request) is an `int` named `..._femto` (1e-15 USD), so that 0.003625 USD per million tokens
is exactly 3,625,000. Rounding happens once, in `line_nanos`, per charge line.
"""

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

NANOS_PER_USD: Final = 1_000_000_000
FEMTO_PER_NANO: Final = 1_000_000
HALF_FEMTO: Final = FEMTO_PER_NANO // 2
"""Half a nano-dollar: what rounding half up adds."""

USD_MAX: Final = Decimal(1_000_000_000)
"""No single amount may exceed this: sums of such amounts stay inside 64 bits."""


class MoneyError(ValueError):
    """A text is not an amount of dollars, or is finer or larger than the ledger can hold."""


def parse_usd(text: str) -> int:
    """Return the nano-dollars in a decimal text such as `"25.00"`.

    Raises:
        MoneyError: Not a decimal, negative, finer than a nano-dollar, or above `USD_MAX`.
    """
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise MoneyError(f"{text!r} is not an amount of dollars, such as '25.00'") from error
    if not amount.is_finite() or not 0 <= amount <= USD_MAX:
        raise MoneyError(f"{text!r} is not between 0 and {USD_MAX} dollars")
    nanos = amount * NANOS_PER_USD
    if nanos != nanos.to_integral_value():
        raise MoneyError(f"{text!r} is finer than a nano-dollar (nine decimals)")
    return int(nanos)


def format_usd(amount_nanos: int) -> str:
    """Return the exact dollars of an amount, always with nine decimals: `"0.000012500"`."""
    return render_usd(amount_nanos).decode("ascii")


def render_usd(amount_nanos: int) -> bytes:
    """Return what `format_usd` does as bytes, which compiled code makes for half the price."""
    if amount_nanos < 0:
        return b"-" + render_usd(-amount_nanos)
    dollars = amount_nanos // NANOS_PER_USD if amount_nanos >= NANOS_PER_USD else 0
    # Behind a one, so that it has all its digits: compiled, a format with a width costs far more.
    digits = b"%d" % (NANOS_PER_USD + amount_nanos - dollars * NANOS_PER_USD)
    return (b"%d." % dollars if dollars else b"0.") + digits[1:]


def femto_per_unit(usd_per_million: Decimal) -> int:
    """Return the price of one unit in femto-dollars, from dollars per million units.

    Raises:
        MoneyError: Negative, or finer than a femto-dollar per unit (nine decimals).
    """
    femto = usd_per_million * 1_000_000_000
    if femto < 0 or femto != femto.to_integral_value():
        raise MoneyError(f"{usd_per_million} per million is negative or finer than nine decimals")
    return int(femto)


def exact_fraction(text: str) -> Fraction | None:
    """Return the exact value of a decimal text such as `"1.0842"`, None when it is none."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return Fraction(value) if value.is_finite() else None


def round_half_up(value: Fraction) -> int:
    """Return the whole number nearest to a value of at least zero, the upper of two."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def line_nanos(quantity: int, price_femto: int) -> int:
    """Return what `quantity` units cost, rounded half up to a nano-dollar: the only rounding."""
    # Whole nano-dollars apart: the product of all would often be too large to be multiplied fast.
    nanos = price_femto // FEMTO_PER_NANO
    rest_femto = price_femto - nanos * FEMTO_PER_NANO
    return quantity * nanos + (quantity * rest_femto + HALF_FEMTO) // FEMTO_PER_NANO


def ceil_nanos(quantity: int, price_femto: int) -> int:
    """Return an upper bound in nano-dollars of what `quantity` units cost (for holds)."""
    return -(-quantity * price_femto // FEMTO_PER_NANO)
