"""How two models compare on the same tasks, and whether one may take the other's place.

A model's success rate has Wilson's interval (1927), a difference of two on the same tasks
Newcombe's for paired rates (1998, method 10), whose parts are Wilson's: both hold with few tasks
and with none that differ, where resampling would call anything certain. With repeats a task counts
once, as the share of its repeats that succeeded: repeats of a task say less than other tasks do.
A swap is safe when the whole interval of the difference is above minus the margin: that is a test
of non-inferiority. With several candidates all their intervals hold at once (Bonferroni).
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from statistics import NormalDist
from typing import Literal, NamedTuple

COVERAGE = 0.95
TASKS_TOLD_MAX = 1_000_000
"""Where more tasks than this would be needed, that is said instead of a number."""

Verdict = Literal["safe", "not safe", "not enough tasks"]


class Interval(NamedTuple):
    """A share or a difference of shares, with the ends of its interval."""

    value: float
    low: float
    high: float


class Table(NamedTuple):
    """Tasks by who succeeded; fractions where a task was repeated.

    Attributes:
        both: Where both did.
        ours: Where the candidate alone did.
        theirs: Where the baseline alone did.
        neither: Where none did.
    """

    both: float
    ours: float
    theirs: float
    neither: float

    @property
    def tasks(self) -> float:
        """How many."""
        return sum(self)

    def times(self, factor: float) -> "Table":
        """Return so many times the tasks, with the same shares."""
        return Table(*(factor * count for count in self))


class Swap(NamedTuple):
    """What is known of a candidate in place of the baseline.

    Attributes:
        difference: Of success rates, candidate minus baseline.
        mcnemar: The chance of so uneven a split of the tasks in which they differ, were both as
            good (two-sided, exact); None with repeats.
        more: How many more tasks would do, were the shares as they are; None when no number would,
            or it is settled.
    """

    difference: Interval
    verdict: Verdict
    mcnemar: float | None
    more: int | None


def wilson(successes: float, tasks: float, coverage: float = COVERAGE) -> Interval:
    """Return the success rate with its interval; of no tasks nothing is known."""
    if tasks <= 0:
        return Interval(0.5, 0.0, 1.0)
    z2 = _z(coverage) ** 2
    rate = successes / tasks
    centre = (rate + z2 / (2 * tasks)) / (1 + z2 / tasks)
    half = math.sqrt(z2 * (rate * (1 - rate) / tasks + z2 / (4 * tasks**2))) / (1 + z2 / tasks)
    return Interval(rate, max(0.0, centre - half), min(1.0, centre + half))


def table_of(ours: Sequence[float], theirs: Sequence[float]) -> Table:
    """Return who succeeded where, from the shares of repeats by task that did."""
    pairs = list(zip(ours, theirs, strict=True))
    return Table(
        sum(x * y for x, y in pairs),
        sum(x * (1 - y) for x, y in pairs),
        sum((1 - x) * y for x, y in pairs),
        sum((1 - x) * (1 - y) for x, y in pairs),
    )


def newcombe(table: Table, coverage: float) -> Interval:
    """Return the difference of the candidate's and the baseline's rate, with its interval."""
    tasks = table.tasks
    ours = wilson(table.both + table.ours, tasks, coverage)
    theirs = wilson(table.both + table.theirs, tasks, coverage)
    phi = _phi(table)
    down = _reach(ours.value - ours.low, theirs.high - theirs.value, phi)
    up = _reach(ours.high - ours.value, theirs.value - theirs.low, phi)
    difference = ours.value - theirs.value
    return Interval(difference, max(-1.0, difference - down), min(1.0, difference + up))


def _reach(own: float, other: float, phi: float) -> float:
    square = own * own - 2 * phi * own * other + other * other
    return math.sqrt(max(0.0, square))


def _phi(table: Table) -> float:
    """Return how the two go together, with Newcombe's correction for continuity."""
    both, ours, theirs, neither = table
    sides = (both + ours) * (theirs + neither) * (both + theirs) * (ours + neither)
    if sides <= 0:
        return 0.0
    crossed = both * neither - ours * theirs
    if crossed > 0:
        crossed = max(0.0, crossed - table.tasks / 2)
    return crossed / math.sqrt(sides)


def mcnemar(ours: int, theirs: int) -> float:
    """Return McNemar's exact p, two-sided, for the tasks in which one succeeded alone."""
    both_ways = ours + theirs
    if not both_ways:
        return 1.0
    tail = sum(math.comb(both_ways, k) for k in range(min(ours, theirs) + 1))
    # Whole numbers to the end: two to the power of a thousand is no float.
    return min(1.0, float(Fraction(2 * tail, 1 << both_ways)))


def swap(ours: Sequence[float], theirs: Sequence[float], *, margin: float, candidates: int) -> Swap:
    """Return what is known of a candidate in place of the baseline.

    Args:
        ours: By task, the share of the candidate's repeats that succeeded.
        theirs: The baseline's, of the same tasks.
        margin: How much less success is taken for no loss, as a share.
        candidates: How many are compared at once.
    """
    coverage = 1 - (1 - COVERAGE) / max(1, candidates)
    table = table_of(ours, theirs)
    difference = newcombe(table, coverage) if ours else Interval(0.0, -1.0, 1.0)
    whole = all(one in (0.0, 1.0) for one in (*ours, *theirs))
    chance = mcnemar(round(table.ours), round(table.theirs)) if whole else None
    if difference.low > -margin:
        return Swap(difference, "safe", chance, None)
    if difference.high < -margin:
        return Swap(difference, "not safe", chance, None)
    return Swap(difference, "not enough tasks", chance, _more(table, margin, coverage))


def _more(table: Table, margin: float, coverage: float) -> int | None:
    """Return how many more tasks of the same shares would settle it in favour of the swap."""
    tasks = table.tasks
    if tasks <= 0 or (table.ours - table.theirs) / tasks <= -margin:
        return None
    few, many = tasks, tasks * 2
    while newcombe(table.times(many / tasks), coverage).low <= -margin:
        few, many = many, many * 2
        if many > TASKS_TOLD_MAX:
            return None
    while many - few > 1:
        middle = (few + many) / 2
        enough = newcombe(table.times(middle / tasks), coverage).low > -margin
        few, many = (few, middle) if enough else (middle, many)
    return math.ceil(many - tasks)


def _z(coverage: float) -> float:
    return NormalDist().inv_cdf(1 - (1 - coverage) / 2)
