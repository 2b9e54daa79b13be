"""The headers in which OpenAI's clients are told of limits of a minute.

x-ratelimit-limit-requests: 60          how many may be made
x-ratelimit-remaining-requests: 59      how many may be made now
x-ratelimit-reset-requests: 1s          how long until the limit is as it was at first

And the same for `tokens`; a time is `6m0s`, `8.64s` or `120ms`
(https://platform.openai.com/docs/guides/rate-limits).
"""

from collections.abc import Iterable

from headgate.records.minutes import LimitStanding

NANOS_PER_MS = 1_000_000
MS_PER_MINUTE = 60_000


def render_limits(standings: Iterable[LimitStanding]) -> bytes:
    """Render header lines that tell how limits stand."""
    return b"".join(
        b"x-ratelimit-limit-%b: %d\r\nx-ratelimit-remaining-%b: %d\r\nx-ratelimit-reset-%b: %b\r\n"
        % (what, each.limit, what, each.left, what, _span(each.full_ns))
        for each in standings
        for what in (each.what.encode(),)
    )


def _span(nanos: int) -> bytes:
    """Return a time in OpenAI's words, rounded up to a millisecond."""
    ms = -(-nanos // NANOS_PER_MS)
    if 0 < ms < 1_000:
        return b"%dms" % ms
    minutes, ms = divmod(ms, MS_PER_MINUTE)
    seconds, ms = divmod(ms, 1_000)
    text = b"%d.%03d" % (seconds, ms) if ms else b"%d" % seconds
    text = text.rstrip(b"0") if ms else text
    return (b"%dm" % minutes if minutes else b"") + text + b"s"
