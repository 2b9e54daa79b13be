"""What replies say of when to come back: retry times and rate limits that are used up; pure.

retry-after: 3                              RFC 9110, seconds or a date
retry-after-ms: 250                         the same, finer
x-ratelimit-remaining-requests: 0           with x-ratelimit-reset-requests: 6m0s
anthropic-ratelimit-tokens-remaining: 0     with anthropic-ratelimit-tokens-reset: a time
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from headgate.units.instants import NANOS_PER_SECOND

USED_UP: Final = b": 0\r\n"
"""What header lines hold where a limit may be used up: those without it need not be read.

`find` looks for it: `in` tries whether the bytes are a number first, which takes five times longer.
"""
RETRY_DEFAULT_NS: Final = NANOS_PER_SECOND
"""How long a deployment is left alone that throttles without saying for how long."""

_PARTS: Final = re.compile(r"(\d+)(?:\.(\d+))?(ms|h|m|s)")
_SPAN: Final = re.compile(rf"(?:{_PARTS.pattern})+")
_NANOS: Final[dict[str, int]] = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6}
_DIGITS_MAX: Final = 15
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_SECONDS_MIN, _EPOCH_MILLIS_MIN = 10**9, 10**12


def not_before_ns(lines: bytes, now_ns: int, *, throttled: bool) -> int:
    """Return the instant before which the deployment should not be asked; 0 for none.

    Args:
        lines: Header lines of its reply, with lower-case names.
        now_ns: When the reply came.
        throttled: Whether the reply itself says that it was one too many.
    """
    headers = dict(_split(lines))
    times = [at_ns for at_ns in _resets(headers, now_ns) if at_ns > now_ns]
    if throttled:
        asked = _retry_after_ns(headers, now_ns)
        if asked is not None:
            times.append(asked)
        elif not times:
            times.append(now_ns + RETRY_DEFAULT_NS)
    return max(times, default=0)


def wait_s(lines: bytes, now_s: int) -> int | None:
    """Return after how many seconds a reply says that a new try makes sense; None for nothing.

    Args:
        lines: Its header lines, with lower-case names.
        now_s: When it came, in seconds since 1970 UTC.
    """
    now_ns = now_s * NANOS_PER_SECOND
    at_ns = _retry_after_ns(dict(_split(lines)), now_ns)
    return None if at_ns is None else max(0, -((now_ns - at_ns) // NANOS_PER_SECOND))


def _split(lines: bytes) -> Iterator[tuple[str, str]]:
    for line in lines.decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            yield name, value.strip()


def _retry_after_ns(headers: Mapping[str, str], now_ns: int) -> int | None:
    millis = headers.get("retry-after-ms", "")
    if _is_number(millis):
        return now_ns + int(millis) * 10**6
    text = headers.get("retry-after", "")
    if _is_number(text):
        return now_ns + int(text) * NANOS_PER_SECOND
    try:
        return _instant_ns(parsedate_to_datetime(text))
    except (ValueError, TypeError):
        return None


def _resets(headers: Mapping[str, str], now_ns: int) -> Iterator[int]:
    """Yield when each limit that is used up is renewed."""
    for name, value in headers.items():
        if value == "0" and "ratelimit" in name and "remaining" in name:
            reset = _reset_ns(headers.get(name.replace("remaining", "reset"), ""), now_ns)
            if reset is not None:
                yield reset


def _reset_ns(text: str, now_ns: int) -> int | None:
    """Return the instant in a reset header: a span, seconds, a Unix time, or a date and time."""
    if _is_number(text):
        number = int(text)
        if number >= _EPOCH_MILLIS_MIN:
            return number * 10**6
        base_ns = 0 if number >= _EPOCH_SECONDS_MIN else now_ns
        return base_ns + number * NANOS_PER_SECOND
    if _SPAN.fullmatch(text) and len(text) <= 2 * _DIGITS_MAX:
        return now_ns + sum(_part_ns(*part) for part in _PARTS.findall(text))
    try:
        return _instant_ns(datetime.fromisoformat(text))
    except ValueError:
        return None


def _part_ns(whole: str, fraction: str, unit: str) -> int:
    nanos: int = _NANOS[unit]
    part: int = int(fraction or 0) * nanos // 10 ** len(fraction)
    return int(whole) * nanos + part


def _instant_ns(at: datetime) -> int:
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    micros: int = (aware - _EPOCH) // timedelta(microseconds=1)
    return micros * 1_000


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX
