"""Periods: they follow each other without gap or overlap, wherever and however clocks change."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.budgets.periods import SLOTS, Span, slots_before, span_at, span_before
from headgate.budgets.settings import FOREVER_NS, Budget, Calendar, Period
from headgate.units.ids import window_key
from headgate.units.instants import from_datetime, to_datetime

ZONES = sorted(available_timezones())
ODD = [
    "Africa/Cairo",  # goes forward at midnight
    "America/Asuncion",  # went forward at midnight of the first of a month
    "America/Sao_Paulo",
    "America/St_Johns",  # went back from 00:01 to 23:01 of the day before
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Pacific/Apia",  # has no 30 December 2011
    "Pacific/Kiritimati",
]
SECOND_NS = 10**9
DAYS: list[Period] = ["day", "week", "month", "quarter", "year"]


def at(text: str, zone: tzinfo = UTC) -> int:
    """Return an instant in nanoseconds."""
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=zone))


def span(period: Period, at_ns: int, zone: tzinfo = UTC, calendar: Calendar | None = None) -> Span:
    """Return the span of a budget that is in force."""
    budget = Budget("b", "organisation", period, 1, calendar=calendar or Calendar())
    found = span_at(budget, at_ns, zone)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("zone", "instant", "month"),
    [
        ("UTC", "2026-11-30T23:59:59", "2026-11"),
        ("UTC", "2026-12-01T00:00:00", "2026-12"),
        ("UTC", "2027-01-01T00:00:00", "2027-01"),
        ("UTC", "2028-02-29T23:59:59", "2028-02"),
        ("Europe/Berlin", "2026-10-31T22:59:59", "2026-10"),
        ("Europe/Berlin", "2026-10-31T23:00:00", "2026-11"),
        ("Europe/Berlin", "2026-06-30T22:00:00", "2026-07"),
        ("Pacific/Kiritimati", "2026-11-30T10:00:00", "2026-12"),
        ("Pacific/Pago_Pago", "2026-12-01T10:59:59", "2026-11"),
    ],
)
def test_an_instant_falls_in_the_month_of_the_organisations_zone(
    zone: str, instant: str, month: str
) -> None:
    """The month is that of the wall clock in the zone, to the second."""
    assert span("month", at(instant), ZoneInfo(zone)).key == month


@pytest.mark.parametrize(
    ("period", "instant", "key", "days"),
    [
        ("day", "2028-02-29T12:00", "2028-02-29", 1),
        ("week", "2026-11-26T12:00", "2026-11-23+7d", 7),
        ("week", "2027-01-01T12:00", "2026-12-28+7d", 7),
        ("month", "2028-02-29T12:00", "2028-02", 29),
        ("quarter", "2026-11-26T12:00", "2026-10+3m", 92),
        ("year", "2028-11-26T12:00", "2028-01+12m", 366),
    ],
)
def test_each_kind_of_period_has_its_days(
    period: Period, instant: str, key: str, days: int
) -> None:
    """A leap year has 366 days, and the week at New Year's belongs to the year it began in."""
    found = span(period, at(instant))
    assert (found.key, found.until_ns - found.from_ns) == (key, days * 86_400 * SECOND_NS)


@pytest.mark.parametrize(
    ("period", "first_month", "first_weekday", "key"),
    [
        ("quarter", 10, 0, "2026-10+3m"),
        ("quarter", 2, 0, "2026-11+3m"),
        ("quarter", 12, 0, "2026-09+3m"),
        ("year", 10, 0, "2026-10+12m"),
        ("year", 12, 0, "2025-12+12m"),
        ("month", 10, 0, "2026-11"),
        ("week", 1, 6, "2026-11-22+7d"),
        ("week", 1, 3, "2026-11-26+7d"),
    ],
)
def test_years_and_weeks_begin_where_the_organisation_says(
    period: Period, first_month: int, first_weekday: int, key: str
) -> None:
    """Quarters are counted from the fiscal year's first month; 26 November 2026 is a Thursday."""
    calendar = Calendar(first_month=first_month, first_weekday=first_weekday)
    assert span(period, at("2026-11-26T12:00"), calendar=calendar).key == key


