"""Charges summed up: attempts by day, team, principal, deployment, model, meter and price; pure.

The sums of a day equal what was posted, to the nano-dollar: what an attempt was posted at beyond
its charge lines (a bound, where usage is unknown) is a sum of its own, on the meter `ESTIMATED`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from headgate.exports.reading import Correction
from headgate.insights.calls import AttemptRow
from headgate.records.charge import REPORTED, SURCHARGE
from headgate.units.instants import to_date
from headgate.units.money import FEMTO_PER_NANO

ESTIMATED = "estimated"
"""The meter of what was posted at a bound: its quantity is in nano-dollars, each at one."""

ADJUSTED = "adjusted"
"""The meter of corrections: signed differences to what was posted."""

IN_MONEY = frozenset({ESTIMATED, REPORTED, ADJUSTED, SURCHARGE})
"""Meters that count nano-dollars, not tokens or requests."""


class Alike(NamedTuple):
    """What charges that are summed up have in common.

    Attributes:
        day: In UTC; of a correction, when it was made.
        model: The model that served, empty when no reply named one.
        price_row: Id of the row that gave the price, empty for an estimate; of a correction, its
            reason.
        late: Whether it corrects what was posted in an earlier month.
    """

    day: str
    team: str
    principal: str
    deployment: str
    model: str
    meter: str
    price_row: str
    price_femto: int
    late: bool = False


@dataclass(slots=True)
class Sum:
    """What they add up to.

    Attributes:
        attempts: How many attempts have such a charge.
    """

    quantity: int = 0
    amount_nanos: int = 0
    attempts: int = 0


class Part(NamedTuple):
    """A part of what an attempt was posted at; see `Alike` for what its fields mean."""

    meter: str
    price_row: str
    price_femto: int
    quantity: int
    amount_nanos: int


def parts_of(row: AttemptRow) -> Iterator[Part]:
    """Yield what an attempt was posted at, by meter: the parts add up to it."""
    rest = row.posted_nanos
    for line in row.lines:
        yield Part(line.meter, line.price_row, line.price_femto, line.quantity, line.amount_nanos)
        rest -= line.amount_nanos
    if rest:
        yield Part(ESTIMATED, "", FEMTO_PER_NANO, rest, rest)


def summed(rows: Iterable[AttemptRow]) -> dict[Alike, Sum]:
    """Return the sums of attempts, in the order of their keys."""
    sums: dict[Alike, Sum] = {}
    for row in rows:
        who = (to_date(row.at_ns), row.team, row.principal, row.deployment, row.served_model or "")
        for part in parts_of(row):
            alike = Alike(*who, part.meter, part.price_row, part.price_femto)
            total = sums.setdefault(alike, Sum())
            total.quantity += part.quantity
            total.amount_nanos += part.amount_nanos
            total.attempts += 1
    return dict(sorted(sums.items()))


def summed_corrections(found: Iterable[Correction]) -> dict[Alike, Sum]:
    """Return the sums of corrections, in the order of their keys."""
    sums: dict[Alike, Sum] = {}
    for each in found:
        day, of = to_date(each.at_ns), each.of
        who = ("", "", "", "")
        if of is not None:
            who = (of.team, of.principal, of.deployment, of.served_model or "")
        late = of is not None and to_date(of.at_ns)[:7] < day[:7]
        alike = Alike(day, *who, ADJUSTED, each.reason, FEMTO_PER_NANO, late)
        total = sums.setdefault(alike, Sum())
        total.quantity += each.amount_nanos
        total.amount_nanos += each.amount_nanos
        total.attempts += of is not None
    return dict(sorted(sums.items()))
