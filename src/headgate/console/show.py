"""How figures are written on pages: money, tokens, times; pure and without floats."""

from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from headgate.units.instants import to_datetime
from headgate.units.money import format_usd

DIGITS = 2


def exact_usd(amount_nanos: int) -> str:
    """Return `$0.012345678`: all nine decimals."""
    return _signed(amount_nanos, format_usd(abs(amount_nanos)))


def short_usd(amount_nanos: int) -> str:
    """Return an amount to look at: `$1,234.50`, `$0.36`, `$0.012`, `$0.0000012`; half up.

    Two decimals, and below ten cents as many more as two digits take; `chart.js` does the same.
    """
    size = abs(amount_nanos)
    decimals = 2 if size == 0 else min(9, max(2, 9 - len(str(size)) + DIGITS))
    units = _half_up(size, decimals)
    if decimals > 2 and units == 10**DIGITS:
        # Rounded up to one digit more, which is one decimal less.
        decimals -= 1
        units = _half_up(size, decimals)
    dollars, rest = divmod(units, 10**decimals)
    return _signed(amount_nanos, f"{dollars:,}.{rest:0{decimals}d}")


def _half_up(size_nanos: int, decimals: int) -> int:
    scale: int = 10 ** (9 - decimals)
    return (size_nanos + scale // 2) // scale


def _signed(amount_nanos: int, text: str) -> str:
    return f"{'-' if amount_nanos < 0 else ''}${text}"


def per_million(price_femto: int) -> str:
    """Return the dollars a million units cost, exact: `$0.435`."""
    price = Decimal(price_femto).scaleb(-9)
    cents = price.quantize(Decimal("0.01"))
    return f"${cents if cents == price else price.normalize():f}"


def count(quantity: int) -> str:
    """Return `12,345`."""
    return f"{quantity:,}"


def span(duration_us: int) -> str:
    """Return how long something took: `0.4 ms`, `812 ms`, `1.24 s`, `2 min 5 s`."""
    if duration_us < 10_000:
        return f"{duration_us // 1_000}.{duration_us % 1_000 // 100} ms"
    if duration_us < 1_000_000:
        return f"{duration_us // 1_000} ms"
    if duration_us < 60_000_000:
        return f"{duration_us // 1_000_000}.{duration_us % 1_000_000 // 10_000:02d} s"
    minutes, seconds = divmod(duration_us // 1_000_000, 60)
    return f"{minutes:,} min {seconds} s"


def permille(part: int, whole: int) -> int:
    """Return how much of the whole a part is, within 0..1000; all of nothing is nothing."""
    if whole <= 0:
        return 0
    return max(0, min(1000, (part * 1000 + whole // 2) // whole))


def percent(part: int, whole: int) -> str:
    """Return `37 %`, cut to whole ones; more than all is said as it is."""
    if 0 < part * 100 < whole:
        return "under 1 %"
    return f"{part * 100 // whole if whole > 0 else 100} %"


def clock(at_ns: int, now_ns: int, zone: tzinfo) -> str:
    """Return `14:03:22`, with the day before it when that is not today."""
    moment, today = to_datetime(at_ns).astimezone(zone), to_datetime(now_ns).astimezone(zone)
    form = "%H:%M:%S" if moment.date() == today.date() else "%d %b %H:%M:%S"
    return moment.strftime(form)


def ago(span_ns: int) -> str:
    """Return `just now`, `5 min ago`, `3 h ago`, `12 days ago`."""
    minutes = span_ns // 60_000_000_000
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 48 * 60:
        return f"{minutes // 60} h ago"
    return f"{minutes // (24 * 60)} days ago"


def full_time(at_ns: int, zone: tzinfo) -> str:
    """Return `2026-11-21 14:03:22.123 CET`."""
    moment = to_datetime(at_ns).astimezone(zone)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d} {moment.tzname()}"


def renewal(renews_ns: int, now_ns: int, zone: tzinfo) -> str:
    """Return when a budget renews: `1 Dec, in 9 days`."""
    moment, now = to_datetime(renews_ns).astimezone(zone), to_datetime(now_ns).astimezone(zone)
    days = (moment.date() - now.date()).days
    away = "tomorrow" if days == 1 else f"in {days} days"
    return f"{moment.day} {moment:%b}, {away}"


def zone_name(zone: tzinfo) -> str:
    """Return a zone's name as browsers know it: `Europe/Berlin`, `UTC`, `+02:00`."""
    key = getattr(zone, "key", None)
    if isinstance(key, str):
        return key
    offset = zone.utcoffset(datetime.fromtimestamp(0, zone)) or timedelta()
    if not offset:
        return "UTC"
    minutes = abs(offset) // timedelta(minutes=1)
    return f"{'-' if offset < timedelta() else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
