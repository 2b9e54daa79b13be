"""Seats of plans in a past period: whose use they would have carried, and what is left beyond them.

A seat serves until its window's limit is reached; the call that reaches it is served still, and
nothing more until the window has ended. A window begins with the first use after the one before has
ended (`plans/windows.py`), and what it gives is the week's part of what was measured of a month.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from fractions import Fraction
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from headgate.catalog.plans import Plan
from headgate.economics.inputs import InputError
from headgate.economics.plans.desk import published
from headgate.economics.plans.estimate import MONTH_WEEKS, Estimate
from headgate.economics.plans.windows import MINUTE_NS, WEEK_MINUTES
from headgate.economics.prices.bulk import Flags, Integers
from headgate.economics.whatif.calls import Calls, sums
from headgate.economics.whatif.moves import EVERY
from headgate.units.instants import from_datetime, to_datetime
from headgate.units.money import round_half_up

End = Literal["low", "middle", "high"]
"""Which of what was measured of a plan is believed."""
MONTHS = 12
NAMED_MAX = 10


class Seats(NamedTuple):
    """Plans that somebody would have had.

    Attributes:
        plans: Seat or principal, and the plan; `*` for everybody else who has use it covers.
        since_ns: When the period begins.
        until_ns: When it has ended.
        zone: Whose months are paid for.
        refuses: Whether what a seat does not carry is refused; otherwise it is bought as it was.
        end: What each plan is taken to give.
    """

    plans: tuple[tuple[str, Plan], ...]
    since_ns: int
    until_ns: int
    zone: tzinfo
    refuses: bool = False
    end: End = "middle"


class SeatLine(NamedTuple):
    """What one seat would have come to; amounts at the prices of the book as they are.

    Attributes:
        covered: Calls that the plan could have carried.
        carried: Those that it would have.
        fee_nanos: The plan's price for the months with such calls.
        given_nanos: What the plan gives in those months.
        by_class: How the fee is divided among the classes of tasks, by covered use.
    """

    name: str
    plan: Plan
    covered: int
    carried: int
    covered_nanos: int
    carried_nanos: int
    fee_nanos: int
    given_nanos: int
    by_class: tuple[int, ...]


class Seated(NamedTuple):
    """The calls that seats carry, those that find them full, and the seats."""

    carried: Flags
    beyond: Flags
    lines: tuple[SeatLine, ...]


def seated(calls: Calls, asked: Seats, list_nanos: Integers, priced: Flags) -> Seated:
    """Return what seats would have carried.

    Args:
        calls: What was done.
        asked: Who has which plan.
        list_nanos: What each call counts for with a plan's meter.
        priced: Calls that this is known of; the others are carried by nobody.

    Raises:
        InputError: Somebody is to have a plan that covers none of their use.
    """
    found = Seated(np.zeros(calls.total, np.bool_), np.zeros(calls.total, np.bool_), ())
    lines = []
    for name, plan, place in _seats(calls, asked, priced):
        order = place[np.argsort(calls.batch.at_ns[place], kind="stable")]
        at_ns, nanos = calls.batch.at_ns[order], list_nanos[order]
        capacity, months = _capacity(plan), months_of(at_ns, asked)
        week: int = getattr(capacity.times(1 / MONTH_WEEKS), asked.end)
        fits = within(at_ns, nanos, WEEK_MINUTES, week)
        found.carried[order[fits]] = True
        found.beyond[order[~fits]] = True
        fee = round_half_up(plan.price_nanos * months)
        line = SeatLine(
            name=name,
            plan=plan,
            covered=len(order),
            carried=int(fits.sum()),
            covered_nanos=int(nanos.sum()),
            carried_nanos=int(nanos[fits].sum()),
            fee_nanos=fee,
            given_nanos=int(getattr(capacity, asked.end) * months),
            by_class=divided(fee, sums(nanos, calls.class_of[order], len(calls.classes))),
        )
        lines.append(line)
    return found._replace(lines=tuple(lines))


def within(at_ns: Integers, nanos: Integers, minutes: int, capacity_nanos: int) -> Flags:
    """Return which uses, by time, find their window below its limit."""
    before = np.cumsum(nanos) - nanos
    fits = np.zeros(len(nanos), np.bool_)
    first = 0
    while first < len(at_ns):
        end = int(np.searchsorted(at_ns, int(at_ns[first]) + minutes * MINUTE_NS))
        fits[first:end] = before[first:end] - before[first] < capacity_nanos
        first = end
    return fits


def divided(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Return whole parts of a total in proportion to weights; without any, the first has all."""
    every = sum(weights)
    if not every:
        return (total, *(0 for _ in weights[1:]))
    sums = [total * sum(weights[:number]) // every for number in range(len(weights) + 1)]
    return tuple(after - before for before, after in pairwise(sums))


def months_of(at_ns: Integers, asked: Seats) -> Fraction:
    """Return how many calendar months with use, by time, a seat is paid for.

    Of a month that the period has in part, that part is: half of the use against the whole fee
    would say nothing of the month.
    """
    found, begin = Fraction(0), _month(int(at_ns[0]), asked.zone)
    while from_datetime(begin) <= at_ns[-1]:
        year, month = divmod(begin.year * MONTHS + begin.month, MONTHS)
        after = datetime(year, month + 1, 1, tzinfo=asked.zone)
        first, last = from_datetime(begin), from_datetime(after)
        if np.searchsorted(at_ns, first) < np.searchsorted(at_ns, last):
            within_ns = min(last, asked.until_ns) - max(first, asked.since_ns)
            found += Fraction(within_ns, last - first)
        begin = after
    return found


def _month(at_ns: int, zone: tzinfo) -> datetime:
    moment = to_datetime(at_ns).astimezone(zone)
    return datetime(moment.year, moment.month, 1, tzinfo=zone)


def check_plans(plans: Sequence[tuple[str, Plan]]) -> None:
    """Refuse plans that nothing can be said of.

    Raises:
        InputError: A seat has two of one seller, or nobody measured what a plan gives.
    """
    had: set[tuple[str, str]] = set()
    for name, plan in plans:
        _capacity(plan)
        if (name, plan.seller) in had:
            who = "Everybody" if name == EVERY else name
            raise InputError(f"{who} has two plans of {plan.seller}.", "Name one of them.")
        had.add((name, plan.seller))


def _capacity(plan: Plan) -> Estimate:
    known = published(plan)
    if known is None or known.low <= 0 or WEEK_MINUTES not in plan.window_minutes:
        raise InputError(
            f"Nobody has measured what {plan.id} gives in a week.",
            "Name a plan with a capacity: headgate plans shows which have one.",
        )
    return known


def _seats(calls: Calls, asked: Seats, priced: Flags) -> Iterator[tuple[str, Plan, Integers]]:
    """Yield each seat with the places of the calls that its plan covers."""
    named = {(name, plan.seller) for name, plan in asked.plans}
    everybody = sorted({who.name for who in calls.whos})
    for name, plan in asked.plans:
        sells = [way[0] == plan.seller for way in calls.batch.ways]
        sold = priced & np.array(sells or [False])[calls.batch.way]
        others = [one for one in everybody if (one, plan.seller) not in named]
        found = [
            (one, place)
            for one in (others if name == EVERY else [name])
            if len(place := _covered(calls, one, plan, sold))
        ]
        if not found:
            whose = "anybody" if name == EVERY else name
            raise InputError(
                f"In this period there is no use of {whose} that {plan.id} covers.",
                f"It covers models of {plan.seller} through {', '.join(plan.logs)}; "
                f"use is of {', '.join(everybody[:NAMED_MAX]) or 'nobody'}.",
            )
        for one, place in found:
            yield one, plan, place


def _covered(calls: Calls, name: str, plan: Plan, sold: Flags) -> Integers:
    mine = [who.name == name and who.log in ("", *plan.logs) for who in calls.whos]
    return np.flatnonzero(np.array(mine or [False])[calls.who_of] & sold)
