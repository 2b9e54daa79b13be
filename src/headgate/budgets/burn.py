"""How fast a budget is used up, and when it will be at this pace; pure.

Two paces are looked at, that of the last hour and that of the last five minutes, and the slower
one counts: a burst that is over is no alarm, and what began an hour ago but goes on is.
"""

from collections.abc import Sequence
from typing import NamedTuple

from headgate.units.instants import NANOS_PER_SECOND

LONG_NS = 3_600 * NANOS_PER_SECOND
SHORT_NS = 300 * NANOS_PER_SECOND
SPAN_MIN_NS = 30 * NANOS_PER_SECOND
"""Less than this says nothing about a pace."""


class Sample(NamedTuple):
    """What was posted on a window by an instant."""

    at_ns: int
    posted_nanos: int


class Burn(NamedTuple):
    """The pace of a window.

    Attributes:
        spent_last_hour_nanos: Posted in the last hour, or since it is watched.
        exhausted_ns: When nothing will be left at this pace; None: not before it renews.
    """

    spent_last_hour_nanos: int
    exhausted_ns: int | None

    def alarms(self, now_ns: int, within_ns: int) -> bool:
        """Tell whether the window will be used up within a time from now."""
        return self.exhausted_ns is not None and self.exhausted_ns - now_ns <= within_ns


def burn_of(samples: Sequence[Sample], free_nanos: int, renews_ns: int | None) -> Burn:
    """Return the pace of a window.

    Args:
        samples: The newest last, in order; the newest is the present.
        free_nanos: What is left; nothing or less: it is used up now.
        renews_ns: When the window ends, None when it never does.
    """
    if not samples:
        return Burn(0, None)
    now = samples[-1]
    # A correction may have taken more back than was spent since.
    spent_hour = max(0, now.posted_nanos - _since(samples, now.at_ns - LONG_NS).posted_nanos)
    if free_nanos <= 0:
        return Burn(spent_hour, now.at_ns)
    left_ns = []
    for width_ns in (LONG_NS, SHORT_NS):
        first = _since(samples, now.at_ns - width_ns)
        span_ns, spent = now.at_ns - first.at_ns, now.posted_nanos - first.posted_nanos
        if span_ns < SPAN_MIN_NS or spent <= 0:
            return Burn(spent_hour, None)
        left_ns.append(free_nanos * span_ns // spent)
    exhausted_ns = now.at_ns + max(left_ns)
    if renews_ns is not None and exhausted_ns >= renews_ns:
        return Burn(spent_hour, None)
    return Burn(spent_hour, exhausted_ns)


def _since(samples: Sequence[Sample], from_ns: int) -> Sample:
    """Return the first sample at or behind an instant."""
    return next(sample for sample in samples if sample.at_ns >= from_ns)
