"""Counters of what happened since the node started; each is one sum over a bounded set of labels.

Counts and sums are integers: nano-dollars, microseconds. They are for graphs and alarms; the ledger
is the store, and it alone is exact across restarts.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from headgate.insights.calls import AttemptRow, RefusedRow

SERIES_MAX = 2_000
"""A counter has so many combinations of labels; further ones are counted together."""

OTHER = "other"
"""The value of every label of what is counted together."""

BOUNDS_US = (
    *(10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000, 1_280_000, 2_560_000),
    *(5_120_000, 10_240_000, 20_480_000, 40_960_000, 81_920_000),
)
"""Of histograms of time: the boundaries that OpenTelemetry's conventions have for such calls."""

Labels = tuple[str, ...]


class Counted:
    """A counter by its labels."""

    def __init__(self) -> None:
        self.sums: Counter[Labels] = Counter()

    def add(self, labels: Labels, amount: int = 1) -> None:
        """Add to one combination of labels."""
        self.sums[bounded(labels, self.sums)] += amount


def bounded(labels: Labels, known: Iterable[Labels]) -> Labels:
    """Return the labels, or those of what is counted together when there are too many."""
    assert isinstance(known, dict)
    return labels if labels in known or len(known) < SERIES_MAX else (OTHER,) * len(labels)


@dataclass(slots=True)
class Histogram:
    """How often a time lay under each bound.

    Attributes:
        counts: Per bound of `BOUNDS_US`, and one for what is above all: not added up.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_US) + 1))
    sum_us: int = 0

    def add(self, time_us: int) -> None:
        """Count a time."""
        self.counts[bisect_left(BOUNDS_US, time_us)] += 1
        self.sum_us += time_us


class Timed:
    """Histograms by their labels."""

    def __init__(self) -> None:
        self.histograms: dict[Labels, Histogram] = {}

    def add(self, labels: Labels, time_us: int) -> None:
        """Count a time under one combination of labels."""
        known = bounded(labels, self.histograms)
        self.histograms.setdefault(known, Histogram()).add(time_us)


class Tally:
    """All counters; see `docs/reference/exports.md` for what each counts and by which labels."""

    def __init__(self) -> None:
        self.calls = Counted()
        self.attempts = Counted()
        self.refusals = Counted()
        self.tokens = Counted()
        self.spend_nanos = Counted()
        self.estimated_nanos = Counted()
        self.durations = Timed()
        self.first_bytes = Timed()

    def count(self, rows: Iterable[AttemptRow], refused: Iterable[RefusedRow]) -> None:
        """Count attempts that ended, and calls that were refused."""
        for row in rows:
            self._count_attempt(row)
        for no in refused:
            self.refusals.add((no.team, no.refused.code))

    def _count_attempt(self, row: AttemptRow) -> None:
        model = row.served_model or row.deployment
        if row.number == 1:
            self.calls.add((row.team,))
        outcome = "failed" if row.is_failure else row.state
        self.attempts.add((row.team, row.deployment, outcome))
        for meter, quantity in row.usage.items():
            self.tokens.add((row.team, model, meter), quantity)
        if row.posted_nanos:
            self.spend_nanos.add((row.team, model), row.posted_nanos)
        if row.state == "estimated":
            self.estimated_nanos.add((row.team, model), row.posted_nanos)
        if row.state != "void":
            self.durations.add((row.deployment,), row.duration_us)
        if row.ttft_us is not None:
            self.first_bytes.add((row.deployment,), row.ttft_us)
