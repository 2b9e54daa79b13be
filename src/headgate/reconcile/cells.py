"""Cells: what the books and a provider's reports say of one model on one day, and the verdict."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from headgate.units.money import FEMTO_PER_NANO, line_nanos
from headgate.units.usage import Usage

Reason = Literal[
    "agreed",
    "late",
    "rounding",
    "boundary",
    "tier",
    "unpriced",
    "estimated_rows",
    "price",
    "missing_here",
    "missing_there",
    "unassigned",
    "unknown",
]
"""Why the two sides differ, `agreed` when they do not; `docs/reference/reconcile.md` has each."""


NOTHING = Usage()


def with_surcharges(amount_nanos: int, share_femto: int) -> int:
    """Return an amount with what surcharges add to it, in femto-dollars for each nano-dollar."""
    return amount_nanos + line_nanos(amount_nanos, share_femto)


def before_surcharges(amount_nanos: int, share_femto: int) -> int:
    """Return the amount that comes to this with its surcharges, to the nearest nano-dollar."""
    whole = FEMTO_PER_NANO + share_femto
    return (2 * amount_nanos * FEMTO_PER_NANO + whole) // (2 * whole)


class CellKey(NamedTuple):
    """Which cell: of a seller, one of its models as the price book names it, on a day.

    Attributes:
        model: "" for money that a report gives without a model, such as searches.
        day: ISO date in the zone that is compared in.
    """

    seller: str
    model: str
    day: str


class Estimate(NamedTuple):
    """An attempt whose usage nobody knew when it ended.

    Attributes:
        net_nanos: What it is posted at, with corrections made so far.
        corrections: How many of those there are.
        share_femto: What surcharges add to each nano-dollar of it.
    """

    attempt: str
    hold_nanos: int
    net_nanos: int
    corrections: int = 0
    share_femto: int = 0


@dataclass(slots=True)
class Booked:
    """What the books have.

    Attributes:
        calls: Attempts whose usage is known.
        usage: What they used.
        money_nanos: What they cost with their corrections, without tools and surcharges.
        tools_nanos: What server-side tools cost, which reports give without a model.
        lines: Charge lines, each of which was rounded once.
        estimates: Attempts posted at a bound.
        unpriced: Attempts without a known price, posted at nothing or at their hold.
        running: Attempts that have not ended.
    """

    calls: int = 0
    usage: Usage = NOTHING
    money_nanos: int = 0
    tools_nanos: int = 0
    lines: int = 0
    estimates: list[Estimate] = field(default_factory=list)
    unpriced: int = 0
    running: int = 0

    @property
    def estimated_nanos(self) -> int:
        """What the attempts that were posted at a bound stand at, with their surcharges."""
        return sum(each.net_nanos for each in self.estimates)

    @property
    def shares_femto(self) -> dict[int, int]:
        """What they stand at, by what surcharges add to each nano-dollar of it."""
        found: dict[int, int] = {}
        for each in self.estimates:
            found[each.share_femto] = found.get(each.share_femto, 0) + each.net_nanos
        return found

    @property
    def net_nanos(self) -> int:
        """All of it, without tools and surcharges: what the provider is expected to charge."""
        shares = self.shares_femto.items()
        return self.money_nanos + sum(before_surcharges(net, share) for share, net in shares)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is booked."""
        counts = (self.calls, len(self.estimates), self.unpriced, self.running)
        return not any((*counts, self.money_nanos))


@dataclass(slots=True)
class Told:
    """What a provider's reports have.

    Attributes:
        usage: None when no report of usage has the cell.
        calls: How many calls it was, None when the report does not count them.
        low_nanos: What that usage costs by the price book, at least; None when it has no price.
        high_nanos: At most: a sum does not tell the length of its prompts.
        bill_nanos: What a report of costs says; None when none has the cell.
        unit_nanos: The last digit that the lines of that report write, summed over its lines.
        tiers: The tiers its usage was served at.
    """

    usage: Usage | None = None
    calls: int | None = None
    low_nanos: int | None = 0
    high_nanos: int | None = 0
    bill_nanos: int | None = None
    unit_nanos: int = 0
    tiers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of comparing a cell.

    Attributes:
        told_nanos: What the provider says; None when that has no price and no bill.
        target_nanos: What the estimated attempts come to by the report; only with
            `estimated_rows`.
    """

    key: CellKey
    reason: Reason
    booked_nanos: int
    told_nanos: int | None
    calls: int = 0
    told_calls: int | None = None
    target_nanos: int | None = None
