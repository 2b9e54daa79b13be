"""How figures are written on pages."""

from datetime import timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from headgate.console import show
from headgate.units.instants import from_datetime, to_datetime

BERLIN = ZoneInfo("Europe/Berlin")
AT_NS = 1_795_335_802_250_000_000


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (0, "$0.00"),
        (1, "$0.000000001"),
        (12_345, "$0.000012"),
        (1_255_500, "$0.0013"),
        (9_960_000, "$0.010"),
        (12_345_678, "$0.012"),
        (99_600_000, "$0.10"),
        (364_800_000, "$0.36"),
        (999_999_999, "$1.00"),
        (1_234_567_890_000, "$1,234.57"),
        (-12_345_678, "-$0.012"),
    ],
)
def test_money_is_written_to_be_looked_at(nanos: int, text: str) -> None:
    """Large amounts have cents, small ones two digits; rounding is half up."""
    assert show.short_usd(nanos) == text


def test_exact_money_has_nine_decimals() -> None:
    """What stands behind a short amount is the whole amount."""
    assert show.exact_usd(12_345_678) == "$0.012345678"
    assert show.exact_usd(-1) == "-$0.000000001"


def test_prices_are_per_million_and_exact() -> None:
    """A price has at least cents and never loses a digit."""
    assert show.per_million(1_250_000_000) == "$1.25"
    assert show.per_million(10_000_000_000) == "$10.00"
    assert show.per_million(3_625_000) == "$0.003625"
    assert show.per_million(0) == "$0.00"


@pytest.mark.parametrize(
    ("duration_us", "text"),
    [(420, "0.4 ms"), (812_999, "812 ms"), (1_249_000, "1.24 s"), (125_000_000, "2 min 5 s")],
)
def test_durations_have_a_fitting_unit(duration_us: int, text: str) -> None:
    """Short ones are in milliseconds, long ones in minutes."""
    assert show.span(duration_us) == text


def test_shares_stay_within_the_whole() -> None:
    """A bar is never longer than its track, and nothing is no share."""
    assert show.permille(1, 3) == 333
    assert show.permille(5, 3) == 1000
    assert show.permille(-5, 3) == 0
    assert show.permille(5, 0) == 0
    assert show.percent(5, 4) == "125 %"
    assert show.percent(1, 1000) == "under 1 %"
    assert show.percent(0, 1000) == "0 %"


def test_times_are_in_the_given_zone() -> None:
    """Today's are hours, older ones have their day, full ones name the zone."""
    moment = to_datetime(AT_NS).astimezone(BERLIN)
    yesterday_ns = from_datetime(moment - timedelta(days=1))

    assert show.clock(AT_NS, AT_NS, BERLIN) == f"{moment:%H:%M:%S}"
    assert show.clock(yesterday_ns, AT_NS, BERLIN) == f"{moment.day - 1:02d} Nov {moment:%H:%M:%S}"
    assert show.full_time(AT_NS, BERLIN).endswith(".250 CET")


def test_zones_have_names_that_browsers_know() -> None:
    """A zone without a name is told by its offset."""
    assert show.zone_name(BERLIN) == "Europe/Berlin"
    assert show.zone_name(timezone(timedelta())) == "UTC"
    assert show.zone_name(timezone(timedelta(hours=-3, minutes=-30))) == "-03:30"
