"""Amounts as people read them in reports: thousands apart, and no more digits than mean something.

Only for sentences, tables and labels; figures and points of charts stay plain decimal numbers.
"""

from collections.abc import Iterable
from fractions import Fraction

from headgate.economics.exact import rounded

CENTS_BELOW = 10_000
"""Where an amount beside others reaches so many dollars, none of them is shown to the cent."""


def grouped(number: str) -> str:
    """Return a decimal number with its thousands apart: `1234567.50` as `1,234,567.50`."""
    sign = number[:1] if number[:1] in ("-", "+") else ""
    whole, point, rest = number.removeprefix(sign).partition(".")
    return f"{sign}{int(whole):,}{point}{rest}"


def dollars(value: Fraction, places: int = 2) -> str:
    """Return an amount in dollars, rounded half up; exact ones are shown to the cent."""
    return grouped(rounded(value, places))


def places_of(values: Iterable[Fraction]) -> int:
    """Return to how many places simulated dollars that stand together are shown: 2, or none."""
    return 2 if all(abs(value) < CENTS_BELOW for value in values) else 0


def billions_together(rows: Iterable[Iterable[Fraction | None]]) -> list[list[str]]:
    """Return billions that stand together: four digits of the largest, of all to the same place.

    None, what is beyond every number, is `none`.
    """
    amounts = [list(row) for row in rows]
    known = (abs(value) for row in amounts for value in row if value is not None)
    places = max(0, 4 - len(str(int(max(known, default=Fraction(0))))))
    return [
        ["none" if value is None else dollars(value, places) for value in row] for row in amounts
    ]


def billions(value: Fraction) -> str:
    """Return an amount in billions that stands alone."""
    return billions_together([[value]])[0][0]