@settings(max_examples=200)
@given(
    st.sampled_from(DAYS),
    st.sampled_from(ODD) | st.sampled_from(ZONES),
    st.integers(at("1980-01-01T00:00:00"), at("2040-01-01T00:00:00")),
    st.integers(1, 12),
    st.integers(0, 6),
)
def test_periods_follow_each_other_without_gap_or_overlap(
    period: Period, zone: str, instant: int, first_month: int, first_weekday: int
) -> None:
    """Every instant lies in its own span, which ends where the next begins, in every zone."""
    where = ZoneInfo(zone)
    budget = Budget(
        "b", "organisation", period, 1, calendar=Calendar(where, first_month, first_weekday)
    )
    own = span_at(budget, instant, UTC)
    assert own is not None
    assert own.from_ns <= instant < own.until_ns
    assert span_at(budget, own.from_ns, UTC) == own == span_at(budget, own.until_ns - 1, UTC)
    following = span_at(budget, own.until_ns, UTC)
    assert following is not None
    assert following.from_ns == own.until_ns
    assert following.key > own.key
    assert span_before(budget, following, UTC) == own


@pytest.mark.parametrize("zone", ODD)
def test_periods_partition_the_years_in_which_clocks_did_odd_things(zone: str) -> None:
    """Walked day by day from 2005 to 2013, the spans join, and no two have one key."""
    where = ZoneInfo(zone)
    at_ns, until_ns = at("2005-01-01T00:00:00"), at("2013-01-01T00:00:00")
    keys, end_ns = set(), None
    while at_ns < until_ns:
        own = span("day", at_ns, where)
        assert end_ns in (None, own.from_ns)
        assert own.key not in keys
        keys.add(own.key)
        at_ns = end_ns = own.until_ns
    assert len(keys) >= 2_921


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Africa/Cairo", "2026-04-24", 23),
        ("Asia/Beirut", "2026-10-24", 25),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
    ],
)
def test_a_day_on_which_clocks_change_is_longer_or_shorter(
    zone: str, day: str, hours: float
) -> None:
    """It is one day all the same, from its first local midnight to the next day's."""
    own = span("day", at(f"{day}T12:00:00", ZoneInfo(zone)), ZoneInfo(zone))
    assert own.key == day
    assert own.until_ns - own.from_ns == hours * 3_600 * SECOND_NS


def test_a_month_whose_first_midnight_does_not_exist() -> None:
    """Where clocks go forward at midnight of the first, the month begins with its first instant.

    In Asuncion they went from 00:00 to 01:00 on 1 October 2000.
    """
    zone = ZoneInfo("America/Asuncion")
    own = span("month", at("2000-10-15T00:00:00"), zone)
    assert own.key == "2000-10"
    assert f"{to_datetime(own.from_ns).astimezone(zone):%d %H:%M}" == "01 01:00"
    before = span("month", own.from_ns - SECOND_NS, zone)
    assert (before.key, before.until_ns) == ("2000-09", own.from_ns)


def test_a_one_off_budget_has_one_period() -> None:
    """Its window never changes and never ends."""
    spans = {span("once", at(f"20{year}-01-01T00:00:00")) for year in range(20, 40)}
    assert spans == {Span("once", 0, FOREVER_NS)}


def test_a_budget_limits_nothing_before_it_starts_and_after_it_ends() -> None:
    """One with both is a one-off; a monthly one has its months cut off at the end."""
    starts, ends = at("2026-11-10T00:00:00"), at("2026-12-15T00:00:00")
    calendar = Calendar(starts_ns=starts, ends_ns=ends)
    once = Budget("b", "organisation", "once", 1, calendar=calendar)
    assert span_at(once, starts, UTC) == Span("once-2026-11-10", starts, ends)
    assert [span_at(once, each, UTC) for each in (starts - 1, ends)] == [None, None]
    monthly = once._replace(period="month")
    assert span_at(monthly, ends - 1, UTC) == Span("2026-12", at("2026-12-01T00:00"), ends)
    assert span_at(monthly, ends, UTC) is None


@given(st.integers(1, 8_784), st.integers(at("2000-01-01T00:00:00"), at("2100-01-01T00:00:00")))
def test_a_rolling_window_looks_back_at_least_as_far_as_it_says(hours: int, instant: int) -> None:
    """Its slots and those before join, and together always cover the hours before the instant."""
    budget = Budget("b", "organisation", "rolling", 1, calendar=Calendar(hours=hours))
    own = span_at(budget, instant, UTC)
    assert own is not None
    assert own.from_ns <= instant < own.until_ns
    windows = slots_before(window_key("b", own.key))
    assert len(windows) == SLOTS
    earlier = own
    for window in reversed(windows):
        before = span_at(budget, earlier.from_ns - 1, UTC)
        assert before is not None
        assert (window_key("b", before.key), before.until_ns) == (window, earlier.from_ns)
        earlier = before
    assert earlier.from_ns <= instant - timedelta(hours=hours) // timedelta(microseconds=1) * 1_000
    assert slots_before("b@2026-11") == ()
