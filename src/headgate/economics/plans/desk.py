"""The subscription desk: every seat's use held against every plan that could carry it."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from hashlib import blake2b
from typing import NamedTuple

from headgate.catalog.plans import Plan, PlanCatalogue
from headgate.economics.plans.advice import Advice, Offer, advise
from headgate.economics.plans.break_even import (
    Zone,
    margin,
    month_cost,
    seller_break_even,
    user_break_even,
    zone,
)
from headgate.economics.plans.estimate import (
    MONTH_WEEKS,
    Estimate,
    capacity,
    monthly,
    next_month,
)
from headgate.economics.plans.windows import WEEK_MINUTES, Use, Window, quantile, rolling, weeks
from headgate.economics.usage_logs.record import Reading

OWN, PUBLISHED = "own readings", "published"
_SHORT_MINUTES = 300


class SeatUse(NamedTuple):
    """What is known of a seat's use of one seller through one kind of log.

    Attributes:
        uses: By time; not empty.
        readings: What the plan's own meter said, by length of window, by time.
        unpriced: Records left out because they have no price.
    """

    seat: str
    source: str
    seller: str
    uses: Sequence[Use]
    readings: Mapping[int, Sequence[Reading]]
    unpriced: int = 0


class Share(NamedTuple):
    """A share of a plan, over the span of what the plan can give."""

    low: Fraction
    middle: Fraction
    high: Fraction


class PlanLine(NamedTuple):
    """A seat on a plan, had or not.

    Attributes:
        capacity: What the plan gives in a month at list price, None when nobody knows.
        basis: `own readings` or `published`.
        utilisation: Of the mean month, at the middle; None without demand or capacity. Above 1 it
            asks for more than the plan gives.
        user_at: The user's break-even.
        seller_at: The seller's break-even; its high end may be above 1.
        zone: Who gains.
        margin: The seller's, at the utilisation (1 when it is above).
        cost_nanos: Of a mean month, with what the plan cannot give at list price.
    """

    plan: Plan
    capacity: Estimate | None
    basis: str
    utilisation: Fraction | None = None
    user_at: Share | None = None
    seller_at: Share | None = None
    zone: Zone | None = None
    margin: Fraction | None = None
    cost_nanos: int | None = None


class WindowLine(NamedTuple):
    """How a seat's use falls into windows of one length.

    Attributes:
        windows: How many windows with use (of weeks: whole weeks, idle ones too).
        capacity: What one window gives at list price, for the plan the seat has; None when that is
            not known.
        over: Windows with more use than the middle capacity.
        lost_nanos: What those ask for beyond it.
        latest: The last window: for weeks the last seven days.
        used_bp: What the plan's own meter said last, in hundredths of a percent; None without.
    """

    minutes: int
    windows: int
    median_nanos: int
    p95_nanos: int
    peak_nanos: int
    capacity: Estimate | None
    over: int
    lost_nanos: int
    latest: Window
    used_bp: int | None

    @property
    def head_room_nanos(self) -> int | None:
        """What the latest window still gives at the middle capacity; None when not known."""
        if self.capacity is None:
            return None
        return max(0, self.capacity.middle - self.latest.nanos)


class SeatReport(NamedTuple):
    """A seat, its use, its plans and what to do.

    Attributes:
        has: Id of the plan it has, `API` when none was named.
        demand: Use of a mean month at list price, None from too few weeks.
        forecast: What the next month may use.
    """

    use: SeatUse
    has: str
    whole_weeks: int
    demand: Estimate | None
    forecast: Estimate | None
    plans: tuple[PlanLine, ...]
    windows: tuple[WindowLine, ...]
    advice: Advice


def fingerprint(*inputs: object) -> str:
    """Return a hash of what a report is made from: equal inputs, equal report."""
    digest = blake2b(digest_size=16)
    for one in inputs:
        digest.update(repr(one).encode())
    return digest.hexdigest()


def report(
    use: SeatUse, catalogue: PlanCatalogue, has: Callable[[str, str], str], serving_cost: Fraction
) -> SeatReport:
    """Return the report of a seat.

    Args:
        use: Its use.
        catalogue: The plans.
        has: From seat and seller to the plan it has, or `API`.
        serving_cost: What serving costs the seller, as a share of list price.
    """
    had = has(use.seat, use.seller)
    whole = weeks(use.uses)
    sums = [week.nanos for week in whole]
    demand = monthly(sums)
    own = {minutes: capacity(said, use.uses) for minutes, said in use.readings.items()}
    plans = [
        plan for plan in catalogue.plans if plan.seller == use.seller and use.source in plan.logs
    ]
    lines = tuple(
        _line(plan, had=plan.id == had, own=own, demand=demand, serving_cost=serving_cost)
        for plan in plans
    )
    offers = [Offer(line.plan, line.capacity) for line in lines if line.capacity is not None]
    month = next((line.capacity for line in lines if line.plan.id == had), None)
    return SeatReport(
        use,
        had,
        len(whole),
        demand,
        next_month(sums),
        lines,
        _windows(use, whole, own, month),
        advise(demand, offers, had),
    )


def _line(
    plan: Plan,
    *,
    had: bool,
    own: Mapping[int, Estimate | None],
    demand: Estimate | None,
    serving_cost: Fraction,
) -> PlanLine:
    week = own.get(WEEK_MINUTES) if had else None
    known = week.times(MONTH_WEEKS) if week else published(plan)
    basis = OWN if week else PUBLISHED
    if known is None or known.low <= 0:
        return PlanLine(plan, None, basis)
    # The more a plan can give, the sooner it pays: the spans run against each other.
    given = (known.high, known.middle, known.low)
    user_at = Share(*(user_break_even(plan.price_nanos, one) for one in given))
    seller_at = Share(*(seller_break_even(plan.price_nanos, one, serving_cost) for one in given))
    if demand is None:
        return PlanLine(plan, known, basis, user_at=user_at, seller_at=seller_at)
    utilisation = Fraction(demand.middle, known.middle)
    within = min(utilisation, Fraction(1))
    return PlanLine(
        plan,
        known,
        basis,
        utilisation,
        user_at,
        seller_at,
        zone(within, user_at.middle, seller_at.middle),
        margin(within, plan.price_nanos, known.middle, serving_cost),
        month_cost(plan.price_nanos, known.middle, demand.middle),
    )


def published(plan: Plan) -> Estimate | None:
    """Return the span of what was measured, with the lower median in the middle."""
    values = sorted(one.nanos_per_month for one in plan.capacities)
    if not values:
        return None
    return Estimate(values[0], values[(len(values) - 1) // 2], values[-1])


def _windows(
    use: SeatUse,
    whole: Sequence[Window],
    own: Mapping[int, Estimate | None],
    month: Estimate | None,
) -> tuple[WindowLine, ...]:
    week = own.get(WEEK_MINUTES) or (month.times(1 / MONTH_WEEKS) if month else None)
    lines = [
        _window_line(
            use, _SHORT_MINUTES, rolling(use.uses, _SHORT_MINUTES), own.get(_SHORT_MINUTES)
        )
    ]
    if whole:
        lines.append(_window_line(use, WEEK_MINUTES, whole, week))
    return tuple(lines)


def _window_line(
    use: SeatUse, minutes: int, windows: Sequence[Window], known: Estimate | None
) -> WindowLine:
    sums = [window.nanos for window in windows]
    beyond = [one - known.middle for one in sums if one > known.middle] if known else []
    said = use.readings.get(minutes)
    return WindowLine(
        minutes,
        len(windows),
        quantile(sums, 50),
        quantile(sums, 95),
        max(sums),
        known,
        len(beyond),
        sum(beyond),
        windows[-1],
        said[-1].used_bp if said else None,
    )
