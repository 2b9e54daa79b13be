"""What a calculation starts from: named values with unit, range, meaning and source.

A value is written as text and kept as an exact `Fraction`; a date counts as days. Whoever changes
one is told the range, and the hash of all values names the calculation in every report.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from fractions import Fraction

SHARE = "share"
TIME = "time"
CHARACTERS_MAX = 40
EXPONENT_MAX = 15
"""No value is as large as 10 to the power of this plus 1, or finer than its inverse.

What is no figure of economics is refused before anything is computed with it.
"""


class InputError(ValueError):
    """An input is unknown, not a value of its unit, or outside its range; `fix` says what is."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Input:
    """One value and what is known about it.

    Attributes:
        name: What formulas and files call it.
        text: The value as written: a decimal, or for the unit `time` a date or date-time in UTC.
        unit: `share` (of 1), `time`, `usd`, `months` ...
        low: The least value allowed.
        high: The greatest value allowed, None for no limit.
        meaning: One sentence.
        source: Where it was read, or why it was chosen.
        changed: It is not the built-in value.
    """

    name: str
    text: str
    unit: str
    low: Fraction
    high: Fraction | None
    meaning: str
    source: str
    changed: bool = False

    @property
    def value(self) -> Fraction:
        """The exact value; a moment in days since year 1.

        Raises:
            InputError: The text is no value of the unit.
        """
        return _moment(self) if self.unit == TIME else _decimal(self)

    @property
    def range_text(self) -> str:
        """The range in words, such as `0 to 1`."""
        if self.high is None:
            return f"at least {Decimal(self.low.numerator) / self.low.denominator}"
        low, high = (Decimal(x.numerator) / x.denominator for x in (self.low, self.high))
        return f"{low} to {high}"


@dataclass(frozen=True, slots=True)
class Inputs:
    """All inputs of a calculation, by name; every one is within its range."""

    items: Mapping[str, Input]

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            InputError: A value cannot be used.
        """
        for one in self.items.values():
            value = one.value
            if one.unit != TIME and not (
                one.low <= value and (one.high is None or value <= one.high)
            ):
                raise InputError(
                    f"{one.name} = {one.text} is impossible: {one.meaning}",
                    f"Write a value of {one.range_text}.",
                )

    def __getitem__(self, name: str) -> Fraction:
        """Return a value."""
        return self.items[name].value

    def whole(self, name: str) -> int:
        """Return a value that must be a whole number.

        Raises:
            InputError: It is not whole.
        """
        value = self[name]
        if value.denominator != 1:
            raise InputError(f"{name} = {self.items[name].text} is not whole.", "Leave the rest.")
        return value.numerator

    def changed_by(self, texts: Mapping[str, str], source: str = "given by you") -> "Inputs":
        """Return inputs with other values, which come from `source`.

        Raises:
            InputError: A name is unknown, or a value cannot be used.
        """
        items = dict(self.items)
        for name, text in texts.items():
            if name not in items:
                raise InputError(f"There is no input {name!r}.", _hint(name, items))
            if text != items[name].text:
                items[name] = replace(items[name], text=text, source=source, changed=True)
        return Inputs(items)

    def sha256(self, *more: str) -> str:
        """Return the hash of all names and values, and of whatever else decides the result."""
        lines = [f"{name}={one.value}" for name, one in sorted(self.items.items())]
        return hashlib.sha256("\n".join([*lines, *more]).encode()).hexdigest()


def usual_number(text: str) -> Fraction | None:
    """Return a decimal number exactly; None when it is none, or of no size that money has."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    fit = value.is_finite() and len(text) <= CHARACTERS_MAX
    return Fraction(value) if fit and abs(value.adjusted()) <= EXPONENT_MAX else None


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=3)
    return f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(sorted(known))}."


def _decimal(one: Input) -> Fraction:
    value = usual_number(one.text)
    if value is None:
        raise InputError(
            f"{one.name} = {one.text[:CHARACTERS_MAX]!r} is no decimal number of usual size.",
            f"Write {one.range_text}.",
        )
    return value


def _moment(one: Input) -> Fraction:
    try:
        moment = datetime.fromisoformat(one.text)
    except ValueError:
        raise InputError(
            f"{one.name} = {one.text!r} is not a date.", "Write 2026-05-31 or 2026-05-31T15:59Z."
        ) from None
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return moment.toordinal() + Fraction(seconds, 86_400)
