"""Use cut into windows: how a plan meters it, and how a mean of it can be taken."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from headgate.units.instants import NANOS_PER_SECOND

MINUTE_NS = 60 * NANOS_PER_SECOND
DAY_NS = 24 * 60 * MINUTE_NS
WEEK_DAYS = 7
WEEK_MINUTES = WEEK_DAYS * 24 * 60


class Use(NamedTuple):
    """Usage of a plan at an instant, valued at API list price."""

    at_ns: int
    nanos: int


class Window(NamedTuple):
    """A span of a plan's meter and what was used in it."""

    start_ns: int
    end_ns: int
    nanos: int


def rolling(uses: Sequence[Use], minutes: int) -> tuple[Window, ...]:
    """Return the windows that each begin with the first use after the one before has ended.

    That is how sellers describe their short window. `uses` are by time.
    """
    windows: list[Window] = []
    for use in uses:
        if windows and use.at_ns < windows[-1].end_ns:
            windows[-1] = windows[-1]._replace(nanos=windows[-1].nanos + use.nanos)
        else:
            windows.append(Window(use.at_ns, use.at_ns + minutes * MINUTE_NS, use.nanos))
    return tuple(windows)


def weeks(uses: Sequence[Use]) -> tuple[Window, ...]:
    """Return the whole weeks up to the last day of use (UTC), the oldest first, idle ones too.

    A plan's week begins when the seller says, which no log tells; whole weeks counted back from
    the last day are as long. What lies before the first whole week is in none.
    """
    if not uses:
        return ()
    end_ns = uses[-1].at_ns - uses[-1].at_ns % DAY_NS + DAY_NS
    first_day_ns = uses[0].at_ns - uses[0].at_ns % DAY_NS
    count = (end_ns - first_day_ns) // (WEEK_DAYS * DAY_NS)
    sums = [0] * count
    for use in uses:
        back = (end_ns - 1 - use.at_ns) // (WEEK_DAYS * DAY_NS)
        if back < count:
            sums[count - 1 - back] += use.nanos
    start_ns = end_ns - count * WEEK_DAYS * DAY_NS
    edges = [start_ns + index * WEEK_DAYS * DAY_NS for index in range(count + 1)]
    return tuple(
        Window(begin, end, nanos) for (begin, end), nanos in zip(pairwise(edges), sums, strict=True)
    )


def quantile(values: Iterable[int], percent: int) -> int:
    """Return the smallest value that `percent` of all values do not exceed; 0 of none."""
    ordered = sorted(values)
    if not ordered:
        return 0
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
