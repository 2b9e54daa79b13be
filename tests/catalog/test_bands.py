"""Time bands: zones, weekdays, dates that are left out, and the edges to the nanosecond."""

from datetime import date, datetime
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.bands import Band, BandError, parse_window, zone_of
from headgate.units.instants import NANOS_PER_SECOND, from_datetime

PEAK = Band(
    seller="deepseek",
    name="peak",
    zone="UTC+08:00",
    windows=((9 * 60, 12 * 60), (14 * 60, 18 * 60)),
    weekdays=(1, 2, 3, 4, 5),
    except_dates=frozenset({date(2026, 10, 1)}),
)


def at(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("moment", "covered"),
    [
        ("2026-11-20T00:59:59.999999Z", False),
        ("2026-11-20T01:00:00Z", True),
        ("2026-11-20T03:59:59.999999Z", True),
        ("2026-11-20T04:00:00Z", False),
        ("2026-11-20T05:59:59Z", False),
        ("2026-11-20T06:00:00Z", True),
        ("2026-11-20T10:00:00Z", False),
        ("2026-11-21T01:00:00Z", False),  # Saturday
        ("2026-11-23T01:00:00Z", True),  # Monday
        ("2026-10-01T01:00:00Z", False),  # a listed holiday, a Thursday
    ],
)
def test_the_band_is_half_open_on_the_days_it_names(moment: str, covered: bool) -> None:
    """It starts with the first instant, ends before the last, and skips weekends and holidays."""
    assert PEAK.covers(at(moment)) is covered


def test_the_last_nanosecond_before_an_edge_is_on_the_old_side() -> None:
    """Edges are exact to the nanosecond, not to the second."""
    start = at("2026-11-20T01:00:00Z")

    assert not PEAK.covers(start - 1)
    assert PEAK.covers(start)


def test_the_next_edge_skips_the_weekend() -> None:
    """After Friday's last window the band comes back on Monday."""
    assert PEAK.next_edge_ns(at("2026-11-20T10:00:00Z")) == at("2026-11-23T01:00:00Z")


@given(st.integers(at("2026-09-01T00:00:00Z"), at("2026-11-30T00:00:00Z")), st.integers(0, 999))
def test_nothing_changes_before_the_next_edge(start: int, share: int) -> None:
    """`covers` is constant from an instant up to `next_edge_ns`, which lies after it."""
    edge = PEAK.next_edge_ns(start)

    assert edge > start
    assert PEAK.covers(start + (edge - 1 - start) * share // 999) is PEAK.covers(start)


def test_a_band_that_is_never_on_still_has_a_next_edge() -> None:
    """Looking ahead ends, so a card is looked up again sooner rather than never."""
    never = Band("x", "never", "UTC", ((0, 60),), weekdays=())
    start = at("2026-11-20T10:00:00Z")

    assert start < never.next_edge_ns(start) <= start + 16 * 86_400 * NANOS_PER_SECOND


@pytest.mark.skipif("Europe/Berlin" not in available_timezones(), reason="no zone data here")
def test_summer_time_moves_the_window() -> None:
    """A window in a named zone is wall time there."""
    band = Band("x", "office", "Europe/Berlin", ((9 * 60, 10 * 60),))

    assert band.covers(at("2026-01-15T08:00:00Z"))
    assert band.covers(at("2026-07-15T07:00:00Z"))
    assert not band.covers(at("2026-07-15T08:00:00Z"))


@pytest.mark.parametrize("zone", ["Mars/Base", "UTC+99:00", "UTCish", ""])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    """A zone that does not exist cannot be guessed."""
    with pytest.raises(BandError, match="time zone"):
        zone_of(zone)


@pytest.mark.parametrize("text", ["9-12", "09:00", "a:b-c:d", "09:00-12:00-13:00"])
def test_a_broken_window_is_refused(text: str) -> None:
    """A window is two times of day."""
    with pytest.raises(BandError, match="window"):
        parse_window(text)


@pytest.mark.parametrize("windows", [(), ((60, 60),), ((120, 60),), ((0, 1441),), ((-1, 5),)])
def test_a_window_must_lie_in_one_day(windows: tuple[tuple[int, int], ...]) -> None:
    """A window over midnight is written as two."""
    with pytest.raises(BandError):
        Band("x", "b", "UTC", windows)
