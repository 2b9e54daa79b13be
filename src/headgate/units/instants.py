"""Instants: whole nanoseconds since 1970 UTC; the clock itself is always a parameter."""

from datetime import UTC, datetime
from typing import Final

NANOS_PER_SECOND: Final = 1_000_000_000


def from_datetime(moment: datetime) -> int:
    """Return the instant of an aware datetime, exact to the microsecond.

    Raises:
        ValueError: `moment` has no zone; a naive time is a guess.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    seconds = delta.days * 86_400 + delta.seconds
    return seconds * NANOS_PER_SECOND + delta.microseconds * 1_000


def earliest(*ends_ns: int | None) -> int | None:
    """Return the first of some ends; None stands for never."""
    return min((each for each in ends_ns if each is not None), default=None)


def to_datetime(at_ns: int) -> datetime:
    """Return the UTC datetime of an instant, cut to the microsecond."""
    seconds, nanos = divmod(at_ns, NANOS_PER_SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanos // 1_000)


def to_iso(at_ns: int) -> str:
    """Return `2026-11-21T10:00:00.123Z`."""
    return to_datetime(at_ns).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_date(at_ns: int) -> str:
    """Return `2026-11-21`, the UTC day of an instant."""
    return to_datetime(at_ns).date().isoformat()
