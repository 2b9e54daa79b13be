"""What the checker finds: attempts with their ends, sums of windows, and problems."""

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

NANOS = 10**9
LINE = ("meter", "quantity", "price_femto", "amount_nanos", "price_row")

Record = dict[str, Any]


@dataclass
class Attempt:
    """One hold with its windows, and its end once it was read."""

    hold: Record
    journal: str
    windows: list[str]
    above: list[str]
    end: Record | None = None
    corrected: int = 0

    @property
    def posted(self) -> int:
        """Nano-dollars posted: nothing for a void, which has no amount."""
        return 0 if self.end is None else self.end.get("amount_nanos", 0)


@dataclass
class Sums:
    """Nanos of a window: posted, in open holds, posted above holds, and by upward corrections."""

    posted: int = 0
    held: int = 0
    overage: int = 0
    debits: int = 0


@dataclass
class Report:
    """What was found."""

    problems: list[str] = field(default_factory=list)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    windows: dict[str, Sums] = field(default_factory=dict)
    counted: dict[str, Sums] = field(default_factory=dict)
    callers: dict[tuple[str, int], Record] = field(default_factory=dict)
    adjustments: dict[str, Record] = field(default_factory=dict)
    credits: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    billed: Fraction = Fraction(0)

    def object_to(self, what: str) -> None:
        """Note something that should not be."""
        self.problems.append(what)


def charge_lines(end: Record) -> list[Record]:
    """Return the charge lines of an end, by their fields."""
    return [dict(zip(LINE, line, strict=False)) for line in end.get("lines", [])]
