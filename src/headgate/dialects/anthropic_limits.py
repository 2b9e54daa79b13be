"""The headers in which Anthropic's clients are told of limits of a minute.

anthropic-ratelimit-requests-limit: 50                      how many may be made
anthropic-ratelimit-requests-remaining: 49                  how many may be made now
anthropic-ratelimit-requests-reset: 2026-11-21T10:00:02Z    when the limit is as it was at first

And the same for `tokens` (https://docs.anthropic.com/en/api/rate-limits#response-headers; times are
of RFC 3339).
"""

from collections.abc import Iterable

from headgate.records.minutes import LimitStanding
from headgate.units.instants import NANOS_PER_SECOND, to_datetime

_LINES = (
    b"anthropic-ratelimit-%b-limit: %d\r\n"
    b"anthropic-ratelimit-%b-remaining: %d\r\n"
    b"anthropic-ratelimit-%b-reset: %b\r\n"
)


def render_limits(standings: Iterable[LimitStanding]) -> bytes:
    """Render header lines that tell how limits stand."""
    return b"".join(
        _LINES % (what, each.limit, what, each.left, what, _instant(each.at_ns + each.full_ns))
        for each in standings
        for what in (each.what.encode(),)
    )


def _instant(at_ns: int) -> bytes:
    """Return an instant as Anthropic writes it, rounded up to a second."""
    second_ns = -(-at_ns // NANOS_PER_SECOND) * NANOS_PER_SECOND
    return to_datetime(second_ns).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
