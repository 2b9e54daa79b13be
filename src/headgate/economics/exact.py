"""Exact arithmetic for the desk: fractions throughout, roots and exponentials to fifty digits.

Formulas take and give `Fraction`, so that a sum of money is never near a binary fraction. Where a
result is irrational it is computed by `decimal` to `DIGITS` digits, far below what is ever shown.
"""

from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

DIGITS = 50
EXPONENT_MAX = 100_000
WHOLE_MAX = 1000
_CONTEXT = Context(prec=DIGITS)


class DomainError(ValueError):
    """A formula was asked something that has no answer; the message says what it needs."""


def ln(value: Fraction) -> Fraction:
    """Return the natural logarithm.

    Raises:
        DomainError: The value is not above 0.
    """
    if value <= 0:
        raise DomainError("a logarithm needs a number above 0")
    return Fraction(_decimal(value).ln(_CONTEXT))


def exp(value: Fraction) -> Fraction:
    """Return e to the power of `value`.

    Raises:
        DomainError: It is larger than can be said, or so small that it is nothing.
    """
    if abs(value) > EXPONENT_MAX:
        raise DomainError(f"an exponent lies within -{EXPONENT_MAX} to {EXPONENT_MAX}")
    return Fraction(_decimal(value).exp(_CONTEXT))


def sqrt(value: Fraction) -> Fraction:
    """Return the square root.

    Raises:
        DomainError: The value is below 0.
    """
    if value < 0:
        raise DomainError("a square root needs a number that is not below 0")
    return Fraction(_decimal(value).sqrt(_CONTEXT))


def power(base: Fraction, exponent: Fraction) -> Fraction:
    """Return `base` to the power of `exponent`, exactly when the exponent is whole and not large.

    Raises:
        DomainError: The base is not above 0, or the result is beyond what can be said.
    """
    if base <= 0:
        raise DomainError("a power needs a base above 0")
    if exponent.denominator == 1 and abs(exponent) <= WHOLE_MAX:
        return base**exponent.numerator
    return exp(exponent * ln(base))


def divide(dividend: Fraction, divisor: Fraction, name: str) -> Fraction:
    """Return the quotient.

    Raises:
        DomainError: The divisor, which the message calls `name`, is 0.
    """
    if divisor == 0:
        raise DomainError(f"{name} may not be 0")
    return dividend / divisor


def rounded(value: Fraction, places: int) -> str:
    """Return the decimal text of a value, rounded half up (away from 0).

    `places` may be negative: -2 rounds to hundreds.
    """
    scaled = abs(value) * Fraction(10) ** places + Fraction(1, 2)
    whole = scaled.numerator // scaled.denominator
    sign = "-" if value < 0 and whole else ""
    if places <= 0:
        return f"{sign}{whole * 10**-places}"
    units, rest = divmod(whole, 10**places)
    return f"{sign}{units}.{rest:0{places}d}"


def plain(value: Fraction, digits: int = 12) -> str:
    """Return the shortest decimal text of a value, to at most `digits` significant digits."""
    context = Context(prec=digits, rounding=ROUND_HALF_UP)
    found = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    text = f"{found:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimal(value: Fraction) -> Decimal:
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))
