"""Who reads: the zone and the looks a browser asked for, remembered by it in two cookies."""

from datetime import datetime, tzinfo
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from starlette.requests import Request

from headgate.console import show
from headgate.units.instants import from_datetime, to_datetime, to_iso

ZONE_COOKIE = "headgate_zone"
THEME_COOKIE = "headgate_theme"
THEMES = ("light", "dark")
AT_NS_END = 2**63
"""The store's instants end here."""


class Reader(NamedTuple):
    """A reader, at the instant of a request.

    Attributes:
        zone: Times are shown in it: the browser's, or the organisation's until it is known.
        theme: `light`, `dark`, or empty: as the system has it.
    """

    zone: tzinfo
    theme: str
    now_ns: int

    @property
    def zone_name(self) -> str:
        """The zone as browsers call it."""
        return show.zone_name(self.zone)

    def clock(self, at_ns: int) -> str:
        """Return the time of day, with the day before it when that is not today."""
        return show.clock(at_ns, self.now_ns, self.zone)

    def day(self, at_ns: int) -> str:
        """Return the day: `21 Nov 2026`."""
        moment = to_datetime(at_ns).astimezone(self.zone)
        return f"{moment.day} {moment:%b %Y}"

    def full(self, at_ns: int) -> str:
        """Return the whole time with its zone."""
        return show.full_time(at_ns, self.zone)

    def utc(self, at_ns: int) -> str:
        """Return the whole time in UTC, for a tooltip."""
        return to_iso(at_ns).replace("T", " ").replace("Z", " UTC")

    def ago(self, at_ns: int) -> str:
        """Return how long ago that was: `3 min ago`."""
        return show.ago(self.now_ns - at_ns)

    def instant(self, text: str) -> int:
        """Return the instant of a date or date-time; one without an offset is in the own zone.

        Raises:
            ValueError: It is neither, or not between 1970 and 2262.
        """
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.zone)
        at_ns = from_datetime(moment)
        if not 0 <= at_ns < AT_NS_END:
            raise ValueError(f"{text} is too far away")
        return at_ns


def reader_of(request: Request, zone: tzinfo, now_ns: int) -> Reader:
    """Return who asks; `zone` is that of the organisation."""
    theme = request.cookies.get(THEME_COOKIE, "")
    name = request.cookies.get(ZONE_COOKIE, "")
    known = ZoneInfo(name) if name in _zones() else zone
    return Reader(known, theme if theme in THEMES else "", now_ns)


@cache
def _zones() -> frozenset[str]:
    """Return the zones this machine knows; only these names are ever looked up."""
    return frozenset(available_timezones())
