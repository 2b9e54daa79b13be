"""Fields of a log: times, counts and amounts as other programs write them."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

from headgate.units.instants import NANOS_PER_SECOND, from_datetime
from headgate.units.money import NANOS_PER_USD
from headgate.units.usage import QUANTITY_MAX

INSTANT_MAX_S: Final = 4_102_444_800
"""2100-01-01: a later time in a log is a slip, such as milliseconds taken for seconds."""


_USUAL_LENGTH: Final = 24
_NANOS_PER_MS: Final = 1_000_000
_NANOS_PER_MINUTE: Final = 60 * NANOS_PER_SECOND
_DIGITS_MAX: Final = 18


SUM_MAX: Final = 1_000_000_000_000
"""No report sums up more tokens in a line; its price has to fit into 64 bits."""
LOG_USD_MAX: Final = 10_000_000
"""No line of a log is about more dollars; sums of such amounts stay inside 64 bits."""


class FieldError(ValueError):
    """A field is there and makes no sense; the message says which."""


def instant_of(text: object) -> int:
    """Return the instant of ISO 8601 text or a datetime (UTC without an offset), or Unix seconds.

    Raises:
        FieldError: It is neither, or lies before 1970 or after 2100.
    """
    if isinstance(text, str):
        # Most logs write `2026-11-21T10:00:00.123Z`, and a log has many lines a minute.
        if len(text) == _USUAL_LENGTH and text[16] == ":" and text[19] == "." and text[23] == "Z":
            milliseconds = text[17:19] + text[20:23]
            if milliseconds.isdecimal() and milliseconds < "60000":
                return _minute_of(text[:16]) + int(milliseconds) * _NANOS_PER_MS
        return _any_instant(text)
    if isinstance(text, datetime):
        return from_datetime(text if text.tzinfo else text.replace(tzinfo=UTC))
    if isinstance(text, int) and not isinstance(text, bool) and 0 < text < INSTANT_MAX_S:
        return text * NANOS_PER_SECOND
    raise FieldError(f"{text!r} is not a time")


@lru_cache(maxsize=65536)
def _minute_of(text: str) -> int:
    """Return the instant of `2026-11-21T10:00`."""
    minutes = text[14:]
    if text[13] == ":" and minutes.isdecimal() and minutes < "60":
        return _hour_of(text[:13]) + int(minutes) * _NANOS_PER_MINUTE
    return _any_instant(text)


@lru_cache(maxsize=4096)
def _hour_of(text: str) -> int:
    """Return the instant of `2026-11-21T10`."""
    return _any_instant(f"{text}:00")


def _any_instant(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise FieldError(f"{text[:40]!r} is not a time") from error
    at_ns = from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    if not 0 <= at_ns < INSTANT_MAX_S * NANOS_PER_SECOND:
        raise FieldError(f"{text!r} lies outside 1970 to 2100")
    return at_ns


def count_of(value: object, name: str) -> int:
    """Return a count; nothing and empty text are zero, digits may come as text.

    Raises:
        FieldError: It is no whole number, negative, or larger than any call's.
    """
    if value is None or value == "":
        return 0
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS_MAX:
        value = int(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not value >= 0:
        raise FieldError(f"{name}: {value!r} is not a count")
    return value


def require_counts(counts: tuple[int, ...], calls: int = 1) -> None:
    """Refuse counts that no reply has, or that were made by subtracting a part from its whole.

    Raises:
        FieldError: One is negative or too large.
    """
    if min(counts) < 0:
        raise FieldError("a count is negative, or a part is larger than its whole")
    most = max(counts)
    if most > QUANTITY_MAX and most > min(QUANTITY_MAX * max(calls, 1), SUM_MAX):
        raise FieldError("a count is larger than any call's")


def nanos_of(value: object, *, per_usd: int = 1) -> int:
    """Return an amount of dollars (or cents: `per_usd` 100) in nanos, rounded half up once.

    Raises:
        FieldError: It is no decimal, or beyond `LOG_USD_MAX`. It may be negative: a
            seller's report has credits.
    """
    try:
        amount = Decimal(value) if isinstance(value, str | int | Decimal) else None
    except InvalidOperation as error:
        raise FieldError(f"{value!r} is not an amount") from error
    if amount is None or not amount.is_finite() or abs(amount) > LOG_USD_MAX * per_usd:
        raise FieldError(f"{value!r} is not an amount")
    nanos = amount * NANOS_PER_USD / per_usd
    return int(nanos.to_integral_value(ROUND_HALF_UP))
