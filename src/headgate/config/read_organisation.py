"""`[organisation]`: the root of the budget tree, and when its days, weeks and years begin."""

from datetime import UTC, date, datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from headgate.budgets.settings import Calendar
from headgate.config.check import checked
from headgate.config.problems import Problems, near
from headgate.config.shapes import OrganisationShape
from headgate.config.shapes_budgets import WEEKDAYS
from headgate.units.ids import is_name
from headgate.units.instants import from_datetime


class Organisation(NamedTuple):
    """The root; `calendar` is what its budgets go by that say nothing else."""

    id: str
    zone: tzinfo
    calendar: Calendar


def organisation_from(table: object, problems: Problems) -> Organisation:
    """Return the organisation."""
    shape = checked(table, "organisation", OrganisationShape, problems)
    if not is_name(shape.id):
        problems.add("organisation.id", f"{shape.id!r} cannot be an id.", 'Write id = "acme".')
    zone = zone_from(shape.timezone, "organisation.timezone", problems)
    calendar = Calendar(
        first_month=shape.fiscal_year_starts, first_weekday=WEEKDAYS.index(shape.week_starts)
    )
    return Organisation(shape.id, zone, calendar)


def moment_from(day: object, key: str, zone: tzinfo, problems: Problems) -> int | None:
    """Return when a day begins in a zone; a moment may have a zone of its own.

    None for no day, and for what is none, which is noted.
    """
    if day is None:
        return None
    try:
        if isinstance(day, datetime):
            return _instant(day if day.tzinfo else day.replace(tzinfo=zone))
        if isinstance(day, date):
            return _instant(datetime(day.year, day.month, day.day, tzinfo=zone))
    except OverflowError:
        # In UTC it lies before the first year that there is, or behind the last.
        pass
    problems.add(key, "This is no day.", "Write a date without quotes, such as 2026-01-01.")
    return None


def _instant(moment: datetime) -> int:
    return from_datetime(moment.astimezone(UTC))


def zone_from(name: str, key: str, problems: Problems) -> tzinfo:
    """Return a time zone by its name; UTC for one that there is not, which is noted."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        fix = near(name, sorted(available_timezones()), "time zone")
        problems.add(key, f"There is no zone {name!r}.", fix)
        return ZoneInfo("UTC")
