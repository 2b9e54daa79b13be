"""Means and ratios from few values, with intervals; whole numbers in, whole numbers out.

A mean of n weeks has the interval mean -+ t s / sqrt(n), with s the standard deviation of the
weeks and t Student's 95 % quantile for n - 1: nine times in ten it holds the true mean, if weeks
are alike and do not depend on each other. Weeks that grow or shrink make it too narrow.
"""

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from math import isqrt
from typing import NamedTuple

from headgate.economics.plans.windows import MINUTE_NS, Use
from headgate.economics.usage_logs.record import Reading

WEEKS_MIN = 2
"""Whole weeks without which nothing is said."""
MONTH_WEEKS = Fraction(487, 112)
"""Weeks of a mean month: 30.4375 days / 7."""
_STUDENT_THOUSANDTHS = (6314, 2920, 2353, 2132, 2015, 1943, 1895, 1860, 1833, 1812, 1796, 1782)
_NORMAL_THOUSANDTHS = 1645

SPREAD_BP_MIN = 1_000
"""Points of a plan's meter (hundredths of a percent) that must have passed: ten percent."""
WINDOWS_MIN = 3
"""Windows of the meter with such a rise, without which no capacity is estimated."""
_RESET_SLACK_NS = 10 * MINUTE_NS


class Estimate(NamedTuple):
    """A value with its interval; all in nano-dollars."""

    low: int
    middle: int
    high: int

    def times(self, factor: Fraction) -> "Estimate":
        """Return it multiplied, each bound rounded down to a nano."""
        return Estimate(*(int(value * factor) for value in self))


def monthly(week_nanos: Sequence[int]) -> Estimate | None:
    """Return the use of a mean month from whole weeks, None from fewer than `WEEKS_MIN`."""
    count = len(week_nanos)
    if count < WEEKS_MIN:
        return None
    mean = sum(week_nanos) // count
    squares = sum((value - mean) ** 2 for value in week_nanos)
    # The standard error of the mean is sqrt(squares / (n - 1) / n).
    error = isqrt(squares // ((count - 1) * count))
    margin = error * _student(count - 1) // 1000
    return Estimate(max(0, mean - margin), mean, mean + margin).times(MONTH_WEEKS)


def next_month(week_nanos: Sequence[int]) -> Estimate | None:
    """Return what a coming month may use, None from fewer than `WEEKS_MIN` whole weeks.

    The interval of a sum of new weeks is wider than that of the mean: t s sqrt(1/n + 1/m) per
    week, with m the weeks of a month.
    """
    count = len(week_nanos)
    if count < WEEKS_MIN:
        return None
    mean = sum(week_nanos) // count
    variance = Fraction(sum((value - mean) ** 2 for value in week_nanos), count - 1)
    spread = isqrt(int(variance * (Fraction(1, count) + 1 / MONTH_WEEKS)))
    margin = spread * _student(count - 1) // 1000
    return Estimate(max(0, mean - margin), mean, mean + margin).times(MONTH_WEEKS)


def capacity(readings: Sequence[Reading], uses: Sequence[Use]) -> Estimate | None:
    """Return what a whole window of a plan's meter is worth, None when readings tell too little.

    Between two readings in one window the meter rises by some points and use by some dollars; the
    ratio of the sums over all windows is the value of a point (the regression of dollars on
    points through zero, weighted by points). The interval is the jackknife's, a window left out
    at a time. Both sequences are by time; readings are of one length of window.
    """
    pairs = _rises(readings, uses)
    points, nanos = sum(one for one, _ in pairs), sum(one for _, one in pairs)
    count = len(pairs)
    if count < WINDOWS_MIN or points < SPREAD_BP_MIN:
        return None
    whole = 10_000
    middle = nanos * whole // points
    left_out = [(nanos - used) * whole // (points - rise) for rise, used in pairs if rise < points]
    squares = sum((value - middle) ** 2 for value in left_out)
    error = isqrt(squares * (count - 1) // count)
    margin = error * _student(count - 1) // 1000
    return Estimate(max(0, middle - margin), middle, middle + margin)


def _rises(readings: Sequence[Reading], uses: Sequence[Use]) -> list[tuple[int, int]]:
    """Return per window the points its meter rose by, and the use between its two ends."""
    spans: list[tuple[Reading, Reading]] = []
    for reading in readings:
        if spans and _same_window(spans[-1][1], reading):
            spans[-1] = (spans[-1][0], reading)
        else:
            spans.append((reading, reading))
    times = [use.at_ns for use in uses]
    sums = [0, *accumulate(use.nanos for use in uses)]
    rises: list[tuple[int, int]] = []
    for first, last in spans:
        if last.used_bp > first.used_bp:
            used = sums[bisect_right(times, last.at_ns)] - sums[bisect_right(times, first.at_ns)]
            rises.append((last.used_bp - first.used_bp, used))
    return rises


def _same_window(before: Reading, after: Reading) -> bool:
    if after.used_bp < before.used_bp:
        return False
    if before.resets_ns is None or after.resets_ns is None:
        return after.at_ns - before.at_ns < after.window_minutes * MINUTE_NS
    return abs(after.resets_ns - before.resets_ns) <= _RESET_SLACK_NS


def _student(freedom: int) -> int:
    """Return thousandths of Student's 95 % quantile; the normal one from thirteen on."""
    if freedom <= len(_STUDENT_THOUSANDTHS):
        return _STUDENT_THOUSANDTHS[freedom - 1]
    return _NORMAL_THOUSANDTHS
