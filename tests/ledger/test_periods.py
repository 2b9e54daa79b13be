"""Periods: months begin at local midnight of their first day, wherever clocks are changed."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.budgets.settings import Budget
from headgate.budgets.tree import budgets_on, limit_of, span_at, window_of
from headgate.units.instants import from_datetime, to_datetime

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Asia/Beirut",
    "America/Asuncion",
]
SECOND_NS = 10**9


def at(text: str, zone: tzinfo = UTC) -> int:
    """Return an instant in nanoseconds."""
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=zone))


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
    assert span_at("month", at(instant), ZoneInfo(zone)).key == month


@given(st.sampled_from(ZONES), st.integers(at("2020-01-01T00:00:00"), at("2040-01-01T00:00:00")))
def test_months_follow_each_other_without_gap_or_overlap(zone: str, instant: int) -> None:
    """Every instant lies in its own span, and the next span begins where this one ends."""
    where = ZoneInfo(zone)
    span = span_at("month", instant, where)
    assert span.from_ns <= instant < span.until_ns
    assert span_at("month", span.from_ns, where) == span
    assert span_at("month", span.until_ns - 1, where) == span
    following = span_at("month", span.until_ns, where)
    assert following.from_ns == span.until_ns
    assert following.key > span.key
    local = to_datetime(instant).astimezone(where)
    assert span.key == f"{local:%Y-%m}"


def test_a_month_whose_first_midnight_does_not_exist() -> None:
    """Where clocks go forward at midnight of the first, the month begins with its first instant.

    In Beirut they went from 00:00 to 01:00 on 26 March 2006; in Asuncion on 1 October 2000.
    """
    zone = ZoneInfo("America/Asuncion")
    span = span_at("month", at("2000-10-15T00:00:00"), zone)
    assert span.key == "2000-10"
    before = span_at("month", span.from_ns - SECOND_NS, zone)
    assert (before.key, before.until_ns) == ("2000-09", span.from_ns)


def test_a_one_off_budget_has_one_period() -> None:
    """Its window never changes and never ends."""
    spans = {span_at("once", at(f"20{year}-01-01T00:00:00"), UTC) for year in range(20, 40)}
    assert len(spans) == 1
    assert spans.pop().key == "once"


def test_windows_of_runs_belong_to_their_budget_and_principal() -> None:
    """Two principals with a run of the same name spend from different windows of one budget."""
    budget = Budget("cap", "run:*", "once", 5)
    span = span_at("once", 0, UTC)
    keys = [window_of(budget, span, principal=p, run="r1").key for p in ("alice", "bob")]
    assert keys == ["cap/alice/r1@once", "cap/bob/r1@once"]
    assert [limit_of(key, {"cap": budget}) for key in keys] == [5, 5]
    assert limit_of("gone@once", {"cap": budget}) is None


def test_a_call_falls_under_the_budgets_from_its_run_to_the_root() -> None:
    """The order is run, principal, team, organisation; a call without a run skips the first."""
    nodes = ["organisation", "team:t", "run:*", "principal:p", "team:other", "organisation"]
    budgets = [Budget(f"b{n}", node, "month", 1) for n, node in enumerate(nodes)]
    found = budgets_on(budgets, principal="p", team="t", run="r")
    assert [budget.id for budget in found] == ["b2", "b3", "b1", "b0", "b5"]
    found = budgets_on(budgets, principal="p", team="t", run=None)
    assert [budget.id for budget in found] == ["b3", "b1", "b0", "b5"]
