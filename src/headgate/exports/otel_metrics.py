"""OpenTelemetry's metrics of generative AI: tokens and durations, as histograms since the start."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from headgate.exports import otel_names as names
from headgate.exports.otel_spans import MICROS_PER_SECOND, operation_of, provider_of
from headgate.exports.otlp import CUMULATIVE, Histogram, HistogramPoint, Metric, attributes
from headgate.exports.reading import Known
from headgate.exports.tally import BOUNDS_US, Labels, bounded
from headgate.insights.calls import AttemptRow

WHO = (names.OPERATION_NAME, names.PROVIDER_NAME, names.REQUEST_MODEL, names.RESPONSE_MODEL)
USED, TIMED = (*WHO, names.TOKEN_TYPE), (*WHO, names.ERROR_TYPE)


@dataclass(slots=True)
class _Counts:
    """Values under one combination of attributes; a count more than bounds."""

    counts: list[int]
    sum: int = 0


@dataclass(slots=True)
class _Distribution:
    """A histogram of whole numbers by its attributes."""

    name: str
    unit: str
    bounds: tuple[int, ...]
    unit_of: int
    keys: tuple[str, ...]
    points: dict[Labels, _Counts] = field(default_factory=dict)

    def add(self, labels: Labels, value: int) -> None:
        empty = _Counts([0] * (len(self.bounds) + 1))
        point = self.points.setdefault(bounded(labels, self.points), empty)
        point.counts[bisect_left(self.bounds, value)] += 1
        point.sum += value

    def metric(self, start_ns: int, now_ns: int) -> Metric:
        points = [
            HistogramPoint(
                attributes=attributes(
                    {key: one or None for key, one in zip(self.keys, labels, strict=True)}
                ),
                start_time_unix_nano=str(start_ns),
                time_unix_nano=str(now_ns),
                count=str(sum(point.counts)),
                sum=point.sum / self.unit_of,
                bucket_counts=[str(count) for count in point.counts],
                explicit_bounds=[bound / self.unit_of for bound in self.bounds],
            )
            for labels, point in self.points.items()
        ]
        return Metric(self.name, self.unit, Histogram(points, CUMULATIVE))


class Meters:
    """What was counted since an instant; attributes are bounded as those of `tally` are."""

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._tokens = _Distribution(names.TOKEN_USAGE, "{token}", names.TOKEN_BOUNDS, 1, USED)
        self._durations = _Distribution(
            names.OPERATION_DURATION, "s", BOUNDS_US, MICROS_PER_SECOND, TIMED
        )

    def count(self, rows: Iterable[AttemptRow], known: dict[str, Known]) -> None:
        """Count attempts that reached a provider."""
        for row in rows:
            if row.state == "void":
                continue
            of = known.get(row.deployment, Known(row.deployment))
            who = (operation_of(row), provider_of(of), of.model or row.deployment)
            answered = (*who, row.served_model or "")
            if row.usage:
                self._tokens.add((*answered, names.TOKEN_INPUT), row.input_tokens)
                self._tokens.add((*answered, names.TOKEN_OUTPUT), row.output_tokens)
            failed = row.is_failure or row.state != "measured"
            self._durations.add(
                (*answered, (row.reason or row.state) if failed else ""), row.duration_us
            )

    def metrics(self, now_ns: int) -> list[Metric]:
        """Return all metrics that have points."""
        found = (each for each in (self._tokens, self._durations) if each.points)
        return [each.metric(self._start_ns, now_ns) for each in found]
