"""Commitments and bought capacity: money that is owed whatever calls are made; exact sums."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Literal, NamedTuple

from headgate.catalog.contracts import Contract
from headgate.catalog.rows import TOKEN_METERS
from headgate.catalog.spans import Span
from headgate.units.instants import NANOS_PER_SECOND, from_datetime, to_datetime
from headgate.units.money import round_half_up
from headgate.units.usage import METERS

Cycle = Literal["month", "quarter", "year", "term"]

_MONTHS: Mapping[Cycle, int] = {"month": 1, "quarter": 3, "year": 12}
_NANOS_PER_HOUR = 3_600 * NANOS_PER_SECOND
_MONTHS_PER_YEAR = 12
_CYCLES_MAX = 1_200


class Commitment(NamedTuple):
    """What was promised to be spent at a provider in every period of a term.

    Attributes:
        amount_nanos: Per period; what is not drawn of it is owed at the period's end.
        cycle: How long a period is, from `start_ns` on in UTC; `term`: the term is the period.
    """

    id: str
    provider: str
    amount_nanos: int
    start_ns: int
    end_ns: int
    cycle: Cycle = "term"


class Capacity(NamedTuple):
    """Capacity paid by the hour; what it serves has no price by the token.

    Attributes:
        seller: Whose list price it replaces.
        deployments: What is served from it.
        nanos_per_hour: What an hour costs, used or not.
        end_ns: None when no end is known.
        tiers: Those that replies served from it name; empty for every tier.
    """

    id: str
    seller: str
    deployments: tuple[str, ...]
    nanos_per_hour: int
    start_ns: int
    end_ns: int | None = None
    tiers: tuple[str, ...] = ()

    def cost_nanos(self, start_ns: int, end_ns: int) -> int:
        """Return what the part of an interval costs in which it was held, rounded once."""
        start_ns = max(start_ns, self.start_ns)
        end_ns = end_ns if self.end_ns is None else min(end_ns, self.end_ns)
        hours = Fraction(max(0, end_ns - start_ns), _NANOS_PER_HOUR)
        return round_half_up(self.nanos_per_hour * hours)

    def contract(self) -> Contract:
        """Return the contract by which what it serves costs nothing more."""
        return Contract(
            id=f"capacity-{self.id}",
            seller=self.seller,
            kind="price",
            span=Span(self.start_ns, self.start_ns, self.end_ns),
            prices_femto=tuple(0 if meter in TOKEN_METERS else None for meter in METERS),
            tiers=frozenset(self.tiers),
            nodes=frozenset(f"deployment:{each}" for each in self.deployments),
        )


class Agreements(NamedTuple):
    """What is owed beside the prices of calls, by id."""

    commitments: Mapping[str, Commitment] = {}
    capacities: Mapping[str, Capacity] = {}


NO_AGREEMENTS = Agreements()


class Standing(NamedTuple):
    """How a commitment stands in one of its periods.

    Attributes:
        drawn_nanos: What was posted in it.
        ended: Whether the period is over, so that what is missing is owed.
    """

    start_ns: int
    end_ns: int
    amount_nanos: int
    drawn_nanos: int
    ended: bool

    @property
    def left_nanos(self) -> int:
        """What can still be drawn; nothing of a period that is over."""
        return 0 if self.ended else max(0, self.amount_nanos - self.drawn_nanos)

    @property
    def shortfall_nanos(self) -> int:
        """What was promised and not drawn: the true-up that is owed; nothing before the end."""
        return max(0, self.amount_nanos - self.drawn_nanos) if self.ended else 0

    @property
    def beyond_nanos(self) -> int:
        """What was posted beyond the promise, at the prices of the calls."""
        return max(0, self.drawn_nanos - self.amount_nanos)


def periods_of(commitment: Commitment) -> tuple[tuple[int, int], ...]:
    """Return the start and end of each period of a term.

    Raises:
        ValueError: The term is not a whole number of periods.
    """
    if commitment.cycle == "term":
        return ((commitment.start_ns, commitment.end_ns),)
    found: list[tuple[int, int]] = []
    start_ns = commitment.start_ns
    for number in range(1, _CYCLES_MAX):
        if start_ns >= commitment.end_ns:
            break
        end_ns = _months_later(commitment.start_ns, number * _MONTHS[commitment.cycle])
        found.append((start_ns, end_ns))
        start_ns = end_ns
    if start_ns != commitment.end_ns:
        raise ValueError(f"the term is not whole periods of a {commitment.cycle}")
    return tuple(found)


def _months_later(start_ns: int, months: int) -> int:
    """Return the same day and time so many months later, or the last day of a shorter month."""
    moment = to_datetime(start_ns)
    years, month = divmod(moment.month - 1 + months, _MONTHS_PER_YEAR)
    for day in range(moment.day, 0, -1):
        try:
            return from_datetime(_at(moment, moment.year + years, month + 1, day))
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def _at(moment: datetime, year: int, month: int, day: int) -> datetime:
    return moment.replace(year=year, month=month, day=day)


def shares(amount_nanos: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Return an amount divided by weight; the parts sum up to it exactly.

    Each part is rounded down, and the nano-dollars that are left go to the largest remainders, of
    equal ones to the first name. Without any weight nobody has a part.
    """
    whole = sum(weights.values())
    if not whole:
        return {}
    parts = {name: amount_nanos * weight // whole for name, weight in weights.items()}
    rest = amount_nanos - sum(parts.values())
    by_remainder = sorted(weights, key=lambda name: (-(amount_nanos * weights[name] % whole), name))
    for name in by_remainder[:rest]:
        parts[name] += 1
    return parts
