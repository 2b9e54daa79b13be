"""Periods: which stretch of time an instant falls in, by the wall clock of a zone; pure.

The stretches of a kind follow each other without gap or overlap, whatever the clocks of a zone
do. A day begins at its local midnight: at the first of two where clocks go back over it, and
with the first instant behind it where they go forward over it.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from headgate.budgets.settings import FOREVER_NS, Budget, Calendar
from headgate.units.ids import window_key
from headgate.units.instants import NANOS_PER_SECOND, from_datetime, to_datetime

HOUR_NS = 3_600 * NANOS_PER_SECOND
SLOTS = 24
"""A rolling window looks back over so many whole slots, and the one that runs."""
DAY = timedelta(days=1)


class Span(NamedTuple):
    """A period's key and its bounds (from inclusive, until exclusive)."""

    key: str
    from_ns: int
    until_ns: int


def span_at(budget: Budget, at_ns: int, zone: tzinfo) -> Span | None:
    """Return the period of a budget that an instant falls in; None when it is not in force then.

    Args:
        budget: Whose periods.
        at_ns: The instant.
        zone: The organisation's, for budgets that have none of their own.
    """
    calendar = budget.calendar
    if not calendar.starts_ns <= at_ns < calendar.ends_ns:
        return None
    if budget.period == "once":
        return _once(calendar, calendar.zone or zone)
    if budget.period == "rolling":
        return _slot(calendar.hours, at_ns)
    span = _calendar_span(_KINDS[budget.period], calendar, at_ns, calendar.zone or zone)
    return span._replace(until_ns=min(span.until_ns, calendar.ends_ns))


def span_before(budget: Budget, span: Span, zone: tzinfo) -> Span | None:
    """Return the period that ends where one begins; None when there is none."""
    if budget.period in ("once", "rolling"):
        return None
    return span_at(budget, span.from_ns - 1, zone)


def slots_before(window: str) -> tuple[str, ...]:
    """Return the windows of the slots that count beside a rolling window's own; else none."""
    return _slots(window, -SLOTS, 0)


def slots_after(window: str) -> tuple[str, ...]:
    """Return the windows of the slots beside which a rolling window's own counts; else none."""
    return _slots(window, 1, SLOTS + 1)


def _slots(window: str, first: int, end: int) -> tuple[str, ...]:
    name, _, period = window.rpartition("@")
    hours, mark, number = period.partition("h-")
    if not mark:
        return ()
    at = int(number)
    return tuple(window_key(name, f"{hours}h-{each}") for each in range(at + first, at + end))


def until_of(budget: Budget, at_ns: int, span: Span | None) -> int:
    """Return when what was found for an instant holds no more."""
    if span is not None:
        return span.until_ns
    starts_ns = budget.calendar.starts_ns
    return starts_ns if at_ns < starts_ns else FOREVER_NS


def _once(calendar: Calendar, zone: tzinfo) -> Span:
    key = "once"
    if calendar.starts_ns:
        key = f"once-{to_datetime(calendar.starts_ns).astimezone(zone):%Y-%m-%d}"
    return Span(key, calendar.starts_ns, calendar.ends_ns)


def _slot(hours: int, at_ns: int) -> Span:
    """Return the slot of a rolling window; slots are counted from 1970 UTC, in no zone."""
    width_ns = hours * HOUR_NS // SLOTS
    number = at_ns // width_ns
    return Span(f"{hours}h-{number}", number * width_ns, (number + 1) * width_ns)


class _Kind(NamedTuple):
    """A kind of calendar period: its first day by any of its days, the next, and its key."""

    first: Callable[[date, Calendar], date]
    following: Callable[[date], date]
    key: Callable[[date], str]


def _calendar_span(kind: _Kind, calendar: Calendar, at_ns: int, zone: tzinfo) -> Span:
    first = kind.first(to_datetime(at_ns).astimezone(zone).date(), calendar)
    if at_ns < _midnight(first, zone):
        # Clocks went forward over midnight: what they show is ahead of when the day begins.
        first = kind.first(first - DAY, calendar)
    # Where they went back over it, the date goes back as well, but the day has begun.
    while _midnight(following := kind.following(first), zone) <= at_ns:
        first = following
    return Span(kind.key(first), _midnight(first, zone), _midnight(following, zone))


def _midnight(day: date, zone: tzinfo) -> int:
    return from_datetime(datetime(day.year, day.month, day.day, tzinfo=zone))


def _months(count: int) -> _Kind:
    def first(day: date, calendar: Calendar) -> date:
        # Counted from year 0, so that a quarter or a year may begin in the year before.
        months = day.year * 12 + day.month - calendar.first_month
        return _month(months - months % count + calendar.first_month - 1)

    def following(day: date) -> date:
        return _month(day.year * 12 + day.month - 1 + count)

    def key(day: date) -> str:
        return f"{day:%Y-%m}" if count == 1 else f"{day:%Y-%m}+{count}m"

    return _Kind(first, following, key)


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


def _week_first(day: date, calendar: Calendar) -> date:
    return day - DAY * ((day.weekday() - calendar.first_weekday) % 7)


_KINDS: Mapping[str, _Kind] = {
    "day": _Kind(lambda day, _calendar: day, lambda day: day + DAY, date.isoformat),
    "week": _Kind(_week_first, lambda day: day + 7 * DAY, lambda day: f"{day}+7d"),
    "month": _months(1),
    "quarter": _months(3),
    "year": _months(12),
}
