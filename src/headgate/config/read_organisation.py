"""`[organisation]`: the root of the budget tree, and when its days, weeks and years begin."""

from datetime import date, datetime, tzinfo
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
    if isinstance(day, datetime):
        return from_datetime(day if day.tzinfo else day.replace(tzinfo=zone))
    if isinstance(day, date):
        return from_datetime(datetime(day.year, day.month, day.day, tzinfo=zone))
    problems.add(key, "This is no day.", "Write a date, such as 2026-01-01.")
    return None


def zone_from(name: str, key: str, problems: Problems) -> tzinfo:
    """Return a time zone by its name; UTC for one that there is not, which is noted."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        fix = near(name, sorted(available_timezones()), "time zone")
        problems.add(key, f"There is no zone {name!r}.", fix)
        return ZoneInfo("UTC")
