"""Time bands: the hours of a week, in the seller's zone, in which other prices hold."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from headgate.units.instants import from_datetime, to_datetime

MINUTES_PER_DAY = 24 * 60
_LOOKAHEAD_DAYS = 15
"""How far `next_edge_ns` looks; longer than any run of days without the band is likely to be."""


class BandError(ValueError):
    """A band's zone or windows make no sense."""


@dataclass(frozen=True, slots=True)
class Band:
    """A weekly pattern of hours.

    Attributes:
        seller: Who sells by this band.
        name: What rows call it, such as `peak`.
        zone: An IANA zone, or a fixed offset such as `UTC` or `UTC+08:00`.
        windows: Half-open (start, end) in minutes of the local day, 0 to 1440, start first.
        weekdays: ISO days of the local date it holds on, 1 (Monday) to 7.
        except_dates: Local dates on which it does not hold. A holiday that is not listed counts
            as an ordinary day.
    """

    seller: str
    name: str
    zone: str
    windows: tuple[tuple[int, int], ...]
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    except_dates: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        zone_of(self.zone)
        for start, end in self.windows:
            if not 0 <= start < end <= MINUTES_PER_DAY:
                raise BandError(f"band {self.name}: a window must start before it ends, in one day")
        if not self.windows or not set(self.weekdays) <= set(range(1, 8)):
            raise BandError(f"band {self.name}: it needs windows, and weekdays within 1 to 7")

    def covers(self, at_ns: int) -> bool:
        """Tell whether the band holds at an instant."""
        return any(start <= at_ns < end for start, end in self._spans(self._local_date(at_ns)))

    def next_edge_ns(self, at_ns: int) -> int:
        """Return an instant after `at_ns` up to which `covers` gives the same answer.

        It is the next start or end of the band, or the end of the days looked ahead.
        """
        today = self._local_date(at_ns)
        for ahead in range(_LOOKAHEAD_DAYS):
            spans = self._spans(today + timedelta(days=ahead))
            later = [edge for span in spans for edge in span if edge > at_ns]
            if later:
                return min(later)
        return self._instant(today + timedelta(days=_LOOKAHEAD_DAYS), 0)

    def _local_date(self, at_ns: int) -> date:
        return to_datetime(at_ns).astimezone(zone_of(self.zone)).date()

    def _spans(self, day: date) -> list[tuple[int, int]]:
        if day.isoweekday() not in self.weekdays or day in self.except_dates:
            return []
        return [(self._instant(day, start), self._instant(day, end)) for start, end in self.windows]

    def _instant(self, day: date, minute: int) -> int:
        days, minute_of_day = divmod(minute, MINUTES_PER_DAY)
        wall = datetime.combine(day + timedelta(days=days), time(*divmod(minute_of_day, 60)))
        return from_datetime(wall.replace(tzinfo=zone_of(self.zone)))


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """Return the zone of a name such as `Asia/Shanghai`, `UTC` or `UTC+08:00`.

    Raises:
        BandError: There is no such zone.
    """
    if name == "UTC":
        return UTC
    try:
        if name.startswith("UTC"):
            offset = datetime.strptime(name.removeprefix("UTC"), "%z").utcoffset()
            return timezone(offset or timedelta())
        return ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise BandError(f"{name!r} is not a time zone, such as 'UTC' or 'UTC+08:00'") from error


def parse_window(text: str) -> tuple[int, int]:
    """Return the minutes of `"09:00-12:00"`; the end may be `24:00`.

    Raises:
        BandError: The text is not two times of day.
    """
    try:
        start, end = text.split("-")
        return _minutes(start), _minutes(end)
    except ValueError as error:
        raise BandError(f"{text!r} is not a window, such as '09:00-12:00'") from error


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
