"""Reading a table of the price book: key by key, so that what nobody read is refused."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from headgate.units.instants import from_datetime, to_datetime


class PriceRowError(ValueError):
    """A price row cannot be used; the message names the key."""


def short_instant(at_ns: int) -> str:
    """Return `2026-08-17`, or `2026-08-16T16:00Z` when it is not 00:00 UTC; cut to the minute."""
    moment = to_datetime(at_ns)
    whole_day = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    return moment.strftime("%Y-%m-%d" if whole_day else "%Y-%m-%dT%H:%MZ")


def instant_of(value: object) -> int:
    """Return the instant of a TOML date (00:00 UTC of that day) or date-time with offset.

    Raises:
        PriceRowError: It is neither, or has no offset.
    """
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise PriceRowError(f"{value}: a date-time needs an offset, such as Z")
        return from_datetime(value)
    if isinstance(value, date):
        return from_datetime(datetime(value.year, value.month, value.day, tzinfo=UTC))
    raise PriceRowError(f"{value!r} is not a date or date-time")


class Fields:
    """Reads a TOML table key by key and remembers what was not read.

    Every method raises `PriceRowError`, with the key, for what cannot be used.
    """

    def __init__(self, table: Mapping[str, object]) -> None:
        self._rest = dict(table)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; one without a default has to be there."""
        value = self._rest.pop(key, default)
        if not isinstance(value, str):
            raise PriceRowError(f"{key}: a text is needed")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty when it is not there."""
        value = self._rest.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise PriceRowError(f"{key}: a list of texts is needed")
        return tuple(value)

    def instant(self, key: str, default_ns: int | None = None) -> int | None:
        """Return the instant of a date or date-time."""
        value = self._rest.pop(key, None)
        if value is None:
            return default_ns
        try:
            return instant_of(value)
        except PriceRowError as error:
            raise PriceRowError(f"{key}: {error}") from error

    def count(self, key: str) -> int | None:
        """Return a whole number above zero, None when it is not there."""
        value = self._rest.pop(key, None)
        if value is not None and (type(value) is not int or value <= 0):
            raise PriceRowError(f"{key}: a whole number above zero is needed")
        return value if type(value) is int else None

    def flag(self, key: str) -> bool:
        """Return whether something is so; not when it is not there."""
        value = self._rest.pop(key, False)
        if not isinstance(value, bool):
            raise PriceRowError(f"{key}: true or false is needed")
        return value

    def table(self, key: str, default: Mapping[str, object] | None = None) -> Mapping[str, object]:
        """Return a table; one without a default has to be there."""
        value = self._rest.pop(key, default)
        if not isinstance(value, dict):
            raise PriceRowError(f"{key}: a table of prices is needed")
        return value

    def reject_rest(self) -> None:
        """Refuse what was not read."""
        if self._rest:
            raise PriceRowError(f"{', '.join(sorted(self._rest))}: no such key")
